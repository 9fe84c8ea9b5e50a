"""The administration: who enters, every page in both languages, lists that ask few questions."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cxcenter.accounts.models import User
from routing.models import Policy
from tests.admin.pages import MODELS, address

pytestmark = pytest.mark.django_db


# Session, user, the page of rows, what belongs to them: however many rows there are.
LIST_QUERIES = 16
LANGUAGES = ("en", "ru")
# The policy is one page without a list.
LISTS = [model for model in MODELS if model is not Policy]
SEARCHED = [model for model in LISTS if admin.site._registry[model].search_fields]


def name_of(model) -> str:
    return model._meta.label


# --- Who enters --------------------------------------------------------------------------------


@pytest.mark.parametrize("username", ["operator1", "senior1", "supervisor", "quality", "marketer", "integrator"])
def test_others_are_told_which_right_is_needed(username):
    client = Client()
    client.force_login(User.objects.get(username=username))
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == 403
    for model in MODELS:
        assert client.get(address(model, "changelist")).status_code == 302


def test_strangers_sign_in_at_the_one_door():
    answer = Client().get("/admin/accounts/user/", follow=True)
    assert answer.redirect_chain[-1][0] == "/sign-in/?next=/admin/accounts/user/"


def test_staff_without_the_right_sees_nothing():
    user = User.objects.get(username="operator3")
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client = Client()
    client.force_login(user)
    for model in MODELS:
        assert client.get(address(model, "changelist"), follow=True).status_code == 403


# --- Every page --------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_index_and_menu(page, boss, language):
    User.objects.filter(pk=boss.pk).update(language=language)
    answer = page.get("/admin/")
    assert answer.status_code == 200
    body = answer.content.decode()
    for group in answer.context["sidebar_navigation"]:
        for item in group["items"]:
            assert page.get(str(item["link"])).status_code in {200, 302}, item["link"]
    assert ("Настройки" in body) == (language == "ru")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_pages_open(page, boss, model, language):
    User.objects.filter(pk=boss.pk).update(language=language)
    pages = admin.site._registry[model]
    answer = page.get(address(model, "changelist"), follow=True)
    assert answer.status_code == 200
    request = answer.wsgi_request
    if pages.has_add_permission(request):
        assert page.get(address(model, "add")).status_code == 200
    row = model.objects.last()
    if row is not None:
        answer = page.get(address(model, "change", row.pk))
        assert answer.status_code == 200, row
        assert page.get(address(model, "history", row.pk)).status_code == 200


@pytest.mark.parametrize("model", LISTS, ids=name_of)
def test_lists_ask_few_questions(page, model):
    page.get(address(model, "changelist"))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert page.get(address(model, "changelist")).status_code == 200
    assert len(asked) <= LIST_QUERIES, "\n".join(query["sql"][:200] for query in asked)


@pytest.mark.parametrize("model", SEARCHED, ids=name_of)
def test_lists_are_searched(page, model):
    for word in ("norda", "S-1", "7", "'\"<b>"):
        assert page.get(address(model, "changelist"), {"q": word}).status_code == 200

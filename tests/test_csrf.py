"""No other site writes in a colleague's name: each write of the browser needs the token of our own pages."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from cxcenter.accounts.models import User
from cxcenter.core.models import AuditEntry
from routing.models import Alert, Assignment, Queue, QueueMember, WorkItem
from tests import world
from tests.board.test_acts import Place

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "a" * 32
CHANGED_BY_ACTS = (Queue, QueueMember, WorkItem, Assignment, Alert, User, AuditEntry)


@pytest.fixture
def place() -> Place:
    made = Place()
    world.on_duty(made.bob)
    return made


def browser(user: User | None) -> Client:
    client = Client(enforce_csrf_checks=True)
    if user:
        client.force_login(user)
    return client


def rows() -> list[list[str]]:
    return [sorted(map(str, model.objects.exclude(pk=None).values_list())) for model in CHANGED_BY_ACTS]


def refused(user: User | None, asked: Iterator[tuple[str, dict]]) -> None:
    """Refused without a token and to a foreign site, each time, and nothing has changed; our own pages get through."""
    client = browser(user)
    before = rows()
    for address, said in asked:
        assert client.post(address, said).status_code == 403, address
        client.cookies["csrftoken"] = TOKEN
        foreign = {"X-CSRFToken": TOKEN, "Origin": "https://evil.example"}
        assert client.post(address, said, headers=foreign).status_code == 403, address
        del client.cookies["csrftoken"]
    assert rows() == before


def writes(place: Place) -> Iterator[tuple[str, dict]]:
    for name, (pk, asked) in place.acts().items():
        yield reverse(f"board:{name}", args=[pk]), asked
    yield "/preferences/", {"language": "ru"}
    yield reverse("sign-out"), {}


def pages_of_administration() -> Iterator[tuple[str, dict]]:
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        first = model._default_manager.first()
        ident = str(first.pk) if first else "1"
        yield reverse(f"admin:{name}_add"), {}
        yield reverse(f"admin:{name}_change", args=[ident]), {}
        yield reverse(f"admin:{name}_delete", args=[ident]), {"post": "yes"}
        yield (
            reverse(f"admin:{name}_changelist"),
            {"action": "delete_selected", "_selected_action": ident, "post": "yes"},
        )


def test_writes_of_board_and_frame(place):
    refused(place.boss, writes(place))
    # With the token of our own pages the same is let through: it is the token that was missing.
    boss = browser(place.boss)
    boss.cookies["csrftoken"] = TOKEN
    for address, said in writes(place):
        assert boss.post(address, said, headers={"X-CSRFToken": TOKEN}).status_code != 403, address


def test_signing_in(place):
    refused(None, iter([(reverse("sign-in"), {"username": "marina", "password": "demo"})]))


def test_writes_of_the_administration(place):
    root = world.make_user("root", role="admin", is_staff=True, is_superuser=True)
    refused(root, pages_of_administration())

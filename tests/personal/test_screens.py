"""The dialogs, the page of an erased customer, the API."""

import pytest

from customers import actions as customers
from customers.models import Erasure
from tests import world
from tests.api.callers import problem, session, token
from tests.personal.town import FIRST, LAST, PHONE, erase, found_anywhere, holds, known, signed_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_page_says_that_he_was_erased_and_nothing_else(town):
    chat = world.open_chat(town.site, f"I am {LAST}")
    town.accept(chat)
    town.finish(chat)
    him, client = chat.profile.customer, signed_in(town.boss)
    customers.edit_customer(customer=him, fields={"name": f"{FIRST} {LAST}"}, version=None, actor=town.alice)
    address = f"/desk/customers/{him.pk}/"
    assert "Erase…" in client.get(address).content.decode()
    assert "Erase…" not in signed_in(town.alice).get(address).content.decode()
    asked = client.get(f"{address}erase-form/").content.decode()
    assert f"Type C-{him.pk} to confirm" in asked and "The person asked for it" in asked
    wrong = client.post(f"{address}erase/", {"number": "C-0", "reason": "request"})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "number")
    done = client.post(f"{address}erase/", {"number": him.number, "reason": "request"})
    assert done.json() == {"then": address}
    page = client.get(address)
    words = page.content.decode()
    assert page.status_code == 410 and f"C-{him.pk} was erased" in words
    assert "by Boss: the person asked for it" in words and "Timeline" not in words
    for name in ("timeline/", "timeline.csv", "why/name/", "erase-form/", "export-form/", "personal.zip"):
        assert client.get(f"{address}{name}").status_code == 410, name
    assert client.post(f"{address}edit/", {"name": LAST}).status_code == 410
    # The session behind a number of the board can still be opened, and has nothing of him in it.
    opened = client.get(f"/desk/s/{chat.pk}/").content.decode()
    assert f"C-{him.pk} was erased on" in opened and not holds(opened) and ">Erased<" in opened
    assert f"C-{him.pk}" not in client.get("/desk/customers/").content.decode()


def test_the_dialog_says_what_is_in_the_way(town):
    chat = world.open_chat(town.site)
    form = signed_in(town.boss).get(f"/desk/customers/{chat.profile.customer_id}/erase-form/").content.decode()
    assert f"1 open session (S-{chat.pk})" in form and form.count(" disabled") == 3


def test_the_api_erases_with_a_scope_of_its_own_and_answers_410_from_then_on(town):
    him, other = known("A-1", ("phone", PHONE)), known("B-1", name=f"{FIRST} Q.")
    customers.merge_customers(survivor=him.pk, others=[other.pk])
    path, body = f"customers/{other.pk}/erase/", {"number": him.number, "reason": "request"}
    problem(town.caller.post(path, body), 403, "permission_denied")
    caller = token("customers:personal", "customers:read", "customers:write")
    problem(caller.post(path, {**body, "number": other.number}), 400, "invalid")
    done = caller.post(path, body, key="erase-1")
    assert done.status_code == 200 and (done.json()["customer"], done.json()["reason"]) == (him.pk, "request")
    assert caller.post(path, body).json() == done.json()
    problem(caller.get(f"customers/{him.pk}/"), 410, "erased")
    problem(caller.get(f"customers/{him.pk}/export/?reason=request"), 410, "erased")
    problem(caller.patch(f"customers/{him.pk}/", {"version": 1, "city": "Tula"}), 410, "erased")
    assert caller.get(f"customers/{other.pk}/")["Location"] == f"/api/v1/customers/{him.pk}/"
    assert him.pk not in caller.ids("customers/")
    assert found_anywhere() == []


def test_people_without_the_right_are_turned_away(town):
    him = known("A-1", ("phone", PHONE))
    for role in ("operator", "senior", "quality", "marketer"):
        user = world.make_user(f"x{role}", role, town.team)
        assert signed_in(user).post(f"/desk/customers/{him.pk}/erase/", {}).status_code == 403
        assert signed_in(user).get(f"/desk/customers/{him.pk}/personal.zip?reason=request").status_code == 403
        problem(session(user).post(f"customers/{him.pk}/erase/", {}), 403, "permission_denied")
    assert not Erasure.objects.exists()
    erase(him, town)

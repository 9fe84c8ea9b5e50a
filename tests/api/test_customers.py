"""Customers, identities and events by API."""

from datetime import timedelta

import pytest
from django.utils import timezone

from customers import actions
from customers.models import Customer, Profile, SourceRecord
from cxcenter.core.models import Event
from tests import world
from tests.api.callers import problem, token
from tests.api.conftest import PHONE


def test_a_card_shows_where_its_values_came_from(place):
    card = token("customers:read").get(f"customers/{place.customer.pk}/").json()
    assert (card["number"], card["name"], card["profiles"]) == (
        f"C-{place.customer.pk}",
        "Anna Orlova",
        [place.profile.pk],
    )
    assert card["provenance"]["name"]["source"] == "operator"
    assert {identity["kind"] for identity in card["identities"]} == {"visitor", "phone"}


def test_search_finds_by_number_and_by_name_with_a_mistake(place):
    caller = token("customers:read")
    for words in (f"C-{place.customer.pk}", f"c-{place.customer.pk}", "Orlova", "Anna Orlovs"):
        assert place.customer.pk in caller.ids(f"customers/?search={words}"), words
    assert caller.rows("customers/?search=Nobody") == []
    # A digit that is none of the ten.
    assert caller.rows("customers/?search=C-%C2%B2%C2%B2") == []


def test_an_edit_is_a_source_record_and_needs_the_version(place):
    caller, path = token("customers:write"), f"customers/{place.customer.pk}/"
    version = caller.get(path).json()["version"]
    body = {"version": version, "city": "Kazan", "birthday": "1988-04-14"}
    card = caller.patch(path, body).json()
    assert (card["city"], card["birthday"], card["version"]) == ("Kazan", "1988-04-14", version + 1)
    assert SourceRecord.objects.latest("pk").fields == {"city": "Kazan", "birthday": "1988-04-14"}
    problem(caller.patch(path, body), 409, "stale")
    cleared = caller.patch(path, {"version": version + 1, "birthday": None}).json()
    assert (cleared["birthday"], cleared["city"]) == (None, "Kazan")
    assert caller.patch(path, {"version": version + 2}).json()["version"] == version + 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"version": 1, "vip": True}, "vip"),
        ({"name": "Anna"}, "version"),
        ({"version": 1, "id": 7}, "id"),
        ({"version": 1, "birthday": "14.04.1988"}, "birthday"),
        ({"version": 1, "name": "x" * 201}, "name"),
        ({"version": 1, "name": "a\x00b"}, "name"),
        ({"version": 1, "name": "\ud800"}, "name"),
        ({"version": 2**70}, "version"),
    ],
)
def test_a_wrong_edit_names_the_field_and_changes_nothing(place, body, field):
    refusal = problem(token("customers:write").patch(f"customers/{place.customer.pk}/", body), 400, "invalid")
    assert [error["field"] for error in refusal["errors"]] == [field]
    assert Customer.objects.get(pk=place.customer.pk).version == place.customer.version


def event(number, **fields):
    return {"key": number, "type": "purchase", "at": "2026-03-01T10:00:00Z", **fields}


def test_events_from_outside_come_late_out_of_order_and_twice(place):
    caller, phone = token("events:write"), {"kind": "phone", "value": "8 (900) 555-01-84"}
    batch = {
        "events": [
            event("order:2", at="2026-03-02T10:00:00+03:00", identity=phone, data={"order": 2, "amount": 99.5}),
            event("order:1", profile=place.profile.pk),
            event("order:2", identity=phone),
        ]
    }
    answer = caller.post("events/", batch)
    assert [result["status"] for result in answer.json()["results"]] == ["stored", "stored", "repeated"]
    assert {result["status"] for result in caller.post("events/", batch).json()["results"]} == {"repeated"}
    rows = caller.rows(f"events/?customer={place.customer.pk}&kind=outside.event")
    assert [(row["at"], row["data"]["data"]) for row in rows] == [
        ("2026-03-02T07:00:00Z", {"order": 2, "amount": 99.5}),
        ("2026-03-01T10:00:00Z", {}),
    ]
    assert {row["data"]["source"] for row in rows} == {"integrator"}


def test_an_event_of_somebody_unknown_makes_a_customer_once(place):
    caller, before = token("events:write"), Customer.objects.count()
    reach = {"kind": "email", "value": " New@Example.COM"}
    for key in ("1", "2"):
        caller.post("events/", {"events": [event(key, identity=reach)]})
    assert Customer.objects.count() == before + 1
    assert Profile.objects.latest("pk").source == "integrator"


def test_an_event_of_a_shared_phone_waits_for_a_person(place):
    phone = actions.find_identity(kind="phone", value=PHONE)
    other = actions.create_profile(source="form")
    actions.link_identity(profile=other, identity=phone, source="form", verified=True)
    caller, fact = token("events:write"), event("1", identity={"kind": "phone", "value": PHONE})
    assert caller.post("events/", {"events": [fact]}).json()["results"] == [{"key": "1", "status": "ambiguous"}]
    # Nothing was kept: when a person has chosen, the same event is sent with the profile.
    chosen = event("1", profile=place.profile.pk)
    assert caller.post("events/", {"events": [chosen]}).json()["results"] == [{"key": "1", "status": "stored"}]


def test_two_systems_may_use_the_same_keys(place):
    other = world.make_user("other", "integrator")
    for caller in (token("events:write"), token("events:write", user=other)):
        answer = caller.post("events/", {"events": [event("1", profile=place.profile.pk)]})
        assert answer.json()["results"][0]["status"] == "stored"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({}, "events.0"),
        ({"profile": 0}, "events.0.profile"),
        ({"identity": {"kind": "phone", "value": "12"}}, "events.0.identity.value"),
        ({"identity": {"kind": "email", "value": "x"}}, "events.0.identity.value"),
        ({"profile": "own", "identity": {"kind": "card", "value": "1"}}, "events.0"),
        ({"profile": "own", "at": "tomorrow"}, "events.0.at"),
        ({"profile": "own", "at": "future"}, "events.0.at"),
        ({"profile": "own", "data": {"Name": "x"}}, "events.0.data"),
        ({"profile": "own", "data": {"x": "y" * 201}}, "events.0.data"),
        ({"profile": "own", "data": {"x": "\x00"}}, "events.0.data"),
        ({"profile": "own", "data": {"x": {"y": 1}}}, "events.0.data"),
        ({"profile": "own", "data": {"x": None}}, "events.0.data"),
        ({"profile": "own", "data": {f"x{n}": 1 for n in range(21)}}, "events.0.data"),
        ({"profile": "own", "type": "Purchase"}, "events.0.type"),
        ({"profile": "own", "source": "crm"}, "events.0.source"),
        ({"profile": "own", "key": "ключ"}, "events.0.key"),
    ],
)
def test_a_wrong_event_is_named_and_the_batch_is_not_kept(place, fields, path):
    if fields.get("profile") == "own":
        fields = {**fields, "profile": place.profile.pk}
    if fields.get("at") == "future":
        fields = {**fields, "at": (timezone.now() + timedelta(hours=1)).isoformat()}
    good = event("good", profile=place.profile.pk)
    answer = token("events:write").post("events/", {"events": [event("bad", **fields), good]})
    assert [error["field"] for error in problem(answer, 400, "invalid")["errors"]] == [path]
    assert not Event.objects.filter(kind="outside.event").exists()


def test_a_batch_has_a_limit(place):
    batch = {"events": [event(str(n), profile=place.profile.pk) for n in range(101)]}
    problem(token("events:write").post("events/", batch), 400, "invalid")
    assert token("events:write").post("events/", {"events": batch["events"][:100]}).status_code == 200

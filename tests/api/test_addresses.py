"""Addresses: with and without the slash at the end, and numbers of other systems in them."""

import pytest

from customers.models import SourceRecord
from cxcenter.core.models import Event
from tests.api.callers import ALL, token
from tests.api.conftest import PHONE

RECORD = {"fields": {"last_name": "Orlova"}}
EVENTS = {
    "events": [
        {
            "key": "order:1",
            "type": "purchase",
            "at": "2026-03-01T10:00:00Z",
            "identity": {"kind": "phone", "value": PHONE},
        }
    ]
}


@pytest.fixture
def caller(place):
    return token(*ALL)


def test_a_record_is_put_without_a_final_slash(caller):
    made = caller.put("sources/dms/records/10001", RECORD)
    assert (made.status_code, made.json()["status"]) == (201, "created")
    again = caller.put("sources/dms/records/10001/", RECORD)
    assert again.json() == {**made.json(), "status": "unchanged"}


def test_events_are_reported_without_a_final_slash(caller):
    made = caller.post("events", EVENTS)
    assert (made.status_code, made.json()["results"][0]["status"]) == (200, "stored")
    assert Event.objects.filter(kind="outside.event").count() == 1
    assert caller.post("events/", EVENTS).json()["results"][0]["status"] == "repeated"


def test_who_it_is_without_a_final_slash(caller, place):
    found = caller.get("customers/resolve?phone=%2B79005550184")
    assert (found.status_code, found.json()["customer"]["id"]) == (200, place.customer.pk)


def test_an_act_without_a_final_slash_is_the_same_act(caller, place):
    """One key, two spellings of the address: one effect."""
    first, again = caller.post("cases", {"subject": "x"}, key="k"), caller.post("cases/", {"subject": "x"}, key="k")
    assert (first.status_code, again["Idempotent-Replayed"]) == (201, "true") and again.json() == first.json()
    assert caller.post(f"tasks/{place.task.pk}/finish", {}).status_code == 200


def test_pages_lead_on_by_the_address_of_the_schema(caller, place):
    following = caller.get("customers?page_size=1").json()["next"]
    assert "/api/v1/customers/?" in following and caller.get(following).status_code == 200


@pytest.mark.parametrize("number", ["A.1", "A/1", "2026/05/A-1.json", "C-7 %2523", "Ä"])
def test_numbers_of_other_systems_have_slashes_and_dots(caller, number):
    written = number.replace("/", "%2F").replace(" ", "%20")
    for end, status in (("", "created"), ("/", "unchanged")):
        answer = caller.put(f"sources/dms/records/{written}{end}", RECORD)
        assert answer.json()["status"] == status, answer.content
    record = SourceRecord.objects.get(source="dms")
    assert record.external_id == number.replace("%25", "%")

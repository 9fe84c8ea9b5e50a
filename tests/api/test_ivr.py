"""What an IVR is told while the phone rings."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from customers import actions as customers
from customers.models import Segment, SegmentCondition
from cxcenter.core.models import AuditEntry
from interactions.actions import cases
from interactions.models import Case, Interaction, Outage, Topic
from routing.models import BusinessHours, Entrance, FrequentRule, OpeningInterval, Overflow, Presence, Queue
from tests import world
from tests.api.callers import problem, token
from tests.api.conftest import PHONE, Place

ALL = ("ivr:read", "customers:read", "cases:read")
STRANGER = "+79005550199"


@pytest.fixture
def line(place):
    return world.make_line(place.queue, "Hotline")


def ask(*scopes: str, **said):
    answer = token(*(scopes or ALL)).post("ivr/caller/", {"number": PHONE, **said})
    assert answer.status_code == 200, answer.content
    return answer.json()


def segment(field: str, value: str, code: str = "in_tver") -> Segment:
    made = Segment.objects.create(code=code, name="Of Tver")
    SegmentCondition.objects.create(segment=made, field=field, comparison="is", value=value)
    return made


def live_in(place: Place, city: str) -> None:
    actor = place.people["operator"]
    customers.edit_customer(customer=place.customer, fields={"city": city}, version=None, actor=actor)


def test_everything_that_is_known_of_a_customer_is_told(place, line):
    live_in(place, "Tver")
    told_in = segment("city", "Tver")
    outage = Outage.objects.create(name="Cable", words="The cable is cut.", words_ru="Кабель порван.")
    outage.segments.add(told_in)
    topic = Topic.objects.create(name="Parts")
    Case.objects.filter(pk=place.case.pk).update(topic=topic)
    told = ask(number="8 (900) 555-01-84")
    assert (told["number"], told["status"], told["customer"]) == (PHONE, "found", place.customer.pk)
    assert (told["candidates"], told["name"], told["attributes"]) == ([place.customer.pk], "Anna Orlova", {})
    assert told["segments"] == ["in_tver"]
    (case,) = told["cases"]
    assert (case["number"], case["subject"], case["status"]) == (place.case.number, "The part is late", "open")
    assert told["affected"] and told["outages"] == [
        {"id": outage.pk, "name": "Cable", "words": "The cable is cut.", "until": None}
    ]
    assert told["topic"] == {"id": topic.pk, "name": "Parts", "why": "case"}
    route = told["route"]
    assert (route["line"], route["queue"]) == (
        {"id": line.pk, "name": "Hotline"},
        {"id": place.queue.pk, "name": "Warranty"},
    )
    assert (route["open"], route["why"], route["callback"]) == (True, "", False)
    entry = AuditEntry.objects.get(act="customer.view")
    assert (entry.subject, entry.detail) == (f"customer:{place.customer.pk}", {"by": "ivr"})


def test_the_words_are_in_the_callers_language(place, line):
    Outage.objects.create(name="Cable", words="The cable is cut.", words_ru="Кабель порван.")
    Queue.objects.filter(pk=place.queue.pk).update(name_ru="Гарантия")
    actor = place.people["operator"]
    customers.edit_customer(customer=place.customer, fields={"language": "ru"}, version=None, actor=actor)
    told = ask()
    assert told["language"] == "ru"
    assert (told["outages"][0]["words"], told["route"]["queue"]["name"]) == ("Кабель порван.", "Гарантия")
    assert ask(number=STRANGER)["outages"][0]["words"] == "The cable is cut."


def test_no_more_is_told_than_the_scopes_permit(place, line):
    topic = Topic.objects.create(name="Parts")
    Case.objects.filter(pk=place.case.pk).update(topic=topic)
    least = ask("ivr:read")
    assert (least["customer"], least["name"], least["attributes"], least["cases"]) == (
        place.customer.pk, None, None, None,
    )  # fmt: skip
    assert least["topic"]["why"] == "case", "what it is about is what the scope is for"
    assert "Anna" not in json.dumps(least) and "late" not in json.dumps(least)
    assert ask("ivr:read", "customers:read")["cases"] is None
    assert ask("ivr:read", "cases:read")["name"] is None
    problem(
        token("customers:read", "cases:read", "routing:write").post("ivr/caller/", {"number": PHONE}),
        403,
        "permission_denied",
    )
    # The scope opens no other door.
    for path in ("customers/", "cases/", "interactions/", "queues/", "webhooks/"):
        problem(token("ivr:read").get(path), 403, "permission_denied")


@pytest.mark.parametrize("number", [STRANGER, None])
def test_an_unknown_number_and_a_hidden_one_are_answers_like_others(place, line, number):
    told = ask(number=number)
    assert (told["number"], told["status"], told["customer"], told["candidates"]) == (number, "unknown", None, [])
    assert (told["name"], told["cases"], told["segments"], told["topic"]) == (None, [], [], None)
    assert told["route"]["queue"]["id"] == place.queue.pk
    assert not AuditEntry.objects.filter(act="customer.view").exists()


def test_of_a_family_phone_nothing_is_told_that_is_not_true_of_all(place, line):
    live_in(place, "Tver")
    other = customers.create_profile(source="shop", fields={"name": "Boris Orlov", "city": "Tver", "language": "ru"})
    identity = customers.find_identity(kind="phone", value=PHONE)
    customers.link_identity(profile=other, identity=identity, source="shop", verified=True)
    outage = Outage.objects.create(name="Cable", words="The cable is cut.")
    outage.segments.add(segment("city", "Tver"))
    told = ask()
    assert (told["status"], told["customer"], told["name"]) == ("ambiguous", None, None)
    assert told["candidates"] == sorted([place.customer.pk, other.customer_id])
    assert (told["cases"], told["segments"], told["language"]) == ([], [], None)
    assert told["affected"], "both live where it is"
    customers.edit_customer(
        customer=other.customer, fields={"city": "Omsk"}, version=None, actor=place.people["operator"]
    )
    assert not ask()["affected"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"number": "anonymous"}, "number"),
        ({"number": "+7 12"}, "number"),
        ({"number": ""}, "number"),
        ({"number": PHONE, "line": 2**40}, "line"),
        ({"number": PHONE, "called": "hotline"}, "called"),
        ({"number": PHONE, "topic": 2**40}, "topic"),
        ({"number": PHONE, "phone": PHONE}, "phone"),
        ({}, "number"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(place, said, field):
    refusal = problem(token("ivr:read").post("ivr/caller/", said), 400, "invalid")
    assert [error["field"] for error in refusal["errors"]] == [field]


def test_the_line_is_told_by_its_id_by_the_dialled_number_or_is_the_only_one(place, line):
    assert ask()["route"]["line"]["id"] == line.pk
    sales = world.make_line(place.theirs["queue"], "Sales")
    assert ask()["route"] is None, "which of two nobody knows"
    assert ask(line=sales.pk)["route"]["queue"]["name"] == "Leasing"
    sales.number = "8 800 555-35-35"
    sales.full_clean()
    sales.save()
    assert ask(called="+7 (800) 555 35 35")["route"]["queue"]["name"] == "Leasing"
    assert ask(called="+78005550000")["route"] is None, "no line of ours has it"
    both = token("ivr:read").post("ivr/caller/", {"number": PHONE, "line": line.pk, "called": "+78005553535"})
    problem(both, 400, "invalid")
    sales.active = False
    sales.save()
    assert ask(called="+78005553535")["route"] is None


def test_the_topic_is_what_he_chose_what_fails_what_he_waits_for_or_what_he_came_with(place, line):
    menu, failing, waiting, last = (Topic.objects.create(name=name) for name in ("Menu", "Cable", "Parts", "Bill"))
    assert ask()["topic"] is None
    talk = place.chat
    Interaction.objects.filter(pk=talk.pk).update(topic=last, opened_at=timezone.now() - timedelta(days=31))
    assert ask()["topic"] is None, "that was long ago"
    Interaction.objects.filter(pk=talk.pk).update(opened_at=timezone.now() - timedelta(days=29))
    assert ask()["topic"] == {"id": last.pk, "name": "Bill", "why": "session"}
    Case.objects.filter(pk=place.case.pk).update(topic=waiting)
    assert ask()["topic"] == {"id": waiting.pk, "name": "Parts", "why": "case"}
    outage = Outage.objects.create(name="Cable", words="The cable is cut.", topic=failing)
    assert ask()["topic"] == {"id": failing.pk, "name": "Cable", "why": "outage"}
    assert ask(topic=menu.pk)["topic"] == {"id": menu.pk, "name": "Menu", "why": "menu"}
    Outage.objects.filter(pk=outage.pk).update(until=timezone.now(), since=timezone.now() - timedelta(days=1))
    Case.objects.filter(pk=place.case.pk).update(status="resolved")
    assert ask()["topic"]["why"] == "session"


def test_an_outage_is_told_while_it_goes_on_to_whom_it_touches(place, line):
    now = timezone.now()
    outage = Outage.objects.create(name="Cable", words="The cable is cut.", since=now + timedelta(hours=1))
    assert not ask()["affected"], "it has not begun"
    Outage.objects.filter(pk=outage.pk).update(since=now - timedelta(hours=1), until=now + timedelta(hours=1))
    assert ask()["affected"] and ask(number=STRANGER)["affected"]
    outage.segments.add(segment("city", "Tver"))
    assert not ask()["affected"] and not ask(number=STRANGER)["affected"]
    live_in(place, "Tver")
    assert ask()["affected"]
    Segment.objects.update(active=False)
    assert not ask()["affected"], "a segment that is switched off holds nobody"


def test_the_route_is_that_of_a_call_that_comes(place, line):
    """By the topic's entrance, to the second line, over to another queue; shut with why and until when."""
    topic = Topic.objects.create(name="Parts")
    parts = world.make_queue("Parts", members=(place.people["operator"],), callbacks=True)
    Entrance.objects.create(channel=line, topic=topic, queue=parts)
    open_now = ask(topic=topic.pk)["route"]
    assert (open_now["queue"]["id"], open_now["open"], open_now["callback"]) == (parts.pk, True, True)
    second = world.make_queue("Second line", members=(place.people["stranger"],))
    rule = FrequentRule.objects.create(queue=parts, contacts=2, days=7, to=second)
    assert ask(topic=topic.pk)["route"]["queue"]["id"] == parts.pk
    Interaction.objects.filter(pk=place.chat.pk).update(topic=topic)
    assert ask(topic=topic.pk)["route"]["queue"]["id"] == second.pk
    rule.delete()
    hours = BusinessHours.objects.create(name="Never today")
    tomorrow = (timezone.now() + timedelta(days=2)).weekday()
    OpeningInterval.objects.create(hours=hours, day=tomorrow, opens="09:00", closes="18:00")
    Queue.objects.filter(pk=parts.pk).update(hours=hours)
    shut = ask(topic=topic.pk)["route"]
    assert (shut["open"], shut["why"], shut["wait_s"], shut["callback"]) == (False, "hours", None, True)
    assert shut["opens_at"] is not None
    overflow = Overflow.objects.create(queue=parts, when="hours", then="queue", to=second)
    assert ask(topic=topic.pk)["route"]["queue"]["id"] == second.pk
    Overflow.objects.filter(pk=overflow.pk).update(then="close", to=None, words="Come tomorrow")
    closed = ask(topic=topic.pk)["route"]
    assert (closed["open"], closed["callback"], closed["message"]) == (False, False, "Come tomorrow")


def test_the_wait_is_the_estimate_of_the_queue(place, line):
    Presence.objects.all().delete()
    assert ask()["route"]["why"] == "nobody"
    operator = place.people["operator"]
    world.on_duty(operator)
    assert ask()["route"]["wait_s"] == 0


def queries_of(caller, said) -> int:
    with CaptureQueriesContext(connection) as asked:
        answer = caller.post("ivr/caller/", said)
    assert answer.status_code == 200, answer.content
    return len(asked)


def test_the_number_of_queries_does_not_grow(place, line):
    caller, actor = token(*ALL), place.people["operator"]
    parts = Topic.objects.create(name="Parts")
    cases.register_case(actor=actor, profile=place.profile, subject="x", topic=parts)
    Outage.objects.create(name="All", words="x").segments.add(segment("city", "Tver", "first"))
    queries_of(caller, {"number": PHONE})
    before = {number: queries_of(caller, {"number": number}) for number in (PHONE, STRANGER)}
    top = Topic.objects.create(name="Top")
    deep = Topic.objects.create(name="Deep", parent=Topic.objects.create(name="Middle", parent=top))
    for number in range(7):
        cases.register_case(actor=actor, profile=place.profile, subject=f"x{number}", topic=deep)
        Outage.objects.create(name=f"{number}", words="x").segments.add(segment("city", "Tver", f"s{number}"))
        Interaction.objects.create(
            thread=place.chat.thread, profile=place.profile, kind="webchat", closed_at=timezone.now()
        )
        profile = customers.create_profile(source="shop")
        customers.merge_customers(survivor=place.customer.pk, others=[profile.customer_id])
    assert {number: queries_of(caller, {"number": number}) for number in (PHONE, STRANGER)} == before
    assert max(before.values()) <= 22, before
    told = caller.post("ivr/caller/", {"number": PHONE}).json()
    assert len(told["cases"]) == 5


def test_the_example_of_the_page_is_true(place, line):
    page = (Path(__file__).parents[2] / "docs/api.md").read_text()
    section = page.split("## Questions of an IVR", 1)[1].split("\n## ", 1)[0]
    request = json.loads(re.search(r"POST /api/v1/ivr/caller/\n({.*?})\n```", section, re.DOTALL)[1])
    answer = json.loads(re.search(r"```json\n(.*?)\n```", section, re.DOTALL)[1])
    topic = Topic.objects.create(name="Parts")
    Outage.objects.create(name="Cable in Tver", words="The cable is cut.", until="2100-01-01T00:00:00Z")
    Case.objects.filter(pk=place.case.pk).update(topic=topic, due_at="2100-01-01T00:00:00Z")
    told = ask(**request | {"line": line.pk})
    assert shape(told) == shape(answer)
    assert (told["number"], told["status"], told["name"]) == (answer["number"], answer["status"], answer["name"])


def shape(value):
    """Names and kinds of what is in an answer."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()} if value else {}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)

"""Calls by the API: who was in them, when and for how long; what webhooks tell of them."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cxcenter.core.models import WebhookDelivery, WebhookSubscription
from interactions.actions import calls, talk
from interactions.calls.facts import CUSTOMER, Fact, Kind
from interactions.models import Call, Interaction
from routing.actions import offers
from routing.models import Assignment, QueueMember
from tests import world
from tests.api.callers import problem, session, token
from tests.api.conftest import PHONE

DAY = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
READ = ("interactions:read", "customers:contacts")


def fact(second: float, kind: Kind, who: str = "", **data) -> Fact:
    return Fact(f"{second}:{kind}:{who}", DAY.timestamp() + second, 0, kind, who, data)


@pytest.fixture
def line(place):
    return world.make_line(place.queue)


def a_call(interaction, operator, *, number=PHONE, at: float = 0) -> Call:
    """Rings for 20 s, is talked for 90 s and held for 30, and wrapped up in 40."""
    Call.objects.filter(pk=interaction.pk).delete()
    call = Call.objects.create(interaction=interaction, number=number, began_at=DAY + timedelta(seconds=at))
    op = calls.party_of(operator.pk)
    told = [
        fact(0, Kind.BEGAN, CUSTOMER),
        fact(10, Kind.OFFERED, op),
        fact(20, Kind.ANSWERED, op),
        fact(60, Kind.HELD, op),
        fact(90, Kind.RESUMED, op),
        fact(140, Kind.ENDED, reason="customer"),
        fact(180, Kind.WRAPPED_UP, op),
    ]
    calls.note(call_id=call.pk, facts=told)
    return call


def test_a_call_is_told_with_the_times_of_all_who_were_in_it(place):
    call = a_call(place.chat, place.people["operator"])
    (told,) = token(*READ).get("calls/").json()["results"]
    assert told == token(*READ).get(f"calls/{call.pk}/").json()
    assert (told["id"], told["number"], told["profile"]) == (place.chat.pk, PHONE, place.profile.pk)
    assert (told["answered_at"], told["ended_at"]) == ("2026-11-30T09:30:20Z", "2026-11-30T09:32:20Z")
    customer, operator = told["legs"]
    assert (customer["party"], customer["operator"], customer["phase"]) == ("customer", None, "talking")
    assert operator["operator"] == {"id": place.people["operator"].pk, "name": "Operator"}
    assert (operator["began_at"], operator["ended_at"]) == ("2026-11-30T09:30:10Z", "2026-11-30T09:33:00Z")
    times = {name: operator[name] for name in ("ring_s", "talk_s", "hold_s", "wrapup_s")}
    assert times == {"ring_s": 10, "talk_s": 90, "hold_s": 30, "wrapup_s": 40}


def test_the_example_of_the_page_is_true(place):
    page = (Path(__file__).parents[2] / "docs/api.md").read_text()
    section = page.split("\n## Calls\n", 1)[1].split("\n## ", 1)[0]
    said = json.loads(re.search(r"```json\n(.*?)\n```", section, re.DOTALL)[1])
    call = a_call(place.chat, place.people["operator"])
    told = token("interactions:read").get(f"calls/{call.pk}/").json()
    said |= {"id": call.pk, "profile": place.profile.pk}
    said["legs"][1]["operator"] = {"id": place.people["operator"].pk, "name": "Operator"}
    assert told == said


def test_who_left_and_came_back_has_two_stays_and_who_is_outside_a_number(place):
    call = a_call(place.chat, place.people["operator"])
    op, friend = calls.party_of(place.people["operator"].pk), "ext:+79001112233"
    call.facts.all().delete()
    told = [
        fact(0, Kind.BEGAN, CUSTOMER),
        fact(10, Kind.ANSWERED, op),
        fact(20, Kind.CONSULTED, op, party=friend),
        fact(25, Kind.ANSWERED, friend),
        fact(30, Kind.TRANSFERRED, op, how="consult"),
        fact(35, Kind.WRAPPED_UP, op),
        fact(50, Kind.OFFERED, op),
        fact(55, Kind.ANSWERED, op),
    ]
    calls.note(call_id=call.pk, facts=told)
    legs_ = token(*READ).get(f"calls/{call.pk}/").json()["legs"]
    assert [(leg["party"], leg["number"]) for leg in legs_] == [
        ("customer", None), ("operator", None), ("outside", "+79001112233"), ("operator", None),
    ]  # fmt: skip
    assert [leg["ended_at"] for leg in legs_][1:] == ["2026-11-30T09:30:35Z", None, None]
    masked = token("interactions:read").get(f"calls/{call.pk}/").json()
    assert (masked["number"], masked["legs"][2]["number"]) == ("•••• 84", "•••• 33")


def test_lists_are_narrowed(place):
    ours = a_call(place.chat, place.people["operator"])
    theirs = a_call(place.theirs["chat"], place.people["stranger"], number="", at=60)
    Call.objects.filter(pk=theirs.pk).update(direction="out", ended_at=None)
    both, caller = [theirs.pk, ours.pk], token(*READ)

    def found(**asked) -> list[int]:
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        return [row["id"] for row in caller.get(f"calls/?{query}").json()["results"]]

    assert found() == both
    assert found(state="open") == [theirs.pk] and found(state="ended") == [ours.pk]
    assert found(direction="in") == [ours.pk] and found(direction="out") == [theirs.pk]
    assert found(operator=place.people["stranger"].pk) == [theirs.pk]
    assert found(queue=place.queue.pk) == [ours.pk]
    assert found(customer=place.customer.pk) == [ours.pk] and found(profile=place.profile.pk) == [ours.pk]
    assert found(began_since="2026-11-30T09:31:00Z") == [theirs.pk]
    assert found(began_until="2026-11-30T09:31:00Z") == [ours.pk]
    assert found(provider="browser") == both and found(provider="bridge") == []
    problem(caller.get("calls/?operators=1"), 400, "invalid")
    problem(caller.get("calls/?began_since=yesterday"), 400, "invalid")


def test_only_calls_of_sessions_that_may_be_read_are_told(place):
    ours, theirs = (
        a_call(side["chat"], place.people[name])
        for side, name in ((place.ours, "operator"), (place.theirs, "stranger"))
    )
    assert session(place.people["operator"]).ids("calls/") == {ours.pk}
    problem(session(place.people["operator"]).get(f"calls/{theirs.pk}/"), 404, "not_found")
    assert session(place.people["marketer"]).ids("calls/") == set()
    problem(token("customers:read").get("calls/"), 403, "permission_denied")


def test_pages_follow_one_another_and_cost_the_same(place):
    operator = place.people["operator"]
    made = []
    for number in range(7):
        chat = Interaction.objects.create(
            thread=place.chat.thread, profile=place.profile, kind="voice", closed_at=timezone.now()
        )
        # Two of each moment: the id decides.
        made.append(a_call(chat, operator, at=number // 2).pk)
    caller = token(*READ)
    assert [row["id"] for row in caller.rows("calls/?page_size=2")] == sorted(made, reverse=True)
    taken = []
    for size in (1, 7):
        with CaptureQueriesContext(connection) as asked:
            assert len(caller.get(f"calls/?page_size={size}").json()["results"]) == size
        taken.append(len(asked))
    assert taken[0] == taken[1] <= 6, taken


def deliveries(topic: str) -> list[dict]:
    rows = WebhookDelivery.objects.filter(topic=topic).order_by("created_at")
    return [row.body["data"] for row in rows]


@pytest.fixture
def hook(place):
    made = WebhookSubscription.objects.create(
        name="x", url="https://1.1.1.1/", topics=["call.offered", "call.answered", "call.ended"],
        created_by=place.people["integrator"],
    )  # fmt: skip
    from cxcenter.core import webhooks

    webhooks._forget_known()
    return made


def test_webhooks_tell_of_a_call_once(place, hook):
    call = a_call(place.chat, place.people["operator"])
    operator = place.people["operator"].pk
    again = [fact(20, Kind.ANSWERED, calls.party_of(operator)), fact(140, Kind.ENDED, reason="customer")]
    calls.note(call_id=call.pk, facts=again)
    at = "2026-11-30T09:30:10+00:00"
    assert deliveries("call.offered") == [{"call": call.pk, "operator": operator, "at": at}]
    assert [one["operator"] for one in deliveries("call.answered")] == [operator]
    assert [one["reason"] for one in deliveries("call.ended")] == ["customer"]


def test_webhooks_tell_of_a_call_from_the_browser(place, line, hook):
    operator = world.make_user("fresh", team=place.queue.team)
    QueueMember.objects.create(queue=place.queue, user=operator)
    world.on_duty(operator)
    call = world.open_call(line, PHONE)
    calls.begin(interaction=call)
    leg = Assignment.objects.get(interaction=call)
    offers.accept_offer(leg_id=leg.pk, actor=operator)
    talk.close_interaction(interaction_id=call.pk, reason="ended")
    calls.end(interaction=Interaction.objects.get(pk=call.pk))
    assert [one["operator"] for one in deliveries("call.offered")] == [operator.pk]
    assert [one["operator"] for one in deliveries("call.answered")] == [operator.pk]
    assert [one["call"] for one in deliveries("call.ended")] == [call.pk]

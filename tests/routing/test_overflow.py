"""Overflow: at the entrance and while somebody waits, by time, length, absence and hours; what is told, counted, and refused."""

import threading
import uuid
from datetime import time, timedelta

import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from cxcenter.board import snapshot
from cxcenter.core.errors import Invalid
from cxcenter.widget import doors, limits, protocol, sites
from interactions.actions import talk
from interactions.models import Interaction, Message
from quality.metrics.behind import contacts
from quality.metrics.reports import Asked, report
from quality.metrics.spans import EPOCH, QUARTER
from routing import locks, overflow, queries, sweeps
from routing.actions import callbacks, control, offers, presence
from routing.actions import overflow as acts
from routing.models import BusinessHours, Callback, OpeningInterval, Overflow, Queue, QueueMember, WorkItem
from tests import world
from tests.routing.test_handover import lock_waits
from tests.widget.client import Visitor

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def fresh():
    """Nothing kept in this process from the test before."""
    sites._kept.clear()
    limits._buckets.clear()
    cache.clear()


@pytest.fixture
def other(floor):
    """Another queue, which bob serves now, and only that; he is there with no room."""
    floor.queue.memberships.filter(user=floor.bob).delete()
    queue = world.make_queue("Another", members=(floor.bob,), team=floor.team, priority=5)
    world.on_duty(floor.bob, capacity=0)
    return queue


def rule(queue, when, then, limit=None, **fields):
    return Overflow.objects.create(
        queue=queue, place=Overflow.objects.filter(queue=queue).count(), when=when, then=then, limit=limit, **fields
    )


def waited(chat, seconds, **fields):
    then = timezone.now() - timedelta(seconds=seconds)
    WorkItem.objects.filter(interaction=chat, visit="waiting").update(entered_at=then, waits_since=then, **fields)


def lines(chat):
    """The system lines of a session as its visitor gets them."""
    return [
        (line.code, line.args.get("reason"))
        for line in Message.objects.filter(interaction=chat, author="system").order_by("seq")
    ]


def close_hours(queue):
    """Let it be out of hours now."""
    hours = BusinessHours.objects.create(name=f"Hours of {queue}", zone="UTC")
    day = (timezone.now() + timedelta(days=3)).weekday()
    OpeningInterval.objects.create(hours=hours, day=day, opens=time(9), closes=time(18))
    Queue.objects.filter(pk=queue.pk).update(hours=hours)
    queue.refresh_from_db()
    return hours


# --- While somebody waits ---


def test_who_waits_too_long_goes_on_with_his_wait_and_priority_and_is_told(floor, other):
    rule(floor.queue, "waited", "queue", 60, to=other)
    chat, fresh_ = floor.chat(), floor.chat()
    waited(chat, 61, priority=3)
    WorkItem.objects.filter(interaction=chat).update(waits_since=timezone.now() - timedelta(seconds=161))
    now = timezone.now()
    assert [acts.sweep(now=now) for _ in range(3)] == [1, 0, 0]
    before, after = WorkItem.objects.filter(interaction=chat).order_by("pk")
    assert (before.visit, before.outcome, before.overflows) == ("left", "flowed_out", ["waited:queue"])
    assert (after.queue, after.visit, after.waits_since) == (other, "waiting", before.waits_since)
    assert after.priority == other.priority + 3 - floor.queue.priority and after.entered_at > before.entered_at
    assert lines(chat) == [("overflow_queue", None)] and floor.item(fresh_).queue == floor.queue
    presence.set_capacity(user=floor.bob, capacity=4, actor=floor.boss)
    assert floor.leg(chat).operator == floor.bob


def test_the_time_is_to_the_second(floor, other):
    rule(floor.queue, "waited", "queue", 60, to=other)
    item = floor.item(floor.chat())
    due = item.entered_at + MINUTE
    assert acts.sweep(now=due - timedelta(microseconds=1)) == 0
    assert acts.sweep(now=due) == 1


def test_who_is_offered_or_meant_for_one_person_stays(floor, other):
    rule(floor.queue, "waited", "queue", 60, to=other)
    floor.ready(floor.alice, capacity=1)
    offered, meant = floor.chat(), floor.chat()
    WorkItem.objects.update(entered_at=timezone.now() - timedelta(seconds=61))
    until = timezone.now() + MINUTE
    WorkItem.objects.filter(interaction=meant).update(preferred=floor.bob, only_preferred=True, preferred_until=until)
    assert acts.sweep(now=timezone.now()) == 0
    assert {floor.item(chat).queue for chat in (offered, meant)} == {floor.queue}
    assert acts.sweep(now=until) == 1, "when that time is over it goes on"


def test_two_sweeps_at_once_tell_it_once(floor):
    """The second has found the visit before the first has noted that it told him."""
    told = rule(floor.queue, "waited", "message", 30, words="A moment, please")
    chat = floor.chat()
    waited(chat, 31)
    worker = threading.Thread(target=lambda: (acts.sweep(now=timezone.now()), connections.close_all()))
    with transaction.atomic():
        item = locks.lock_item(floor.item(chat).pk)
        worker.start()
        while worker.is_alive() and not lock_waits():
            worker.join(0.05)
        acts.ACTS["message"](item, told)
    worker.join(20)
    assert lines(chat) == [("overflow_message", "A moment, please")]


@pytest.mark.parametrize("then", ["close", "message", "form"])
def test_who_waits_for_a_call_is_neither_turned_away_nor_told_what_he_does_not_read(floor, then):
    """Nobody is signed in when the day begins: that must not end the callbacks of the day."""
    Queue.objects.filter(pk=floor.queue.pk).update(callbacks=True)
    floor.queue.refresh_from_db()
    rule(floor.queue, "nobody", then, words="Nobody is here")
    callback = callbacks.ask(callbacks.Wish(phone="+79005550184", queue=floor.queue))[0]
    assert acts.sweep(now=timezone.now()) == 0
    assert floor.item(callback.session).visit == "waiting" and callback.session.is_open
    floor.ready(floor.alice)
    assert floor.leg(callback.session).operator == floor.alice


def test_a_message_is_told_once_stops_nothing_and_speaks_the_visitors_language(floor, other):
    rule(floor.queue, "waited", "message", 30, words="A moment, please", words_ru="Минуту, пожалуйста")
    rule(floor.queue, "waited", "message", 45, words="Still here")
    rule(floor.queue, "waited", "queue", 60, to=other, words="Colleagues will answer")
    chat, russian = floor.chat(), floor.chat()
    Interaction.objects.filter(pk=russian.pk).update(language="ru")
    waited(chat, 50)
    waited(russian, 35)
    assert [acts.sweep(now=timezone.now()) for _ in range(2)] == [3, 0]
    assert lines(chat) == [("overflow_message", "A moment, please"), ("overflow_message", "Still here")]
    assert lines(russian) == [("overflow_message", "Минуту, пожалуйста")]
    waited(chat, 61)
    assert acts.sweep(now=timezone.now()) == 1
    first = WorkItem.objects.filter(interaction=chat).earliest("pk")
    assert first.overflows == ["waited:message", "waited:message", "waited:queue"]
    assert lines(chat)[-1] == ("overflow_queue", "Colleagues will answer")


def test_a_queue_that_lets_nobody_in_is_passed_over_by_the_next_rule(floor, other):
    third = world.make_queue("Third", members=(floor.alice,), team=floor.team)
    rule(floor.queue, "waited", "queue", 60, to=other)
    rule(floor.queue, "waited", "queue", 60, to=third)
    world.on_duty(floor.alice, capacity=0)
    chats = [floor.chat() for _ in range(3)]
    waited(chats[0], 61)
    acts.sweep(now=timezone.now())
    assert floor.item(chats[0]).queue == other, "the first that takes him"
    control.close_queue(queue=other, lasting=MINUTE, message="", actor=floor.boss)
    waited(chats[1], 61)
    acts.sweep(now=timezone.now())
    assert floor.item(chats[1]).queue == third
    Queue.objects.filter(pk=third.pk).update(active=False)
    waited(chats[2], 61)
    assert acts.sweep(now=timezone.now()) == 0 and floor.item(chats[2]).queue == floor.queue


def test_the_other_queue_takes_no_more_than_it_lets_wait(floor, other):
    rule(floor.queue, "waited", "queue", 60, to=other)
    Queue.objects.filter(pk=other.pk).update(max_waiting=2)
    chats = [floor.chat() for _ in range(3)]
    for chat in chats:
        waited(chat, 61)
    assert [acts.sweep(now=timezone.now()) for _ in range(2)] == [2, 0]
    assert [floor.item(chat).queue for chat in chats] == [other, other, floor.queue]


def test_when_nobody_is_left_the_rule_speaks_instead_of_the_usual_words(floor):
    rule(floor.queue, "nobody", "form", words="We have gone home")
    world.on_duty(floor.alice, capacity=0)
    chat = floor.chat()
    assert acts.sweep(now=timezone.now()) == 0 and protocol.state(chat.thread)["door"] is None
    world.on_duty(floor.alice, mode="offline")
    sweeps.sweep()
    sweeps.sweep()
    assert lines(chat) == [("overflow_form", "We have gone home")], "told once, and by the rule alone"
    told = protocol.state(chat.thread)
    assert (told["door"]["why"], told["door"]["form"]) == ("nobody", True) and told["door"]["slots"]
    assert told["queue"]["position"] == 1, "he keeps his place"


def test_who_is_offered_the_form_for_his_long_wait_may_leave_a_request(floor):
    rule(floor.queue, "waited", "form", 60)
    world.on_duty(floor.alice, capacity=0)
    visitor = Visitor(floor.site)
    visitor.start()
    chat = Interaction.objects.get()
    waited(chat, 61)
    assert [acts.sweep(now=timezone.now()) for _ in range(2)] == [1, 0]
    state = visitor.get("changes")["state"]
    assert (state["door"]["why"], state["door"]["form"]) == ("wait", True) and state["queue"]["position"] == 1
    request = {"kind": "call", "contact": "8 900 555 01 84", "text": "Where is it?", "key": str(uuid.uuid4())}
    assert visitor.post("offline", request) == {"left": True, "callback": None}
    item = WorkItem.objects.get()
    assert (item.visit, item.overflows) == ("left", ["waited:form"]), "no second visit: he was not refused"


@pytest.mark.parametrize("then", ["callback", "form"])
def test_who_waits_long_is_called_back_instead_and_keeps_his_place(floor, then):
    """Where the queue calls back, the form of a request is a callback, too."""
    Queue.objects.filter(pk=floor.queue.pk).update(callbacks=True)
    rule(floor.queue, "waited", then, 60)
    world.on_duty(floor.alice, capacity=0)
    visitor = Visitor(floor.site)
    visitor.start()
    chat = Interaction.objects.get()
    waited(chat, 61)
    since = floor.item(chat).waits_since
    assert [acts.sweep(now=timezone.now()) for _ in range(2)] == [1, 0]
    assert lines(chat) == [(f"overflow_{then}", None)]
    state = visitor.get("changes")["state"]
    assert (state["calls"], bool(state["door"]), state["queue"]["position"]) == (True, then == "form", 1)
    asked = {"contact": "8 900 555 01 84"}
    if then == "form":
        visitor.post("offline", {**asked, "kind": "call", "text": "Where is it?", "key": str(uuid.uuid4())})
    else:
        visitor.post("callback", asked)
    callback = Callback.objects.get()
    assert (callback.waits_since, callback.state, callback.source) == (since, "queued", chat)
    assert WorkItem.objects.get(interaction=chat).overflows == [f"waited:{then}"]


def test_a_door_may_offer_a_callback_alone(floor):
    Queue.objects.filter(pk=floor.queue.pk).update(callbacks=True)
    rule(floor.queue, "nobody", "callback", words="Leave your number")
    world.on_duty(floor.alice, mode="offline")
    visitor = Visitor(floor.site)
    door = visitor.session()["door"]
    assert {name: door[name] for name in ("open", "form", "letters", "soon", "message")} == {
        "open": False, "form": True, "letters": False, "soon": True, "message": "Leave your number"
    }  # fmt: skip
    key = str(uuid.uuid4())
    visitor.post("offline", {"kind": "call", "contact": "8 900 555 01 84", "text": "Is it ready?", "key": key})
    assert Callback.objects.get().queue == floor.queue


def test_the_wait_limit_turns_away_with_words_and_is_blocked_b2(floor):
    rule(floor.queue, "waited", "close", 60, words="Please come again tomorrow")
    chat = floor.chat()
    waited(chat, 60)
    sweeps.sweep()
    item = floor.item(chat)
    assert (item.outcome, item.blocked_kind, item.overflows) == ("blocked", "B2", ["waited:close"])
    chat.refresh_from_db()
    assert (chat.is_open, chat.close_reason) == (False, "refused")
    assert lines(chat) == [("overflow_close", "Please come again tomorrow"), ("closed", "refused")]


def test_when_the_hours_end_those_who_wait_are_turned_away_and_blocked_by_rule(floor):
    rule(floor.queue, "hours", "close", words="We are closed")
    world.on_duty(floor.alice, capacity=0)
    chat = floor.chat()
    assert acts.sweep(now=timezone.now()) == 0
    close_hours(floor.queue)
    assert acts.sweep(now=timezone.now()) == 1
    item = floor.item(chat)
    assert (item.outcome, item.blocked_kind, item.overflows) == ("blocked", "B3", ["hours:close"])


# --- At the entrance ---


@pytest.mark.parametrize(("when", "limit"), [("length", 1), ("nobody", None), ("hours", None)])
def test_who_comes_goes_to_another_queue_at_once(floor, other, when, limit):
    rule(floor.queue, when, "queue", limit, to=other)
    if when == "length":
        world.on_duty(floor.alice, capacity=0)
        assert floor.item(floor.chat()).queue == floor.queue, "as he came nobody waited"
    elif when == "hours":
        world.on_duty(floor.alice, capacity=0)
        close_hours(floor.queue)
    visitor = Visitor(floor.site)
    assert visitor.session()["door"]["open"]
    visitor.start()
    assert visitor.answer.status_code == 200
    before, after = WorkItem.objects.order_by("-pk")[:2][::-1]
    assert (before.queue, before.outcome, before.overflows) == (floor.queue, "flowed_out", [f"{when}:queue"])
    assert (after.queue, after.visit, after.waits_since) == (other, "waiting", before.waits_since)
    assert [code for code, _words in lines(after.interaction)] == ["overflow_queue"]


def test_the_first_rule_that_holds_acts_and_several_queues_are_passed_on_one_way(floor, other):
    third = world.make_queue("Third", members=(floor.bob,), team=floor.team)
    rule(floor.queue, "length", "message", 1, words="Many wait")
    rule(floor.queue, "nobody", "queue", to=other)
    rule(floor.queue, "nobody", "close", words="Nobody")
    rule(other, "length", "queue", 1, to=third)
    way = overflow.way_in(floor.queue)
    assert (way.queue, way.door.open, [one.when for one in way.moves], way.told) == (other, True, ["nobody"], ())
    floor.chat()
    first = floor.chat()
    assert floor.item(first).queue == third
    assert list(WorkItem.objects.filter(interaction=first).order_by("pk").values_list("queue", "overflows")) == [
        (floor.queue.pk, ["nobody:queue"]),
        (other.pk, ["length:queue"]),
        (third.pk, None),
    ]
    world.on_duty(floor.bob, mode="offline")
    way = overflow.way_in(floor.queue)
    assert (way.door.open, way.door.form, way.door.message, way.by.then) == (False, False, "Nobody", "close")


def test_who_is_told_as_he_comes_waits_all_the_same(floor):
    rule(floor.queue, "length", "message", 1, words="Many wait")
    world.on_duty(floor.alice, capacity=0)
    first, second = floor.chat(), floor.chat()
    assert lines(first) == [] and lines(second) == [("overflow_message", "Many wait")]
    assert floor.item(second).overflows == ["length:message"] and floor.item(second).told_away_at is None
    assert acts.sweep(now=timezone.now()) == 0, "the length holds for who comes, not for who waits"


def test_a_message_of_a_shut_door_is_shown_at_it(floor):
    rule(floor.queue, "nobody", "message", words="Back at nine", words_ru="Будем в девять")
    visitor = Visitor(floor.site, **{"Accept-Language": "ru"})
    door = visitor.session()["door"]
    assert (door["open"], door["form"], door["message"]) == (False, True, "Будем в девять")


@pytest.mark.parametrize(("then", "form"), [("form", True), ("close", False)])
def test_a_full_queue_refuses_and_that_is_blocked_b2(floor, then, form):
    rule(floor.queue, "length", then, 1, words="Too many", words_ru="Слишком много")
    world.on_duty(floor.alice, capacity=0)
    floor.chat()
    visitor = Visitor(floor.site, **{"Accept-Language": "ru"})
    for _try in range(2):
        told = visitor.start("Hello")
        assert visitor.answer.status_code == 409 and told["code"] == "away"
        door = told["door"]
        assert (door["why"], door["form"], door["message"], bool(door["slots"])) == (
            "full",
            form,
            "Слишком много",
            form,
        )
    item = WorkItem.objects.get(outcome="blocked")
    assert (item.queue, item.blocked_kind, item.overflows) == (floor.queue, "B2", [f"length:{then}"])
    assert item.entered_at == item.left_at and item.visit == "left"
    session = item.interaction
    assert (session.is_open, session.close_reason, session.language) == (False, "refused", "ru")
    assert not session.messages.exists() and not session.thread.messages.exists()
    WorkItem.objects.filter(visit="waiting").update(visit="left", outcome="abandoned", left_at=timezone.now())
    visitor.start("Hello again")
    assert visitor.answer.status_code == 200
    visitor.post("end")
    floor.chat()
    visitor.say("And again")
    assert visitor.answer.status_code == 409
    assert WorkItem.objects.filter(outcome="blocked").count() == 2, "he was let in meanwhile: it is another refusal"


def test_the_limit_of_the_queue_itself_is_blocked_b2_and_a_request_at_it_is_no_second_visit(floor):
    Queue.objects.filter(pk=floor.queue.pk).update(max_waiting=0)
    world.on_duty(floor.alice)
    visitor = Visitor(floor.site)
    visitor.session()
    request = {"kind": "call", "contact": "8 900 555 01 84", "text": "Where is it?", "key": str(uuid.uuid4())}
    assert visitor.post("offline", request) == {"left": True, "callback": None}
    item = WorkItem.objects.get()
    assert (item.outcome, item.blocked_kind, item.overflows) == ("blocked", "B2", None)
    visitor.start()
    assert WorkItem.objects.count() == 1
    WorkItem.objects.update(entered_at=timezone.now() - timedelta(hours=1))
    visitor.start()
    assert WorkItem.objects.count() == 2, "an hour later it is another one"
    world.on_duty(floor.alice, mode="offline")
    Visitor(floor.site).start()
    assert WorkItem.objects.latest("pk").blocked_kind == "B3", "nobody there: by rule, which never counts by default"


# --- Counted ---


def test_blocked_and_overflown_visits_equal_a_count_by_hand(floor, other):
    rule(floor.queue, "length", "close", 3, words="Too many")
    rule(floor.queue, "waited", "message", 20, words="A moment")
    rule(floor.queue, "waited", "queue", 60, to=other)
    rule(other, "waited", "close", 60, words="Sorry")
    floor.ready(floor.alice, capacity=1)
    floor.chat(floor.alice)  # answered
    moved, limited, waiting = floor.chat(), floor.chat(), floor.chat()
    for _visitor in range(2):
        Visitor(floor.site).start()  # refused: three wait
    waited(waiting, 20)
    waited(moved, 60)
    waited(limited, 60)
    acts.sweep(now=timezone.now())
    waited(limited, 60)
    acts.sweep(now=timezone.now())
    talk.close_interaction(interaction_id=waiting.pk, reason="ended")  # abandoned
    now = timezone.now()
    begin = now - timedelta(hours=1)
    begin -= (begin - EPOCH) % QUARTER
    asked = Asked(begin, begin + 6 * QUARTER, by=("queue",))
    whole = report(asked).whole
    counted = {
        "offered": 8,  # six came, two went on
        "answered": 1,
        "abandoned": 1,
        "flowed_out": 2,
        "blocked_b1": 0,
        "blocked_b2": 3,  # two refused, one reached the limit
        "blocked_b3": 0,
        "overflow_waited": 4,  # three told (two of them sent on), one turned away in the other queue
        "overflow_length": 2,
        "overflow_nobody": 0,
        "overflow_to_message": 3,
        "overflow_to_queue": 2,
        "overflow_to_close": 3,
        "overflow_to_form": 0,
        "level_v9": 1 / 5,  # 1 / (1 + 1 + 3)
        "level_v2": 1 / 2,
    }
    assert {code: whole[code] for code in counted} == counted
    assert whole["contacts"] == 6 == whole["agents"] + whole["bot"] + whole["queue"]
    assert (whole["agents"], whole["bot"], whole["queue"]) == (1, 0, 5)
    for code in ("blocked_b2", "overflow_waited", "overflow_to_close"):
        assert contacts(asked, code).count() == counted[code]


# --- Refused ---


def test_a_circle_over_whatever_rules_is_refused(floor, other):
    third = world.make_queue("Third", team=floor.team)
    rule(other, "length", "queue", 5, to=third)
    rule(third, "hours", "queue", to=floor.queue)
    for target in (floor.queue, other, third):
        with pytest.raises(Invalid, match="would come back"):
            overflow.refuse_loop(floor.queue, [target])
    overflow.refuse_loop(other, [third])
    overflow.refuse_loop(floor.queue, [])
    # Planted past all checks, a circle ends by itself.
    rule(floor.queue, "nobody", "queue", to=other)
    rule(other, "nobody", "queue", to=floor.queue)
    world.on_duty(floor.bob, mode="offline")
    assert not overflow.way_in(floor.queue).door.open


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"when": "waited", "then": "form"}, "limit"),
        ({"when": "length", "then": "form"}, "limit"),
        ({"when": "nobody", "then": "form", "limit": 3}, "limit"),
        ({"when": "hours", "then": "queue"}, "to"),
        ({"when": "hours", "then": "message"}, "words"),
        ({"when": "waited", "limit": 5, "then": "close"}, "words"),
    ],
)
def test_parts_that_do_not_go_together_are_refused_with_words(floor, fields, field):
    with pytest.raises(ValidationError) as refused:
        Overflow(queue=floor.queue, **fields).full_clean()
    assert list(refused.value.message_dict) == [field]
    if field != "words":
        with pytest.raises(IntegrityError), transaction.atomic():
            Overflow.objects.create(queue=floor.queue, **fields)


# --- What a supervisor does for a time ends by itself ---


def test_a_closing_ends_to_the_second_and_the_board_says_until_when(floor):
    world.on_duty(floor.alice)
    rule(floor.queue, "nobody", "close", words="Nobody")
    queue = control.close_queue(queue=floor.queue, lasting=timedelta(hours=1), message="Stocktaking", actor=floor.boss)
    until = queue.closed_until
    row = snapshot.compute()[floor.team.pk]["queues"][0]
    assert row["closed"] == pytest.approx(until.timestamp(), abs=0.1)
    before, at = until - timedelta(microseconds=1), until
    assert [queries.door_of(queue, moment).open for moment in (before, at)] == [False, True]
    assert doors.of_site(floor.site).door.message == "Stocktaking", "what he says goes before rules"
    assert overflow.way_in(queue, at).door.open


def test_lending_ends_to_the_second_and_the_board_says_until_when(floor):
    carol = world.make_user("carol", team=floor.team)
    member = control.lend_operator(queue=floor.queue, user=carol, lasting=timedelta(hours=1), actor=floor.boss)
    row = snapshot.compute()[floor.team.pk]["queues"][0]
    assert (row["members"], row["lent"]) == (3, 1) and row["lent_until"] == pytest.approx(
        member.until.timestamp(), abs=0.1
    )
    before, at = member.until - timedelta(microseconds=1), member.until
    assert [queries.members_of(floor.queue, moment).filter(user=carol).exists() for moment in (before, at)] == [
        True,
        False,
    ]
    floor.ready(carol)
    QueueMember.objects.filter(pk=member.pk).update(until=timezone.now())
    chat = floor.chat()
    assert floor.item(chat).visit == "waiting", "offered no more though the row is still there"
    sweeps.sweep()
    assert not QueueMember.objects.filter(user=carol).exists()
    floor.ready(floor.alice)
    offers.accept_offer(leg_id=floor.leg(chat).pk, actor=floor.alice)

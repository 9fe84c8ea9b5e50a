"""The visitor's protocol over HTTP."""

import re
import uuid
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from customers.models import Consent
from cxcenter.core.errors import Invalid
from cxcenter.core.models import Event
from cxcenter.widget import protocol, reception
from interactions.actions import talk
from interactions.choices import CloseReason
from interactions.models import Interaction, Message, Task, Thread
from quality.models import Survey
from routing import calls, sweeps
from routing.actions import legs, offers
from routing.models import Assignment, BusinessHours, OpeningInterval, Presence, WorkItem
from tests import world
from tests.widget.client import Visitor

pytestmark = pytest.mark.django_db(transaction=True)


def test_first_words_open_a_session_and_reach_an_operator(place):
    alice, _queue, site = place
    visitor = Visitor(site)
    opened = visitor.session()
    assert opened["door"]["open"] and opened["thread"] is False
    assert Thread.objects.count() == 0  # a mere visitor is nobody's row
    sent = visitor.start("Where is my order?", name="Kate", contact="8 900 555-01-84")
    assert visitor.answer.status_code == 200, sent
    chat = Interaction.objects.get()
    assert chat.says == {"name": "Kate", "contact": "+79005550184"}
    assert Assignment.objects.get(interaction=chat).operator == alice
    assert (sent["message"]["seq"], sent["changed"]) == (1, 1)
    again = visitor.session()
    assert [m["text"] for m in again["messages"]] == ["Where is my order?"]
    assert again["state"]["open"] and again["state"]["queue"]["position"] == 1


def test_the_same_key_is_one_message(place):
    _alice, _queue, site = place
    visitor = Visitor(site)
    key = str(uuid.uuid4())
    for _ in range(3):
        visitor.start("Hello", key=key)
    key2 = str(uuid.uuid4())
    numbers = [visitor.say("and more", key2)["message"]["seq"] for _ in range(5)]
    assert numbers == [2] * 5
    assert Message.objects.count() == 2 and Interaction.objects.count() == 1 and WorkItem.objects.count() == 1


def test_talk_both_ways_marks_and_changes(place):
    alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    chat = Interaction.objects.get()
    offers.accept_offer(leg_id=Assignment.objects.get().pk, actor=alice)
    world.reply(chat, alice, "Good day")
    told = visitor.get("changes", {"after": 1})
    assert [(m["author"], m["code"], m["text"], m["name"]) for m in told["messages"]] == [
        ("system", "joined", "", "Alice"),
        ("staff", "", "Good day", "Alice"),
    ]
    assert told["state"]["agent"] == "Alice" and told["state"]["queue"] is None
    seq = told["messages"][-1]["seq"]
    assert visitor.post("marks", {"got": seq, "read": seq})["marks"]["customer_read"] == seq
    assert visitor.get("changes", {"after": told["changed"]})["messages"] == []


def test_what_an_operator_has_got_stays_delivered(place):
    alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    assert visitor.get("changes")["state"]["delivered"] == 0
    offers.accept_offer(leg_id=Assignment.objects.get().pk, actor=alice)
    got = visitor.say("More")["message"]["seq"]
    assert visitor.get("changes")["state"]["delivered"] >= got
    legs.return_to_queue(leg_id=Assignment.objects.get().pk)
    later = visitor.say("Where are you?")["message"]["seq"]
    assert got <= visitor.get("changes")["state"]["delivered"] < later
    visitor.post("end")
    assert got <= visitor.get("changes")["state"]["delivered"] < later


def test_history_pages_back_without_gaps(place):
    alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start("1")
    for n in range(2, 121):
        world.say(Interaction.objects.get(), str(n))
    seen = visitor.session()
    texts, more = [m["text"] for m in seen["messages"]], seen["more"]
    while more:
        before = visitor.get("messages", {"before": seen["messages"][0]["seq"]})
        texts, more, seen = [m["text"] for m in before["messages"]] + texts, before["more"], before
    assert texts == [str(n) for n in range(1, 121)]


def test_changes_come_in_pages_and_leave_nothing_out(place):
    _alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start("1")
    chat = Interaction.objects.get()
    for n in range(2, 451):
        world.say(chat, str(n))
    after, texts, pages = 0, [], 0
    while True:
        told = visitor.get("changes", {"after": after})
        texts += [m["text"] for m in told["messages"]]
        after, pages = told["changed"], pages + 1
        if not told["more"]:
            break
    assert texts == [str(n) for n in range(1, 451)] and pages == 3
    assert after == Thread.objects.get().customer_changes


def test_a_withdrawn_message_goes_from_the_page(place):
    alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    chat = Interaction.objects.get()
    wrong = world.reply(chat, alice, "Wrong window")
    after = visitor.get("changes", {"after": 0})["changed"]
    talk.withdraw_message(message_id=wrong.pk, actor=alice)
    told = visitor.get("changes", {"after": after})["messages"]
    assert [(m["id"], m["withdrawn"], m["text"]) for m in told] == [(wrong.pk, True, "")]
    assert wrong.pk not in [m["id"] for m in visitor.session()["messages"]]


def test_who_writes_after_the_end_begins_again_in_the_same_thread(place):
    _alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start("First", name="Kate")
    visitor.post("end")
    assert Interaction.objects.get().close_reason == CloseReason.ENDED
    assert visitor.say("One more thing")["message"]["text"] == "One more thing"
    first, second = Interaction.objects.order_by("pk")
    assert (first.thread_id, second.is_open, second.says) == (second.thread_id, True, {"name": "Kate"})
    assert visitor.session()["state"]["open"]


def test_after_the_end_with_a_shut_door_the_form_is_asked_for(place):
    alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    visitor.post("end")
    world.on_duty(alice, mode="offline")
    told = visitor.say("Anybody there?")
    assert visitor.answer.status_code == 409
    assert (told["code"], told["door"]["open"], told["door"]["why"]) == ("away", False, "nobody")
    assert not Interaction.objects.open().exists() and not Message.objects.filter(text="Anybody there?").exists()


def test_the_form_is_checked_again_by_the_center(place):
    _alice, _queue, site = place
    site.ask_consent = site.need_contact = True
    site.save()
    visitor = Visitor(site)
    for data, field in [
        ({"consent": True}, "contact"),
        ({"consent": True, "contact": "12"}, "contact"),
        ({"contact": "kate@norda.example"}, "consent"),
        ({"contact": "kate@norda.example", "consent": "yes"}, "consent"),
        ({"contact": "kate@norda.example", "consent": True, "topic": 12345}, "topic"),
        ({"contact": "kate@norda.example", "consent": True, "name": "x" * 121}, "name"),
        ({"contact": "kate@norda.example", "consent": True, "text": "x" * 8001}, "text"),
        ({"contact": "kate@norda.example", "consent": True, "text": " "}, "text"),
        ({"contact": "kate@norda.example", "consent": True, "key": "1"}, "key"),
    ]:
        told = visitor.start(**data)
        assert (visitor.answer.status_code, told["field"]) == (400, field), data
    assert Interaction.objects.count() == Message.objects.count() == Consent.objects.count() == 0


def test_consent_is_kept_with_its_proof_once(place):
    _alice, _queue, site = place
    site.ask_consent, site.consent_url = True, "https://norda.example/privacy"
    site.save()
    visitor = Visitor(site, **{"User-Agent": "Test browser"})
    page = {"url": "https://norda.example/wheels?utm_source=mail#top", "title": "Wheels", "utm": {"source": "mail"}}
    visitor.start(consent=True, page=page)
    visitor.start(consent=True, page=page)
    consent = Consent.objects.get()
    assert consent.granted and consent.identity == Thread.objects.get().identity
    assert consent.proof["agent"] == "Test browser" and consent.proof["text"] == site.consent_url
    assert consent.proof["page"] == "https://norda.example/wheels?utm_source=mail"
    assert Interaction.objects.get().page["utm"] == {"source": "mail"}


def test_the_way_over_the_site_comes_with_the_first_message(place):
    _alice, _queue, site = place
    site.tracked_types = ["cart_add"]
    site.save()
    visitor = Visitor(site)
    visitor.session()
    page = {"url": "https://norda.example/wheels?card=4111", "title": "Wheels"}
    trail = [
        {"type": "page_view", "page": page, "key": str(uuid.uuid4()), "at": timezone.now().isoformat()},
        {"type": "cart_add", "data": {"sku": "W-16"}, "key": str(uuid.uuid4())},
        {"type": "not_allowed", "data": {}, "key": str(uuid.uuid4())},
        "nonsense",
    ]
    visitor.start(trail=trail)
    events = Event.objects.filter(kind="site.event").order_by("pk")
    assert [e.payload["type"] for e in events] == ["page_view", "cart_add"]
    assert events[0].payload["data"] == {"url": "https://norda.example/wheels", "title": "Wheels"}
    assert {e.payload["origin"] for e in events} == {"browser"}


def test_a_trail_never_stands_in_the_way_of_the_first_message(place):
    """Too long, cut in the middle of a character, endless, deep: what fits is kept, and the message is taken."""
    _alice, _queue, site = place
    site.tracked_types = ["cart_add"]
    site.save()
    said = [{"x": "y" * 2000}] * 60 + [{"x": "half a \ud83d"}, {"x": "zero \x00"}, {"x": 10**400}, {"sku": "W-16"}]
    trail = [{"type": "cart_add", "data": data, "key": str(uuid.uuid4())} for data in said]
    visitor = Visitor(site)
    assert "message" in visitor.start("Hello", trail=trail)
    kept = [e.payload["data"] for e in Event.objects.filter(kind="site.event").order_by("pk")]
    assert kept[-1] == {"sku": "W-16"} and len(kept) < reception.TRAIL + 1
    answer = visitor.client.post(
        "/widget/api/track",
        f'{{"type": "cart_add", "key": "{uuid.uuid4()}", "data": {{"x": 1e999}}}}',
        content_type="application/json",
        headers={"Authorization": f"Visitor {visitor.token}"},
    )
    assert answer.status_code == 400
    visitor.say("x" * 66_000)
    assert visitor.answer.status_code == 413


def test_events_of_the_site(place):
    _alice, _queue, site = place
    site.tracked_types = ["cart_add"]
    site.save()
    visitor = Visitor(site)
    visitor.session()
    assert visitor.post("track", {"type": "page_view", "key": str(uuid.uuid4())})["code"] == "no_talk"
    visitor.start()
    key = str(uuid.uuid4())
    for _ in range(3):
        visitor.post("track", {"type": "cart_add", "data": {"sku": "W-16", "price": 9800}, "key": key})
    assert Event.objects.filter(kind="site.event").count() == 1
    page = {"url": "https://norda.example/basket", "title": "Basket"}
    visitor.post("track", {"type": "page_view", "page": page, "key": str(uuid.uuid4())})
    assert Thread.objects.get().page == page
    for data, status in [
        ({"type": "buy", "data": {}}, 400),
        ({"type": "cart_add", "data": {"deep": {"x": 1}}}, 400),
        ({"type": "cart_add", "data": {"long": "x" * 2100}}, 400),
        ({"type": "cart_add", "data": [1]}, 400),
        ({"type": 5}, 400),
    ]:
        visitor.post("track", {**data, "key": str(uuid.uuid4())})
        assert visitor.answer.status_code == status, data
    codes = set()
    for _ in range(70):
        visitor.post("track", {"type": "cart_add", "data": {}, "key": str(uuid.uuid4())})
        codes.add(visitor.answer.status_code)
    assert codes == {200, 429}


def test_a_rating_is_kept_once_and_can_be_changed(place):
    alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    chat = Interaction.objects.get()
    told = visitor.post("rating", {"session": str(chat.public_id), "csat": 5})
    assert told["code"] == "no_session"  # it goes on
    offers.accept_offer(leg_id=Assignment.objects.get().pk, actor=alice)
    world.reply(chat, alice, "Good day")
    legs.finish(interaction_id=chat.pk, actor=alice)
    state = visitor.get("changes")["state"]
    assert state["rate"] and state["reason"] == "finished"
    for data in [{"csat": 6}, {"ces": 8}, {"csat": 0}, {"csat": "x"}, {}]:
        visitor.post("rating", {"session": state["session"], **data})
        assert visitor.answer.status_code == 400, data
    for csat in (4, 4, 5):
        visitor.post("rating", {"session": state["session"], "csat": csat, "ces": 6, "comment": " Quick "})
        assert visitor.answer.status_code == 200
    survey = Survey.objects.get()
    assert (survey.interaction, survey.csat, survey.ces, survey.comment) == (chat, 5, 6, "Quick")
    assert Event.objects.filter(kind="survey.answered").count() == 2
    assert visitor.get("changes")["state"]["rate"] is False


@pytest.mark.parametrize("fact", [{"close_reason": CloseReason.SPAM}, {"first_reply_at": None}, {"days": 2}])
def test_no_rating_is_taken_that_was_not_asked_for(place, fact):
    alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start()
    chat = Interaction.objects.get()
    offers.accept_offer(leg_id=Assignment.objects.get().pk, actor=alice)
    world.reply(chat, alice, "Good day")
    legs.finish(interaction_id=chat.pk, actor=alice)
    ended = {"closed_at": timezone.now() - timedelta(days=fact["days"])} if "days" in fact else fact
    Interaction.objects.filter(pk=chat.pk).update(**ended)
    assert visitor.get("changes")["state"]["rate"] is False
    assert visitor.post("rating", {"session": str(chat.public_id), "csat": 1})["code"] == "no_session"
    assert not Survey.objects.exists()


def test_who_waits_behind_a_door_that_shuts_may_leave_a_request_and_then_waits_no_more(place):
    alice, _queue, site = place
    Presence.objects.filter(user=alice).update(capacity=0)
    visitor = Visitor(site)
    visitor.start()
    assert visitor.get("changes")["state"]["door"] is None
    world.on_duty(alice, mode="offline")
    assert visitor.get("changes")["state"]["door"] is None, "he is told first"
    sweeps.tell_away(now=timezone.now())
    told = visitor.get("changes")
    assert told["messages"][-1]["code"] == "away"
    assert told["state"]["queue"]["position"] == 1, "he keeps his place"
    assert (told["state"]["door"]["why"], bool(told["state"]["door"]["slots"])) == ("nobody", True)
    request = {"kind": "call", "contact": "8 900 555 01 84", "text": "Where is it?", "key": str(uuid.uuid4())}
    for _ in range(2):
        assert visitor.post("offline", request) == {"left": True, "callback": None}
    assert Task.objects.count() == 1 and not Interaction.objects.open().exists()
    assert WorkItem.objects.get().visit == "left"


def test_a_request_becomes_one_task(place):
    alice, queue, site = place
    world.on_duty(alice, mode="offline")
    visitor = Visitor(site)
    door = visitor.session()["door"]
    assert (door["open"], door["why"]) == (False, "nobody") and door["slots"]
    told = visitor.start()
    assert visitor.answer.status_code == 409 and told["code"] == "away"
    request = {
        "kind": "call",
        "contact": "8 900 555 01 84",
        "name": "Kate",
        "text": "Where is it?",
        "key": str(uuid.uuid4()),
    }
    for data, field in [
        ({**request, "contact": "kate@norda.example"}, "contact"),
        ({**request, "kind": "write"}, "contact"),
        ({**request, "text": " "}, "text"),
        ({**request, "slot": "2001-01-01T10:00:00Z"}, "slot"),
    ]:
        told = visitor.post("offline", data)
        assert (visitor.answer.status_code, told.get("field")) == (400, field), data
    for _ in range(3):
        visitor.post("offline", {**request, "slot": door["slots"][1]})
    task = Task.objects.get()
    assert (task.kind, task.team, task.contact, task.title) == ("callback", queue.team, "+79005550184", "Kate")
    assert task.due_at.isoformat() == door["slots"][1] and task.text == "Where is it?"
    visitor.post("offline", {**request, "kind": "write", "contact": "Kate@Norda.example", "key": str(uuid.uuid4())})
    assert Task.objects.get(kind="write").contact == "kate@norda.example"
    # That he was refused is kept as one blocked visit, by rule.
    assert WorkItem.objects.get().blocked_kind == "B3" and not Interaction.objects.open().exists()


def test_a_request_of_a_site_that_leads_nowhere_is_not_lost(place):
    site = world.make_site()
    visitor = Visitor(site)
    assert visitor.session()["door"]["open"] is False
    request = {"kind": "call", "contact": "+79005550184", "text": "Hello?", "key": str(uuid.uuid4())}
    assert visitor.post("offline", request) == {"left": True, "callback": None}
    assert Task.objects.get().team == world.make_team()


def test_call_slots_are_working_hours(place):
    _alice, queue, _site = place
    hours = BusinessHours.objects.create(name="Shop", zone="Europe/Moscow")
    for day in range(5):
        OpeningInterval.objects.create(hours=hours, day=day, opens=time(10), closes=time(13))
    queue.hours = hours
    friday = datetime(2026, 11, 20, 11, 20, tzinfo=ZoneInfo("Europe/Moscow"))
    free = [slot.astimezone(ZoneInfo("Europe/Moscow")) for slot in calls.slots(queue, friday)]
    # Not within the hour to come, never on the weekend, five days with hours at most.
    assert not [slot for slot in free if slot <= friday + timedelta(hours=1)]
    assert free[0] == datetime(2026, 11, 23, 10, tzinfo=ZoneInfo("Europe/Moscow"))
    assert {(slot.weekday() < 5, slot.hour in {10, 11, 12}) for slot in free} == {(True, True)}
    assert len({slot.date() for slot in free}) == 5
    morning = datetime(2026, 11, 20, 9, 0, tzinfo=ZoneInfo("Europe/Moscow"))
    first = calls.slots(queue, morning)[0].astimezone(ZoneInfo("Europe/Moscow"))
    assert first == datetime(2026, 11, 20, 10, tzinfo=ZoneInfo("Europe/Moscow"))


def test_refusals_speak_the_visitors_language(place):
    _alice, _queue, site = place
    visitor = Visitor(site, **{"Accept-Language": "ru"})
    visitor.start(" ")
    assert re.search("[а-я]", visitor.answer.json()["message"])


def test_the_expected_wait_is_honest(place):
    alice, queue, site = place
    visitor = Visitor(site)
    assert visitor.session()["door"]["estimate_s"] == 0.0  # somebody is free
    Presence.objects.update(capacity=0)
    assert visitor.session()["door"]["estimate_s"] is None  # no ground for an estimate
    Presence.objects.update(capacity=2)
    chat = world.open_chat(site)
    leg = offers.accept_offer(leg_id=Assignment.objects.get().pk, actor=alice)
    legs.finish(interaction_id=chat.pk, actor=alice)
    legs.wrap_up(leg_id=leg.pk, actor=alice)
    begun = timezone.now() - timedelta(minutes=10)
    Assignment.objects.update(accepted_at=begun, ended_at=begun + timedelta(minutes=10))
    Presence.objects.update(load=2)
    world.open_chat(site)
    # One waits already: (1 + 1) · 10 min by two at once.
    assert visitor.session()["door"]["estimate_s"] == pytest.approx(600, rel=0.01)


def test_a_number_that_is_endless_is_refused_as_any_other_nonsense():
    for said in ("x", float("inf"), -1, 2**31, True, [1]):
        with pytest.raises(Invalid):
            protocol.whole_of({"id": said}, "id")

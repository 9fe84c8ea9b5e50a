"""The menu of one's own states: which kinds of work come, how long a pause may last, what is reserved; the longer wrap-up."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cxcenter.desk.rows import by_need, my_rows
from routing.actions import legs, offers, presence, reservations
from routing.models import Assignment, PauseReason, Presence, Queue
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(client):
    team = world.make_team()
    alice = world.make_user("alice", team=team)
    queue = world.make_queue(members=(alice,), team=team)
    world.on_duty(alice)
    client.force_login(alice)
    client.alice, client.site, client.queue = alice, world.make_site(queue), queue
    client.boss = world.make_user("boss", "supervisor", team)
    return client


def parts(desk: Client) -> str:
    return desk.get("/desk/parts/").content.decode()


def test_kinds_of_work_are_switched_and_shown(desk):
    for words in ("Calls: 0 of 1", "Chats: 0 of 4", "Callbacks: 0 of 1"):
        assert f'title="{words}"' in parts(desk)
    assert desk.post("/desk/presence/kinds/", {"off": "chat"}).status_code == 204
    page = parts(desk)
    assert "no chats" in page and "no callbacks" not in page
    assert 'data-kind="chat" >' in page and 'data-kind="callback" checked>' in page
    refused = desk.post("/desk/presence/kinds/", {"off": ["call", "chat", "callback"]})
    assert (refused.status_code, refused.json()["field"]) == (400, "off")
    assert desk.post("/desk/presence/kinds/").status_code == 204 and "no chats" not in parts(desk)


def test_who_takes_one_kind_alone_has_nothing_to_switch(desk):
    Presence.objects.update(callbacks=0, calls=0)
    page = parts(desk)
    assert "data-kind" not in page and "Callbacks" not in page and "Calls" not in page


def test_a_call_in_talk_is_counted_stands_among_what_is_mine_and_is_not_put_aside(desk):
    chat = world.open_chat(desk.site)
    offers.accept_offer(leg_id=Assignment.objects.get(interaction=chat).pk, actor=desk.alice)
    Presence.objects.update(calls=2)
    call = world.open_call(world.make_line(desk.queue))
    offers.accept_offer(leg_id=Assignment.objects.get(interaction=call).pk, actor=desk.alice)
    assert 'title="Calls: 1 of 2"' in parts(desk) and 'title="Chats: 1 of 4"' in parts(desk)
    page = desk.get(f"/desk/s/{call.pk}/").content.decode()
    assert 'data-key="snooze"' not in page and 'data-key="transfer"' in page
    assert 'data-key="snooze"' in desk.get(f"/desk/s/{chat.pk}/").content.decode()
    refused = desk.post(f"/desk/s/{call.pk}/snooze/", {"minutes": 15})
    assert (refused.status_code, refused.json()["code"]) == (409, "on_the_line")
    assert [row.id for row in by_need(my_rows(desk.alice))["mine"]] == [chat.pk, call.pk]


def test_who_could_take_a_session_is_shown_with_what_he_has_of_its_kind(desk):
    bob = world.make_user("bob", team=desk.alice.team)
    desk.queue.members.add(bob)
    chat = world.open_chat(desk.site)
    offers.accept_offer(leg_id=Assignment.objects.get(interaction=chat).pk, actor=desk.alice)
    Presence.objects.update(calls=2)
    call = world.open_call(world.make_line(desk.queue))
    offers.accept_offer(leg_id=Assignment.objects.get(interaction=call).pk, actor=desk.alice)
    Presence.objects.update_or_create(
        user=bob,
        defaults={"mode": "available", "state": "available", "capacity": 4, "calls": 3, "load": 2, "call_load": 1},
    )
    assert "operator · 1/3" in desk.get(f"/desk/s/{call.pk}/transfer-form/").content.decode()
    assert "operator · 1/4" in desk.get(f"/desk/s/{chat.pk}/transfer-form/").content.decode()


def test_a_pause_shows_its_limit(desk):
    for name, limit in (("Lunch", 30), ("Desk", None)):
        reason = PauseReason.objects.create(name=name, limit_min=limit)
        presence.set_mode(user=desk.alice, mode="pause", reason=reason, actor=desk.alice)
        assert ('data-limit="1800"' in parts(desk)) is (limit is not None)
    presence.set_mode(user=desk.alice, mode="available", actor=desk.alice)
    assert "data-limit" not in parts(desk)


def test_reserved_time_is_seen_before_and_during(desk):
    now = timezone.now()
    plan = reservations.plan(
        users=[desk.alice], state="training", subject="Tyres <b>of the season</b>", starts_at=now + timedelta(hours=1),
        ends_at=now + timedelta(hours=2), actor=desk.boss,
    )  # fmt: skip
    page = parts(desk)
    assert "Reserved time" in page and "Tyres &lt;b&gt;of the season" in page
    talk = world.open_chat(desk.site)
    reservations.sweep_reserved(now=plan.starts_at)
    assert "then the training" in parts(desk)
    offers.decline_offer(leg_id=Assignment.objects.get(interaction=talk).pk, actor=desk.alice)
    assert 'data-state="training"' in parts(desk)
    reservations.cancel(reservation=plan, actor=desk.boss)
    page = parts(desk)
    assert 'data-state="available"' in page and "Reserved time" not in page


def test_a_wrap_up_is_extended_by_minutes_up_to_the_limit(desk):
    Queue.objects.update(wrapup_s=60, wrapup_more_s=90)
    talk = world.open_chat(desk.site)
    leg = offers.accept_offer(leg_id=Assignment.objects.get().pk, actor=desk.alice)
    legs.finish(interaction_id=talk.pk, actor=desk.alice)
    ends = Assignment.objects.get(pk=leg.pk).wrapup_until.timestamp()
    page = desk.get(f"/desk/s/{talk.pk}/").content.decode()
    assert "+1 min" in page and 'data-left="90"' in page
    said = [desk.post(f"/desk/s/{talk.pk}/extend/").json() for _ in range(3)]
    assert [(round(one["until"] - ends), one["left"]) for one in said[:2]] == [(60, 30), (90, 0)]
    assert said[2]["code"] == "limit"
    assert "+1 min" not in desk.get(f"/desk/s/{talk.pk}/").content.decode()

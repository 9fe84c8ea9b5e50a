"""Kinds of work: one call, one callback or four chats, what gives way to what, and what an operator takes none of now."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connections, transaction

from cxcenter.core.errors import Forbidden, Invalid
from cxcenter.core.models import AuditEntry
from interactions.choices import ChannelKind
from interactions.models import Interaction
from routing import explain, rows, strategies
from routing.actions import legs, offers, presence, queueing
from routing.choices import Work, work_of
from routing.models import Assignment, CapacityProfile, GivesWay, Presence, Queue
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


def callback(floor, queue: Queue | None = None, **fields) -> Interaction:
    """A callback that waits in a queue."""
    thread = world.make_thread(floor.site)
    made = Interaction.objects.create(thread=thread, profile_id=thread.profile_id, kind="callback")
    assert queueing.enqueue(interaction=made, queue=queue or floor.queue, **fields)
    return made


def loads(user) -> tuple[int, int]:
    row = Presence.objects.get(user=user)
    return row.load, row.callback_load


def calls(user) -> tuple[int, int]:
    row = Presence.objects.get(user=user)
    return row.load, row.call_load


def test_every_kind_of_interaction_is_some_kind_of_work():
    assert {work_of(kind) for kind in ChannelKind.values} == set(Work)
    assert work_of("callback") == Work.CALLBACK and work_of("webchat") == Work.CHAT
    assert work_of("voice") == Work.CALL


def test_one_callback_or_four_chats(floor):
    floor.ready(floor.alice)
    called = callback(floor)
    assert floor.leg(called).operator == floor.alice and loads(floor.alice) == (1, 1)
    chat = floor.chat()
    assert floor.item(chat).visit == "waiting", "who calls back is given no chat"
    offers.accept_offer(leg_id=floor.leg(called).pk, actor=floor.alice)
    legs.finish(interaction_id=called.pk, actor=floor.alice)
    legs.wrap_up(leg_id=floor.leg(called).pk, actor=floor.alice)
    chats = [chat, *(floor.chat() for _ in range(4))]
    assert [floor.item(one).visit for one in chats] == ["offered"] * 4 + ["waiting"] and loads(floor.alice) == (4, 0)
    assert floor.item(callback(floor)).visit == "waiting"


def test_one_call_or_four_chats(floor, line):
    floor.ready(floor.alice)
    call = line.call(floor.alice)
    assert calls(floor.alice) == (1, 1)
    chat, second, called = floor.chat(), line.call(), callback(floor)
    assert {floor.item(one).visit for one in (chat, second, called)} == {"waiting"}, "who talks is given nothing more"
    presence.switch_kinds(user=floor.alice, off=["call", "callback"], actor=floor.alice)
    legs.finish(interaction_id=call.pk, actor=floor.alice)
    assert floor.item(chat).visit == "waiting" and calls(floor.alice) == (1, 1), "a wrap-up holds its place"
    legs.wrap_up(leg_id=floor.leg(call).pk, actor=floor.alice)
    assert floor.item(chat).visit == "offered" and calls(floor.alice) == (1, 0)
    presence.switch_kinds(user=floor.alice, off=[], actor=floor.alice)
    assert floor.item(second).visit == "waiting", "a chat takes a quarter of her, and a call all"


def test_two_calls_one_of_them_on_hold(floor, line):
    floor.ready(floor.alice)
    presence.set_capacity(user=floor.alice, capacity=4, calls=2, actor=floor.boss)
    first, second = line.call(floor.alice), line.call(floor.alice)
    assert calls(floor.alice) == (2, 2)
    assert {floor.item(one).visit for one in (line.call(), floor.chat())} == {"waiting"}
    legs.finish(interaction_id=first.pk, actor=floor.alice)
    legs.wrap_up(leg_id=floor.leg(first).pk, actor=floor.alice)
    assert calls(floor.alice) == (2, 2), "the third comes"
    assert floor.leg(second).leg == "active"


def test_no_calls_but_still_chats(floor, line):
    floor.ready(floor.alice)
    offered = line.call()
    assert floor.item(offered).visit == "offered"
    presence.switch_kinds(user=floor.alice, off=["call"], actor=floor.alice)
    assert floor.item(offered).visit == "waiting" and calls(floor.alice) == (0, 0)
    assert floor.item(floor.chat()).visit == "offered"
    presence.switch_kinds(user=floor.alice, off=[], actor=floor.alice)
    Presence.objects.filter(user=floor.bob).delete()
    floor.ready(floor.bob)
    assert floor.leg(offered).operator == floor.bob


def test_a_call_goes_where_chats_give_way_to_it(floor, line):
    GivesWay.objects.create(work="chat", to="call")
    floor.ready(floor.alice)
    for _ in range(4):
        floor.chat(floor.alice)
    assert floor.item(callback(floor)).visit == "waiting"
    call = line.call()
    assert floor.leg(call).operator == floor.alice and calls(floor.alice) == (5, 1)


def test_work_that_gives_way_takes_no_room(floor):
    GivesWay.objects.create(work="chat", to="callback")
    floor.ready(floor.alice)
    chats = [floor.chat(floor.alice) for _ in range(4)]
    assert floor.item(callback(floor)).visit == "offered", "four chats give way to a callback"
    assert loads(floor.alice) == (5, 1)
    assert floor.item(callback(floor)).visit == "waiting"
    legs.finish(interaction_id=chats[0].pk, actor=floor.alice)
    legs.wrap_up(leg_id=floor.leg(chats[0]).pk, actor=floor.alice)
    assert floor.item(floor.chat()).visit == "waiting", "not the other way round"


def test_a_rule_gives_way_to_another_kind():
    with pytest.raises(IntegrityError), transaction.atomic():
        GivesWay.objects.create(work="chat", to="chat")


def test_blending_goes_by_the_priority_of_queues(floor):
    urgent = world.make_queue("Callbacks", floor.team, members=(floor.alice,), priority=5)
    chat, called = floor.chat(), callback(floor, urgent)
    floor.ready(floor.alice, capacity=1)
    assert (floor.item(called).visit, floor.item(chat).visit) == ("offered", "waiting")
    presence.set_mode(user=floor.alice, mode="pause", actor=floor.alice)
    Queue.objects.filter(pk=urgent.pk).update(paused_until="2099-01-01T00:00Z")
    floor.ready(floor.alice, capacity=1)
    assert (floor.item(called).visit, floor.item(chat).visit) == ("waiting", "offered")


def test_no_chats_but_still_callbacks(floor):
    floor.ready(floor.alice, capacity=4)
    Presence.objects.update(callbacks=2)
    held, offered = floor.chat(floor.alice), floor.chat()
    presence.switch_kinds(user=floor.alice, off=["chat"], actor=floor.alice)
    assert floor.leg(held).leg == "active" and floor.item(offered).visit == "waiting"
    assert floor.item(callback(floor)).visit == "offered", "a chat in his hands takes a quarter of him, a callback half"
    waiting = floor.chat()
    assert floor.item(waiting).visit == "waiting"
    presence.switch_kinds(user=floor.alice, off=[], actor=floor.alice)
    assert floor.item(waiting).visit == "offered", "what waits comes at once"
    assert not AuditEntry.objects.filter(act="presence.kinds").exists()
    presence.switch_kinds(user=floor.alice, off=["callback"], actor=floor.boss)
    assert AuditEntry.objects.get(act="presence.kinds").detail == {"off": ["callback"]}
    for wrong in (["chat", "callback", "call"], ["mail"]):
        with pytest.raises(Invalid):
            presence.switch_kinds(user=floor.alice, off=wrong, actor=floor.alice)
    assert Presence.objects.get(user=floor.alice).off == ["callback"]


def test_a_contact_of_a_kind_that_is_off_does_not_wake_up_at_him(floor):
    floor.ready(floor.alice, floor.bob)
    chat = floor.chat(floor.alice)
    Assignment.objects.filter(interaction=chat).update(holds=False)
    Presence.objects.filter(user=floor.alice).update(load=0)
    presence.switch_kinds(user=floor.alice, off=["chat"], actor=floor.alice)
    assert legs.wake(leg_id=floor.leg(chat).pk) is False
    assert legs.wake(leg_id=floor.leg(chat).pk, force=True), "he asked for it himself"


def test_why_says_who_takes_none_of_it(floor):
    floor.ready(floor.alice, floor.bob)
    presence.switch_kinds(user=floor.bob, off=["chat"], actor=floor.bob)
    chat = floor.chat()
    [offer] = explain.offers_of(floor.item(chat))
    assert {one.name: one.verdict for one in offer.candidates} == {floor.alice.name: "chosen", floor.bob.name: "off"}


def test_a_profile_is_typed_once(floor):
    profile = CapacityProfile.objects.create(name="Second line", capacity=2, callbacks=0, calls=2, standard=True)
    presence.use_profile(user=floor.alice, profile=profile, actor=floor.boss)
    presence.set_capacity(user=floor.bob, capacity=3, callbacks=2, calls=0, actor=floor.boss)
    profile.capacity, profile.callbacks, profile.calls = 5, 1, 3
    profile.save()
    assert presence.spread_profile(profile=profile, actor=floor.boss) == 1
    numbers = {one.user_id: (one.capacity, one.callbacks, one.calls) for one in Presence.objects.all()}
    assert numbers == {floor.alice.pk: (5, 1, 3), floor.bob.pk: (3, 2, 0)}
    new = world.make_user("carol", team=floor.team)
    presence.set_mode(user=new, mode="available", actor=new)
    assert (new.presence.profile, new.presence.capacity, new.presence.calls) == (profile, 5, 3), (
        "new operators have the standard one"
    )
    assert AuditEntry.objects.filter(act="capacity.profile").count() == 1
    for wrong in ({"callbacks": 51}, {"calls": 51}, {"calls": -1}):
        with pytest.raises(Invalid):
            presence.set_capacity(user=floor.bob, capacity=3, actor=floor.boss, **wrong)


@pytest.mark.parametrize(
    "rules", [(), (("chat", "callback"),), (("callback", "chat"),), (("chat", "call"), ("callback", "call"))]
)
def test_the_database_and_the_engine_agree_on_who_has_room(floor, rules):
    for work, to in rules:
        GivesWay.objects.create(work=work, to=to)
    chance, gives_way = random.Random(len(rules)), frozenset(rules)
    Presence.objects.update_or_create(user=floor.alice, defaults={"mode": "available"})
    seen = set()
    for _ in range(150):
        chats, callbacks, called = chance.randint(0, 4), chance.randint(0, 2), chance.randint(0, 2)
        off = [kind for kind in Work.values if chance.random() < 0.2]
        Presence.objects.update(
            capacity=chance.randint(0, 4),
            callbacks=chance.randint(0, 2),
            calls=chance.randint(0, 2),
            off=off,
            load=chats + callbacks + called,
            callback_load=callbacks,
            call_load=called,
        )
        row = Presence.objects.get(user=floor.alice)
        wanted = any(row.takes(kind, gives_way) for kind in Work)
        assert bool(rows.queues_with_room(floor.alice.pk)) is wanted, row.__dict__
        if not rules:
            assert row.room_left is wanted
        one = strategies.Free(1, frozenset({1}), row.limits, loads=row.loads, off=frozenset(off))
        crowd = strategies.Crowd([one], gives_way)
        assert [bool(crowd.could(1, kind, ())) for kind in Work] == [row.takes(kind, gives_way) for kind in Work]
        seen.add(wanted)
    assert seen == {True, False}
    Presence.objects.update(load=0, callback_load=0, call_load=0)


def test_loads_that_do_not_add_up_are_refused_by_the_database(floor):
    floor.ready(floor.alice)
    for wrong in (
        {"load": 1, "callback_load": 2}, {"load": 0, "callback_load": -1}, {"load": -1},
        {"load": 1, "call_load": 1, "callback_load": 1}, {"load": 0, "call_load": -1},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            Presence.objects.update(**wrong)


def test_a_decision_on_room_that_is_gone_makes_no_offer(floor, monkeypatch):
    """Between the look and the claim somebody takes over, or takes fewer, or none of these."""
    floor.ready(floor.alice)
    claim, spoils = rows.claim, []

    def late(wishes, now):
        if wishes and spoils:
            Presence.objects.update(**spoils.pop())
        return claim(wishes, now)

    monkeypatch.setattr(rows, "claim", late)
    for spoil in ({"load": 4}, {"capacity": 0}, {"off": ["chat"]}, {"load": 1, "call_load": 1}):
        spoils.append(spoil)
        assert floor.item(floor.chat()).visit == "waiting" and not spoils
        Presence.objects.update(load=0, call_load=0, capacity=4, calls=1, off=[])
    assert len(offers.assign_next()) == 4


def test_many_at_once_fill_nobody_beyond_himself(floor, line):
    people = [floor.alice, floor.bob]
    floor.ready(*people, capacity=0)
    Presence.objects.update(callbacks=0, calls=0)
    arrivals = (line.call, floor.chat, lambda: callback(floor))
    waiting = [arrivals[number % 3]() for number in range(24)]
    Presence.objects.update(capacity=4, callbacks=2, calls=2)

    def decide(_number: int) -> None:
        try:
            offers.assign_next()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(decide, range(12)))
    assert len(waiting) == 24
    for row in Presence.objects.all():
        parts = [load / row.limits[kind] for kind, load in row.loads.items()]
        assert len(parts) == 3 and 0.75 <= sum(parts) <= 1, "full, and not more"


def test_a_colleague_switches_nobody(floor):
    with pytest.raises(Forbidden):
        presence.refuse_stranger(floor.bob, floor.alice)

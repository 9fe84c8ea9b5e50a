"""Colleagues in a call: consulted, in conference, taking it over; supervisors who listen, and who may."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cxcenter import phone
from cxcenter.accounts.roles import Role
from cxcenter.core import liveness
from cxcenter.core.errors import Conflict, Forbidden, Invalid, NotFound
from cxcenter.core.models import AuditEntry, Tab
from interactions.actions import calls, talk
from interactions.calls.facts import CUSTOMER, Kind
from interactions.calls.table import Control
from interactions.models import CallCommand, CallFact, Interaction
from routing import sweeps
from routing.actions import guests, handover, legs, presence, sip
from routing.models import Guest
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def crew(floor, line):
    """Alice talks in a call; Bob, Carol and Dave are free."""
    people = [world.make_user(name, team=floor.team) for name in ("carol", "dave", "erin")]
    for user in people:
        floor.queue.memberships.create(user=user)
    floor.carol, floor.dave, floor.erin = people
    floor.ready(floor.alice)
    floor.talk = line.call(floor.alice)
    floor.ready(floor.bob, *people)
    return floor


def phases(crew) -> dict[str, str]:
    names = {
        calls.party_of(user.pk): user.username
        for user in (crew.alice, crew.bob, crew.carol, crew.dave, crew.erin, crew.boss)
    }
    return {names.get(party, party): str(phase) for party, phase in calls.view_of(crew.talk.pk).phases.items()}


def bring(crew, user):
    guest = guests.invite(interaction_id=crew.talk.pk, actor=crew.alice, colleague=user)
    return guests.answer(guest_id=guest.pk, actor=user)


def line_of(user):
    return phone.lines_of(user)[0]


# --- Consulting ---


def test_a_consulted_colleague_answers_and_takes_the_call(crew):
    guest = guests.invite(interaction_id=crew.talk.pk, actor=crew.alice, colleague=crew.bob, note="angry")
    assert phases(crew) == {CUSTOMER: "held", "alice": "consulting", "bob": "offered"}
    assert crew.presence(crew.bob).call_load == 0
    guests.answer(guest_id=guest.pk, actor=crew.bob)
    guests.answer(guest_id=guest.pk, actor=crew.bob)
    assert phases(crew) == {CUSTOMER: "held", "alice": "consulting", "bob": "talking"}
    assert (crew.presence(crew.bob).call_load, crew.presence(crew.bob).state) == (1, "busy")
    guests.complete(interaction_id=crew.talk.pk, actor=crew.alice)
    assert phases(crew) == {CUSTOMER: "talking", "alice": "ended", "bob": "talking"}
    first, second = crew.talk.legs.order_by("pk")
    assert (first.end, second.operator, second.leg, second.why) == (
        "transferred",
        crew.bob,
        "active",
        {"how": "consulted"},
    )
    assert [(item.outcome, item.sent_by) for item in crew.talk.visits.order_by("pk")] == [
        ("answered", None),
        ("answered", crew.alice),
    ]
    assert (crew.presence(crew.alice).call_load, crew.presence(crew.bob).call_load) == (0, 1)
    legs.finish(interaction_id=crew.talk.pk, actor=crew.bob)
    assert crew.leg(crew.talk).leg == "wrapup"


def test_handed_on_before_he_answers_the_customer_waits_for_him_alone(crew):
    guests.invite(interaction_id=crew.talk.pk, actor=crew.alice, colleague=crew.bob)
    guests.complete(interaction_id=crew.talk.pk, actor=crew.alice)
    leg = crew.leg(crew.talk)
    assert (leg.operator, leg.leg, crew.item(crew.talk).only_preferred) == (crew.bob, "offered", True)
    assert not Guest.objects.live().exists() and phases(crew)[CUSTOMER] == "ringing"


@pytest.mark.parametrize("how", ["declined", "no_answer", "left", "silent"])
def test_a_colleague_who_does_not_come_or_goes_leaves_the_customer_on_hold(crew, pushed, how):
    guest = guests.invite(interaction_id=crew.talk.pk, actor=crew.alice, colleague=crew.bob)
    now = timezone.now()
    if how == "declined":
        guests.decline(guest_id=guest.pk, actor=crew.bob)
    elif how == "no_answer":
        assert guests.sweep(now=now, steady_since=now) == 0, "it rings still"
        assert guests.sweep(now=now + timedelta(seconds=guests.RING_S + 1), steady_since=now) == 1
    else:
        guests.answer(guest_id=guest.pk, actor=crew.bob)
        if how == "left":
            guests.leave(interaction_id=crew.talk.pk, actor=crew.bob)
        else:
            Guest.objects.update(answered_at=now - HOUR)
            tab = Tab.objects.create(owner=liveness.operator_key(crew.bob.pk), seen_at=now)
            assert guests.sweep(now=now, steady_since=now - HOUR) == 0, "his page is there"
            Tab.objects.filter(pk=tab.pk).update(seen_at=now - HOUR)
            assert guests.sweep(now=now, steady_since=now) == 0, "we were away ourselves"
            assert guests.sweep(now=now, steady_since=now - HOUR) == 1
    assert phases(crew)["alice"] == "held"
    assert line_of(crew.alice).controls >= {"resume", "consult"}
    guest.refresh_from_db()
    assert guest.end == ("left" if how == "silent" else how)
    told = [push for _group, push in pushed.heard() if push.get("kind") == "guest"]
    assert told == [{"type": "push", "kind": "guest", "end": guest.end, "name": crew.bob.name}]
    calls.press(interaction_id=crew.talk.pk, actor=crew.alice, control=Control.RESUME)
    assert phases(crew)["alice"] == "talking"


def test_back_to_the_customer_lets_the_colleague_go(crew):
    bring(crew, crew.bob)
    guests.come_back(interaction_id=crew.talk.pk, actor=crew.alice)
    assert phases(crew) == {CUSTOMER: "talking", "alice": "talking", "bob": "ended"}
    assert crew.presence(crew.bob).call_load == 0 and Guest.objects.get().end == "let_go"


def test_who_can_be_called_and_who_not(crew, line):
    presence.set_mode(user=crew.dave, mode="offline", actor=crew.dave)
    other = line.call()
    busy = crew.leg(other).operator
    from routing.actions import offers

    offers.accept_offer(leg_id=crew.leg(other).pk, actor=busy)
    for colleague, code in ((crew.alice, "self"), (crew.dave, "offline"), (busy, "busy")):
        with pytest.raises(Conflict) as refused:
            guests.invite(interaction_id=crew.talk.pk, actor=crew.alice, colleague=colleague)
        assert refused.value.code == code
    with pytest.raises(Conflict) as refused:
        guests.invite(interaction_id=crew.talk.pk, actor=crew.erin, colleague=crew.bob)
    assert refused.value.code == "not_owner"


def test_a_call_with_a_colleague_in_it_is_not_handed_over_blindly(crew):
    bring(crew, crew.bob)
    with pytest.raises(Conflict) as refused:
        handover.transfer(interaction_id=crew.talk.pk, actor=crew.alice, operator=crew.carol)
    assert refused.value.code == "guests"


def test_nobody_hangs_up_on_a_customer_who_is_on_hold_for_a_colleague(crew, client):
    bring(crew, crew.bob)
    client.force_login(crew.alice)
    answer = client.post(f"/desk/s/{crew.talk.pk}/finish/")
    assert (answer.status_code, answer.json()["code"]) == (409, "guests")
    guests.come_back(interaction_id=crew.talk.pk, actor=crew.alice)
    assert client.post(f"/desk/s/{crew.talk.pk}/finish/").status_code == 204


# --- Conference ---


def test_a_conference_of_four_and_who_leaves_it(crew):
    bring(crew, crew.bob)
    guests.merge(interaction_id=crew.talk.pk, actor=crew.alice)
    assert set(phases(crew).values()) == {"conferenced"}
    bring(crew, crew.carol)
    assert phases(crew) == dict.fromkeys((CUSTOMER, "alice", "bob", "carol"), "conferenced")
    assert "add" not in line_of(crew.alice).controls
    with pytest.raises(Conflict):
        guests.invite(interaction_id=crew.talk.pk, actor=crew.alice, colleague=crew.dave)
    guests.leave(interaction_id=crew.talk.pk, actor=crew.carol)
    assert phases(crew)["carol"] == "ended" and crew.presence(crew.carol).call_load == 0
    guests.leave(interaction_id=crew.talk.pk, actor=crew.bob)
    assert phases(crew)["alice"] == "talking", "two who are left talk to each other"


def test_who_completes_a_conference_leaves_it_to_the_first_who_is_in_it(crew):
    bring(crew, crew.bob)
    guests.merge(interaction_id=crew.talk.pk, actor=crew.alice)
    bring(crew, crew.carol)
    guests.complete(interaction_id=crew.talk.pk, actor=crew.alice)
    assert crew.leg(crew.talk).operator == crew.bob
    assert [(one.party, one.role) for one in line_of(crew.bob).parties] == [
        (CUSTOMER, "customer"),
        (calls.party_of(crew.carol.pk), "member"),
    ]
    assert line_of(crew.carol).owner == calls.party_of(crew.bob.pk)
    assert {crew.presence(user).call_load for user in (crew.bob, crew.carol)} == {1}


@pytest.mark.parametrize("who", ["operator", "customer", "supervisor"])
def test_when_the_call_is_over_or_elsewhere_all_guests_are_let_go(crew, who):
    bring(crew, crew.bob)
    guests.merge(interaction_id=crew.talk.pk, actor=crew.alice)
    if who == "operator":
        legs.finish(interaction_id=crew.talk.pk, actor=crew.alice)
    elif who == "customer":
        talk.close_interaction(interaction_id=crew.talk.pk, reason="ended")
    else:
        handover.take_over(interaction_id=crew.talk.pk, actor=crew.boss)
    assert Guest.objects.get().end == "over" and crew.presence(crew.bob).call_load == 0
    assert phone.lines_of(crew.bob) == []


def test_the_sweep_finds_a_guest_whose_call_is_gone(crew):
    bring(crew, crew.bob)
    crew.talk.legs.update(leg="ended", holds=False)
    type(crew.presence(crew.alice)).objects.filter(user=crew.alice).update(load=0, call_load=0, state="available")
    crew.alice.presence_intervals.filter(ended_at=None).update(state="available")
    assert sweeps.sweep()["guests"] == 1
    assert not Guest.objects.live().exists()


# --- Two calls ---


def test_of_two_calls_one_is_spoken(crew, line):
    row = crew.presence(crew.alice)
    type(row).objects.filter(user=crew.alice).update(calls=2)
    for user in (crew.bob, crew.carol, crew.dave, crew.erin):
        presence.set_mode(user=user, mode="pause", actor=user)
    second = line.call(crew.alice)
    assert [(one.session, one.phase) for one in phone.lines_of(crew.alice)] == [
        (second.pk, "talking"),
        (crew.talk.pk, "held"),
    ]


# --- What a guest may do ---


def test_a_guest_mutes_himself_and_holds_nothing(crew):
    bring(crew, crew.bob)
    mine = line_of(crew.bob)
    assert (mine.role, mine.controls, mine.owner) == ("consult", {"mute"}, calls.party_of(crew.alice.pk))
    calls.press(interaction_id=crew.talk.pk, actor=crew.bob, control=Control.MUTE)
    assert line_of(crew.bob).muted and not line_of(crew.alice).muted


def test_who_was_taken_in_may_read_the_session_then_and_later(crew):
    stranger = world.make_user("stranger", team=world.make_team("Sales"))
    type(crew.presence(crew.bob)).objects.create(user=stranger, mode="available", state="available")
    mine = Interaction.objects.visible_to(stranger)
    assert not mine.exists()
    guest = guests.invite(interaction_id=crew.talk.pk, actor=crew.alice, colleague=stranger)
    assert mine.get() == crew.talk
    guests.decline(guest_id=guest.pk, actor=stranger)
    assert not mine.exists(), "he knows nothing of it"
    guests.leave(interaction_id=bring(crew, stranger).interaction_id, actor=stranger)
    assert mine.get() == crew.talk


def test_an_invitation_is_answered_by_whom_it_is_for(crew):
    guest = guests.invite(interaction_id=crew.talk.pk, actor=crew.alice, colleague=crew.bob)
    for act in (guests.answer, guests.decline):
        with pytest.raises(NotFound):
            act(guest_id=guest.pk, actor=crew.carol)
    guests.decline(guest_id=guest.pk, actor=crew.bob)
    with pytest.raises(Conflict):
        guests.answer(guest_id=guest.pk, actor=crew.bob)


# --- Listening ---


def test_a_supervisor_listens_whispers_and_speaks_and_each_is_audited(crew):
    before = CallFact.objects.count()
    guests.listen(interaction_id=crew.talk.pk, actor=crew.boss)
    guests.listen(interaction_id=crew.talk.pk, actor=crew.boss)
    assert CallFact.objects.count() == before, "the call knows nothing of it"
    assert line_of(crew.boss).role == "listen" and line_of(crew.boss).listens
    assert [one.words for one in line_of(crew.alice).others] == ["listens"]
    crew.queue.tell_listening = False
    crew.queue.save()
    assert not line_of(crew.alice).others and "listen" in line_of(crew.alice).as_data, "hidden, but connected"
    guests.speak(interaction_id=crew.talk.pk, actor=crew.boss, role="whisper")
    assert [one.words for one in line_of(crew.alice).others] == ["whispers to you"], "who speaks is always seen"
    guests.speak(interaction_id=crew.talk.pk, actor=crew.boss, role="member")
    assert phases(crew) == {CUSTOMER: "conferenced", "alice": "conferenced", "boss": "conferenced"}
    guests.speak(interaction_id=crew.talk.pk, actor=crew.boss, role="listen")
    assert phases(crew) == {CUSTOMER: "talking", "alice": "talking", "boss": "ended"}
    guests.leave(interaction_id=crew.talk.pk, actor=crew.boss)
    assert phone.lines_of(crew.boss) == []
    trace = AuditEntry.objects.filter(act="call.listen", actor=crew.boss).order_by("pk")
    assert [entry.detail.get("role", "") for entry in trace] == ["", "whisper", "member", "listen"]


def test_who_may_not_listen(crew, line):
    rival = world.make_user("rival", Role.SUPERVISOR, world.make_team("Sales"))
    for actor in (crew.bob, rival):
        with pytest.raises(Forbidden):
            guests.listen(interaction_id=crew.talk.pk, actor=actor)
    with pytest.raises(Conflict):
        guests.listen(interaction_id=crew.talk.pk, actor=crew.alice)
    for user in (crew.bob, crew.carol, crew.dave, crew.erin):
        presence.set_mode(user=user, mode="pause", actor=user)
    waits = line.call()
    with pytest.raises(Conflict):
        guests.listen(interaction_id=waits.pk, actor=crew.boss)
    with pytest.raises(Conflict):
        guests.speak(interaction_id=crew.talk.pk, actor=crew.boss, role="whisper")
    presence.set_mode(user=crew.bob, mode="available", actor=crew.bob)
    bring(crew, crew.bob)
    with pytest.raises(Conflict) as refused:
        guests.speak(interaction_id=crew.talk.pk, actor=crew.bob, role="member")
    assert refused.value.code == "not_in", "who was invited is no listener"


def test_nobody_breaks_into_a_call_on_hold(crew):
    guests.listen(interaction_id=crew.talk.pk, actor=crew.boss)
    calls.press(interaction_id=crew.talk.pk, actor=crew.alice, control=Control.HOLD)
    with pytest.raises(Conflict):
        guests.speak(interaction_id=crew.talk.pk, actor=crew.boss, role="member")
    assert not CallFact.objects.filter(kind=Kind.MERGED).exists()


# --- Calls of a SIP platform ---


@pytest.fixture
def sip_call(hall):
    """Alice talks in a call of a SIP platform, where Bob has a telephone too; Carol has none."""
    hall.carol = world.make_user("carol", team=hall.team)
    hall.queue.memberships.create(user=hall.carol)
    hall.ready(hall.carol)
    hall.talk = hall.phones.rings(hall.phones.alice).interaction
    hall.phones.says(hall.phones.alice, "answered")
    return hall


def stands(hall) -> dict[str, str]:
    people = {calls.party_of(user.pk): user.username for user in (hall.alice, hall.bob, hall.carol, hall.boss)}
    return {people.get(party, party): str(phase) for party, phase in calls.view_of(hall.talk.pk).phases.items()}


def legs_of(hall) -> list[tuple[str, str, str]]:
    return [(leg.operator.username, leg.leg, leg.end) for leg in hall.talk.legs.order_by("pk")]


def test_colleagues_are_taken_into_a_call_of_a_sip_platform_which_knows_nothing_of_them(sip_call):
    bring(sip_call, sip_call.bob)
    assert stands(sip_call) == {CUSTOMER: "held", "alice": "consulting", "bob": "talking"}
    assert not CallCommand.objects.exists(), "the platform is asked for nothing"
    guests.merge(interaction_id=sip_call.talk.pk, actor=sip_call.alice)
    bring(sip_call, sip_call.carol)
    assert stands(sip_call) == dict.fromkeys((CUSTOMER, "alice", "bob", "carol"), "conferenced")
    # What the browser tells meanwhile is followed as ever: of guests there are no visits and legs of the platform's making.
    for word in ("held_there", "resumed_there"):
        sip_call.phones.says(sip_call.phones.alice, word)
    assert legs_of(sip_call) == [("alice", "active", "")]
    assert sip_call.presence(sip_call.bob).call_load == 1
    assert line_of(sip_call.bob).provider == "sip" and line_of(sip_call.bob).controls == {"mute"}
    assert line_of(sip_call.alice).parties[0].party == CUSTOMER
    guests.come_back(interaction_id=sip_call.talk.pk, actor=sip_call.alice)
    assert stands(sip_call) == {CUSTOMER: "talking", "alice": "talking", "bob": "ended", "carol": "ended"}
    sip_call.phones.says(sip_call.phones.alice, "ended", reason="customer")
    assert legs_of(sip_call) == [("alice", "wrapup", "finished")]


def test_a_guest_of_a_sip_call_mutes_himself_and_nobody_else(sip_call, client):
    bring(sip_call, sip_call.bob)
    client.force_login(sip_call.bob)
    assert client.post(f"/desk/s/{sip_call.talk.pk}/call/mute/").status_code == 204
    assert line_of(sip_call.bob).muted and not line_of(sip_call.alice).muted
    assert not CallCommand.objects.exists()
    assert client.post(f"/desk/s/{sip_call.talk.pk}/call/merge/").status_code == 409


def test_a_consulted_colleague_takes_a_sip_call_at_his_own_telephone(sip_call, client):
    bring(sip_call, sip_call.bob)
    client.force_login(sip_call.alice)
    assert client.post(f"/desk/s/{sip_call.talk.pk}/call/complete/").status_code == 204
    asked = CallCommand.objects.get()
    assert (asked.control, asked.value, asked.user) == (Control.COMPLETE, "1018", sip_call.alice)
    assert Guest.objects.get().end == "took" and phone.lines_of(sip_call.bob) == []
    sip_call.phones.says(sip_call.phones.alice, "handed", to="1018")
    assert phone.lines_of(sip_call.alice) == []
    with pytest.raises(Conflict):
        guests.come_back(interaction_id=sip_call.talk.pk, actor=sip_call.alice)
    client.force_login(sip_call.bob)
    said = {"call": "c2", "key": "1", "what": "rings", "number": sip_call.talk.voice.number}
    heard = client.post("/desk/line/sip/told/", said).json()
    assert (heard["session"], heard["taken"]) == (sip_call.talk.pk, True)
    sip_call.phones.says(sip_call.phones.bob, "answered")
    sip_call.phones.says(sip_call.phones.alice, "taken", to="1018")
    assert stands(sip_call) == {CUSTOMER: "talking", "alice": "ended", "bob": "talking"}
    assert legs_of(sip_call) == [("alice", "ended", "transferred"), ("bob", "active", "")]
    assert sip_call.presence(sip_call.bob).call_load == 1


def test_a_sip_call_handed_on_before_he_answers_rings_at_his_telephone(sip_call):
    guests.invite(interaction_id=sip_call.talk.pk, actor=sip_call.alice, colleague=sip_call.bob)
    guests.complete(interaction_id=sip_call.talk.pk, actor=sip_call.alice)
    sip_call.phones.says(sip_call.phones.alice, "handed", to="1018")
    sip_call.phones.says(sip_call.phones.bob, "rings", "c2", number=sip_call.talk.voice.number)
    assert not guests.takes(interaction_id=sip_call.talk.pk, user=sip_call.bob), "he has not said yes to it"
    assert stands(sip_call)["bob"] == "offered"
    sip_call.phones.says(sip_call.phones.alice, "returned")
    assert stands(sip_call)["alice"] == "talking"


def test_who_cannot_take_a_sip_call_over_is_told_and_stays_in_it(sip_call):
    bring(sip_call, sip_call.carol)
    with pytest.raises(Invalid, match="has no phone"):
        guests.complete(interaction_id=sip_call.talk.pk, actor=sip_call.alice)
    guests.merge(interaction_id=sip_call.talk.pk, actor=sip_call.alice)
    bring(sip_call, sip_call.bob)
    with pytest.raises(Conflict) as refused:
        guests.complete(interaction_id=sip_call.talk.pk, actor=sip_call.alice)
    assert refused.value.code == "several"
    assert stands(sip_call) == dict.fromkeys((CUSTOMER, "alice", "bob", "carol"), "conferenced")
    assert not CallCommand.objects.exists()


def test_a_sip_call_whose_page_is_lost_is_over_for_its_guests_too(sip_call):
    bring(sip_call, sip_call.bob)
    assert sip.still(phone=sip_call.phones.alice, going=[]) == 1
    sip_call.talk.refresh_from_db()
    assert not sip_call.talk.is_open and Guest.objects.get().end == "over"
    assert sip_call.presence(sip_call.bob).call_load == 0


def test_a_supervisor_listens_to_a_sip_call_and_to_none_of_an_exchange(sip_call, client):
    client.force_login(sip_call.boss)
    assert "/listen/" in client.get(f"/board/session/{sip_call.talk.pk}/").content.decode()
    assert client.post(f"/desk/s/{sip_call.talk.pk}/listen/").status_code == 204
    guests.speak(interaction_id=sip_call.talk.pk, actor=sip_call.boss, role="member")
    assert stands(sip_call) == dict.fromkeys((CUSTOMER, "alice", "boss"), "conferenced")
    sip_call.phones.says(sip_call.phones.alice, "muted")
    assert legs_of(sip_call) == [("alice", "active", "")]
    guests.leave(interaction_id=sip_call.talk.pk, actor=sip_call.boss)
    sip_call.talk.voice.provider = "asterisk"
    sip_call.talk.voice.save(update_fields=["provider"])
    assert "/listen/" not in client.get(f"/board/session/{sip_call.talk.pk}/").content.decode()
    assert client.post(f"/desk/s/{sip_call.talk.pk}/listen/").json()["code"] == "no_browser"
    with pytest.raises(Conflict) as refused:
        guests.invite(interaction_id=sip_call.talk.pk, actor=sip_call.alice, colleague=sip_call.bob)
    assert refused.value.code == "no_browser"

"""Sessions of an Asterisk as facts, and these as a call."""

from random import Random

import pytest

from interactions.adapters.voice.ami.states import AgentState
from interactions.adapters.voice.ami.teller import event_of
from interactions.adapters.voice.ami.translate import Translator, replay
from interactions.calls.facts import Kind
from interactions.calls.reducer import reduce
from tests.ami_pbx import Pbx, a_call

USERS = {"PJSIP/1017": 17, "PJSIP/1018": 18}
LONG = 1_700_100_000


@pytest.fixture
def pbx():
    return Pbx()


def heard(pbx, users=USERS):
    translator = Translator(users)
    return [one for event in pbx.events() for one in translator.feed(event)]


def facts(told, call=None):
    return [one.fact for one in told if not isinstance(one, AgentState) and call in (None, one.call)]


def stretches(told, party, call=None):
    """Return a party's phases with their lengths in whole seconds; what lasts less than one is left out."""
    view = reduce(facts(told, call), LONG)
    own = [one for one in view.intervals if one.party == party]
    lengths = [(one, round((one.end or LONG) - one.begin)) for one in own]
    return [f"{one.phase} {'…' if one.end is None else length}" for one, length in lengths if length or one.end is None]


def a_talk(pbx, *, bridge="b1"):
    customer = pbx.open("PJSIP/trunk", state="4", number="+79001234567", exten="800")
    pbx.queue(customer)
    agent = pbx.call_agent(customer, "PJSIP/1017")
    pbx.wait(3)
    pbx.connect(customer, agent, "PJSIP/1017", ring_s=3, bridge=bridge)
    pbx.wait(20)
    return customer, agent


def test_a_call_of_a_queue(pbx):
    call = a_call(pbx)
    told = heard(pbx)
    assert {one.call for one in told} == {call}
    assert stretches(told, "op:17") == ["offered 3", "talking 20", "held 5", "talking 10", "wrapup …"]
    assert stretches(told, "customer") == ["ringing 5", "talking 20", "held 5", "talking 10"]
    view = reduce(facts(told), LONG)
    assert view.reason == "customer" and view.phases == {"customer": "ended", "op:17": "wrapup"}
    answered = next(fact for fact in facts(told) if fact.kind == Kind.ANSWERED and fact.data)
    assert answered.data["ring_s"] == 3 and answered.data["queue"] == "sales"


def test_not_answered_in_time_is_told_in_milliseconds(pbx):
    customer = pbx.open("PJSIP/trunk", state="4")
    pbx.queue(customer)
    first = pbx.call_agent(customer, "PJSIP/1017")
    pbx.wait(15)
    pbx.no_answer(customer, first, "PJSIP/1017", ring_ms=15000)
    second = pbx.call_agent(customer, "PJSIP/1018")
    pbx.wait(2)
    pbx.connect(customer, second, "PJSIP/1018", ring_s=2, bridge="b")
    pbx.wait(9)
    pbx.complete(customer, second, "PJSIP/1018", why="agent", talk_s=9)
    told = heard(pbx)
    refused = next(fact for fact in facts(told) if fact.kind == Kind.REFUSED)
    assert (refused.party, refused.data["ring_s"], refused.data["reason"]) == ("op:17", 15, "no_answer")
    assert stretches(told, "op:17") == ["offered 15"]
    assert stretches(told, "customer") == ["ringing 17", "talking 9"]
    assert reduce(facts(told), LONG).reason == "operator"


def test_the_ringing_is_known_from_its_outcome_if_its_begin_was_missed(pbx):
    a_call(pbx)
    rest = [one for one in pbx.events() if one.message.event not in ("AgentCalled", "DialBegin", "Newchannel")]
    assert stretches(replay(rest, USERS), "op:17") == ["offered 3", "talking 20", "held 5", "talking 10", "wrapup …"]


def test_a_second_offer_of_which_the_begin_was_missed(pbx):
    customer = pbx.open("PJSIP/trunk", state="4")
    for _ in "12":
        agent = pbx.call_agent(customer, "PJSIP/1017")
        pbx.wait(10)
        pbx.no_answer(customer, agent, "PJSIP/1017", ring_ms=10000)
        pbx.wait(5)
    pbx.hang_up(customer)
    events = pbx.events()
    begins = [event for event in events if event.message.event in ("Newchannel", "AgentCalled", "DialBegin")]
    told = replay([event for event in events if event not in begins[-3:]], USERS)
    assert stretches(told, "op:17") == ["offered 10", "offered 10"]
    # An operator who has not answered is no reason for which the call has ended.
    assert reduce(facts(told), LONG).reason == "customer"


def test_who_hangs_up_in_the_queue_has_abandoned(pbx):
    customer = pbx.open("PJSIP/trunk", state="4")
    pbx.queue(customer)
    agent = pbx.call_agent(customer, "PJSIP/1017")
    pbx.wait(4)
    pbx.dialled(customer, agent, "CANCEL")
    pbx.hang_up(agent, cause=26)
    pbx.say("QueueCallerAbandon", customer.snapshot(), Queue="sales", Position=1, OriginalPosition=1, HoldTime=4)
    pbx.say("QueueCallerLeave", customer.snapshot(), Queue="sales", Count=0, Position=1)
    pbx.hang_up(customer)
    told = heard(pbx)
    assert stretches(told, "op:17") == ["offered 4"] and reduce(facts(told), LONG).reason == "abandoned"


def test_a_blind_transfer(pbx):
    customer, agent = a_talk(pbx)
    pbx.say(
        "BlindTransfer",
        agent.snapshot("Transferer"),
        customer.snapshot("Transferee"),
        Result="Success",
        Extension="1018",
    )
    pbx.hang_up(agent)
    pbx.leave(customer)
    other = pbx.open("PJSIP/1018", linked=customer.linked)
    pbx.dial(customer, other, "1018")
    pbx.wait(4)
    pbx.dialled(customer, other, "ANSWER")
    pbx.enter("b2", other, customer)
    pbx.wait(6)
    pbx.say("HangupRequest", other.snapshot())
    pbx.hang_up(other, customer)
    told = heard(pbx)
    assert stretches(told, "op:17") == ["offered 3", "talking 20", "wrapup …"]
    assert stretches(told, "op:18") == ["offered 4", "talking 6", "wrapup …"]
    assert stretches(told, "customer") == ["ringing 3", "talking 20", "ringing 4", "talking 6"]
    assert reduce(facts(told), LONG).reason == "operator"


def consult(pbx, customer, agent, *, answers=True):
    """Atxfer: the operator goes to a bridge of his own, from which a Local channel dials the second party."""
    pbx.say("MusicOnHoldStart", customer.snapshot(), Class="default")
    pbx.leave(agent)
    one, two = (pbx.open("Local/1018@internal", linked=customer.linked) for _ in "12")
    pbx.enter("b2", agent, one)
    other = pbx.open("PJSIP/1018", linked=customer.linked)
    pbx.dial(two, other, "1018")
    pbx.wait(4)
    if answers:
        pbx.dialled(two, other, "ANSWER")
        pbx.enter("b3", other, two)
        pbx.wait(7)
    return other, (one, two)


def test_a_consultation_and_the_handing_over(pbx):
    customer, agent = a_talk(pbx)
    other, local = consult(pbx, customer, agent)
    target = other.snapshot("TransferTarget")
    pbx.say(
        "AttendedTransfer",
        agent.snapshot("OrigTransferer"),
        agent.snapshot("SecondTransferer"),
        target,
        Result="Success",
        DestType="Bridge",
    )
    pbx.say("MusicOnHoldStop", customer.snapshot())
    pbx.hang_up(agent, *local)
    pbx.leave(other)
    pbx.enter("b1", other)
    pbx.wait(30)
    pbx.hang_up(customer, other)
    told = heard(pbx)
    assert stretches(told, "op:17") == ["offered 3", "talking 20", "consulting 11", "wrapup …"]
    assert stretches(told, "op:18") == ["offered 4", "talking 37", "wrapup …"]
    assert stretches(told, "customer") == ["ringing 3", "talking 20", "held 11", "talking 30"]
    # The music of a consultation is no hold, and its end ends none.
    assert not [fact for fact in facts(told) if fact.kind == Kind.RESUMED]


def test_a_consultation_from_which_he_comes_back(pbx):
    customer, agent = a_talk(pbx)
    other, local = consult(pbx, customer, agent, answers=False)
    pbx.dialled(local[1], other, "BUSY")
    pbx.hang_up(other, cause=17)
    pbx.hang_up(*local)
    pbx.say("MusicOnHoldStop", customer.snapshot())
    pbx.enter("b1", agent)
    pbx.wait(5)
    told = heard(pbx)
    assert stretches(told, "op:17") == ["offered 3", "talking 20", "consulting 4", "talking …"]
    assert stretches(told, "op:18") == ["offered 4"]


def test_a_second_party_that_takes_the_first_ones_place_makes_no_conference(pbx):
    customer, agent = a_talk(pbx)
    other = pbx.open("PJSIP/1018", linked=customer.linked)
    pbx.wait(2)
    pbx.swap(other, agent)
    pbx.wait(3)
    told = heard(pbx)
    assert stretches(told, "customer") == ["ringing 3", "talking …"]
    assert not [fact for fact in facts(told) if fact.kind == Kind.MERGED]


def test_a_conference_of_three(pbx):
    customer, agent = a_talk(pbx)
    other, _ = consult(pbx, customer, agent)
    pbx.enter("b1", other, agent)
    pbx.wait(8)
    pbx.leave(other)
    pbx.wait(2)
    pbx.enter("b1", other)
    pbx.wait(3)
    pbx.hang_up(agent)
    told = heard(pbx)
    assert stretches(told, "op:17") == ["offered 3", "talking 20", "consulting 11", "conferenced 13", "wrapup …"]
    assert stretches(told, "customer")[-2:] == ["conferenced 13", "talking …"]
    assert sum(fact.kind == Kind.MERGED for fact in facts(told)) == 2


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("swaps", [True, False])
def test_a_consultation_in_a_call_of_its_own(pbx, first, swaps):
    """By the phone's second line: two calls become one, whichever of them the switch counts as the first."""
    customer, agent = a_talk(pbx)
    pbx.say("Hold", agent.snapshot())
    second = pbx.open("PJSIP/1017", state="4", exten="1018")
    other = pbx.open("PJSIP/1018", linked=second.unique)
    pbx.dial(second, other, "1018")
    pbx.wait(3)
    pbx.dialled(second, other, "ANSWER")
    pbx.enter("b2", other, second)
    pbx.wait(7)
    lines = (agent, second) if first else (second, agent)
    names = [line.snapshot(name) for line, name in zip(lines, ("OrigTransferer", "SecondTransferer"), strict=True)]
    pbx.say("AttendedTransfer", *names, Result="Success", DestType="Bridge")
    if swaps:
        pbx.swap(other, agent)
    else:
        pbx.enter("b1", other)
    pbx.hang_up(second, agent)
    pbx.wait(5)
    pbx.hang_up(customer, other)
    told = heard(pbx)
    assert stretches(told, "op:17", customer.unique) == ["offered 3", "talking 20", "held 10", "wrapup …"]
    assert stretches(told, "op:18", customer.unique) == ["talking 5", "wrapup …"]
    assert reduce(facts(told, second.unique), LONG).reason == "transferred"
    assert sum(fact.kind == Kind.LEFT and fact.party == "op:17" for fact in facts(told)) == 1


@pytest.mark.parametrize("click", [False, True])
def test_an_outgoing_call(pbx, click):
    phone = pbx.open("PJSIP/1017", state="0" if click else "4", exten="+79005554433")
    if click:
        pbx.dial(None, phone, "1017")
        pbx.wait(2)
        pbx.dialled(None, phone, "ANSWER")
    trunk = pbx.open("PJSIP/trunk", linked=phone.unique)
    pbx.dial(phone, trunk, "+79005554433@trunk")
    pbx.wait(6)
    pbx.dialled(phone, trunk, "ANSWER")
    pbx.enter("b", trunk, phone)
    pbx.wait(9)
    pbx.hang_up(phone, trunk)
    told = heard(pbx)
    assert stretches(told, "op:17") == [f"ringing {8 if click else 6}", "talking 9", "wrapup …"]
    assert stretches(told, "customer") == ["offered 6", "talking 9"]
    assert facts(told)[0].data["to"] == "+79005554433"


def test_a_consultation_in_an_outgoing_call(pbx):
    phone = pbx.open("PJSIP/1017", state="4", exten="+79005554433")
    trunk = pbx.open("PJSIP/trunk", linked=phone.unique)
    pbx.dial(phone, trunk, "+79005554433@trunk")
    pbx.wait(6)
    pbx.dialled(phone, trunk, "ANSWER")
    pbx.enter("b1", trunk, phone)
    pbx.wait(9)
    consult(pbx, trunk, phone)
    told = heard(pbx)
    assert stretches(told, "op:17") == ["ringing 6", "talking 9", "consulting …"]
    assert stretches(told, "op:18") == ["offered 4", "talking …"]


def test_an_outgoing_call_to_one_who_is_busy(pbx):
    phone = pbx.open("PJSIP/1017", state="4", exten="+79005554433")
    trunk = pbx.open("PJSIP/trunk", linked=phone.unique)
    pbx.dial(phone, trunk, "+79005554433@trunk")
    pbx.wait(1)
    pbx.dialled(phone, trunk, "BUSY")
    pbx.hang_up(trunk, phone, cause=17)
    told = heard(pbx)
    assert reduce(facts(told), LONG).reason == "busy" and stretches(told, "op:17") == ["ringing 1", "wrapup …"]


def test_a_hold_that_is_only_heard_as_music(pbx):
    customer, _ = a_talk(pbx)
    pbx.say("MusicOnHoldStart", customer.snapshot(), Class="default")
    pbx.wait(5)
    pbx.say("MusicOnHoldStop", customer.snapshot())
    pbx.wait(5)
    assert stretches(heard(pbx), "op:17") == ["offered 3", "talking 20", "held 5", "talking …"]


def test_members_whom_nobody_knows_are_told_and_the_customers_time_is_right(pbx):
    a_call(pbx, "SIP/55", hold=False)
    translator = Translator(USERS)
    told = [one for event in pbx.events() for one in translator.feed(event)]
    assert translator.unknown["SIP/55"] == 3
    assert stretches(told, "customer") == ["ringing 5", "talking 20"]
    assert not any(fact.party.startswith("op:") for fact in facts(told))


@pytest.mark.parametrize("seed", range(5))
def test_a_log_that_lies_shuffled_and_doubled_tells_the_same(pbx, seed):
    for number in range(6):
        a_call(pbx, f"PJSIP/101{7 + number % 2}")
    events = pbx.events()
    mixed = events * 2
    Random(seed).shuffle(mixed)
    assert replay(mixed, USERS) == replay(events, USERS) == heard(pbx)


def test_events_without_stamps_have_the_moment_at_which_they_come(pbx):
    pbx.stamps = False
    pbx.open("PJSIP/trunk", state="4")
    assert event_of(pbx.events()[0].message, 5.5, 1).at == 5.5


def test_states_of_agents_over_all_their_queues(pbx):
    for queue in ("sales", "care"):
        pbx.member("QueueMemberAdded", "PJSIP/1017", queue, Status=1, Paused=0)
    pbx.member("QueueMemberPause", "PJSIP/1017", "sales", Status=1, Paused=1, PausedReason="lunch")
    pbx.member("QueueMemberPause", "PJSIP/1017", "care", Status=1, Paused=1, PausedReason="lunch")
    for queue in ("sales", "care"):
        pbx.member("QueueMemberStatus", "PJSIP/1017", queue, Status=6, Paused=0)
        pbx.member("QueueMemberStatus", "PJSIP/1017", queue, Status=2, Paused=0)
    pbx.member("QueueMemberStatus", "PJSIP/9999", "sales", Status=2, Paused=0)
    for queue in ("sales", "care"):
        pbx.member("QueueMemberRemoved", "PJSIP/1017", queue)
    states = [(one.user, one.state, one.reason) for one in heard(pbx)]
    assert states == [
        (17, "ready", ""),
        (17, "paused", "lunch"),
        (17, "ringing", ""),
        (17, "busy", ""),
        (17, "offline", ""),
    ]


def test_nothing_that_has_ended_begins_again(pbx):
    call = a_call(pbx)
    translator = Translator(USERS)
    events = pbx.events()
    for event in events:
        translator.feed(event)
    assert not translator.book.calls
    late = [one for event in events for one in translator.feed(event)]
    assert late == [] and call not in translator.book.calls

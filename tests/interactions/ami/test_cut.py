"""Logs of Asterisk with holes in them: nothing breaks, nothing hangs, and what is left is right."""

from hypothesis import given, settings
from hypothesis import strategies as st

from interactions.adapters.voice.ami.resync import Snapshot, resync
from interactions.adapters.voice.ami.states import AgentState
from interactions.adapters.voice.ami.translate import Translator
from interactions.calls.reducer import reduce
from interactions.calls.table import Phase
from tests.ami_pbx import Pbx, a_call
from tests.interactions.ami.test_translate import USERS, a_talk, consult


def a_story() -> list:
    """Three calls over each other: one is simple, one consults and confers, one begins and goes on."""
    pbx = Pbx()
    a_call(pbx)
    customer, agent = a_talk(pbx)
    other, local = consult(pbx, customer, agent)
    pbx.enter("b1", other, agent)
    pbx.wait(8)
    pbx.hang_up(agent, *local)
    pbx.hang_up(other, customer)
    a_talk(pbx, bridge="b9")
    return pbx.events()


STORY = a_story()


@settings(max_examples=200)
@given(missing=st.sets(st.integers(0, len(STORY) - 1), max_size=25), begin=st.integers(0, 30))
def test_whatever_is_missing_every_call_comes_to_its_end(missing, begin):
    translator = Translator(USERS)
    told = []
    for event in STORY[begin:]:
        if event.order not in missing:
            told += translator.feed(event)
    last = STORY[-1].at + 1
    told += resync(translator, Snapshot([], [], last, 10_000), frozenset({"1.1"}))
    assert not translator.book.calls
    calls: dict[str, list] = {"1.1": []}
    for one in told:
        if not isinstance(one, AgentState):
            calls.setdefault(one.call, []).append(one.fact)
    for facts in calls.values():
        view = reduce(facts, last + 5)
        assert view.ended is not None
        assert set(view.phases.values()) <= {Phase.WRAPUP, Phase.ENDED}
        assert len({fact.key for fact in facts}) == len(facts)


@given(missing=st.sets(st.integers(0, len(STORY) - 1), max_size=6))
def test_a_hole_costs_no_operator_his_talk(missing):
    """As long as the answer or the bridge of a leg was heard, it talks."""
    kept = [event for event in STORY if event.order not in missing]
    translator = Translator(USERS)
    told = [one for event in kept for one in translator.feed(event)]
    heard = {
        event.message.get("destlinkedid") or event.message.get("linkedid")
        for event in kept
        if event.message.event == "AgentConnect"
    }
    for call in heard:
        facts = [one.fact for one in told if not isinstance(one, AgentState) and one.call == call]
        assert any(one.party == "op:17" and one.phase == Phase.TALKING for one in reduce(facts, STORY[-1].at).intervals)

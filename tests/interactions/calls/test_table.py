"""The table of controls, written out by hand once more: what an operator finds in each phase."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interactions.calls.table import MOST_MEMBERS, TABLE, Control, Forbidden, Phase, allowed, step

SOUND = "mute unmute keypad pause_recording resume_recording"
BY_HAND = {
    "ringing": "hang_up>wrapup",
    "offered": "answer>talking decline>ended",
    "talking": f"{SOUND} hold>held transfer>transferring consult>consulting hang_up>wrapup",
    "held": "pause_recording resume_recording resume>talking transfer>transferring consult>consulting hang_up>wrapup",
    "consulting": f"{SOUND} complete>wrapup merge>conferenced return>talking",
    "conferenced": f"{SOUND} add complete>wrapup return>talking hang_up>wrapup",
    "transferring": "return>talking hang_up>wrapup",
    "wrapup": "wrap_up>ended",
    "ended": "",
}


@pytest.mark.parametrize("phase", Phase)
def test_each_phase_has_what_is_written_here(phase):
    written = {}
    for word in BY_HAND[phase].split():
        control, _, to = word.partition(">")
        written[control] = to or phase.value
    assert written == {str(control): str(to) for control, to in TABLE[phase].items()}


@given(phase=st.sampled_from(Phase), control=st.sampled_from(Control))
def test_a_step_is_in_the_table_or_is_refused_with_what_is_allowed(phase, control):
    if control in TABLE[phase]:
        assert step(phase, control) == TABLE[phase][control]
        return
    with pytest.raises(Forbidden) as refused:
        step(phase, control)
    assert refused.value.allowed == frozenset(TABLE[phase])
    assert control in str(refused.value) and all(one in str(refused.value) for one in TABLE[phase])


@given(
    phase=st.sampled_from(Phase),
    muted=st.booleans(),
    paused=st.sampled_from((None, False, True)),
    reached=st.booleans(),
    members=st.integers(0, MOST_MEMBERS + 1),
)
def test_what_is_active_is_in_the_table_and_never_has_both_of_a_pair(phase, muted, paused, reached, members):
    active = allowed(phase, muted=muted, paused=paused, reached=reached, members=members)
    assert active <= set(TABLE[phase])
    for pair in ({Control.MUTE, Control.UNMUTE}, {Control.PAUSE_RECORDING, Control.RESUME_RECORDING}):
        assert len(active & pair) <= 1
    assert bool(active) == (phase != Phase.ENDED)


def test_what_else_is_so_decides_of_some():
    talking, joined, asking = Phase.TALKING, Phase.CONFERENCED, Phase.CONSULTING
    assert Control.MUTE in allowed(talking) and Control.UNMUTE in allowed(talking, muted=True)
    assert not {Control.PAUSE_RECORDING, Control.RESUME_RECORDING} & allowed(talking)
    assert Control.PAUSE_RECORDING in allowed(talking, paused=False)
    assert Control.RESUME_RECORDING in allowed(talking, paused=True)
    assert Control.MERGE in allowed(asking) and Control.MERGE not in allowed(asking, reached=False)
    assert Control.COMPLETE in allowed(asking, reached=False)
    assert Control.ADD in allowed(joined, members=3) and Control.ADD not in allowed(joined, members=MOST_MEMBERS)


@pytest.mark.parametrize("phase", Phase)
def test_the_end_can_be_reached_from_everywhere(phase):
    reached = {phase}
    while more := {to for at in reached for to in TABLE[at].values()} - reached:
        reached |= more
    assert Phase.ENDED in reached


@given(
    presses=st.lists(st.tuples(st.integers(0, 99), st.booleans(), st.sampled_from((None, False, True))), max_size=60)
)
def test_whatever_is_pressed_a_call_can_still_be_ended(presses):
    phase = Phase.OFFERED
    for choice, muted, paused in presses:
        active = sorted(allowed(phase, muted=muted, paused=paused))
        if not active:
            assert phase == Phase.ENDED
            return
        phase = step(phase, active[choice % len(active)])
    for _ in range(4):
        shortest = (Control.WRAP_UP, Control.HANG_UP, Control.DECLINE, Control.RETURN)
        phase = next((step(phase, one) for one in shortest if one in TABLE[phase]), phase)
    assert phase == Phase.ENDED

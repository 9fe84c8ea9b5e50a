"""What an operator presses and what the facts make of it are one machine."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from interactions.calls.facts import Fact, Kind
from interactions.calls.reducer import Reducer
from interactions.calls.table import MOST_MEMBERS, Control, Phase, step

OWN = "op:1"
# What a provider tells when a control was obeyed.
SAID = {
    Control.ANSWER: Kind.ANSWERED,
    Control.DECLINE: Kind.REFUSED,
    Control.HOLD: Kind.HELD,
    Control.RESUME: Kind.RESUMED,
    Control.MUTE: Kind.MUTED,
    Control.UNMUTE: Kind.UNMUTED,
    Control.TRANSFER: Kind.TRANSFERRED,
    Control.CONSULT: Kind.CONSULTED,
    Control.COMPLETE: Kind.TRANSFERRED,
    Control.MERGE: Kind.MERGED,
    Control.RETURN: Kind.RETURNED,
    Control.PAUSE_RECORDING: Kind.RECORDING_PAUSED,
    Control.RESUME_RECORDING: Kind.RECORDING_RESUMED,
    Control.HANG_UP: Kind.ENDED,
    Control.WRAP_UP: Kind.WRAPPED_UP,
}


class Scene:
    """A call that is pressed at."""

    def __init__(self, outgoing: bool) -> None:
        self.reducer = Reducer()
        self.count = 0
        self.others = 0
        if outgoing:
            self.say(Kind.BEGAN, OWN)
            self.say(Kind.OFFERED, "customer")
        else:
            self.say(Kind.BEGAN, "customer")
            self.say(Kind.OFFERED, OWN)

    def say(self, kind: Kind, who: str = "", **data: str) -> None:
        self.count += 1
        self.reducer.feed(Fact(f"k{self.count}", float(self.count), 0, kind, who, data))

    @property
    def view(self):
        return self.reducer.view(self.count)

    @property
    def phase(self) -> Phase:
        return self.view.phases[OWN]

    def press(self, control: Control, *, other_answers: bool) -> None:
        if control in (Control.CONSULT, Control.ADD):
            self.others += 1
            other = f"ext:{self.others}"
            if control == Control.CONSULT:
                self.say(Kind.CONSULTED, OWN, party=other)
            self.say(Kind.OFFERED, other)
            if other_answers:
                self.say(Kind.ANSWERED, other)
        elif control == Control.HANG_UP and self.phase == Phase.TRANSFERRING:
            self.say(Kind.LEFT, OWN)
        elif control != Control.KEYPAD:
            how = {"how": "blind" if control == Control.TRANSFER else "consult"}
            self.say(SAID[control], "" if control == Control.HANG_UP else OWN, **how)


@settings(max_examples=200)
@given(outgoing=st.booleans(), presses=st.lists(st.tuples(st.integers(0, 999), st.booleans()), max_size=40))
def test_a_pressed_control_leads_where_the_table_says(outgoing, presses):
    scene = Scene(outgoing)
    for choice, answers in presses:
        if scene.phase == Phase.RINGING and answers:
            scene.say(Kind.ANSWERED, "customer")
        # Most of the time a call goes on.
        active = sorted(
            scene.view.allowed(OWN, recorded=True) - ({Control.HANG_UP, Control.DECLINE} if choice > 300 else set())
        )
        if not active:
            continue
        control, before = active[choice % len(active)], scene.phase
        scene.press(control, other_answers=answers)
        assert scene.phase == step(before, control), f"{control} in {before}"
        assert len(scene.view.members) <= MOST_MEMBERS
    # Wherever it stands, it can be brought to its end.
    for _ in range(4):
        ways = scene.view.allowed(OWN, recorded=True)
        wanted = (Control.WRAP_UP, Control.HANG_UP, Control.DECLINE, Control.RETURN)
        if control := next((one for one in wanted if one in ways), None):
            scene.press(control, other_answers=True)
    assert scene.phase == Phase.ENDED
    own = [one for one in scene.view.intervals if one.party == OWN]
    assert all(one.end == after.begin for one, after in pairwise(own))

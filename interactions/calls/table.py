"""What an operator may do in a call, and where it leads: the one table of buttons, API and tests. No Django here."""

from collections.abc import Mapping
from enum import StrEnum

# The largest conference, the operator included.
MOST_MEMBERS = 4


class Phase(StrEnum):
    """Where one party's leg of a call stands."""

    RINGING = "ringing"  # it rings at the other side
    OFFERED = "offered"  # it rings here
    TALKING = "talking"
    HELD = "held"
    CONSULTING = "consulting"  # the customer is on hold, a second party is called or spoken with
    CONFERENCED = "conferenced"
    TRANSFERRING = "transferring"  # handed over blindly, and not yet answered there
    WRAPUP = "wrapup"
    ENDED = "ended"


class Control(StrEnum):
    """What an operator may press."""

    ANSWER = "answer"
    DECLINE = "decline"
    HOLD = "hold"
    RESUME = "resume"
    MUTE = "mute"
    UNMUTE = "unmute"
    KEYPAD = "keypad"
    TRANSFER = "transfer"  # blind
    CONSULT = "consult"
    COMPLETE = "complete"  # leave, and let the others talk on
    MERGE = "merge"
    RETURN = "return"  # back to the customer alone; who was called besides is let go
    ADD = "add"
    PAUSE_RECORDING = "pause_recording"
    RESUME_RECORDING = "resume_recording"
    HANG_UP = "hang_up"
    WRAP_UP = "wrap_up"


def _stay(phase: Phase, *controls: Control) -> dict[Control, Phase]:
    return dict.fromkeys(controls, phase)


_SOUND = (Control.MUTE, Control.UNMUTE, Control.KEYPAD)
_RECORDING = (Control.PAUSE_RECORDING, Control.RESUME_RECORDING)

TABLE: Mapping[Phase, Mapping[Control, Phase]] = {
    # An attempt is work too: its outcome is noted at wrap-up.
    Phase.RINGING: {Control.HANG_UP: Phase.WRAPUP},
    Phase.OFFERED: {Control.ANSWER: Phase.TALKING, Control.DECLINE: Phase.ENDED},
    Phase.TALKING: {
        **_stay(Phase.TALKING, *_SOUND, *_RECORDING),
        Control.HOLD: Phase.HELD,
        Control.TRANSFER: Phase.TRANSFERRING,
        Control.CONSULT: Phase.CONSULTING,
        Control.HANG_UP: Phase.WRAPUP,
    },
    # Nobody hears the operator: there is nothing to mute and nowhere to send tones.
    Phase.HELD: {
        **_stay(Phase.HELD, *_RECORDING),
        Control.RESUME: Phase.TALKING,
        Control.TRANSFER: Phase.TRANSFERRING,
        Control.CONSULT: Phase.CONSULTING,
        Control.HANG_UP: Phase.WRAPUP,
    },
    # No hanging up: of two calls it would end the wrong one, and a customer on hold would be lost. Return lets the
    # second party go, complete leaves both to each other.
    Phase.CONSULTING: {
        **_stay(Phase.CONSULTING, *_SOUND, *_RECORDING),
        Control.COMPLETE: Phase.WRAPUP,
        Control.MERGE: Phase.CONFERENCED,
        Control.RETURN: Phase.TALKING,
    },
    # No hold: its music would play to all the others. Who does not want to be heard mutes himself. Hanging up ends the
    # conference for everybody, complete leaves the others in it.
    Phase.CONFERENCED: {
        **_stay(Phase.CONFERENCED, *_SOUND, *_RECORDING, Control.ADD),
        Control.COMPLETE: Phase.WRAPUP,
        Control.RETURN: Phase.TALKING,
        Control.HANG_UP: Phase.WRAPUP,
    },
    # Hanging up leaves the call to whom it was handed.
    Phase.TRANSFERRING: {Control.RETURN: Phase.TALKING, Control.HANG_UP: Phase.WRAPUP},
    Phase.WRAPUP: {Control.WRAP_UP: Phase.ENDED},
    Phase.ENDED: {},
}


class Forbidden(ValueError):
    """A control that the phase does not have. `allowed` are those that it has."""

    def __init__(self, phase: Phase, control: Control) -> None:
        """Keep what was asked, and say what may be asked instead."""
        self.phase, self.control, self.allowed = phase, control, frozenset(TABLE[phase])
        may = ", ".join(sorted(self.allowed)) or "nothing"
        super().__init__(f"a call that is {phase} has no {control}; it has {may}")


def step(phase: Phase, control: Control) -> Phase:
    """Return the phase that a control leads to. Raises Forbidden if the phase has no such control."""
    try:
        return TABLE[phase][control]
    except KeyError:
        raise Forbidden(phase, control) from None


def allowed(
    phase: Phase, *, muted: bool = False, paused: bool | None = None, reached: bool = True, members: int = 2
) -> frozenset[Control]:
    """Return the controls that are active now.

    `paused`: whether the recording pauses, None if the call is not recorded. `reached`: whether the consulted party has
    answered: before, it can be handed to, but not merged. `members`: how many are in the conference, called ones too.
    """
    off = {Control.MUTE if muted else Control.UNMUTE}
    if paused is None:
        off |= {Control.PAUSE_RECORDING, Control.RESUME_RECORDING}
    else:
        off.add(Control.PAUSE_RECORDING if paused else Control.RESUME_RECORDING)
    if not reached:
        off.add(Control.MERGE)
    if members >= MOST_MEMBERS:
        off.add(Control.ADD)
    return frozenset(TABLE[phase]) - off

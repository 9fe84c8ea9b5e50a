"""What Asterisk is asked for, as actions. Pure. The client adds the ActionID by which it knows the answer."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from interactions.calls.table import Control

# Q.850: the cause by which a phone that rings is told that its user does not want it.
REJECTED = 21


@dataclass(frozen=True, slots=True)
class Action:
    """An action without its ActionID. `ends` is the event that ends its list of events; empty if it is answered at once."""

    name: str
    fields: tuple[tuple[str, str], ...] = ()
    ends: str = ""


class Unsupported(ValueError):
    """A control for which the manager interface has no action: the operator's phone does it by itself, or nobody."""


def _action(name: str, *, ends: str = "", **fields: str | int | None) -> Action:
    return Action(name, tuple((key, str(value)) for key, value in fields.items() if value not in (None, "")), ends)


def challenge() -> Action:
    """Ask for a challenge, that the secret need not go over the wire."""
    return _action("Challenge", AuthType="MD5")


def login(username: str, secret: str, challenge: str) -> Action:
    """Answer the challenge."""
    key = hashlib.md5(f"{challenge}{secret}".encode(), usedforsecurity=False).hexdigest()
    return _action("Login", AuthType="MD5", Username=username, Key=key)


def ping() -> Action:
    """Ask whether it is still there."""
    return _action("Ping")


def show_channels() -> Action:
    """List all channels."""
    return _action("CoreShowChannels", ends="CoreShowChannelsComplete")


def queue_status() -> Action:
    """List the members and the callers of all queues."""
    return _action("QueueStatus", ends="QueueStatusComplete")


def originate(
    channel: str,
    context: str,
    exten: str,
    *,
    caller_id: str = "",
    ring_ms: int = 30_000,
    variables: Iterable[tuple[str, str]] = (),
) -> Action:
    """Ring at `channel`, and when it answers, dial `exten` from there. `ring_ms`: how long it rings (milliseconds)."""
    base = _action(
        "Originate",
        Channel=channel,
        Context=context,
        Exten=exten,
        Priority=1,
        CallerID=caller_id,
        Timeout=ring_ms,
        Async="true",
    )
    return Action(base.name, (*base.fields, *(("Variable", f"{name}={value}") for name, value in variables)))


def redirect(channel: str, context: str, exten: str) -> Action:
    """Send a channel elsewhere in the dialplan. Who was in the bridge with it is on its own then."""
    return _action("Redirect", Channel=channel, Context=context, Exten=exten, Priority=1)


def blind_transfer(channel: str, context: str, exten: str) -> Action:
    """Let the party at `channel` hand the other over."""
    return _action("BlindTransfer", Channel=channel, Context=context, Exten=exten)


def consult(channel: str, context: str, exten: str) -> Action:
    """Let the party at `channel` call another, while the first hears music. If it hangs up, the two are connected."""
    return _action("Atxfer", Channel=channel, Context=context, Exten=exten)


def cancel_consult(channel: str) -> Action:
    """Bring the party at `channel` back to the first."""
    return _action("CancelAtxfer", Channel=channel)


def hang_up(channel: str, cause: int = 16) -> Action:
    """End a channel, for a cause of Q.850."""
    return _action("Hangup", Channel=channel, Cause=cause)


def mute(channel: str, *, on: bool) -> Action:
    """Let nobody hear the party at `channel`, or again."""
    return _action("MuteAudio", Channel=channel, Direction="in", State="on" if on else "off")


def press_key(channel: str, digit: str) -> Action:
    """Play a tone to the party at `channel`. Raises ValueError if there is no such key."""
    if len(digit) != 1 or digit not in "0123456789*#ABCD":
        raise ValueError(f"a keypad has 0–9, * and #, not {digit!r}")
    return _action("PlayDTMF", Channel=channel, Digit=digit)


def pause_recording(channel: str, *, on: bool) -> Action:
    """Write silence of both sides into the recording of a channel, or sound again."""
    return _action("MixMonitorMute", Channel=channel, Direction="both", State=int(on))


def pause_member(interface: str, *, on: bool, queue: str = "", reason: str = "") -> Action:
    """Pause a member, or let it go on; in all queues if none is named."""
    return _action("QueuePause", Interface=interface, Paused="true" if on else "false", Queue=queue, Reason=reason)


def add_member(queue: str, interface: str, *, name: str = "", penalty: int = 0, paused: bool = False) -> Action:
    """Let a member into a queue."""
    return _action(
        "QueueAdd", Queue=queue, Interface=interface, MemberName=name, Penalty=penalty, Paused=str(paused).lower()
    )


def remove_member(queue: str, interface: str) -> Action:
    """Take a member out of a queue."""
    return _action("QueueRemove", Queue=queue, Interface=interface)


@dataclass(frozen=True, slots=True)
class Leg:
    """Where a control acts: the operator's channel, the customer's, and the context in which numbers are dialled."""

    own: str
    customer: str = ""
    context: str = "default"


_PRESSES: Mapping[Control, Callable[[Leg, str], Action]] = {
    Control.DECLINE: lambda leg, _: hang_up(leg.own, REJECTED),
    Control.MUTE: lambda leg, _: mute(leg.own, on=True),
    Control.UNMUTE: lambda leg, _: mute(leg.own, on=False),
    Control.KEYPAD: lambda leg, key: press_key(leg.customer, key),
    Control.TRANSFER: lambda leg, to: blind_transfer(leg.own, leg.context, to),
    Control.CONSULT: lambda leg, to: consult(leg.own, leg.context, to),
    Control.COMPLETE: lambda leg, _: hang_up(leg.own),
    Control.RETURN: lambda leg, _: cancel_consult(leg.own),
    Control.PAUSE_RECORDING: lambda leg, _: pause_recording(leg.own, on=True),
    Control.RESUME_RECORDING: lambda leg, _: pause_recording(leg.own, on=False),
    Control.HANG_UP: lambda leg, _: hang_up(leg.own),
}
# What can be done by the manager interface alone. Answering and holding are the phone's own.
CONTROLS = frozenset(_PRESSES)
_ASK_WHOM = frozenset({Control.TRANSFER, Control.CONSULT})


def press(control: Control, leg: Leg, value: str = "") -> Action:
    """Return the action of a control. `value`: the number to transfer to or consult, the key of the keypad.

    Raises Unsupported if there is none, ValueError if the value is missing or wrong.
    """
    if control not in _PRESSES:
        raise Unsupported(f"Asterisk has no action for {control}; it has {', '.join(sorted(CONTROLS))}")
    if control in _ASK_WHOM and not value:
        raise ValueError(f"{control} needs the number to call")
    return _PRESSES[control](leg, value)

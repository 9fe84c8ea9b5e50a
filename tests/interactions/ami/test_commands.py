"""Controls as Asterisk's actions."""

import hashlib

import pytest

from interactions.adapters.voice.ami import commands
from interactions.calls.table import Control

LEG = commands.Leg("PJSIP/1017-01", "PJSIP/trunk-02", "internal")


@pytest.mark.parametrize(
    ("control", "value", "name", "fields"),
    [
        ("decline", "", "Hangup", {"Channel": LEG.own, "Cause": "21"}),
        ("mute", "", "MuteAudio", {"Channel": LEG.own, "Direction": "in", "State": "on"}),
        ("unmute", "", "MuteAudio", {"Channel": LEG.own, "Direction": "in", "State": "off"}),
        ("keypad", "#", "PlayDTMF", {"Channel": LEG.customer, "Digit": "#"}),
        ("transfer", "1018", "BlindTransfer", {"Channel": LEG.own, "Context": "internal", "Exten": "1018"}),
        ("consult", "1018", "Atxfer", {"Channel": LEG.own, "Context": "internal", "Exten": "1018"}),
        ("complete", "", "Hangup", {"Channel": LEG.own, "Cause": "16"}),
        ("return", "", "CancelAtxfer", {"Channel": LEG.own}),
        ("pause_recording", "", "MixMonitorMute", {"Channel": LEG.own, "Direction": "both", "State": "1"}),
        ("resume_recording", "", "MixMonitorMute", {"Channel": LEG.own, "Direction": "both", "State": "0"}),
        ("hang_up", "", "Hangup", {"Channel": LEG.own, "Cause": "16"}),
    ],
)
def test_each_control_has_its_action(control, value, name, fields):
    action = commands.press(Control(control), LEG, value)
    assert (action.name, dict(action.fields)) == (name, fields)


def test_what_cannot_be_done_is_said():
    assert set(Control) - commands.CONTROLS == {"answer", "hold", "resume", "merge", "add", "wrap_up"}
    with pytest.raises(commands.Unsupported, match="no action for hold"):
        commands.press(Control.HOLD, LEG)
    with pytest.raises(ValueError, match="needs the number"):
        commands.press(Control.TRANSFER, LEG)
    with pytest.raises(ValueError, match="keypad"):
        commands.press(Control.KEYPAD, LEG, "12")


def test_the_secret_does_not_go_over_the_wire():
    action = commands.login("cx", "secret", "840415273")
    assert dict(action.fields)["Key"] == hashlib.md5(b"840415273secret").hexdigest()
    assert "secret" not in str(action)


def test_the_rest():
    call = commands.originate(
        "PJSIP/1017", "out", "+79001234567", caller_id="Shop <800>", variables=[("CX", "1"), ("B", "2")]
    )
    assert call.fields[-2:] == (("Variable", "CX=1"), ("Variable", "B=2"))
    assert dict(call.fields) | {"Variable": ""} == {
        "Channel": "PJSIP/1017",
        "Context": "out",
        "Exten": "+79001234567",
        "Priority": "1",
        "CallerID": "Shop <800>",
        "Timeout": "30000",
        "Async": "true",
        "Variable": "",
    }
    assert dict(commands.pause_member("PJSIP/1017", on=True, reason="lunch").fields) == {
        "Interface": "PJSIP/1017",
        "Paused": "true",
        "Reason": "lunch",
    }
    assert dict(commands.add_member("sales", "PJSIP/1017").fields)["Paused"] == "false"
    assert commands.remove_member("sales", "PJSIP/1017").name == "QueueRemove"
    assert commands.redirect("a", "b", "c").name == "Redirect"

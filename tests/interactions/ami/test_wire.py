"""The manager's wire: whatever pieces and rubbish come, what is whole is read."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interactions.adapters.voice.ami import wire

HELLO = b"Asterisk Call Manager/5.0.2\r\n"
SESSION = (
    HELLO
    + b"Response: Success\r\nActionID: 1\r\nMessage: Authentication accepted\r\n\r\n"
    + b"Event: Newchannel\r\nChannel: PJSIP/1017-0000002a\r\nCallerIDName: \xd0\x9e\xd0\xbb\xd1\x8f: a \r\nExten: \r\n\r\n"
    + b"Response: Success\r\nActionID: 2\r\nMessage: Command output follows\r\nOutput: one: 1\r\nOutput:  two\r\n\r\n"
    + b"Response: Follows\r\nPrivilege: Command\r\nActionID: 3\r\nName/username  Host\n17/17  (Unspecified)\n--END COMMAND--\r\n\r\n"
    + b"Event: Hangup\r\nCause: 16\r\n\r\n"
)


@given(cuts=st.lists(st.integers(0, len(SESSION)), max_size=12))
def test_pieces_of_any_size_make_the_same_messages(cuts):
    reader = wire.Reader()
    edges = [0, *sorted(cuts), len(SESSION)]
    read = [message for a, b in pairwise(edges) for message in reader.feed(SESSION[a:b])]
    login, channel, command, old, hangup = read
    assert reader.version == "5.0.2" and not reader.errors
    assert login.is_success and login.action_id == "1" and not login.event
    assert channel.event == "Newchannel" and channel.get("calleridname") == "Оля: a" and channel.get("exten") == ""
    assert command.output == ("one: 1", " two")
    assert old.is_success and old.output == ("Name/username  Host", "17/17  (Unspecified)")
    assert hangup.get("cause") == "16" and hangup.get("uniqueid") == ""


def test_what_cannot_be_read_is_counted_and_costs_nothing_else():
    reader = wire.Reader()
    reader.feed(HELLO)
    good = b"Event: Hangup\r\nCause: 16\r\n\r\n"
    assert len(reader.feed(b"Event: Odd\r\nno colon here\r\nA: 1\r\n\r\n" + good)) == 2
    assert len(reader.feed(b"Strange: 1\r\n\r\n" + good)) == 1
    assert reader.feed(b"Event: X\r\nName: \xff\r\n\r\n")[0].get("name") == "�"
    assert reader.feed(b"Event: Long\r\nData: " + b"a" * wire.MOST_BYTES) == []
    assert reader.feed(b"a" * wire.MOST_BYTES * 2) == []
    assert len(reader.feed(b"a\r\n\r\n" + good)) == 1
    assert reader.feed(b"Event: Many\r\n" + b"A: 1\r\n" * wire.MOST_LINES + b"\r\n") == []
    assert reader.errors == {"no_colon": 1, "nameless": 1, "not_utf8": 1, "too_long": 2}


def test_a_server_that_is_no_asterisk_is_told():
    reader = wire.Reader()
    assert reader.feed(b"SSH-2.0-OpenSSH_9.2\r\n") == []
    assert reader.errors == {"no_banner": 1} and not reader.version


@given(data=st.binary(max_size=400))
def test_no_bytes_break_it(data):
    reader = wire.Reader()
    reader.feed(HELLO)
    reader.feed(data)
    last = reader.feed(b"\r\n\r\nEvent: Hangup\r\n\r\n")
    assert last[-1].event == "Hangup"


def test_an_action_is_written_and_none_can_be_smuggled_in():
    assert wire.write("Ping", [("ActionID", "7")]) == b"Action: Ping\r\nActionID: 7\r\n\r\n"
    with pytest.raises(ValueError, match="line break"):
        wire.write("Originate", [("CallerID", "a\r\n\r\nAction: Command\r\nCommand: core stop now")])

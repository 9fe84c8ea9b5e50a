"""What operators press goes to a telephony platform: posted or asked for, each once, and with words if it fails."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from cxcenter import phone
from cxcenter.bridge import sending
from cxcenter.core.errors import Conflict
from interactions.actions import calls
from interactions.calls.table import Control
from interactions.models import CallCommand, Exchange
from routing.actions import bridge
from routing.models import Assignment
from tests.bridge.conftest import SECRET, a_call, event

DOCS = Path(__file__).parents[2] / "docs/bridge.md"


@pytest.fixture
def talking(platform):
    platform.tell(*a_call()[:4])
    return platform


def press(platform, control: str = "hold", **more: Any) -> CallCommand:
    calls.press(interaction_id=platform.call().pk, actor=platform.anna, control=Control(control), **more)
    return CallCommand.objects.latest("pk")


def test_the_bar_shows_what_the_platform_can_do_and_no_more(talking):
    (line,) = phone.lines_of(talking.anna)
    assert line.has == {"hold", "resume", "transfer", "hang_up"}
    assert line.controls == {"hold", "transfer", "hang_up"}
    with pytest.raises(Conflict):
        press(talking, "mute")
    Exchange.objects.update(controls=["mute", "wrap_up"])
    assert phone.lines_of(talking.anna)[0].has == {"mute"}
    assert press(talking, "mute").control == "mute"


def test_a_platform_asks_for_commands_and_says_what_became_of_them(talking):
    first = press(talking, "transfer", value="500")
    second = press(talking)
    told = talking.ask().json()["commands"]
    assert told[0] == {
        "command": first.pk, "control": "transfer", "call": "c-1", "agent": "1017", "value": "500",
        "expires_at": first.expires_at.isoformat(),
    }  # fmt: skip
    assert [one["command"] for one in told] == [first.pk, second.pk]
    assert [one["command"] for one in talking.ask(first.pk).json()["commands"]] == [second.pk]
    assert len(talking.ask().json()["commands"]) == 2, "who was started anew asks again"
    done = event("command_done", 100, call=None, command=first.pk)
    assert talking.tell(done, event("command_failed", 101, call=None, command=second.pk, words="Line is busy"))
    first.refresh_from_db(), second.refresh_from_db()
    assert (first.state, second.state, second.words) == ("done", "failed", "Line is busy")
    assert talking.ask().json()["commands"] == []


def test_the_operator_reads_why_a_command_was_not_done(talking, monkeypatch):
    pushed: list[dict[str, Any]] = []
    from interactions.actions import commands

    monkeypatch.setattr(commands.realtime, "push", lambda *messages: pushed.extend(said for _group, said in messages))
    failed = press(talking)
    talking.tell(event("command_failed", 1, call=None, command=failed.pk, words="Line is busy"))
    late = press(talking)
    CallCommand.objects.filter(pk=late.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    bridge.sweep()
    late.refresh_from_db()
    assert late.state == "failed"
    troubles = [said["text"] for said in pushed if said.get("kind") == "trouble"]
    assert len(troubles) == 2 and "Line is busy" in troubles[0] and "in time" in troubles[1]
    assert talking.ask().json()["commands"] == []


def test_only_ones_own_commands_are_answered_and_asked_for(talking):
    command = press(talking)
    other = Exchange.objects.create(name="Other", kind="bridge", channel=talking.exchange.channel, secret="o" * 40)
    stranger = type(talking)(other, talking.queue, talking.anna, talking.boris)
    said = json.dumps({"events": [event("command_done", 1, call=None, command=command.pk)]}).encode()
    (answer,) = stranger.post(said, secret=other.secret).json()["results"]
    assert (answer["state"], answer["words"]) == ("refused", bridge.NO_COMMAND)
    assert stranger.ask(secret=other.secret).json()["commands"] == []
    assert talking.ask(secret=other.secret).status_code == 401
    command.refresh_from_db()
    assert command.state == "waiting"


@pytest.mark.parametrize("query", ["?after=x", "?after=-1", "?before=1", "?after=", "?after=99999999999999999999"])
def test_a_question_that_makes_no_sense_is_refused(platform, query):
    from django.test import Client

    from cxcenter.core import webhooks

    address = f"{platform.base}commands/{query}"
    signature = webhooks.sign(SECRET, address.encode(), int(time.time()))
    answer = Client().get(address, headers={"X-CX-Signature": signature})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    unsigned = Client().get(f"{platform.base}commands/?after=1", headers={"X-CX-Signature": signature})
    assert unsigned.status_code == 401, "a signature is of one address"


# --- Posted ------------------------------------------------------------------------------------


class Receiver:
    """The platform's address for commands."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, Any], str, bytes]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((json.loads(body), self.headers["X-CX-Signature"], body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/"


@pytest.fixture
def receiver(talking, settings, monkeypatch) -> Iterator[Receiver]:
    from cxcenter.bridge import tasks

    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    # The worker of the tests: at once, and by hand for what is tried again.
    monkeypatch.setattr(tasks.send, "delay", sending.send)
    made = Receiver()
    Exchange.objects.update(url=made.url)
    yield made
    made.server.shutdown()
    made.thread.join()


def documented() -> dict[str, Any]:
    """The names of the page's example, without what it does at its end."""
    code = re.search(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert code
    names: dict[str, Any] = {"SECRET": SECRET}
    exec(code[1].split("\ntell(\n")[0], names)
    return names


def test_a_command_is_posted_at_once_signed_and_once(talking, receiver):
    command = press(talking)
    ((told, signature, body),) = receiver.got
    assert (told["command"], told["control"], told["agent"]) == (command.pk, "hold", "1017")
    assert documented()["is_from_cx_center"](body, signature)
    assert not documented()["is_from_cx_center"](body + b" ", signature)
    sending.send(talking.exchange.pk)
    assert len(receiver.got) == 1
    command.refresh_from_db()
    assert command.state == "sent"
    talking.tell(event("command_done", 1, call=None, command=command.pk), event("held", 61, party="agent:1017"))
    assert talking.call().hold_s > 0


def test_what_a_platform_could_not_take_is_tried_again_later_and_later(talking, receiver):
    receiver.answers = [500, 503, 429]
    press(talking)
    pauses = [sending.send(talking.exchange.pk) for _ in range(3)]
    assert pauses == [1.0, 2.0, None], "the first try was at once"
    assert len(receiver.got) == 4
    assert CallCommand.objects.get().state == "sent"
    receiver.server.server_close()


def test_what_a_platform_refuses_fails_with_words(talking, receiver):
    receiver.answers = [422]
    command = press(talking)
    command.refresh_from_db()
    assert (command.state, command.words) == ("failed", "HTTP 422")
    assert sending.send(talking.exchange.pk) is None


def test_nothing_is_posted_to_our_own_network(talking, receiver, settings):
    settings.WEBHOOK_ALLOWED_HOSTS = []
    press(talking)
    assert receiver.got == []


def test_the_sweep_sends_what_was_never_sent(talking, receiver, monkeypatch):
    from cxcenter.bridge import tasks

    monkeypatch.setattr(tasks.send, "delay", lambda exchange: None)
    press(talking)
    assert receiver.got == []
    assert sending.with_left() == [talking.exchange.pk]
    sending.send(talking.exchange.pk)
    assert len(receiver.got) == 1 and sending.with_left() == []


# --- The page ----------------------------------------------------------------------------------


def test_the_examples_of_the_page_are_true(platform, live_server):
    page = DOCS.read_text().replace("https://cx.example.com", live_server.url)
    page = page.replace("/bridge/1/", f"/bridge/{platform.exchange.pk}/")
    script = re.search(r"```bash\n(.*?)```", page, re.DOTALL)
    answer = re.search(r"became of it:\n\n```json\n(.*?)\n```", page, re.DOTALL)
    assert script and answer
    done = subprocess.run(
        ["bash", "-c", script[1]],
        env={"SECRET": SECRET, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == json.loads(answer[1])
    assert platform.call().number == "+79005550184"
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code
    before, run = code[1].split("\nfor command", 1)
    names: dict[str, Any] = {"SECRET": SECRET}
    exec(before, names)
    assert Assignment.objects.get(interaction=platform.call().pk).operator == platform.anna
    command = press(platform)
    exec(f"for command{run}", names)
    command.refresh_from_db()
    assert command.state == "done"


def test_the_page_names_every_type_and_field():
    from interactions.adapters.voice.bridge import parse

    rows = re.findall(r"^\| (`.+?`) \| ?(.*?) ?\| ", DOCS.read_text(), re.MULTILINE)
    told = {
        kind: (
            {name for name, optional in re.findall(r"`(\w+)`(\?)?", fields) if not optional},
            {name for name, optional in re.findall(r"`(\w+)`(\?)?", fields) if optional},
        )
        for kinds, fields in rows
        for kind in re.findall(r"`(\w+)`", kinds)
    }
    assert {kind: told.get(kind) for kind in parse.FIELDS} == dict(parse.FIELDS)

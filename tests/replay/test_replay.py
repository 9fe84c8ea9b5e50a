"""Replay: what is read, how a page's copy is kept, what the score finds, and a run through faults over the real doors."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter

import pytest

from cxcenter.management.demo import channel, people, queues
from cxcenter.management.replay import live, stage, talks
from cxcenter.management.replay.company import Company
from cxcenter.management.replay.copy import Copy, Kept
from cxcenter.management.replay.operator import Operator
from cxcenter.management.replay.play import Desk, Place, Play
from cxcenter.management.replay.score import Score, table
from cxcenter.management.replay.wire import Wire
from interactions.models import Interaction, Message
from quality.models import Survey
from routing.models import Presence
from tests.servers import ROOT, session_stack

# --- The file ---


def test_the_sample_is_ours_and_whole():
    sample = talks.read(talks.SAMPLE)
    assert len(sample) >= 20
    assert {talk.language for talk in sample} == {"en", "ru"}
    assert {topic for talk in sample for topic in talk.topics} <= set(channel.OFFERED)
    for talk in sample:
        assert talk.said[0].after_s == 0 and talk.lasts_s > 0
        assert [line.after_s for line in talk.said] == sorted(line.after_s for line in talk.said)


def test_closing_answers_become_ratings():
    said = (talks.Said(by_customer=True, after_s=0, text="Hello"),)
    ratings = {
        (resolved, helpful): (talk.csat, talk.ces)
        for resolved in (True, False, None)
        for helpful in (True, False, None)
        for talk in [talks.Talk("1", (), said, resolved, helpful)]
    }
    assert ratings[True, True] == (5, 6) and ratings[False, True] == (4, 2)
    assert ratings[False, False] == (1, 2) and ratings[None, False] == (2, None) and ratings[None, None] == (None, None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no talks"),
        ("{", "line 1 is no talk"),
        ('{"id": 1, "messages": []}', "line 1 is no talk"),
        ('{"id": 1, "messages": [{"from": "agent", "at": 1, "text": "Hi"}]}', "does not begin with the customer"),
    ],
)
def test_a_file_that_cannot_be_played_is_told_in_one_line(tmp_path, text, told):
    path = tmp_path / "talks.jsonl"
    path.write_text(text)
    with pytest.raises(talks.BadFile, match=told):
        talks.read(path)
    with pytest.raises(talks.BadFile, match="cannot be read"):
        talks.read(tmp_path / "absent.jsonl.gz")


# --- The copy ---


def test_a_copy_takes_the_next_change_and_finds_gaps():
    copy = Copy(5)
    assert copy.takes(6) is True and copy.takes(6) is False and copy.takes(8) is None
    copy.caught_up(8)
    copy.caught_up(7)
    assert copy.takes(9) is True


def test_of_two_copies_of_a_message_the_later_change_counts():
    copy = Copy()
    copy.put(Kept(1, 1, 4, "k", "after", "push"))
    copy.put(Kept(1, 1, 2, "k", "before", "check"))
    assert [message.text for message in copy.in_order()] == ["after"] and copy.repaired == 0
    copy.put(Kept(2, 2, 5, "l", "found", "check"))
    assert copy.repaired == 1


# --- The score ---


def a_play(texts=("one", "two", "three", "four")):
    """Return a talk that has been played without a fault, visitor and operator by turns."""
    said = tuple(talks.Said(n % 2 == 0, float(n), text) for n, text in enumerate(texts))
    wire = Wire("http://localhost:1", connections=1)
    play = Play(talks.Talk("7", (), said, resolved=True, helpful=True), wire, Place("site", {}, {}, 1.0))
    operator = Operator(wire, "alice", "", wants=bool, script_of=lambda _key: None)
    operator.copies[3] = Copy()
    play.desks.append(Desk(operator, 2, 3))
    for number, (key, line) in enumerate(zip(play.keys, said, strict=True), start=1):
        play.sent_at[key] = 0.0
        for copy in (play.visitor.copy, operator.copies[3]):
            copy.put(Kept(number, number, number, key, line.text, "push", at=0.01))
    return play, play.visitor.copy.messages, operator.copies[3].messages


def counted(play):
    score = Score()
    score.add(play)
    return score.view(Counter())


def test_a_talk_without_faults_has_none():
    figures = counted(a_play()[0])
    assert figures["faults"] == 0 and figures["seen"] == 4 and figures["delivery_ms"]["p50"] == 10
    assert "0" in table(figures)


def test_what_the_other_side_has_not_is_lost():
    play, _visitor, staff = a_play()
    del staff[3]
    assert counted(play)["lost"] == 1 == counted(play)["faults"]


def test_what_is_stored_twice_is_doubled():
    play, visitor, _staff = a_play()
    visitor[9] = Kept(9, 9, 9, play.keys[1], "two", "push")
    assert counted(play)["doubled"] == 1
    visitor[9] = Kept(9, 4, 9, "", "", "push")
    assert counted(play)["doubled"] == 1, "two messages in one place"


def test_another_order_and_another_text_are_faults():
    play, visitor, staff = a_play()
    visitor[2].seq, visitor[3].seq = 3, 2
    staff[1].text = "something else"
    figures = counted(play)
    assert (figures["out_of_order"], figures["spoiled"], figures["faults"]) == (1, 1, 2)


def test_a_talk_that_was_broken_off_is_a_fault():
    play, _visitor, _staff = a_play()
    play.broken = "nobody came"
    assert counted(play)["broken"] == ["talk 7: nobody came"] and counted(play)["faults"] == 1


# --- The doors ---


@pytest.fixture(scope="module")
def stack(django_db_setup):
    # With the clock: what a killed process had stored and not yet handled is found by the sweep. The death of Redis may
    # end the worker too (test_clock.py), and nobody lives without a supervisor.
    with session_stack(web=2, clock=True) as running:
        running.keep("now", "beat")
        yield running


@pytest.mark.live
@pytest.mark.django_db(transaction=True)
def test_no_message_is_lost_while_processes_are_killed(stack, tmp_path):
    out = tmp_path / "figures.json"
    options = ["--speed", "30", "--open", "10", "--operators", "4", "--json", str(out), "--base-url", stack.url]
    replay = subprocess.Popen(
        [sys.executable, "manage.py", "replay", "chats", *options],
        cwd=ROOT,
        env={**os.environ, **stack.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_until(lambda: Message.objects.count() > 30, replay)
    stack.kill("web1", signal.SIGKILL)
    stack.restart("web1")
    wait_until(lambda: Message.objects.count() > 70, replay)
    stack.kill("valkey", signal.SIGKILL)
    stack.restart("valkey")
    wait_until(lambda: Message.objects.count() > 110, replay)
    for clock in ("now", "beat"):
        stack.kill(clock, signal.SIGKILL)
    said, _ = replay.communicate(timeout=400)
    assert replay.returncode == 0, said
    figures = json.loads(out.read_text())
    sample = talks.read(talks.SAMPLE)
    assert figures["faults"] == 0 and figures["conversations"] == len(sample)
    assert figures["seen"] == sum(len(talk.said) for talk in sample)
    # The same asked of the tables: every talk once, word for word, ended and rated.
    stored = [
        tuple(talk.messages.exclude(author="system").order_by("seq").values_list("author", "text"))
        for talk in Interaction.objects.all()
    ]
    wanted = [tuple(("customer" if line.by_customer else "staff", line.text) for line in talk.said) for talk in sample]
    assert sorted(stored) == sorted(wanted)
    assert not Interaction.objects.filter(closed_at=None).exists()
    assert Survey.objects.count() == figures["rated"] == sum(bool(talk.csat or talk.ces) for talk in sample)
    assert not Presence.objects.exclude(mode="offline").exists()


def wait_until(met, process, seconds=60):
    deadline = time.monotonic() + seconds
    while not met():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.live
@pytest.mark.django_db(transaction=True)
def test_the_demo_lives_at_desks_where_nobody_sits(stack, monkeypatch):
    topics = channel.plant_topics()
    staff = people.plant()
    queues.plant(staff, channel.plant_site(topics), topics)
    channel.plant_dispositions()
    where = stage.of_the_demo()
    assert "operator1" not in {name for name, _password in where.operators}
    monkeypatch.setattr(live, "PAUSE_S", (0.0, 0.2))
    sample = [talk for talk in talks.read(talks.SAMPLE) if talk.lasts_s < 130]
    random.Random(1).shuffle(sample)

    async def some_time() -> Score:
        company = Company(where, base_url=stack.url, speed=200.0, open_talks=live.OPEN_TALKS)
        async with asyncio.timeout(120), company.at_work():
            life = asyncio.create_task(live.live(company, where, sample))
            while company.score.conversations < 3:
                assert not life.done(), life.exception()
                await asyncio.sleep(0.1)
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)
        return company.score

    score = asyncio.run(some_time())
    assert score.conversations >= 3 and score.faults == 0, score
    assert Interaction.objects.exclude(topic=None).exists() and Interaction.objects.exclude(says={}).exists()
    assert not Presence.objects.filter(user=staff["operator1"]).exclude(mode="offline").exists()


@pytest.mark.django_db
def test_who_sits_at_his_desk_is_not_played():
    from cxcenter.core import liveness

    staff = people.plant()
    channel.plant_site(channel.plant_topics())
    liveness.write([(uuid.uuid4(), liveness.operator_key(staff["operator2"].pk))])
    names = [name for name, _password in stage.of_the_demo().operators]
    assert names == ["operator3", "operator4", "operator5", "operator6", "operator7"]

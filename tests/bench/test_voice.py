"""The bench of voice tells the truth: shuffled and doubled, a log makes the calls that it makes in order."""

import random

import pytest

from tests.bench.voice import replay


def test_a_log_makes_the_same_calls_however_it_lies(monkeypatch):
    monkeypatch.setattr(replay, "EVENTS", 2000)
    data, count = replay.a_log(random.Random(3))
    views = replay.live(data)
    replay.check(data, views)
    assert count >= 2000 and len(views) > 50
    call = next(iter(views))
    with pytest.raises(AssertionError):
        replay.check(data, {**views, call: views[list(views)[1]]})

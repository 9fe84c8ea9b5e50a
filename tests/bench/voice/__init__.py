"""The figures of voice."""

from tests.bench.report import Bar

BARS = (Bar("voice.ami_replay_per_s", "/s", 2000, above=True), Bar("voice.play_ms", "ms", 300))
PARTS = ("replay", "play")

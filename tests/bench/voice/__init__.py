"""The figures of voice."""

from tests.bench.report import Bar

BARS = (
    Bar("voice.ring_p95_ms", "ms", 1000),
    Bar("voice.command_p95_ms", "ms", 50),
    Bar("voice.lines_failed", "", 0),
    Bar("voice.lines_cpu", "cores", 0.5),
    Bar("voice.ami_replay_per_s", "/s", 2000, above=True),
    Bar("voice.ami_live_per_s", "/s", 200, above=True),
    Bar("voice.event_p95_ms", "ms", 100),
    Bar("voice.play_ms", "ms", 300),
    Bar("voice.ivr_p95_ms", "ms", 50),
)
PARTS = ("lines", "replay", "live", "play", "ivr")

"""The figures of the first contact."""

from tests.bench.report import Bar

BARS = (
    Bar("first.start_cold_s", "s", 60),
    Bar("first.start_warm_s", "s", 10),
    Bar("first.deliver_p50_ms", "ms", 15),
    Bar("first.deliver_p95_ms", "ms", 40),
    Bar("first.deliver_page_p95_ms", "ms", 150),
    Bar("first.inbound_per_s", "1/s", 500, above=True),
    Bar("first.inbound_floor_ratio", "", 0.10, above=True),
    Bar("first.offer_p95_ms", "ms", 100),
    Bar("first.assign_per_s", "1/s", 150, above=True),
    Bar("first.desk_p95_ms", "ms", 150),
    Bar("first.list_p95_ms", "ms", 50),
    Bar("first.timeline_p95_ms", "ms", 30),
    Bar("first.size_ratio", "", 1.3),
    Bar("first.replay_faults", "", 0),
    Bar("first.idle_mb", "MB", 1200),
)
PARTS = ("start", "deliver", "page", "inbound", "offer", "assign", "size", "replay")

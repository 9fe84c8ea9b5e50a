"""The figures of routing: the engine, the live decision, simulation, metrics, the board."""

from tests.bench.report import Bar

BARS = (
    Bar("routing.batch_ms", "ms", 100),
    Bar("routing.decide_ms", "ms", 1),
    Bar("routing.offer_p95_ms", "ms", 60),
    Bar("routing.assign_per_s", "/s", 300, above=True),
    Bar("routing.assign_floor_ratio", "", 0.05, above=True),
    Bar("routing.simulate_s", "s", 10),
    Bar("routing.import_calls_s", "s", 30),
    Bar("routing.metrics_s", "s", 1),
    Bar("routing.year_ms", "ms", 1000),
    Bar("routing.day_ms", "ms", 300),
    Bar("routing.board_s", "s", 2),
    Bar("routing.board_cost_ratio", "", 1.5),
)
PARTS = ("engine", "offer", "assign", "simulate", "calls", "reports", "board")

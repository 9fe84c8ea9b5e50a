"""The figures of routing."""

from tests.bench.report import Bar

BARS = (
    Bar("routing.import_calls_s", "s", 30),
    Bar("routing.metrics_s", "s", 1),
    Bar("routing.year_ms", "ms", 1000),
    Bar("routing.day_ms", "ms", 300),
)
PARTS = ("calls", "reports")

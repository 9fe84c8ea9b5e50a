"""The figures of routing."""

from tests.bench.report import Bar

BARS = (Bar("routing.simulate_s", "s", 10),)
PARTS = ("simulate",)

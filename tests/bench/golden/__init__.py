"""The figures of the golden record."""

from tests.bench.report import Bar

BARS = (
    Bar("golden.febrl1_f1", "", 0.9950, above=True),
    Bar("golden.febrl1_precision", "", 0.998, above=True),
    Bar("golden.febrl2_f1", "", 0.9943, above=True),
    Bar("golden.febrl2_precision", "", 0.998, above=True),
    Bar("golden.febrl3_f1", "", 0.9951, above=True),
    Bar("golden.febrl3_precision", "", 0.998, above=True),
    Bar("golden.febrl_seconds", "s", 10),
    Bar("golden.own_f1", "", 0.97, above=True),
    Bar("golden.own_precision", "", 0.995, above=True),
    Bar("golden.match_new_p95_ms", "ms", 50),
    Bar("golden.resolve_p95_ms", "ms", 7),
    Bar("golden.search_p95_ms", "ms", 100),
    Bar("golden.words_p95_ms", "ms", 100),
    Bar("golden.merge_ms", "ms", 200),
    Bar("golden.unmerge_ms", "ms", 200),
    Bar("golden.timeline_p95_ms", "ms", 30),
    Bar("golden.timeline_filter_p95_ms", "ms", 30),
    Bar("golden.timeline_20_p95_ms", "ms", 30),
    Bar("golden.timeline_ratio", "", 1.2),
    Bar("golden.import_s", "s", 600),
    Bar("golden.import_mb", "MB", 1500),
)
PARTS = (
    "matching",
    "newcomers",
    "resolve",
    "search",
    "merging",
    "timeline",
    "import",
)

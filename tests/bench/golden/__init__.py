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
    Bar("golden.import_s", "s", 600),
    Bar("golden.import_mb", "MB", 1500),
)
PARTS = ("matching", "import")

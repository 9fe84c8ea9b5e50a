"""The part of `make bench NAME=routing` that needs no servers: its day is played, and its bar has a figure."""

from tests.bench.report import rows
from tests.bench.routing import BARS, simulate


def test_a_day_of_ten_thousand_contacts_is_played():
    told = rows([bar for bar in BARS if bar.name == "routing.simulate_s"], simulate.measure())
    assert [(row["name"], row["held"]) for row in told] == [("routing.simulate_s", True)]

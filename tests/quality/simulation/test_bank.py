"""A real day through the simulator: the bank's log of 1999 (../shared/data), as tests/quality/simulation/bank.py reads it."""

import pytest

from quality.simulation.figures import ALL
from quality.simulation.scenario import understand
from quality.simulation.study import play
from tests.bank import needs_bank
from tests.quality.simulation import bank

pytestmark = needs_bank

# The first weekday of the log.
DATE = "990201"


@pytest.fixture(scope="module")
def day():
    return bank.calls(DATE)


def test_the_log_is_read_as_its_description_says(day):
    """1,567 rows of the day without 16 phantoms and 52 who hung up in the IVR, as awk counts them."""
    assert (len(day), sum(call.answered for call in day)) == (1499, 1354)
    assert sum(call.server == "NO_SERVER" for call in day if call.answered) == 21
    assert all(6 * 3600 < call.at < 25 * 3600 for call in day)


def test_the_simulated_day_is_like_the_real_one(day):
    """Nothing is fitted to the figures: they follow from who came, who was there, how long calls and patience last."""
    seen = bank.figures(day)
    found = play(understand(bank.scenario(day)), seeds=range(1, 6)).figures["base"][ALL]
    assert found["visits"].mean == seen["visits"]
    assert found["abandonment"].mean == pytest.approx(seen["abandonment"], abs=0.02)
    assert found["wait_s"].mean == pytest.approx(seen["wait_s"], rel=0.2)
    assert found["asa_s"].mean == pytest.approx(seen["asa_s"], rel=0.2)
    assert found["V2_20s"].mean == pytest.approx(seen["level"], abs=0.08)


def test_a_server_fewer_is_noticed(day):
    document = bank.scenario(day)
    document["rules"] = {"without Dorit": {"operators": {"DORIT": None}}}
    changed = play(understand(document), seeds=range(1, 6)).differences["without Dorit"][ALL]
    assert changed["wait_s"].low > 0
    assert changed["V2_20s"].high < 0

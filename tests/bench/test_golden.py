"""The parts of `make bench NAME=golden` that have sets of their own, on a small one: each runs, and each bar has its figure."""

import os
import subprocess
import sys

import pytest

from tests.bench.golden import BARS, PARTS
from tests.bench.report import missing, rows, take_over
from tests.servers import ROOT

pytestmark = pytest.mark.live

# What the parts name for themselves.
FOREIGN = ("DATABASE_URL", "REDIS_URL", "VAR_DIR")
# Whose bars are these: tests/customers/matching runs what `matching` measures.
MATCHING = ("golden.febrl", "golden.own")


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    """The figures of all parts but `matching`, one after another, as `make bench` runs them."""
    folder = tmp_path_factory.mktemp("bench")
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    found = []
    for part in PARTS:
        if part == "matching":
            continue
        out = folder / f"{part}.json"
        done = subprocess.run(
            [sys.executable, "-m", f"tests.bench.golden.{part}", str(out)],
            cwd=ROOT,
            env={**kept, "BENCH_FOLDER": str(folder), "BENCH_CUSTOMERS": "1000"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{part}: {done.stdout}\n{done.stderr}"
        found += take_over(out)
    return found


def test_every_part_measures_what_it_promises(figures):
    bars = [bar for bar in BARS if not bar.name.startswith(MATCHING)]
    assert missing(bars, rows(bars, figures)) == []
    assert all(figure.value is not None and figure.value > 0 for figure in figures)


def test_what_a_part_has_written_is_forgotten_and_new_records_find_their_people(figures):
    note = next(figure.note for figure in figures if figure.name == "golden.match_new_p95_ms")
    assert "joined wrongly" not in note and " joined" in note

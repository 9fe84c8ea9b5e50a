"""The parts `calls` and `reports` of `make bench NAME=routing` on a small set: each runs, and each bar has its figure."""

import os
import subprocess
import sys

import pytest

from tests.bench.report import take_over
from tests.servers import ROOT

pytestmark = pytest.mark.live
# What the parts name for themselves.
FOREIGN = ("DATABASE_URL", "REDIS_URL", "VAR_DIR")


def test_reports_measure_what_they_promise_and_count_what_there_is(tmp_path):
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    out = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.routing.reports", str(out)],
        cwd=ROOT,
        env={**kept, "BENCH_FOLDER": str(tmp_path), "BENCH_CONTACTS": "2000"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert {figure.name for figure in take_over(out)} == {"routing.year_ms", "routing.day_ms"}

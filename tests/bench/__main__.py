"""`python -m tests.bench [GROUP] [PART …]`: all groups, one, or some parts of one (shown, not kept)."""

import argparse
import importlib
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench import report
from tests.servers import ROOT

GROUPS = ("first", "golden", "routing", "voice")
PART_S = 3600


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("group", nargs="?", choices=GROUPS, help="default: all")
    parser.add_argument("part", nargs="*", help="default: all parts of the group")
    options = parser.parse_args()
    held = [run(group, options.part) for group in ([options.group] if options.group else GROUPS)]
    return 0 if all(held) else 1


def run(name: str, wanted: list[str]) -> bool:
    """Measure a group; return whether every bar has its row and holds."""
    group = importlib.import_module(f"tests.bench.{name}")
    parts = [part for part in group.PARTS if not wanted or part in wanted]
    figures = [figure for part in parts for figure in measure(name, part)]
    told = report.rows(group.BARS, figures)
    print(report.table(group.BARS, told))
    if wanted:
        return all(row["held"] is not False for row in told)
    absent = report.missing(group.BARS, told)
    for bar in absent:
        print(f"missing: {bar}")
    print(f"written to {report.write(name, told)}")
    return not absent and all(row["held"] is not False for row in told)


def measure(group: str, part: str) -> list[report.Figure]:
    """Run a part in a process of its own: its settings name its own servers."""
    print(f"— {group}.{part} …", flush=True)
    with tempfile.TemporaryDirectory(prefix="cxbench-") as folder:
        out = Path(folder) / "figures.json"
        command = [sys.executable, "-m", f"tests.bench.{group}.{part}", str(out)]
        done = subprocess.run(command, cwd=ROOT, timeout=PART_S, check=False)
        if done.returncode:
            print(f"{group}.{part} has failed (code {done.returncode})", file=sys.stderr)
        return report.take_over(out)


if __name__ == "__main__":
    sys.exit(main())

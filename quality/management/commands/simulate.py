"""`manage.py simulate SCENARIO.json`: a day of contacts under one or several sets of rules. See docs/simulator.md."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from quality.simulation.faults import BadScenario
from quality.simulation.scenario import read
from quality.simulation.study import play
from quality.simulation.table import table


class Command(BaseCommand):
    """Play a scenario on several seeds and tell the figures, with the differences between its sets of rules."""

    help = "Play days of contacts with the routing engine and compare sets of rules. See docs/simulator.md."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the scenario, where to write, how many days."""
        parser.add_argument("scenario", type=Path, help="a JSON file (quality/simulation/schema.json)")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write all figures to this file too")
        parser.add_argument("--seeds", type=_count, default=10, help="so many days are drawn (10)")
        parser.add_argument("--seed", type=int, default=1, help="the first of the seeds (1)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Play. Raises CommandError with a line for each fault of the scenario."""
        path: Path = options["scenario"]
        try:
            study = read(path)
        except BadScenario as error:
            raise CommandError(f"{path.name} cannot be played:\n{error}") from None
        seeds = range(options["seed"], options["seed"] + options["seeds"])
        result = play(study, seeds=seeds, told=self._told if sys.stderr.isatty() else None)
        self.stdout.write(table(result))
        if options["json"]:
            try:
                options["json"].write_text(json.dumps(result.as_data(), indent=1, ensure_ascii=False) + "\n")
            except OSError as error:
                raise CommandError(f"{options['json']} cannot be written: {error.strerror}") from None

    def _told(self, name: str, seed: int) -> None:
        self.stderr.write(f"\r{name}, seed {seed} …\033[K", ending="")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number

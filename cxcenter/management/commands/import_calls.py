"""`manage.py import_calls FILE --mapping MAPPING.json`: the calls of another system's log. See docs/call-logs.md."""

import csv
import json
import time
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection

from customers.imports import running
from cxcenter.core import audit
from cxcenter.core.errors import CxError
from cxcenter.core.sheets import defused
from routing.actions.logs import Places, keep_calls
from routing.logs.mapping import Mapping, read_mapping
from routing.logs.reading import ODDITIES, Call, Log, Refused

# Rows of a transaction.
BATCH = 2000
TOLD = 10
# What an import fills: the planner must know of it before the first report.
TABLES = ("interactions_thread", "interactions_interaction", "routing_workitem", "routing_assignment", "core_event")


class Command(BaseCommand):
    """Import batch by batch, end with the counts and what was odd; what was kept before an interruption is kept."""

    help = "Import the calls of a log (CSV or TSV, plain or gzip). A second run of the same file changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file and what its columns mean."""
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--mapping", type=Path, default=Path("bank_calls"), help="JSON, or the name of a shipped one"
        )
        parser.add_argument("--queue", default="", help="the queue of all calls, whatever the log says")
        parser.add_argument("--rejects", type=Path, help="where rows go that are no calls (FILE.rejects.csv)")
        parser.add_argument("--json", action="store_true", help="end with the counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import. Raises CommandError in one line."""
        try:
            mapping = read_mapping(options["mapping"])
            if options["queue"]:
                mapping = replace(mapping, queue=options["queue"])
            with running.alone(mapping.source) as free:
                if not free:
                    raise CommandError(f"another import of {mapping.source} is at work: wait for its end")
                self._work(options, mapping)
        except CxError as error:
            raise CommandError(str(error.message)) from None
        except (DatabaseError, OSError) as error:
            raise CommandError(running.trouble(error)) from None

    def _work(self, options: dict[str, Any], mapping: Mapping) -> None:
        began = time.monotonic()
        log = Log(options["file"], mapping)
        counts: Counter[str] = Counter(new=0, known=0, rejected=0)
        refused: list[Refused] = []
        try:
            places, rows = Places(mapping), iter(log)
            while batch := list(islice(rows, BATCH)):
                calls = [one for one in batch if isinstance(one, Call)]
                refused += [one for one in batch if isinstance(one, Refused)]
                kept = keep_calls(calls=calls, mapping=mapping, places=places)
                counts.update(new=kept.new, known=kept.known)
                refused += kept.refused
                self.stderr.write(f"line {batch[-1].line:,}: {counts['new']:,} new, {counts['known']:,} known")
        finally:
            log.close()
        counts["rejected"] = len(refused)
        refused.sort(key=lambda one: one.line)
        self._reject(options, log, refused)
        if counts["new"]:
            audit.record(None, "calls.import", f"channel:{places.channel.pk}", source=mapping.source, **counts)
            with connection.cursor() as cursor:
                cursor.execute(f"ANALYZE {', '.join(TABLES)}")
        self._tell(options, log, counts, time.monotonic() - began)

    def _reject(self, options: dict[str, Any], log: Log, refused: list[Refused]) -> None:
        path: Path = options["rejects"] or options["file"].with_name(f"{options['file'].name}.rejects.csv")
        for one in refused[:TOLD]:
            self.stderr.write(one.reason)
        if not refused:
            path.unlink(missing_ok=True)
            return
        with path.open("w", newline="", encoding="utf-8") as file:
            out = csv.writer(file)
            out.writerow(["import_line", "import_reason", *log.columns])
            out.writerows([one.line, one.reason, *map(defused, one.cells)] for one in refused)
        self.stderr.write(f"Rejected rows with their reasons: {path}")

    def _tell(self, options: dict[str, Any], log: Log, counts: Counter[str], took: float) -> None:
        odd = {kind: log.oddities.counts[kind] for kind in ODDITIES if kind in log.oddities.counts}
        if options["json"]:
            self.stdout.write(json.dumps({**counts, "odd": odd, "seconds": round(took, 1)}))
            return
        told = ", ".join(f"{name} {counts[name]:,}" for name in ("new", "known", "rejected"))
        self.stdout.write(f"{told} ({took:.1f} s)")
        for kind, number in odd.items():
            lines = ", ".join(map(str, log.oddities.lines[kind]))
            more = "" if number <= len(log.oddities.lines[kind]) else ", …"
            self.stdout.write(f"{number:8,} {ODDITIES[kind]} (line {lines}{more})")

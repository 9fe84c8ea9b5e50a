"""`manage.py import_customers FILE --source NAME`: customers from a CSV, Excel or JSON lines file. See docs/import.md."""

import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction

from customers.actions import imports as acts
from customers.imports import mapping, running
from customers.imports.mapping import Meaning
from customers.imports.planning import OUTCOMES
from customers.imports.tables import ENCODINGS, open_table
from customers.models import ImportRun, ImportTemplate
from cxcenter.accounts.models import User
from cxcenter.core.errors import CxError

BAR = 24
# How often progress is told, in seconds: on a screen, and into a log.
OFTEN, SELDOM = 0.5, 10.0


class Command(BaseCommand):
    """Import, show how far it is, end with the counts; code 1 and one line if the file cannot be imported."""

    help = (
        "Import customers from a CSV, Excel (.xlsx) or JSON lines file. A second run of the same file changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file, its source, what its columns mean."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", required=True, help="the system that the records are of, like crm")
        parser.add_argument("--template", help="a saved meaning of columns")
        parser.add_argument(
            "--map", action="append", default=[], metavar="COLUMN=FIELD", help="what a column means; empty: nothing"
        )
        parser.add_argument(
            "--vouched", action="store_true", help="phones, addresses and cards are proved: they join records"
        )
        parser.add_argument("--verified", action="store_true", help="names, birthdays and addresses are proved as well")
        parser.add_argument("--dry-run", action="store_true", help="compare with what is kept, write nothing")
        parser.add_argument(
            "--resume", action="store_true", help="go on behind the last row that a broken run has kept"
        )
        parser.add_argument("--rejects", type=Path, help="where rejected rows go (FILE.rejects.csv)")
        parser.add_argument("--encoding", default="", help=f"of a text ({', '.join(ENCODINGS)}); found out by itself")
        parser.add_argument("--delimiter", default="", help="between the values of CSV; found out by itself")
        parser.add_argument("--user", help="in whose name; it stands in records and in the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import. Raises CommandError in one line."""
        source = options["source"].strip()
        try:
            with running.alone(source) as free:
                if not free:
                    raise CommandError(f"another import of {source} is at work: wait for its end")
                self._work(self._resumed(options) if options["resume"] else self._new(options))
        except CxError as error:
            raise CommandError(str(error.message)) from None
        except (DatabaseError, OSError) as error:
            raise CommandError(running.trouble(error)) from None

    @transaction.atomic
    def _new(self, options: dict[str, Any]) -> ImportRun:
        path: Path = options["file"].resolve()
        actor = self._actor(options)
        meaning = self._meaning(path, options)
        run = acts.prepare_import(
            source=options["source"], path=str(path), name=path.name, meaning=meaning, actor=actor
        )
        rejects = options["rejects"] or path.with_name(f"{path.name}.rejects.csv")
        return acts.start_import(
            run=run, meaning=meaning, trial=options["dry_run"], rejects=str(rejects.resolve()), actor=actor
        )

    def _actor(self, options: dict[str, Any]) -> User | None:
        if not options["user"]:
            return None
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"there is no active user {options['user']}")
        return user

    def _meaning(self, path: Path, options: dict[str, Any]) -> Meaning:
        """Return the template's choice or a guess, with what --map says besides."""
        chosen = Meaning()
        if options["template"]:
            template = ImportTemplate.objects.filter(name=options["template"]).first()
            if template is None:
                names = ", ".join(ImportTemplate.objects.values_list("name", flat=True)) or "none"
                raise CommandError(f"there is no template {options['template']}; there are: {names}")
            chosen = Meaning.read(template.meaning)
        delimiter = {"tab": "\t", "\\t": "\t"}.get(options["delimiter"], options["delimiter"]) or chosen.delimiter
        encoding = options["encoding"] or chosen.encoding
        if len(delimiter) > 1:
            raise CommandError("--delimiter is one sign, or tab")
        with open_table(path, encoding=encoding, delimiter=delimiter) as table:
            columns = (
                mapping.guess(table.columns) if not options["template"] else mapping.fit(chosen, table.columns).columns
            )
        said = dict(self._pair(text) for text in options["map"])
        self.stderr.write(
            "".join(f"  {column} → {said.get(column, target) or '—'}\n" for column, target in columns.items())
        )
        return Meaning(
            columns={**columns, **said},
            vouched=options["vouched"] or chosen.vouched,
            verified=options["verified"] or chosen.verified,
            encoding=encoding,
            delimiter=delimiter,
        )

    def _pair(self, text: str) -> tuple[str, str]:
        column, sign, target = text.rpartition("=")
        if not sign:
            raise CommandError(f"--map is COLUMN=FIELD, not {text!r}; fields: {', '.join(mapping.targets())}")
        return column.strip(), target.strip()

    def _resumed(self, options: dict[str, Any]) -> ImportRun:
        path: Path = options["file"].resolve()
        digest = acts.digest_of(path)
        runs = ImportRun.objects.filter(source=options["source"].strip(), digest=digest, uploaded=False, trial=False)
        run = runs.exclude(state=ImportRun.State.DONE).order_by("-pk").first()
        if run is None:
            raise CommandError("there is no broken run of this file and source: start it without --resume")
        run.path = str(path)
        run.save(update_fields=["path"])
        self.stderr.write(f"Going on behind line {run.position:,}.")
        return run

    def _work(self, run: ImportRun) -> None:
        began = time.monotonic()
        if run.state != ImportRun.State.WAITING:
            run = acts.continue_import(run=run, actor=run.actor)
        with running.Importer(run) as importer:
            importer.begin()
            self._steps(importer)
        self._tell(importer.run, time.monotonic() - began)

    def _steps(self, importer: running.Importer) -> None:
        progress = Progress(importer.run)
        again = "; what was read is kept, repeat the command with --resume"
        try:
            while importer.step():
                progress.show()
        except KeyboardInterrupt:
            acts.stop_import(run=importer.run)
            raise CommandError(f"stopped at line {importer.run.position:,}{again}") from None
        except running.StoppedError:
            raise CommandError(f"somebody has stopped it at line {importer.run.position:,}{again}") from None
        except (CxError, DatabaseError, OSError) as error:
            reason = str(error.message) if isinstance(error, CxError) else running.trouble(error)
            running.fail(importer.run, reason)
            raise CommandError(f"{reason} (line {importer.run.position:,}{again})") from None
        finally:
            progress.end()

    def _tell(self, run: ImportRun, took: float) -> None:
        rows = sum(run.counts.get(name, 0) for name in OUTCOMES if name != "joined")
        counts = ", ".join(f"{name} {run.counts.get(name, 0):,}" for name in OUTCOMES)
        self.stdout.write(f"{'Trial: ' if run.trial else ''}read {rows:,}, {counts} ({took:.1f} s)")
        if run.counts.get("rejected"):
            self.stdout.write(f"Rejected rows with their reasons: {run.rejects}")


class Progress:
    """How far a run is: a bar on a screen, a line now and then in a log."""

    def __init__(self, run: ImportRun) -> None:
        """Begin to measure."""
        self._run, self._began, self._before = run, time.monotonic(), sum(run.counts.values())
        self._screen = sys.stderr.isatty()
        self._told = time.monotonic()

    def show(self) -> None:
        """Tell, if it is time."""
        now = time.monotonic()
        if now - self._told < (OFTEN if self._screen else SELDOM):
            return
        self._told = now
        run = self._run
        rows = sum(number for name, number in run.counts.items() if name != "joined")
        speed = (sum(run.counts.values()) - self._before) / max(now - self._began, 0.001)
        done = round(run.share * BAR)
        told = f"{run.share:5.0%}  {rows:,} rows, {speed:,.0f} a second, {run.counts.get('rejected', 0):,} rejected"
        bar = f"\r[{'#' * done}{'.' * (BAR - done)}] " if self._screen else ""
        sys.stderr.write(f"{bar}{told}{'' if self._screen else chr(10)}")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line of the bar."""
        if self._screen:
            sys.stderr.write("\n")

"""`manage.py estimates --queue Warranty --from 2026-11-01 --to 2026-12-01`: which estimator would have foretold the waits best."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from routing.actions import estimating
from routing.backtest import ENOUGH, Comparison
from routing.choices import Estimator
from routing.models import Queue


class Command(BaseCommand):
    """Compare the estimators of the wait over a queue's past; with --keep the best is used from now on."""

    help = "Compare the estimators of the wait over the past of a queue."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the queue and the time."""
        parser.add_argument("--queue", default="", help="its name or number (all)")
        parser.add_argument(
            "--from", dest="since", default="", help="a day, or a time in ISO 8601 (8 weeks before --to)"
        )
        parser.add_argument("--to", dest="until", default="", help="not included (now)")
        parser.add_argument("--keep", action="store_true", help="let the queue use the best one")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Tell. Raises CommandError in one line."""
        until = self._moment("to", options["until"]) or timezone.now()
        since = self._moment("from", options["since"]) or until - estimating.NIGHTLY
        if since >= until:
            raise CommandError("--to: it must be after --from")
        told = {}
        for queue in self._queues(options["queue"]):
            found = estimating.backtest(queue=queue, since=since, until=until)
            kept = options["keep"] and estimating.keep(queue=queue, since=since, until=until, found=found) is not None
            told[queue.name] = _as_json(found, kept=kept)
            if not options["json"]:
                self._show(queue, found, kept=kept)
        if options["json"]:
            self.stdout.write(json.dumps(told, ensure_ascii=False))

    def _queues(self, said: str) -> list[Queue]:
        if not said:
            return list(Queue.objects.order_by("name"))
        found = Queue.objects.filter(name=said).first()
        if found is None and said.isdigit():
            found = Queue.objects.filter(pk=int(said)).first()
        if found is None:
            raise CommandError(f"--queue: there is no queue {said}")
        return [found]

    def _moment(self, name: str, text: str) -> datetime | None:
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise CommandError(f"--{name}: {text} is neither a day nor a time; write it like 2026-11-30") from None
        return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(settings.DEFAULT_ZONE))

    def _show(self, queue: Queue, found: Comparison, *, kept: bool) -> None:
        self.stdout.write(f"{queue.name}: {found.visits} visits that had to wait and were answered")
        for code, one in sorted(found.scores.items(), key=lambda row: row[1].mae_s):
            best = "  best" + (", used from now on" if kept else "") if code == found.best else ""
            name = f"{code} ({Estimator(code).label})"
            self.stdout.write(f"  {name:<52} error {one.mae_s:8.1f} s   bias {one.bias_s:+8.1f} s{best}")
        if found.best is None:
            self.stdout.write(f"  too few to choose by: {ENOUGH} are needed")


def _as_json(found: Comparison, *, kept: bool) -> dict[str, Any]:
    scores = {code: {"bias_s": one.bias_s, "mae_s": one.mae_s} for code, one in found.scores.items()}
    return {"visits": found.visits, "best": found.best, "kept": kept, "estimators": scores}

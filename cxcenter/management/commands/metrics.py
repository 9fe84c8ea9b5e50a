"""`manage.py metrics --from 2026-11-01 --to 2026-12-01 --by queue,priority --interval day`: see docs/metrics.md."""

import json
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cxcenter.core.errors import CxError
from quality import policies, rollups
from quality.metrics.dimensions import DIMENSIONS, label
from quality.metrics.metric import Number
from quality.metrics.registry import METRICS
from quality.metrics.reports import Asked, named, report
from quality.metrics.shown import as_json
from quality.metrics.spans import Interval

# What a part of a question is called here.
NAMES = {"since": "from", "until": "to"}


class Command(BaseCommand):
    """Tell the metrics of a time; code 1 and one line for what cannot be."""

    help = "Tell metrics by interval and dimension."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the time, the split, the metrics."""
        parser.add_argument("--from", dest="since", default="", help="a day, or a time in ISO 8601 (today)")
        parser.add_argument("--to", dest="until", default="", help="not included (one day later)")
        parser.add_argument("--by", default="", help=f"dimensions, split by commas: {','.join(DIMENSIONS)}")
        parser.add_argument("--interval", default="whole", choices=list(Interval))
        parser.add_argument("--zone", default=settings.DEFAULT_ZONE, help="whose days and months they are")
        parser.add_argument("--metrics", default="", help="codes, split by commas (all; see --list)")
        parser.add_argument(
            "--policy", default="", help="of the service level, like V5,T=20,S=5,B=B1+B2; else the queues' own"
        )
        parser.add_argument("--policy-version", type=int, help="the queues' policies as they were in this version")
        parser.add_argument("--raw", action="store_true", help="count everything from its rows, without rollups")
        parser.add_argument("--list", action="store_true", help="tell the metrics with their formulas")
        parser.add_argument("--rebuild", action="store_true", help="first sum up the days of the time again")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Tell. Raises CommandError in one line."""
        if options["list"]:
            for code, metric in METRICS.items():
                self.stdout.write(f"{code:<20} {metric.unit:<6} {metric.name}: {metric.formula}")
            return
        try:
            asked = self._asked(options)
            if options["rebuild"]:
                rollups.rebuild(asked.since.date(), asked.until.date())
            told = report(asked)
        except CxError as error:
            field = str(error.detail.get("field", "since"))
            raise CommandError(f"--{NAMES.get(field, field)}: {error.message}") from None
        names = named(told, "en")
        if options["json"]:
            self.stdout.write(json.dumps(as_json(told, names), ensure_ascii=False))
            return
        self._table([["", *map(str, (METRICS[code].name for code in asked.metrics))]])
        for row in told.rows:
            split = [label(key, names[code]) for code, key in row.keys.items()]
            at = row.at.astimezone(asked.zone).isoformat(sep=" ", timespec="minutes")
            self._table([[" ".join([at, *split]), *map(_said, row.values.values())]])
        self._table([["all", *map(_said, told.whole.values())]])

    def _asked(self, options: dict[str, Any]) -> Asked:
        try:
            zone = ZoneInfo(options["zone"])
        except (ZoneInfoNotFoundError, ValueError):
            raise CommandError(f"--zone: there is no {options['zone']}") from None
        since = self._moment("from", options["since"], zone) or _midnight(datetime.now(zone).date(), zone)
        until = self._moment("to", options["until"], zone)
        return Asked(
            since=since,
            until=until or _midnight(since.astimezone(zone).date() + timedelta(days=1), zone),
            by=_words(options["by"]),
            interval=Interval(options["interval"]),
            zone=zone,
            metrics=_words(options["metrics"]),
            policy=policies.read(options["policy"]) if options["policy"] else None,
            version=options["policy_version"],
            kept=not options["raw"],
        )

    def _moment(self, name: str, text: str, zone: ZoneInfo) -> datetime | None:
        if not text:
            return None
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            raise CommandError(
                f"--{name}: {text} is neither a day nor a time; write it like 2026-11-30 or 2026-11-30T09:15"
            ) from None
        return found if found.tzinfo else found.replace(tzinfo=zone)

    def _table(self, rows: list[list[str]]) -> None:
        for row in rows:
            self.stdout.write("\t".join(row))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _said(value: Number) -> str:
    return "—" if value is None else f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)

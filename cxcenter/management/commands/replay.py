"""`manage.py replay chats FILE`: real talks through the real doors, and what became of every message."""

import asyncio
import json
import logging
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from cxcenter.management.replay import live, score, stage, talks
from cxcenter.management.replay.company import Company, play_all
from cxcenter.management.replay.progress import Progress
from cxcenter.management.replay.wire import Refused


class Command(BaseCommand):
    """Play talks of a file, or with --demo a few of the sample without end."""

    help = "Play written talks: visitors over the widget's protocol, operators over the desk's. See docs/bench.md."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what is played, how fast, by how many."""
        parser.add_argument("what", choices=["chats"], help="what the file holds")
        parser.add_argument(
            "file", nargs="?", type=Path, default=talks.SAMPLE, help="JSON lines, also .gz; default: the sample"
        )
        parser.add_argument("--limit", type=_count, help="play so many talks at the most")
        parser.add_argument("--speed", type=_speed, default=1.0, help="times inside a talk are divided by this")
        parser.add_argument("--open", type=_count, default=100, dest="open_talks", help="talks open at once (100)")
        parser.add_argument("--operators", type=_count, default=30, help="operators who serve them (30)")
        parser.add_argument("--seed", type=int, default=1, help="draws the order and the beginnings (1)")
        parser.add_argument("--json", type=Path, help="write the figures to this file too")
        parser.add_argument("--base-url", default=settings.PUBLIC_URL, help="the center's address (PUBLIC_URL)")
        parser.add_argument(
            "--demo", action="store_true", help="the sample, calmly and without end, at the demo's desks"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Play; end with code 1 if a message was lost, doubled, spoiled or out of order."""
        if settings.PRODUCTION:
            raise CommandError("a replay fills the installation with played talks: it does not belong into production")
        # It tells every call.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        try:
            played = talks.read(options["file"], options["limit"])
            with suppress(KeyboardInterrupt):
                self._live(played, options["base_url"]) if options["demo"] else self._play(played, options)
        except (talks.BadFile, Refused) as error:
            raise CommandError(str(error)) from None

    def _play(self, played: list[talks.Talk], options: dict[str, Any]) -> None:
        where = stage.of_its_own(options["operators"], options["open_talks"])
        # From here on only the doors are used.
        connections.close_all()
        open_talks, speed, seed = options["open_talks"], options["speed"], options["seed"]

        async def run() -> Company:
            company = Company(where, base_url=options["base_url"], speed=speed, open_talks=open_talks)
            progress = Progress(sys.stderr, len(played))
            async with company.at_work():
                shown = asyncio.create_task(progress.run(company))
                await play_all(company, played, open_talks=open_talks, speed=speed, seed=seed)
                shown.cancel()
            progress.close(company)
            return company

        began = time.monotonic()
        company = uvloop.run(run())
        figures = {**company.score.view(company.wire.troubles), "took_s": round(time.monotonic() - began, 1)}
        self.stdout.write(score.table(figures))
        if options["json"]:
            options["json"].write_text(json.dumps(figures, indent=2, ensure_ascii=False))
        if figures["faults"]:
            sys.exit(1)

    def _live(self, played: list[talks.Talk], base_url: str) -> None:
        # Pages of people who sit at a desk come back first.
        time.sleep(stage.HEARD.total_seconds())
        where = stage.of_the_demo()
        connections.close_all()
        if not where.operators:
            raise CommandError("all desks of the demo are taken by people: nobody is left to play")

        async def run() -> None:
            task = asyncio.current_task()
            assert task is not None
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
            company = Company(where, base_url=base_url, speed=live.SPEED, open_talks=live.OPEN_TALKS)
            with suppress(asyncio.CancelledError):
                async with company.at_work():
                    await live.live(company, where, played)

        self.stdout.write(f"Playing at the desks of {', '.join(name for name, _password in where.operators)}.")
        uvloop.run(run())


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed <= 10_000:
        raise ValueError
    return speed

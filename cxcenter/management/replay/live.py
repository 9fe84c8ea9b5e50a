"""A calm life for the demo: a few visitors come, talk and go, at desks where nobody sits. `make run DEMO=live`."""

import asyncio
import random
from collections.abc import Iterator
from typing import Any

from cxcenter.management.demo import names
from cxcenter.management.replay.company import Company
from cxcenter.management.replay.stage import Stage
from cxcenter.management.replay.talks import Talk

OPEN_TALKS = 4
SPEED = 1.0
PAUSE_S = (15.0, 75.0)


async def live(company: Company, stage: Stage, talks: list[Talk]) -> None:
    """Play talks until cancelled."""
    draw = random.Random()  # noqa: S311 — another day each time
    called = _names(draw)

    async def visitors() -> None:
        while True:
            await asyncio.sleep(draw.uniform(*PAUSE_S))
            talk = draw.choice(talks)
            name = next(name for name in called[talk.language] if name not in company.playing)
            await company.play(talk, name=name, form=_form(stage, talk, name))

    async with asyncio.TaskGroup() as lanes:
        for _lane in range(OPEN_TALKS):
            lanes.create_task(visitors())


def _form(stage: Stage, talk: Talk, name: str) -> dict[str, Any]:
    topic = next((stage.topics[name] for name in talk.topics if name in stage.topics), None)
    page = {"url": "https://norda.example/", "title": "Norda"}
    return {"name": name, "consent": True, "topic": topic, "page": page}


def _names(draw: random.Random) -> dict[str, Iterator[str]]:
    def english() -> Iterator[str]:
        while True:
            yield f"{draw.choice(names.GIVEN_EN)} {draw.choice(names.SURNAMES_EN)}"

    def russian() -> Iterator[str]:
        while True:
            given, surname = draw.choice(names.GIVEN_RU), draw.choice(names.SURNAMES_RU)
            yield f"{given.name} {surname[given.is_female]}"

    return {"en": english(), "ru": russian()}

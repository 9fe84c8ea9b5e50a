"""Operators and visitors of one replay, played in one process: so many talks open at once, begun at drawn times."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

from cxcenter.management.replay.operator import Operator, Script
from cxcenter.management.replay.play import Place, Play
from cxcenter.management.replay.score import Score
from cxcenter.management.replay.stage import Stage
from cxcenter.management.replay.talks import Talk
from cxcenter.management.replay.wire import Refused, Wire

GOODBYE_S = 3.0
# Checking a password is slow on purpose: all at once they would wait for each other.
AT_THE_DOOR = 4


class Company:
    """All who play. `score` grows with every talk that ends; `playing` are those that go on."""

    def __init__(self, stage: Stage, *, base_url: str, speed: float, open_talks: int) -> None:
        self._stage, self._speed = stage, speed
        self.wire = Wire(base_url, connections=open_talks + 2 * len(stage.operators) + 10)
        self.score = Score()
        self.playing: dict[str, Play] = {}
        self._scripts: dict[str, Play] = {}
        self._operators = [
            Operator(self.wire, name, password, wants=self._wants, script_of=self._script_of)
            for name, password in stage.operators
        ]

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Sign all operators in, make them available and keep them at their desks. Raises Refused if one cannot sign in."""
        doorway = asyncio.Semaphore(AT_THE_DOOR)

        async def enter(operator: Operator) -> None:
            async with doorway:
                await operator.sign_in()
                # Before the first visitor: a center where nobody is available turns him away.
                await operator.arrive()

        await asyncio.gather(*(enter(operator) for operator in self._operators))
        desks = [asyncio.create_task(operator.work()) for operator in self._operators]
        try:
            yield
        finally:
            for desk in desks:
                desk.cancel()
            ends = await asyncio.gather(*desks, return_exceptions=True)
            with suppress(TimeoutError, Refused):
                async with asyncio.timeout(GOODBYE_S):
                    await asyncio.gather(*(o.rest() for o in self._operators))
            await self.wire.aclose()
        for end in ends:
            # A desk that has broken down is a fault of the player: its talks were played at others, or not at all.
            if isinstance(end, Exception):
                raise end

    async def play(self, talk: Talk, *, name: str = "", form: dict[str, Any] | None = None) -> None:
        """Play one talk and count it. `name` is what the visitor calls himself: demo desks know theirs by it."""
        place = Place(self._stage.site, form or {}, self._stage.outcomes, self._speed)
        play = Play(talk, self.wire, place)
        self.playing[name or play.keys[0]] = play
        self._scripts |= dict.fromkeys(play.keys, play)
        try:
            await play.run()
        finally:
            del self.playing[name or play.keys[0]]
            for key in play.keys:
                del self._scripts[key]
        self.score.add(play)
        for desk in play.desks:
            desk.operator.forget(desk.thread)

    def _wants(self, name: str) -> bool:
        """Tell whether to accept: in the replay's own queue all, in the demo's those whom we play."""
        return not self._stage.shared or name in self.playing

    def _script_of(self, key: str) -> Script | None:
        return self._scripts.get(key)


async def play_all(company: Company, talks: Iterable[Talk], *, open_talks: int, speed: float, seed: int) -> None:
    """Play all talks, `open_talks` at once: each lane begins at a drawn moment of a mean talk, then goes on and on."""
    draw = random.Random(seed)  # noqa: S311 — so that a run can be repeated
    order = list(talks)
    draw.shuffle(order)
    mean_s = sum(talk.lasts_s for talk in order) / len(order) / speed
    rest = iter(order)

    async def lane(delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        for talk in rest:
            await company.play(talk)

    async with asyncio.TaskGroup() as lanes:
        for _lane in range(min(open_talks, len(order))):
            lanes.create_task(lane(draw.uniform(0, mean_s)))

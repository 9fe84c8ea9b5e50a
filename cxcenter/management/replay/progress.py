"""How far a replay is, on one line of a terminal, or now and then as a line of a log."""

import asyncio
import time
from typing import TextIO

from cxcenter.management.replay.company import Company

WIDTH = 30
LOG_EVERY_S = 10.0


class Progress:
    """A bar that grows with the talks that have ended."""

    def __init__(self, out: TextIO, total: int) -> None:
        self._out, self._total, self._began = out, total, time.monotonic()
        self._is_terminal = out.isatty()

    async def run(self, company: Company) -> None:
        """Show it until cancelled."""
        while True:
            self.show(company)
            await asyncio.sleep(0.5 if self._is_terminal else LOG_EVERY_S)

    def show(self, company: Company) -> None:
        """Show where it stands."""
        score, done = company.score, company.score.conversations
        bar = ("#" * (WIDTH * done // self._total)).ljust(WIDTH, "-")
        line = (
            f"[{bar}] {done}/{self._total} talks, {len(company.playing)} open, "
            f"{sum(score.sent.values())} messages, {score.faults} faults, {time.monotonic() - self._began:.0f} s"
        )
        self._out.write(f"\r{line} " if self._is_terminal else f"{line}\n")
        self._out.flush()

    def close(self, company: Company) -> None:
        """Leave the last state on a line of its own."""
        self.show(company)
        if self._is_terminal:
            self._out.write("\n")

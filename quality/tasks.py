"""Thin Celery shells of quality."""

import time

from celery import shared_task

from quality import rollups, runs
from quality.watch import Watch

# Others wait in the same queue: the next call of the beat goes on.
ENOUGH_S = 20.0
# Somebody waits for a simulation; others wait behind it.
SHARE_S = 5.0
_watch = Watch()


@shared_task
def bulk_roll_up() -> int:
    """Sum up the days that are over, as far as the time goes."""
    began, done = time.monotonic(), 0
    for day in rollups.due():
        rollups.roll_up(day)
        done += 1
        if time.monotonic() > began + ENOUGH_S:
            break
    return done


@shared_task
def watch() -> int:
    """Tell supervisors what is sharply more than usual, and when it is over."""
    return _watch.run()


@shared_task
def bulk_simulate() -> None:
    """Play simulations that were asked for, as far as the time goes; if there is more, line up again behind the others."""
    if runs.work(seconds=SHARE_S):
        bulk_simulate.delay()

"""Thin Celery shells of the golden record."""

import time

from celery import shared_task

from customers import dictionary
from customers.actions import matching, personal, records
from customers.imports import service

# Others wait in the same queue: the next call of the beat goes on.
ENOUGH_S = 5.0


@shared_task
def bulk_rebuild() -> int:
    """Rebuild golden records after a change of rules, as far as it comes; the row tells where to go on."""
    began, done = time.monotonic(), 0
    while time.monotonic() < began + ENOUGH_S and (some := records.rebuild_some()):
        done += some
    return done


@shared_task
def bulk_compare() -> int:
    """Compare profiles that were not yet, then again, as far as it comes; the rows tell where to go on."""
    began, done = time.monotonic(), 0
    while time.monotonic() < began + ENOUGH_S and ((some := matching.compare_some()) or matching.recall_some()):
        done += some
    return done


@shared_task
def bulk_clear_tables() -> int:
    """Remove the dead rows of the day's erasures."""
    return personal.clear_tables()


@shared_task
def bulk_train() -> None:
    """Train the weights of matching on what there is now."""
    matching.train_weights()


@shared_task
def bulk_sweep_words() -> None:
    """Have the search know the words of the golden records, and no others."""
    dictionary.sweep()


@shared_task
def bulk_import() -> None:
    """Take uploaded files further, as far as the time goes; if there is more, line up again behind the others."""
    if service.work(seconds=ENOUGH_S):
        bulk_import.delay()

"""Thin Celery shells of routing."""

from celery import shared_task

from routing import sweeps


@shared_task
def sweep() -> dict[str, int]:
    """Do everything that is due by time."""
    return sweeps.sweep()

"""Thin Celery shells of routing."""

from celery import shared_task

from routing import sweeps
from routing.actions import estimating


@shared_task
def sweep() -> dict[str, int]:
    """Do everything that is due by time."""
    return sweeps.sweep()


@shared_task
def decide() -> dict[str, int]:
    """Offer what time alone lets be offered."""
    return sweeps.decide()


@shared_task
def bulk_choose_estimators() -> int:
    """Choose by which estimator each queue foretells its waits."""
    return estimating.choose_all()

"""Thin Celery shells of the interactions app."""

from celery import shared_task

from interactions.actions.files import discard_files


@shared_task
def bulk_discard_files() -> int:
    """Delete the bytes of erased files whose process died, or whose storage was away."""
    return discard_files()

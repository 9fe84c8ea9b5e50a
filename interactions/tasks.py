"""Thin Celery shells of the interactions app."""

from celery import shared_task

from interactions import speech
from interactions.actions import recordings, transcripts
from interactions.actions.files import discard_files


@shared_task
def bulk_discard_files() -> int:
    """Delete the bytes of erased files whose process died, or whose storage was away."""
    return discard_files()


@shared_task
def bulk_finish_recordings() -> int:
    """Put together recordings whose call or tab is over."""
    return recordings.finish_all()


@shared_task
def bulk_expire_recordings() -> int:
    """Delete recordings whose time is over, and pieces that have served."""
    recordings.drop_pieces()
    return recordings.expire()


@shared_task
def asr_recognise() -> int:
    """Recognise what was said in recordings."""
    return transcripts.recognise_all(speech.recogniser())

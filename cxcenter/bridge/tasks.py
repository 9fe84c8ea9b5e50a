"""Thin Celery shells of the bridge: each is safe to run twice."""

from celery import shared_task

from cxcenter.bridge import fetching, sending
from routing.actions import bridge


@shared_task
def send(exchange_id: int) -> None:
    """Post the commands that wait to a platform; what it did not take is tried again soon."""
    again_s = sending.send(exchange_id)
    if again_s is not None:
        send.apply_async((exchange_id,), countdown=again_s)


@shared_task
def sweep() -> int:
    """Do what is left of platforms' events and commands."""
    for exchange_id in sending.with_left():
        send.delay(exchange_id)
    return bridge.sweep()


@shared_task
def bulk_fetch() -> int:
    """Fetch recordings that platforms have told of."""
    return fetching.fetch_all()

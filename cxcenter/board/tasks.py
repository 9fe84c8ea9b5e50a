"""The Celery shell of the board."""

from celery import shared_task

from cxcenter.board.publisher import Publisher

_publisher = Publisher()


@shared_task
def publish_snapshot() -> int:
    """Tell boards, desks and waiting visitors what has changed.

    What was told last is kept in this process: one worker takes this queue (README, "Known limits").
    """
    return _publisher.run()

"""Overflow of the demo: what becomes of those whom a queue cannot serve soon."""

from typing import NamedTuple

from django.db import connection

from routing.actions import estimating
from routing.choices import Then, When
from routing.models import Overflow, Queue


class Planned(NamedTuple):
    """One rule of a queue."""

    queue: str
    when: When
    limit: int | None
    then: Then
    to: str = ""
    words: str = ""
    words_ru: str = ""


RULES = (
    Planned(
        "Service booking",
        When.WAITED,
        90,
        Then.MESSAGE,
        words="Many people write just now. We have not forgotten you.",
        words_ru="Сейчас много обращений. Мы о вас не забыли.",
    ),
    Planned("Warranty", When.WAITED, 180, Then.QUEUE, to="Second line"),
    Planned("Warranty", When.WAITED, 300, Then.FORM),
    Planned("Complaints", When.WAITED, 120, Then.QUEUE, to="Second line"),
    Planned(
        "Fleet sales",
        When.HOURS,
        None,
        Then.FORM,
        words="Our fleet managers answer on weekdays from eight to eight, Moscow time.",
        words_ru="Менеджеры по корпоративным продажам отвечают по будням с восьми до восьми по Москве.",
    ),
)


# What visitors of the past were told: about what it became, a third more or less.
TOLD = """
    UPDATE routing_workitem SET estimator = 'ql', estimated_at = entered_at + interval '1 second',
        estimate_s = extract(epoch FROM left_at - entered_at) * (0.7 + id * 37 % 101 * 0.007)
    WHERE outcome = 'answered' AND left_at > entered_at + interval '5 seconds'
"""


def foretell() -> None:
    """Tell the visitors of the history how long they would wait, and choose the estimators by it, as each night does."""
    with connection.cursor() as cursor:
        cursor.execute(TOLD)
    estimating.choose_all()


def plant() -> None:
    """Make the rules unless there are any."""
    if Overflow.objects.exists():
        return
    queues = {queue.name: queue for queue in Queue.objects.all()}
    Overflow.objects.bulk_create(
        Overflow(
            queue=queues[rule.queue],
            place=place,
            when=rule.when,
            limit=rule.limit,
            then=rule.then,
            to=queues.get(rule.to),
            words=rule.words,
            words_ru=rule.words_ru,
        )
        for place, rule in enumerate(RULES)
    )

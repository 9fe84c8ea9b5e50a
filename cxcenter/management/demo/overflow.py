"""Overflow of the demo: what becomes of those whom a queue cannot serve soon."""

from typing import NamedTuple

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

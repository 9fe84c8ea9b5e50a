"""The page of a queue: its rules of overflow and the estimators of its wait."""

import pytest
from django.utils import timezone

from routing.models import Backtest, Overflow, Queue
from tests.admin.pages import address, save

pytestmark = pytest.mark.django_db


def rows(*said):
    """Return the rules as the form sends them."""
    form = {"overflows-TOTAL_FORMS": str(len(said)), "overflows-INITIAL_FORMS": "0"}
    for number, row in enumerate(said):
        filled = {"place": number, "when": "", "limit": "", "then": "", "to": "", "words": "", "words_ru": "", **row}
        form |= {f"overflows-{number}-{name}": str(value) for name, value in filled.items()}
    return form


def test_rules_are_taken_and_circles_and_rules_that_are_never_asked_are_refused(page):
    Overflow.objects.all().delete()
    queue, other = Queue.objects.get(name="Warranty"), Queue.objects.get(name="Second line")
    onward = {"when": "waited", "limit": 60, "then": "queue", "to": other.pk}
    close = {"when": "waited", "limit": 60, "then": "close", "words": "Sorry"}
    back = Overflow.objects.create(queue=other, when="length", limit=5, then="queue", to=queue)
    assert "Contacts would come back" in save(page, Queue, queue, **rows(onward)).content.decode()
    back.delete()
    assert "A rule before it always acts first" in save(page, Queue, queue, **rows(close, onward)).content.decode()
    assert "Write what the visitor is told" in save(page, Queue, queue, **rows({**close, "words": ""})).content.decode()
    assert not Overflow.objects.exists()
    save(page, Queue, queue, **rows({**onward, "limit": 30}, close))
    assert list(Overflow.objects.values_list("place", "when", "limit", "then", "to")) == [
        (0, "waited", 30, "queue", other.pk),
        (1, "waited", 60, "close", None),
    ]
    save(page, Queue, queue, name_ru="Гарантия и ремонт")
    assert Overflow.objects.count() == 2


def test_the_estimators_are_shown_with_their_figures(page):
    queue = Queue.objects.get(name="Second line")
    Backtest.objects.filter(queue=queue).delete()
    url = address(Queue, "change", queue.pk)
    assert "Too few waits to compare estimators yet" in page.get(url).content.decode()
    now = timezone.now()
    figures = {"ql": {"visits": 40, "bias_s": 12.4, "mae_s": 55.5}, "les": {"visits": 40, "bias_s": -1, "mae_s": 33}}
    Backtest.objects.create(queue=queue, estimator="les", since=now, until=now, visits=40, figures=figures)
    words = page.get(url).content.decode()
    assert words.index("wait of the last one who was answered") < words.index("<td>length of the queue</td>")
    assert "<td>33</td><td>-1</td><td>40</td>" in words

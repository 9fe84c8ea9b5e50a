"""The table of known words: it follows the golden records, and forgets what nobody is called any more."""

from collections.abc import Iterable
from functools import partial

from django.db import transaction
from django.db.models import Exists, Func, OuterRef

from customers.models import Customer, Word
from customers.words import keys

BATCH = 5000


def follow(*, new: Iterable[str] = (), gone: Iterable[str] = ()) -> None:
    """Learn words and forget those that nobody has, once this transaction is committed.

    Inside it two that bring the same word would wait for each other. If the process dies in between, `sweep` does it
    in the night.
    """
    for act, words in ((_learn, set(new)), (_forget, set(gone))):
        if words:
            transaction.on_commit(partial(act, words), robust=True)


def sweep() -> None:
    """Have each word of the golden records known, and no other."""
    known, had = set(Word.objects.values_list("pk", flat=True)), _words_had()
    _learn(had - known)
    _forget(known - had)


def _learn(words: Iterable[str]) -> None:
    # In one order, as others bring the same.
    rows = [Word(word=word, keys=keys(word)) for word in sorted(words)]
    Word.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH)


def _forget(words: Iterable[str]) -> None:
    having = Customer.objects.filter(words__contains=Func(OuterRef("pk"), template="ARRAY[%(expressions)s]"))
    Word.objects.filter(~Exists(having), pk__in=words).delete()


def _words_had() -> set[str]:
    had = Customer.objects.annotate(word=Func("words", function="unnest")).values_list("word", flat=True)
    return set(had.order_by().distinct())

"""Words of messages by their forms, Russian and English: заказы finds заказа, deliveries finds delivered."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.contrib.postgres.search import SearchHeadline, SearchQuery, SearchVectorField
from django.db import OperationalError, connection, transaction
from django.db.models import F, Func, Max, TextField

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cxcenter.accounts.models import User
    from interactions.models import Message, SpokenLine


# PostgreSQL's configuration of this name takes words in ASCII for English.
CONFIG = "russian"
YO = str.maketrans("ёЁ", "еЕ")
# What it was about is mostly fresh: among so many of the newest messages a common word is found at once.
RECENT = 20_000
PATIENCE_MS = 1000
# PostgreSQL's code of a statement that ran out of its time.
CANCELLED = "57014"
# Control characters: no message has them.
START, STOP = "\x02", "\x03"
# So much of a message is quoted, and so much of it before the first word that was found.
QUOTE, BEFORE = 160, 50


class Words(Func):
    """The words of a text, ё as е. The same in the index and in the question, or the index is of no use."""

    # A function of our own (migration 0002) that tells its price: else PostgreSQL reads the newest messages from the
    # end and takes the words out of each anew, where the index would have them at once.
    function = "message_words"
    output_field = SearchVectorField()


class _Folded(Func):
    template = "translate(%(expressions)s, 'ёЁ', 'еЕ')"
    output_field = TextField()


def asked(text: str) -> SearchQuery:
    """Return the question: all words, "an exact phrase", -without."""
    return SearchQuery(text.translate(YO), config=CONFIG, search_type="websearch")


Row = TypeVar("Row")


@dataclass(frozen=True)
class Found(Generic[Row]):
    """The newest rows with the words; `is_whole` is False if older ones were too many to be looked through."""

    rows: list[Row]
    is_whole: bool = True


def newest_saying(user: "User", text: str, *, limit: int) -> "Found[Message]":
    """Return the newest messages with the words of a text that the user may read, up to `limit`."""
    from interactions.models import Message

    said: Any = Message.objects.visible_to(user).saying(text)
    return _newest(said.select_related("interaction__profile__customer", "user"), limit)


def newest_spoken(user: "User", text: str, *, limit: int) -> "Found[SpokenLine]":
    """Return the newest lines of calls with the words of a text that the user may hear, up to `limit`."""
    from interactions.models import SpokenLine

    spoken: Any = SpokenLine.objects.visible_to(user).saying(text)
    return _newest(spoken.select_related("recording__interaction__profile__customer", "recording__operator"), limit)


def _newest(said: Any, limit: int) -> Found[Any]:
    """Return the newest of these rows.

    A common word stands in millions of messages: where few of them are the reader's, the search among the older ones is
    given up after a second. Everybody searches at each letter he types, and must not hold up the others.
    """
    newest = said.model.objects.aggregate(newest=Max("pk"))["newest"] or 0
    if not newest:
        return Found([])
    recent = list(said.filter(pk__gt=newest - RECENT).order_by("-pk")[:limit])
    if len(recent) == limit or newest <= RECENT:
        return Found(recent)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [PATIENCE_MS])
            older = list(_whenever(said)[:limit])
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", "") != CANCELLED:
            raise
        return Found(recent, is_whole=False)
    return Found(older)


def _whenever(said: Any) -> Any:
    # By a sum, not by the key: else all messages might be read from the end until enough are found.
    return said.order_by((F("pk") + 0).desc())


Pieces = list[tuple[str, bool]]


def quotes(rows: "Sequence[Message] | Sequence[SpokenLine]", text: str) -> dict[int, Pieces]:
    """Return for each row, by its number, a piece of it as [(text, whether it was asked for), …]. One query."""
    if not rows:
        return {}
    shown = {row.pk: row.text for row in rows}
    marked = SearchHeadline(
        _Folded("text"), asked(text), config=CONFIG, start_sel=START, stop_sel=STOP, highlight_all=True
    )
    found: Any = type(rows[0]).objects.filter(pk__in=shown).annotate(marked=marked).values_list("pk", "marked")
    return {pk: _quote(shown[pk], words) for pk, words in found}


def _quote(text: str, marked: str) -> Pieces:
    """Cut a text around the first of its marks. `marked` is the same text with marks around what was found."""
    pieces, place = [], 0
    for number, piece in enumerate(re.split(f"[{START}{STOP}]", marked)):
        # The marked text has е for ё: the words are taken from the message itself.
        pieces.append((text[place : place + len(piece)], number % 2 == 1))
        place += len(piece)
    head = pieces[0][0]
    if len(head) > BEFORE:
        pieces[0] = ("…" + head[len(head) - BEFORE :].lstrip(), False)
    return list(_first(pieces, QUOTE))


def _first(pieces: Pieces, length: int) -> "Iterator[tuple[str, bool]]":
    for piece, found in pieces:
        if len(piece) > length:
            yield piece[:length].rstrip() + "…", found
            return
        length -= len(piece)
        if piece:
            yield piece, found

"""What the search box shows: customers, cases, messages, and what was said in calls."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from customers.models import Customer
from customers.search import best
from cxcenter.accounts.roles import Right
from cxcenter.core.reading import number
from interactions.models import Case, Message, SpokenLine
from interactions.search import Pieces, newest_saying, newest_spoken, quotes

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

LIMIT = 8
LONGEST = 100
SHORTEST = 2


@dataclass(frozen=True)
class Quoted:
    """A message that was found, how its customer is called, and the piece of it around the words."""

    message: Message
    name: str
    pieces: Pieces


def read_query(text: str) -> str:
    """Return what was typed as it is searched; "" if it is too short to say anything."""
    query = text.replace("\0", "").strip()[:LONGEST]
    return query if len(query) >= SHORTEST else ""


def customers_by(
    user: "User", query: str, limit: int = LIMIT, *, without: int | None = None, kind: str = ""
) -> list[Customer]:
    """Return customers whom the text means, the surest first; only persons or companies if `kind` says so."""
    rows = Customer.objects.visible_to(user).exclude(pk=without or 0)
    rows = rows.filter(kind=kind) if kind else rows
    return best(rows, query, contacts=user.may(Right.SEE_CONTACTS), limit=limit)


def cases_by(user: "User", query: str) -> list[Case]:
    """Return the case with this number, CS-12 or 12."""
    wanted = number(query.upper().removeprefix("CS-"))
    return list(Case.objects.visible_to(user).filter(pk=wanted)) if wanted else []


@dataclass(frozen=True)
class Messages:
    """Messages that were found; `is_whole` is False if older ones were too many to be looked through."""

    quoted: list[Quoted]
    is_whole: bool


def messages_by(user: "User", query: str, limit: int = LIMIT) -> Messages:
    """Return the newest messages with these words in whatever form, as far as the user may read them."""
    found = newest_saying(user, query, limit=limit)
    pieces = quotes(found.rows, query)
    quoted = [Quoted(message, message.interaction.caller, pieces[message.pk]) for message in found.rows]
    return Messages(quoted, found.is_whole)


@dataclass(frozen=True)
class Heard:
    """A line of a call that was found, how its customer is called, and the piece of it around the words."""

    line: SpokenLine
    name: str
    pieces: Pieces

    @property
    def at(self) -> datetime:
        """When it was said."""
        return self.line.recording.started_at + timedelta(seconds=self.line.start_s)


def spoken_by(user: "User", query: str, limit: int = LIMIT) -> list[Heard]:
    """Return the newest lines of calls with these words in whatever form, as far as the user may hear them."""
    found = newest_spoken(user, query, limit=limit).rows
    pieces = quotes(found, query)
    return [Heard(line, line.recording.interaction.caller, pieces[line.pk]) for line in found]

"""Values that link nobody: what people type when they have none, and what too many profiles share."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from django.db import connection

from customers.choices import IdentityKind
from customers.models import Identity, MatchingRules

# Made by machines: nobody types them, so none of them stands for "I have none".
MADE = {IdentityKind.VISITOR, IdentityKind.DEVICE}


class JunkList:
    """The administrator's list, read once for any number of values."""

    def __init__(self) -> None:
        """Read the list. One query."""
        with connection.cursor() as cursor:
            # By hand: each call of a telephone platform asks this, and the ORM would take twice as long.
            cursor.execute("SELECT kind, lower(pattern) FROM customers_junkvalue")
            self._patterns: list[tuple[str, str]] = cursor.fetchall()

    def has(self, kind: str, value: str) -> bool:
        """Tell whether a normalised value is junk: on the list, or a phone that repeats one digit."""
        if kind in MADE:
            return False
        if kind == IdentityKind.PHONE and len(set(value[-7:])) == 1:
            return True
        text = value.lower()
        return any(of in {"", kind} and fnmatchcase(text, pattern) for of, pattern in self._patterns)


def linking(identities: Iterable[Identity]) -> list[Identity]:
    """Keep the identities that may link: neither junk nor shared by more profiles than the rules permit."""
    junk, limit = JunkList(), MatchingRules.current().shared_by
    return [one for one in identities if not junk.has(one.kind, one.value) and not _is_shared(one, limit)]


def _is_shared(identity: Identity, limit: int) -> bool:
    return identity.links.all()[: limit + 1].count() > limit

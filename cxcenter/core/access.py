"""Who may see what: one doorway to rows, to which apps add their own reasons.

A lower app owns the rows, a higher one often owns the reason to see them: `interactions` keeps the
messages, `routing` knows who served them. The owner asks `reasons(model, user)`; every app that has a
reason gives it with `@grants(label)`. No reason means no rows.
"""

from collections import defaultdict
from collections.abc import Callable
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

Reason = Callable[[Any], Q | None]
_reasons: dict[str, list[Reason]] = defaultdict(list)


def grants(label: str) -> Callable[[Reason], Reason]:
    """Register a reason to see rows of `label` ("interactions.Interaction"): user → Q, or None for no rows."""

    def keep(reason: Reason) -> Reason:
        _reasons[label].append(reason)
        return reason

    return keep


def reasons(label: str, user: Any) -> Q:
    """Return the union of all reasons of `user` to see rows of `label`; matches nothing without any."""
    found = [q for reason in _reasons[label] if (q := reason(user)) is not None]
    return reduce(or_, found) if found else Q(pk__in=[])

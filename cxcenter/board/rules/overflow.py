"""Rules of overflow on the page of a queue: read as it sends them, given to it as it shows them."""

from collections.abc import Iterable
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from cxcenter.board.rules.forms import note, rows_in
from cxcenter.core.reading import number
from routing.choices import Then, When
from routing.models import Overflow
from routing.models.overflow import COUNTED, WORDED
from routing.rules.document import Settings

# More seconds or contacts than anybody means, fewer than the column holds.
MOST = 1_000_000
LONGEST = Overflow._meta.get_field("words").max_length or 0


def overflow_from(said: QueryDict, targets: Iterable[int], faults: list[dict[str, str]]) -> list[Settings]:
    """Return rules of overflow as a page sends them, in their order: `when-N limit-N then-N to-N words-N words_ru-N`.

    What a condition or an outcome does not need is left out. Noted among the `faults` is what cannot be read, and a queue
    that is not one of the `targets`; whether the rules go together is seen where all rules are.
    """
    known = {str(pk) for pk in targets}
    return [_rule(said, row, known, faults) for row in rows_in(said, "when")]


def _rule(said: QueryDict, row: int, targets: set[str], faults: list[dict[str, str]]) -> Settings:
    one = {name: said.get(f"{name}-{row}", "").strip() for name in ("when", "limit", "then", "to", "words", "words_ru")}
    for name, choices in (("when", When), ("then", Then)):
        if one[name] not in choices.values:
            note(faults, f"{name}-{row}", _("Choose one of the list."))
    for name in ("words", "words_ru"):
        if len(one[name]) > LONGEST:
            note(faults, f"{name}-{row}", _("Too long: %(most)s characters at the most.") % {"most": LONGEST})
    to = one["to"] if one["then"] == Then.QUEUE else ""
    if to and to not in targets:
        note(faults, f"to-{row}", _("Choose one of the list."))
        to = ""
    limit = one["limit"] if one["when"] in COUNTED else ""
    many = number(limit)
    if limit and not (many and many <= MOST):
        note(faults, f"limit-{row}", _("Write a whole number from 1 on."))
    return {**one, "limit": many, "to": int(to) if to else None}


def lines_of(rules: Iterable[Settings]) -> list[dict[str, Any]]:
    """Return rules as the page shows them, each with its number, and which of its fields it needs."""
    return [{**rule, "row": row, **_needs(rule)} for row, rule in enumerate(rules)]


def fresh_line() -> dict[str, Any]:
    """Return the rule that a page offers to be filled in."""
    rule = {"when": When.WAITED, "then": Then.QUEUE, "limit": None, "to": None, "words": "", "words_ru": ""}
    return {**rule, "row": "", **_needs(rule)}


def _needs(rule: Settings) -> dict[str, bool]:
    return {
        "counted": rule["when"] in COUNTED,
        "in_seconds": rule["when"] == When.WAITED,
        "leads": rule["then"] == Then.QUEUE,
        "worded": rule["then"] in WORDED,
    }

"""What the columns of a call log mean: a JSON file, see docs/call-logs.md."""

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.translation import gettext as _

from customers.actions.sources import OURS
from customers.choices import IdentityKind
from cxcenter.core.errors import Invalid
from routing.choices import Outcome

SHIPPED = Path(__file__).parent
# What a column can be. Of the number and of none else there may be several.
ROLES = (
    "number", "day", "began", "arrived", "queued", "left", "wait_s", "outcome", "accepted", "ended", "handled_s",
    "operator", "customer", "priority", "queue", "topic",
)  # fmt: skip
NEEDED = ("number", "arrived", "wait_s", "outcome")
# A call that is no call, as the log itself says.
NO_CALL = "ignored"
OUTCOMES = (Outcome.ANSWERED, Outcome.ABANDONED, NO_CALL)


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """The meaning of a log. `columns`: role → its column, or columns; the other fields say how values are written."""

    source: str
    columns: dict[str, list[str]]
    outcomes: dict[str, str]
    delimiter: str = "\t"
    encoding: str = "utf-8"
    zone: str = "UTC"
    day_format: str = "%Y-%m-%d"
    no_time: str = ""
    no_operator: list[str] = field(default_factory=list)
    no_customer: list[str] = field(default_factory=list)
    customer_kind: str = IdentityKind.ACCOUNT
    channel: str = ""
    team: str = ""
    queue: str = ""
    names: dict[str, str] = field(default_factory=dict)
    # Priority → seconds of waiting that it is credited with.
    credit_s: dict[str, int] = field(default_factory=dict)

    def check(self) -> None:
        """Raise Invalid with the field and what is wrong."""
        self._check_columns()
        one_of = {
            "customer_kind": ([self.customer_kind], IdentityKind.values),
            "outcomes": (self.outcomes.values(), OUTCOMES),
        }
        for name, (said, known) in one_of.items():
            for wrong in set(said) - set(known):
                raise Invalid(f"{name}: " + _("there is no %(role)s; there are: %(all)s.") % _told(wrong, known))
        if not self.source or len(self.source) > 40 or self.source in OURS:
            raise Invalid(_("source: name it in 1 to 40 letters, and not like a source of the product itself."))
        if len(self.delimiter) != 1:
            raise Invalid(_("delimiter: one sign."))
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise Invalid(_("zone: there is no %(zone)s.") % {"zone": self.zone}) from None

    def _check_columns(self) -> None:
        for role in self.columns:
            if role not in ROLES:
                raise Invalid("columns: " + _("there is no %(role)s; there are: %(all)s.") % _told(role, ROLES))
        for role in NEEDED:
            if not self.columns.get(role):
                raise Invalid(_("columns: say which column is %(role)s.") % {"role": role})
        if not (self.queue or self.columns.get("queue")):
            raise Invalid(_("queue: name one, or say which column is queue."))

    def label(self, code: str) -> str:
        """Return how a code of the log is called."""
        return self.names.get(code, code)


def _told(wrong: str, known: Any) -> dict[str, str]:
    return {"role": wrong, "all": ", ".join(known)}


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file; a bare name means one that is shipped. Raises Invalid in one line."""
    if not path.exists() and (shipped := SHIPPED / f"{path.name.removesuffix('.json')}.json").exists():
        path = shipped
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Invalid(_("The mapping cannot be read: %(why)s.") % {"why": error.strerror}) from None
    except ValueError as error:
        raise Invalid(_("The mapping is no JSON: %(why)s.") % {"why": error}) from None
    known = {one.name for one in fields(Mapping)}
    if not isinstance(said, dict) or (strange := sorted(set(said) - known)):
        named = ", ".join(strange) if isinstance(said, dict) else type(said).__name__
        raise Invalid(_("The mapping knows no %(role)s; it knows: %(all)s.") % _told(named, sorted(known)))
    if absent := sorted({"source", "columns", "outcomes"} - set(said)):
        raise Invalid(_("The mapping says nothing of %(what)s.") % {"what": ", ".join(absent)})
    columns = {role: [one] if isinstance(one, str) else list(one) for role, one in said.pop("columns").items()}
    mapping = Mapping(columns=columns, **said)
    mapping.check()
    return mapping

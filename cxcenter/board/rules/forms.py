"""What a supervisor fills in to change rules: settings of a queue, business hours, pause reasons."""

import re
from datetime import date, time
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Model, Q, QuerySet
from django.forms.models import fields_for_model
from django.http import QueryDict
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from cxcenter.accounts.models import Team, User
from cxcenter.accounts.roles import RIGHTS, Right, Role
from cxcenter.board import scope
from cxcenter.board.forms import ActForm
from cxcenter.core.errors import Invalid
from routing.actions.rules import NEW
from routing.models import FrequentRule, PauseReason, Queue
from routing.rules.document import FREQUENT, PAUSE, QUEUE, Settings
from routing.rules.onward import FREQUENT as FREQUENT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SERVING = [role for role in Role.values if Right.SERVE in RIGHTS[role]]
# More rows than anybody writes by hand.
MOST_ROWS = 120
CLOCK = re.compile(r"^([01]?\d|2[0-4]):([0-5]\d)$")


class QueueRules(ActForm):
    """Settings of a queue itself, with its members."""

    members = forms.TypedMultipleChoiceField(coerce=int, required=False)

    def __init__(self, *args: Any, people: "Iterable[User]", **kwargs: Any) -> None:
        """Take who may serve the queue; all else is what the model says."""
        super().__init__(*args, **kwargs)
        self.fields.update(_of_model(Queue, QUEUE))
        self.fields["hours"].empty_label = gettext_lazy("open day and night")  # type: ignore[attr-defined]
        self.fields["members"].choices = [(one.pk, one.name) for one in people]  # type: ignore[attr-defined]
        self.dress()

    def settings(self) -> Settings:
        """Return what is said as settings of the rules."""
        said = dict(self.cleaned_data)
        return {**said, "hours": said["hours"].pk if said["hours"] else None, "members": sorted(said["members"])}


class NewQueueRules(QueueRules):
    """Settings of a queue to come, with its team."""

    team = forms.ModelChoiceField(Team.objects.none(), label=gettext_lazy("Team"))

    def __init__(self, *args: Any, teams: "QuerySet[Team]", **kwargs: Any) -> None:
        """Take the teams whose queue it may be."""
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]

    def settings(self) -> Settings:
        """Return what is said as settings of the rules, and the team beside them."""
        return {**super().settings(), "team": self.cleaned_data["team"].pk}


class FrequentRules(ActForm):
    """Who comes too often for the first line. Without a second line there is no such rule."""

    prefix = FREQUENT_FIELDS

    def __init__(self, *args: Any, queues: "QuerySet[Queue]", **kwargs: Any) -> None:
        """Take the queues that may be the second line."""
        super().__init__(*args, **kwargs)
        self.fields.update(_of_model(FrequentRule, FREQUENT))
        for name in FREQUENT:
            self.fields[name].required = False
        target = self.fields["to"]
        target.queryset = queues  # type: ignore[attr-defined]
        target.empty_label = gettext_lazy("nowhere: the same line for all")  # type: ignore[attr-defined]
        target.label_from_instance = lambda queue: queue.label(get_language() or "en")  # type: ignore[attr-defined]
        self.dress()

    def clean(self) -> dict[str, Any]:
        """Ask for both numbers where there is a second line."""
        said: dict[str, Any] = super().clean() or {}
        for name in ("contacts", "days"):
            if said.get("to") and name not in self.errors and said.get(name) is None:
                self.add_error(name, _("Write a number, or choose no second line."))
        return said

    def settings(self) -> Settings | None:
        """Return what is said as settings of the rules."""
        said = dict(self.cleaned_data)
        return {**said, "to": said["to"].pk} if said["to"] else None


def _of_model(model: "type[Model]", names: "Sequence[str]") -> dict[str, forms.Field]:
    """Return fields of a row with the limits of its model, which otherwise hold only when a row is checked."""
    fields = fields_for_model(model, fields=names)
    for name, field in fields.items():
        field.validators.extend(model._meta.get_field(name).validators)  # type: ignore[union-attr]
    return fields


class Why(ActForm):
    """Why rules are changed."""

    why = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("It stands in the list of versions."),
    )


def people_for(user: User, queue: Queue) -> list[User]:
    """Return who may serve a queue: the operators of the user's teams, and who serves it already, by team and name."""
    own = Q(team__in=scope.teams_of(user), role__in=SERVING, is_active=True)
    found = User.objects.filter(own | Q(memberships__queue=queue.pk, memberships__until=None)).distinct()
    return list(found.select_related("team").order_by("team__name", "first_name", "last_name", "pk"))


def checked(*asked: forms.Form, more: "Iterable[dict[str, str]]" = ()) -> None:
    """Raise Invalid with all faults of forms, and those noted besides, as a page shows them at their fields."""
    faults = [
        {"field": form.add_prefix(name), "message": str(words[0])}
        for form in asked
        for name, words in form.errors.items()
        if words
    ]
    faults += more
    if faults:
        raise Invalid(faults[0]["message"], field=faults[0]["field"], faults=faults)


def hours_from(said: QueryDict) -> Settings:
    """Return business hours as a page sends them: rows of `day-N opens-N closes-N` and `date-N name-N from-N till-N`.

    A row of which nothing is said is none. Raises Invalid with all that cannot be read.
    """
    faults: list[dict[str, str]] = []
    intervals, holidays = [], []
    for row in rows_in(said, "opens"):
        opens, closes = (_clock(said, f"{part}-{row}", faults) for part in ("opens", "closes"))
        day = said.get(f"day-{row}", "")
        if opens is None and closes is None and not _is_wrong(faults, row):
            continue
        if opens is None or closes is None or day not in set("0123456"):
            missing = "opens" if opens is None else "closes" if closes is None else "day"
            note(faults, f"{missing}-{row}", _("An interval needs a day and two times."))
            continue
        intervals.append([int(day), opens, closes])
    for row in rows_in(said, "date"):
        when, name = said.get(f"date-{row}", "").strip(), said.get(f"name-{row}", "").strip()[:80]
        opens, closes = (_clock(said, f"{part}-{row}", faults) for part in ("from", "till"))
        if not any((when, name, opens, closes)):
            continue
        try:
            date.fromisoformat(when)
        except ValueError:
            note(faults, f"date-{row}", _("Write a day."))
            continue
        holidays.append([when, name, opens or "", closes or ""])
    name, zone = said.get("name", "").strip()[:80], said.get("zone", "").strip()
    if not name:
        note(faults, "name", _("Give these hours a name."))
    if faults:
        raise Invalid(faults[0]["message"], field=faults[0]["field"], faults=faults)
    return {"name": name, "zone": zone, "intervals": intervals, "holidays": holidays}


def rows_in(said: QueryDict, name: str) -> "Iterator[int]":
    """Yield the numbers of the rows that a page sends, by one of their fields. Raises Invalid for too many."""
    found = sorted(int(key.rpartition("-")[2]) for key in said if re.fullmatch(rf"{name}-\d{{1,4}}", key))
    if len(found) > MOST_ROWS:
        raise Invalid(_("There are too many rows: %(most)s at the most.") % {"most": MOST_ROWS})
    yield from found


def _clock(said: QueryDict, name: str, faults: list[dict[str, str]]) -> str | None:
    """Return a time of day as HH:MM; 24:00 is written 00:00, the end of the day. None for nothing."""
    text = said.get(name, "").strip().replace(".", ":")
    if not text:
        return None
    found = CLOCK.fullmatch(text)
    if found is None or (found[1] == "24" and found[2] != "00"):
        note(faults, name, _("Write a time like 09:00."))
        return None
    return f"{time(int(found[1]) % 24, int(found[2])):%H:%M}"


def note(faults: list[dict[str, str]], field: str, words: str) -> None:
    """Note what is wrong at a field, the first of it."""
    if all(fault["field"] != field for fault in faults):
        faults.append({"field": field, "message": words})


def _is_wrong(faults: list[dict[str, str]], row: int) -> bool:
    return any(fault["field"].endswith(f"-{row}") for fault in faults)


def pauses_from(said: QueryDict) -> dict[str, Settings]:
    """Return pause reasons as a page sends them: `name-ID name_ru-ID limit_min-ID active-ID`, new ones as ID newN.

    Raises Invalid with all that cannot be.
    """
    faults: list[dict[str, str]] = []
    found = {}
    known = {str(pk) for pk in PauseReason.objects.values_list("pk", flat=True)}
    for key in said:
        head, _dash, ident = key.partition("-")
        if head != "name" or not (ident in known or re.fullmatch(rf"{NEW}\d{{1,3}}", ident)):
            continue
        one = {name: said.get(f"{name}-{ident}", "").strip() for name in PAUSE}
        if ident.startswith(NEW) and not any(one[name] for name in ("name", "name_ru", "limit_min")):
            continue
        limit = one["limit_min"]
        if not one["name"]:
            note(faults, f"name-{ident}", _("Give the reason a name. One that is not used any more is switched off."))
        if limit and not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:6]) <= 1440):
            note(faults, f"limit_min-{ident}", _("Write minutes from 1 to 1440, or leave it empty for no limit."))
            continue
        found[ident] = {
            "name": one["name"][:60],
            "name_ru": one["name_ru"][:60],
            "limit_min": int(limit) if limit else None,
            "active": bool(one["active"]),
        }
    if faults:
        raise Invalid(faults[0]["message"], field=faults[0]["field"], faults=faults)
    return found

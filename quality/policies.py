"""Policies of the service level: the one that holds for a queue, and a new version of it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cxcenter.core import audit
from cxcenter.core.errors import Invalid, NotFound
from quality.models import LevelPolicy
from quality.service_level import BLOCKED, FORMULAS, Policy, WrongPolicy
from routing.models import Queue

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# No wait is measured by a longer time: a month.
LONGEST_S = 31 * 86400
# What is wrong with a policy, in the reader's language.
WRONG: dict[str, Promise] = {
    "formula": gettext_lazy("the formula is one of %(formulas)s"),
    "within": gettext_lazy("the time of a service level, T, is 0 s or more"),
    "short": gettext_lazy("an abandon is short below the time of the service level: S is less than T"),
    "blocked": gettext_lazy("kinds of blocked visits are %(kinds)s"),
}


def words(error: WrongPolicy) -> str:
    """Return what is wrong with a policy, in words."""
    return str(WRONG[error.part]) % {"formulas": ", ".join(FORMULAS), "kinds": ", ".join(BLOCKED)}


def holding(version: int | None = None) -> dict[int, Policy]:
    """Return the policy of every queue: the newest version, or the one of that number where there is one.

    A queue without a policy of its own is counted by V2 with the time that its settings promise.
    """
    found = {queue: Policy("V2", target) for queue, target in Queue.objects.values_list("pk", "target_s")}
    rows = LevelPolicy.objects.order_by("version")
    for row in rows if version is None else rows.filter(version__lte=version):
        found[row.queue_id] = row.policy
    return found


def read(text: str) -> Policy:
    """Return a policy as it is written on a command line: V5,T=20,S=5,B=B1+B2. Raises Invalid."""
    formula, *rest = text.split(",")
    said = dict(part.partition("=")[::2] for part in rest)
    try:
        if strange := set(said) - {"T", "S", "B"}:
            raise ValueError(strange)
        kinds = {"blocked": frozenset(filter(None, said["B"].split("+")))} if "B" in said else {}
        times = {name: int(said[key]) for key, name in (("T", "within_s"), ("S", "short_s")) if key in said}
        if any(seconds > LONGEST_S for seconds in times.values()):
            raise ValueError(times)
        return Policy(formula, **times, **kinds)  # type: ignore[arg-type]
    except ValueError as error:
        raise Invalid(
            _("This is no policy: %(why)s. Write it like V2,T=20 or V5,T=20,S=5,B=B1+B2.")
            % {"why": words(error) if isinstance(error, WrongPolicy) else text},
            field="policy",
        ) from None


def checked(formula: str, within_s: int, short_s: int | None, blocked: Iterable[str]) -> Policy:
    """Return a policy. Raises Invalid if its parts do not go together."""
    try:
        return Policy(formula, within_s, short_s, frozenset(blocked))
    except WrongPolicy as error:
        raise Invalid(words(error), field="policy") from None


@transaction.atomic
def set_policy(
    *,
    queue: Queue,
    formula: str,
    within_s: int,
    short_s: int | None = None,
    blocked: Iterable[str] = (),
    actor: "User | None" = None,
) -> LevelPolicy:
    """Make a new version of a queue's policy; it holds for the past as well, and the old one can be asked for. Raises Invalid."""
    locked = Queue.objects.select_for_update().filter(pk=queue.pk).first()
    if locked is None:
        raise NotFound(_("This queue is no longer there."))
    checked(formula, within_s, short_s, blocked)
    last = LevelPolicy.objects.filter(queue=locked).order_by("-version").first()
    made = LevelPolicy.objects.create(
        queue=locked,
        version=last.version + 1 if last else 1,
        formula=formula,
        within_s=within_s,
        short_s=short_s,
        blocked=sorted(blocked),
        made_by=actor,
    )
    audit.record(actor, "level.policy", f"queue:{queue.pk}", version=made.version, formula=formula, within_s=within_s)
    return made

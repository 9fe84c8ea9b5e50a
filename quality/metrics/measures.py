"""What is counted and summed to make metrics: whole numbers that add up over intervals, each with its condition.

Four bases: visits to queues, legs of operators, contacts by their first visit, and contacts that ended in the menu. Legs and
contacts belong to the interval in which the visit came in. Times are microseconds, so that sums are exact in any order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    Exists,
    F,
    Func,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models import When as Whenever
from django.db.models.expressions import Combinable
from django.db.models.functions import Abs, Cast, Coalesce
from django.db.models.lookups import Exact, GreaterThan

from interactions.models import Interaction
from quality.metrics.visits import ABANDONED, ANSWERED, FLOWED_OUT, HANDLED, SECOND
from quality.service_level import BLOCKED, FORMULAS, Policy
from routing.choices import LegEnd, Outcome, Then, When
from routing.models import Assignment, WorkItem

US = 1_000_000
BASES = ("visits", "legs", "contacts", "menus")


class Micros(Func):
    """How long it is from one time to another, in microseconds."""

    template = "(EXTRACT(EPOCH FROM %(expressions)s) * 1000000)::bigint"
    arg_joiner = " - "
    output_field = BigIntegerField()


EVERY = Q()


@dataclass(frozen=True)
class Measure:
    """Of the rows of a base that satisfy `which`: how many, or the sum (`largest`: the maximum) of `value`."""

    base: str
    which: Q = EVERY
    value: Combinable | None = None
    largest: bool = False

    def aggregate(self) -> Any:
        """Return what the database computes."""
        if self.value is None:
            return Count("pk", filter=self.which)
        return (Max if self.largest else Sum)(self.value, filter=self.which)


CALLBACK = Q(outcome="callback")
WITHDRAWN = Q(outcome=Outcome.WITHDRAWN)
WAITED = Micros(F("left_at"), F("entered_at"))
TIMED = HANDLED & Q(ended_at__isnull=False)
REPLIED = Q(interaction__first_reply_at__isnull=False)
REACTED = Micros(F("interaction__first_reply_at"), F("entered_at"))


class Replies(Func):
    """What `what` says of the replies that were written in a leg: `asked` and `replied`, of each answer of ours to a customer.

    A reply answers the first of his messages since the one before, ours or the bot's. It is charged to who holds the contact
    as it is written, whoever writes it. Lines of the system, notes and what was taken back are no messages.
    """

    template = """(
        SELECT %(what)s FROM (VALUES (%(expressions)s)) leg (talk, begins, ends), LATERAL (
            SELECT min(at) FILTER (WHERE author = 'customer') AS asked, min(at) FILTER (WHERE author = 'staff') AS replied
            FROM (
                SELECT at, author, count(*) FILTER (WHERE author <> 'customer') OVER (
                    ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) AS turn
                FROM interactions_message WHERE interaction_id = leg.talk AND audience = 'all' AND withdrawn_at IS NULL
                    AND author IN ('customer', 'staff', 'bot')
            ) said GROUP BY turn
        ) answer WHERE asked IS NOT NULL AND replied >= begins AND (ends IS NULL OR replied < ends)
    )"""
    output_field = BigIntegerField()

    def __init__(self, what: str) -> None:
        """Take what is asked of them."""
        super().__init__(F("interaction_id"), F("accepted_at"), F("ended_at"), what=what)


# A session in which anything was written: calls are not asked for their messages.
WRITTEN = Q(interaction__last_message__isnull=False)
REPLIES = Replies("count(*)")
RESPONDED_US = Replies("coalesce(sum(extract(epoch FROM replied - asked) * 1000000), 0)::bigint")


def _blocked(kind: str) -> Q:
    return Q(outcome=Outcome.BLOCKED, blocked_kind=kind)


# Told how long it would be, and answered after that: what was told less what it was.
FORETOLD = ANSWERED & Q(estimated_at__isnull=False, left_at__gte=F("estimated_at"))
ERRED = Cast("estimate_s", BigIntegerField()) * Value(US) - Micros(F("left_at"), F("estimated_at"))


def overflowed(*, when: str = "", then: str = "") -> Q:
    """Return the condition of visits to which an overflow of a kind did something."""
    codes = [f"{one}:{other}" for one in When for other in Then if when in {"", one} and then in {"", other}]
    return Q(overflows__overlap=codes)


def reacted(seconds: int) -> Q:
    """Return the condition of contacts that were replied to within so many seconds."""
    return REPLIED & Q(interaction__first_reply_at__lte=F("entered_at") + SECOND * Value(seconds))


def answered_once() -> Q:
    """Return the condition of visits whose session was answered, in this visit or a later one."""
    return ANSWERED | Q(Exists(WorkItem.objects.filter(ANSWERED, interaction=OuterRef("interaction"))))


TRANSFERRED = HANDLED & Q(end=LegEnd.TRANSFERRED)


def sent_to_person() -> Q:
    """Return the condition of transferred legs whose contact was meant for one person; else it was for a queue."""
    after = WorkItem.objects.filter(interaction=OuterRef("interaction"), pk__gt=OuterRef("item")).order_by("pk")
    return TRANSFERRED & Q(Exact(Subquery(after.values("only_preferred")[:1]), True))


MEASURES: dict[str, Measure] = {
    "offered": Measure("visits"),
    "answered": Measure("visits", ANSWERED),
    "abandoned": Measure("visits", ABANDONED),
    "callbacks": Measure("visits", CALLBACK),
    "flowed_out": Measure("visits", FLOWED_OUT),
    "withdrawn": Measure("visits", WITHDRAWN),
    **{f"blocked_{kind.lower()}": Measure("visits", _blocked(kind)) for kind in BLOCKED},
    **{f"overflow_{when}": Measure("visits", overflowed(when=when)) for when in When},
    **{f"overflow_to_{then}": Measure("visits", overflowed(then=then)) for then in Then},
    "foretold": Measure("visits", FORETOLD),
    "foretold_us": Measure("visits", FORETOLD, ERRED),
    "foretold_abs_us": Measure("visits", FORETOLD, Abs(ERRED)),
    "wait_us": Measure("visits", ANSWERED, WAITED),
    "lost_us": Measure("visits", ABANDONED, WAITED),
    "longest_us": Measure("visits", ANSWERED | ABANDONED, WAITED, largest=True),
    "handled": Measure("legs", HANDLED),
    "timed": Measure("legs", TIMED),
    "talk_us": Measure("legs", TIMED, Micros(F("ended_at"), F("accepted_at"))),
    "wrapup_us": Measure("legs", TIMED, Micros(Coalesce(F("wrapped_at"), F("ended_at")), F("ended_at"))),
    "transferred": Measure("legs", TRANSFERRED),
    "transferred_blind": Measure("legs", sent_to_person()),
    "responses": Measure("legs", WRITTEN, REPLIES),
    "response_us": Measure("legs", WRITTEN, RESPONDED_US),
    "contacts": Measure("contacts"),
    "agents": Measure("contacts", answered_once()),
    "replied": Measure("contacts", REPLIED),
    "reply_us": Measure("contacts", REPLIED, REACTED),
    "reply_10": Measure("contacts", reacted(10)),
    "reply_20": Measure("contacts", reacted(20)),
    "reply_30": Measure("contacts", reacted(30)),
    "rated": Measure("contacts", Q(interaction__survey__csat__isnull=False)),
    "satisfied": Measure("contacts", Q(interaction__survey__csat__gte=4)),
    "dissatisfied": Measure("contacts", Q(interaction__survey__csat__lte=2)),
    "efforts": Measure("contacts", Q(interaction__survey__ces__isnull=False)),
    "effort_sum": Measure("contacts", Q(interaction__survey__ces__isnull=False), F("interaction__survey__ces")),
    "menu": Measure("menus"),
}
# Not summed up: they are what others tell together.
MORE: dict[str, Measure] = {
    "unanswered": Measure("contacts", ~answered_once()),
    "reply_late": Measure("contacts", REPLIED & ~reacted(30)),
    "decided": Measure("visits", ANSWERED | ABANDONED),
    "transferred_queue": Measure(
        "legs", TRANSFERRED & ~Q(pk__in=Assignment.objects.filter(sent_to_person()).values("pk"))
    ),
    "responding": Measure("legs", WRITTEN & Q(GreaterThan(REPLIES, 0))),
}
# Counted where a metric needs them alone: they ask more than a row of its base. Days know them from an edition on.
ON_DEMAND = frozenset({"transferred_blind", "responses", "response_us"})
# Visits that ended within the time of their queue's policy: they need the policies, MEASURES do not.
IN_TIME = {
    "answered_in_time": (ANSWERED, "within"),
    "abandoned_in_time": (ABANDONED, "within"),
    "abandoned_short": (ABANDONED, "short"),
    "callbacks_in_time": (CALLBACK, "within"),
}
ALL = (*MEASURES, *IN_TIME)
LARGEST = {code for code, measure in MEASURES.items() if measure.largest}


def in_time(policies: Mapping[int, Policy]) -> dict[str, Measure]:
    """Return the measures of a service level by the policies of the queues."""
    return {code: Measure("visits", which & _within(which_s, policies)) for code, (which, which_s) in IN_TIME.items()}


# What the formulas of the service level are made of: see quality/service_level.py.
TERMS = {"A": ANSWERED, "L": ABANDONED, "F": FLOWED_OUT, "Q": ANSWERED | ABANDONED | CALLBACK | FLOWED_OUT}
TIMED_TERMS = {
    "A_T": "answered_in_time",
    "L_T": "abandoned_in_time",
    "L_S": "abandoned_short",
    "C_T": "callbacks_in_time",
}


def in_level(policies: Mapping[int, Policy], *, below: bool) -> Measure:
    """Return the visits above the line of the service level, or those below it, each by the policy of its queue."""
    timed = in_time(policies)
    terms = TERMS | {term: timed[code].which for term, code in TIMED_TERMS.items()}
    alike: dict[tuple[str, frozenset[str]], list[int]] = {}
    for queue, policy in policies.items():
        alike.setdefault((policy.formula, policy.blocked), []).append(queue)
    found = Q(pk__in=[])
    for (formula, kinds), queues in alike.items():
        known = terms | {"B": Q(outcome=Outcome.BLOCKED, blocked_kind__in=kinds)}
        said = FORMULAS[formula]
        rows = reduce(or_, (known[term] for term in (said.below if below else said.above)))
        for term in said.less if below else ():
            rows &= ~known[term]
        found |= Q(queue_id__in=queues) & rows
    return Measure("visits", found)


def net_of_short(policies: Mapping[int, Policy]) -> dict[str, Measure]:
    """Return what is left of abandoned and of all visits without the short abandons of the queues' policies."""
    short = in_time(policies)["abandoned_short"].which
    return {
        "abandoned_net": Measure("visits", ABANDONED & ~short),
        "decided_net": Measure("visits", (ANSWERED | ABANDONED) & ~short),
    }


def _within(which: str, policies: Mapping[int, Policy]) -> Q:
    """Return the condition of visits that waited no longer than their queue's policy says."""
    seconds: dict[int, list[int]] = {}
    for queue, policy in policies.items():
        limit = policy.within_s if which == "within" else policy.short_s
        if limit is not None:
            seconds.setdefault(int(limit), []).append(queue)
    if not seconds:
        return Q(pk__in=[])
    # Where nothing is short, no wait is shorter than less than nothing.
    limits = Case(
        *(Whenever(queue_id__in=queues, then=Value(limit)) for limit, queues in seconds.items()), default=Value(-1)
    )
    return Q(left_at__lte=F("entered_at") + SECOND * limits)


def late(policies: Mapping[int, Policy]) -> Q:
    """Return the condition of visits that were answered, but not within the time of their queue's policy."""
    return ANSWERED & ~_within("within", policies)


def below_line(policies: Mapping[int, Policy]) -> Q:
    """Return the condition of visits that stand below the line of their queue's service level."""
    queues: dict[Policy, list[int]] = {}
    for queue, policy in policies.items():
        queues.setdefault(policy, []).append(queue)
    return reduce(or_, (Q(queue_id__in=ids) & _below(policy) for policy, ids in queues.items()), Q(pk__in=[]))


def _below(policy: Policy) -> Q:
    formula = FORMULAS[policy.formula]
    terms = {
        "A": ANSWERED,
        "L": ABANDONED,
        "F": FLOWED_OUT,
        "B": Q(outcome=Outcome.BLOCKED, blocked_kind__in=sorted(policy.blocked)),
        "Q": ANSWERED | ABANDONED | CALLBACK | FLOWED_OUT,
        "L_T": ABANDONED & _waited(policy.within_s),
        "L_S": ABANDONED & _waited(policy.short_s),
    }
    less = reduce(or_, (terms[term] for term in formula.less), Q(pk__in=[]))
    return reduce(or_, (terms[term] for term in formula.below)) & ~less


def _waited(seconds: float | None) -> Q:
    """Return the condition of visits that waited no longer than so many seconds."""
    return Q(pk__in=[]) if seconds is None else Q(left_at__lte=F("entered_at") + SECOND * Value(int(seconds)))


def rows_of(base: str) -> tuple[QuerySet[Any], str]:
    """Return the rows of a base, and the field with the time that puts each into its interval."""
    earlier = WorkItem.objects.filter(interaction=OuterRef("interaction"), pk__lt=OuterRef("pk"))
    if base == "visits":
        return WorkItem.objects.came(), "entered_at"
    if base == "contacts":
        return WorkItem.objects.came().filter(~Exists(earlier)), "entered_at"
    if base == "legs":
        return Assignment.objects.filter(accepted_at__isnull=False), "item__entered_at"
    # The last that happened in a contact which came to no queue; of a call, when it ended.
    without = ~Exists(WorkItem.objects.filter(interaction=OuterRef("pk")))
    return Interaction.objects.filter(without), "last_message_at"

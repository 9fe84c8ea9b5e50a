"""The numbers of the board: one computation for everybody who looks, split by team.

A fixed number of statements, however many queues, operators, contacts and viewers there are. Times are unix seconds, so that
the page can let them tick; names come in both languages, the page takes the reader's.
"""

from collections import Counter, defaultdict
from datetime import datetime

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F, Max, Min, Q
from django.utils import timezone

from cxcenter.accounts.models import Team
from cxcenter.board.alerts import alerts_of
from cxcenter.board.counted import NAMES, ByQueueAndKind, Counted, Policies, Row, empty_charts, start_of, today, unix
from quality import metrics, policies
from quality.service_level import FORMULAS, Policy
from routing.capacity import fullest
from routing.choices import REACHED, AlertKind, CallbackState, State, Work
from routing.models import Alert, Assignment, Callback, Presence, Queue, QueueMember, WorkItem

BEFORE = ("entered", "answered", "abandoned", "above", "below")
# So many alerts of one team are shown at once.
SHOWN = 50


def _waiting() -> ByQueueAndKind:
    rows = (
        WorkItem.objects.filter(metrics.WAITING)
        .values("queue_id", kind=F("interaction__kind"))
        .annotate(waiting=Count("pk"), since=Min("waits_since"))
        .order_by()
    )
    return {(row["queue_id"], row["kind"]): {"waiting": row["waiting"], "since": unix(row["since"])} for row in rows}


def _in_work() -> tuple[ByQueueAndKind, Counter[int]]:
    """Return contacts in work by queue and kind, and by operator."""
    rows = (
        Assignment.objects.filter(metrics.IN_WORK)
        .values_list("item__queue_id", "interaction__kind", "operator_id")
        .annotate(n=Count("pk"))
        .order_by()
    )
    by_queue: ByQueueAndKind = defaultdict(lambda: {"in_work": 0})
    by_operator: Counter[int] = Counter()
    for queue, kind, operator, n in rows:
        by_queue[queue, kind]["in_work"] += n
        by_operator[operator] += n
    return dict(by_queue), by_operator


def _people(now: datetime) -> dict[int, Row]:
    """Return by queue how many members it has, how many of them are on duty, how many are lent, and when the first goes back."""
    rows = (
        QueueMember.objects.filter(Q(until=None) | Q(until__gt=now), user__is_active=True)
        .values("queue_id")
        .annotate(members=Count("pk"), on_duty=Count("pk", filter=_on_duty("user__presence__state")))
        .annotate(lent=Count("until"), lent_until=Min("until"))
        .order_by()
    )
    return {
        row["queue_id"]: {
            **{name: row[name] for name in ("members", "on_duty", "lent")},
            "lent_until": unix(row["lent_until"]) if row["lent_until"] else None,
        }
        for row in rows
    }


def _callbacks() -> dict[int, Row]:
    """Return by queue how many are still to be called back, and how many of them come later."""
    planned = Count("pk", filter=Q(state=CallbackState.PLANNED))
    rows = Callback.objects.open().values("queue_id").annotate(callbacks=Count("pk"), planned=planned).order_by()
    return {row["queue_id"]: {"callbacks": row["callbacks"], "planned": row["planned"]} for row in rows}


def _on_duty(field: str) -> Q:
    return Q(**{f"{field}__in": [State.AVAILABLE, State.BUSY, State.WRAPUP]})


def _queues(busy: list[int]) -> list[tuple[Queue, list[str]]]:
    """Return the queues with the kinds of their entrances; one that was switched off only while it has visits."""
    kinds = ArrayAgg("entrances__channel__kind", distinct=True, filter=Q(entrances__isnull=False), default=[])
    queues = Queue.objects.filter(Q(active=True) | Q(pk__in=busy)).select_related("threshold").annotate(kinds=kinds)
    return [(queue, queue.kinds) for queue in queues]


def _queue(queue: Queue, kinds: list[str], policy: Policy, now: datetime) -> Row:
    threshold = getattr(queue, "threshold", None)
    limits = {name: getattr(threshold, name) for name in ("waiting", "longest_s", "level")} if threshold else {}
    until = {"closed": queue.closed_until, "paused": queue.paused_until}
    held = {name: unix(moment) if moment and moment > now else None for name, moment in until.items()}
    return {
        "id": queue.pk,
        "name": queue.name,
        "name_ru": queue.name_ru,
        "target_s": queue.target_s,
        "target": queue.target_percent,
        "policy": _policy(policy),
        "limits": {name: limit for name, limit in limits.items() if limit is not None},
        "kinds": sorted(kinds),
        "message": queue.message if any(held.values()) else "",
        **held,
    }


def _policy(policy: Policy) -> Row:
    """Return how the service level is counted: `same` tells which levels may be counted together."""
    return {
        "name": policy.formula,
        "formula": str(FORMULAS[policy.formula]),
        "within_s": policy.within_s,
        "same": " ".join([policy.formula, *sorted(policy.blocked)]),
    }


def _current() -> dict[tuple[int, int], Row]:
    """Return by operator and team of the queue the contact that has been in his hands the longest."""
    legs = Assignment.objects.filter(metrics.IN_WORK).order_by(
        "operator_id", "item__queue__team_id", "accepted_at", "pk"
    )
    rows = legs.distinct("operator_id", "item__queue__team_id").values_list(
        "operator_id", "item__queue__team_id", "interaction_id", "interaction__kind", "interaction__thread_id",
        "interaction__profile__customer__name", "interaction__says", "accepted_at",
    )  # fmt: skip
    return {
        (operator, team): {
            "id": talk,
            "kind": kind,
            "visitor": thread,
            "name": name or says.get("name", ""),
            "since": unix(accepted),
        }
        for operator, team, talk, kind, thread, name, says, accepted in rows
    }


def _operators(contacts: Counter[int]) -> dict[int | None, list[Row]]:
    """Return by team the operators who are signed in, and those who vanished with contacts in their hands.

    Of a contact in a queue of another team its supervisor sees no more than that it is there.
    """
    current = _current()
    here = Presence.objects.filter(~Q(state=State.OFFLINE) | Q(user_id__in=list(contacts)))
    result: dict[int | None, list[Row]] = defaultdict(list)
    for presence in here.select_related("user", "reason", "attends__reservation").order_by(
        "user__first_name", "user__last_name", "user_id"
    ):
        user, reason = presence.user, presence.reason
        usual = Work.CHAT if presence.capacity else Work.CALL
        taken, most = fullest(presence.limits, presence.loads, usual)
        result[user.team_id].append(
            {
                "id": user.pk,
                "name": user.name,
                "state": presence.state,
                "reason": reason.name if reason else "",
                "reason_ru": reason.name_ru if reason else "",
                "limit_s": reason.limit_min * 60 if reason and reason.limit_min else None,
                "since": unix(presence.since),
                "load": presence.load,
                "taken": taken,
                "most": most,
                "calls": presence.call_load,
                "callbacks": presence.callback_load,
                "off": presence.off,
                "contacts": contacts[user.pk],
                "current": current.get((user.pk, user.team_id or 0)),
                "pause_after": presence.pause_after,
                "then": presence.attends.reservation.state if presence.attends else State.PAUSE,
                "vanished": presence.vanished_at is not None,
            }
        )
    return result


def _alerts() -> dict[int, list[Row]]:
    """Return by team what was noted and not seen yet: late contacts by queue, anomalies one by one."""
    late = (
        Alert.objects.filter(kind=AlertKind.LATE, seen_at=None)
        .exclude(item__visit="left")
        .values("team_id", "kind", "queue_id")
        .annotate(count=Count("pk"), since=Min("item__waits_since"), last=Max("pk"))
        .order_by("since", "last")
    )
    result: dict[int, list[Row]] = defaultdict(list)
    for row in late[:1000]:
        about = {name: row[name] for name in ("kind", "count", "last")}
        result[row["team_id"]].append({**about, "queue": row["queue_id"], "since": unix(row["since"])})
    # Thresholds are told by the numbers themselves.
    lasting = Alert.objects.filter(ended_at=None, seen_at=None).exclude(Q(subject="") | Q(kind__in=REACHED))
    lasting = lasting.select_related("item", "user")
    for alert in lasting.order_by("at", "pk")[:1000]:
        about = {"kind": alert.kind, "last": alert.pk, "queue": alert.queue_id, "operator": alert.user_id}
        about["operator_name"] = alert.user.name if alert.user else ""
        talk = alert.item.interaction_id if alert.item else None
        if len(result[alert.team_id]) < SHOWN:
            result[alert.team_id].append({**alert.args, **about, "session": talk, "since": unix(alert.at)})
    return result


def compute(now: datetime | None = None, counted: Counted | None = None) -> dict[int, Row]:
    """Return the numbers of every team by its id. `counted` is what the publisher keeps for a while."""
    now, counted = now or timezone.now(), counted or Counted()
    day, holding = today(now), policies.holding()
    in_work, contacts = _in_work()
    numbers = _joined(counted.day(day, holding), _waiting(), in_work)
    people, operators, alerts, called = _people(now), _operators(contacts), _alerts(), _callbacks()
    times = counted.times(day)
    teams: dict[int, Row] = {
        pk: {"team": pk, "name": name, "queues": [], "operators": operators[pk]}
        for pk, name in Team.objects.values_list("pk", "name").order_by("name")
    }
    queues = _queues(list(numbers))
    _foretell(numbers, counted, now, holding)
    for queue, kinds in queues:
        policy = holding.get(queue.pk, Policy("V2", queue.target_s))
        row = {**_queue(queue, kinds, policy, now), **people.get(queue.pk, {"members": 0, "on_duty": 0})}
        row |= called.get(queue.pk, {"callbacks": 0, "planned": 0})
        teams[queue.team_id]["queues"].append({**row, "numbers": numbers.get(queue.pk, {})})
    drawn = counted.charts(day)
    usual = counted.outlook(counted.past(day), day, {queue.pk: queue.team_id for queue, _kinds in queues})
    for pk, team in teams.items():
        for operator in team["operators"]:
            operator["handled"], operator["aht"] = times.get(operator["id"], (0, None))
        found = alerts_of(team, now.timestamp())
        # Where nobody is on duty, that says more than that contacts are late.
        empty = {alert["queue"] for alert in found if alert["kind"] == "nobody"}
        noted = [alert for alert in alerts[pk] if alert["kind"] != AlertKind.LATE or alert["queue"] not in empty]
        team["alerts"] = noted + found
        team["charts"], team["usual"] = drawn.get(pk, empty_charts()), usual.get(pk)
        team["day"], team["at"] = unix(start_of(day)), unix(now)
    return teams


def _foretell(numbers: dict[int, dict[str, Row]], counted: Counted, now: datetime, holding: Policies) -> None:
    """Add to numbers how many usually have come by now, and those of the same weekday a week ago."""
    day = today(now)
    for (queue, kind), before in counted.before(day, holding).items():
        numbers[queue].setdefault(kind, nothing())["before"] = {name: before[name] for name in BEFORE}
    for (queue, kind), usual in counted.expected(counted.past(day), now.replace(second=0, microsecond=0)).items():
        numbers[queue].setdefault(kind, nothing())["usual"] = usual


def nothing() -> Row:
    """Return the numbers of a channel by which nobody has come."""
    zeros = {**dict.fromkeys(NAMES, 0), "waiting": 0, "in_work": 0}
    return {**zeros, "since": None, "usual": None, "before": None}


def _joined(*parts: ByQueueAndKind) -> dict[int, dict[str, Row]]:
    """Merge numbers by queue and kind into queue → kind → numbers; what is missing is 0."""
    result: dict[int, dict[str, Row]] = defaultdict(dict)
    for part in parts:
        for (queue, kind), found in part.items():
            result[queue].setdefault(kind, nothing()).update(found)
    return result

"""A day that was, as a scenario of the simulator: under the present rules, and under others.

Contacts come when they came; whoever was answered takes as long as he took. What is not known of one (how long serving
somebody who gave up would have taken, how long somebody who was answered would have waited) is drawn from the day.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from quality import policies, terms
from quality.models import LevelPolicy
from quality.service_level import Policy
from quality.simulation.patience import patience
from quality.terms import Terms
from quality.yesterday import Day, Visit, read
from routing.choices import Blocked, Outcome, Then, When
from routing.models import Skill
from routing.overflow import OFFERS
from routing.rules.document import HOURS, QUEUES, Document, Settings, current, merged
from routing.rules.faults import hours_of
from routing.skills import steps_of
from routing.strategies import Steps

# With so many who gave up, the patience of a queue is estimated by itself.
MANY = 10
# Contacts in writing, and calls: who talks does nothing besides.
KIND, CALL = "contact", "call"
# How the set of rules that is tried is called.
CHANGED = "changed"
# A door that nobody stands behind is shut, as it is live: who comes gets the form, who waits keeps his place.
UNATTENDED = {"when": When.NOBODY, "then": Then.FORM}


def scenario_of(trial: Mapping[str, Any]) -> str:
    """Return the scenario of rules that are tried (`edit`, `day`): the present ones are its base."""
    present = current()
    wanted = merged(present, trial["edit"])
    queues = around(changed_queues(present, wanted), present, wanted)
    document = study(read(date.fromisoformat(trial["day"]), queues), queues, present, wanted)
    return json.dumps(document, ensure_ascii=False)


def changed_queues(before: Document, after: Document) -> set[int]:
    """Return the queues whose settings, hours, requirements or order differ."""
    return {
        int(ident)
        for ident, one in after[QUEUES].items()
        if ident in before[QUEUES]
        and (
            one != before[QUEUES][ident]
            or _hours(after, int(ident)) != _hours(before, int(ident))
            or (one["active"] and terms.differ(before, after, int(ident)))
        )
    }


def _hours(rules: Document, queue: int) -> Settings | None:
    return rules[HOURS].get(str(rules[QUEUES][str(queue)]["hours"]))


def around(changed: set[int], *documents: Document) -> set[int]:
    """Return the queues that cannot be played without each other: those that share members or lead into each other."""
    found, more = set[int](), set(changed)
    while more:
        found |= more
        more = {queue for document in documents for one in more for queue in _beside(one, document)} - found
    return found


def _beside(queue: int, document: Document) -> set[int]:
    own = document[QUEUES][str(queue)]
    members = set(own["members"])
    return {
        int(ident)
        for ident, one in document[QUEUES].items()
        if one["active"] and (members & set(one["members"]) or queue in _leads(one) or int(ident) in _leads(own))
    }


def _leads(one: Settings) -> set[int]:
    """Return where a queue sends contacts on as it is played."""
    return {rule["to"] for rule in played(one["overflow"]) if rule["then"] == Then.QUEUE}


def played(rules: Iterable[Settings]) -> list[Settings]:
    """Return those rules of overflow that the simulator plays: all that move or refuse somebody, but for hours."""
    return [rule for rule in rules if rule["when"] != When.HOURS and not _leaves_in_place(rule)]


def _leaves_in_place(rule: Settings) -> bool:
    """Tell whether a rule only tells or offers something: what he does with it nobody knows."""
    return rule["then"] == Then.MESSAGE or (rule["then"] in OFFERS and rule["when"] == When.WAITED)


def unplayed(rules: Iterable[Settings]) -> list[Settings]:
    """Return the other ones."""
    rules = list(rules)
    known = played(rules)
    return [rule for rule in rules if not any(rule is one for one in known)]


def study(day: Day, queues: set[int], before: Document, after: Document) -> dict[str, Any]:
    """Return the scenario of a day: the present rules are its base, the changed ones a set that differs from it."""
    attended = {queue for queue in queues if any(_asks_who_is_there(rules, queue) for rules in (before, after))}
    paths = steps_of({visit.path for visit in day.visits})
    both = [Terms(rules, before, after, paths) for rules in (before, after)]
    streams = _streams(day.visits, both)
    base, other = (
        _Told(day, queues, rules, before, attended, own, streams).scenario()
        for rules, own in zip((before, after), both, strict=True)
    )
    told = {policy for rules in (before, after) for policy in levels_of(queues, rules).values()}
    levels = [_level(policy) for policy in sorted(told, key=str)]
    return {"title": f"{day.date}", "levels": levels, **base, "rules": {CHANGED: patch(base, other)}}


def _streams(visits: Iterable[Visit], both: Iterable[Terms]) -> list[list[Visit]]:
    """Return contacts of a queue and kind that ask for the same under both sets of rules, by stream: they meet the same luck."""
    alike: dict[tuple[Any, ...], list[Visit]] = defaultdict(list)
    for visit in visits:
        asked = [own.steps(visit) for own in both]
        alike[visit.queue, visit.is_call, *((steps.needs, steps.after_s) for steps in asked)].append(visit)
    return [alike[key] for key in sorted(alike)]


def _asks_who_is_there(rules: Document, queue: int) -> bool:
    return any(rule["when"] == When.NOBODY for rule in played(rules[QUEUES][str(queue)]["overflow"]))


def levels_of(queues: Iterable[int], rules: Document) -> dict[int, Policy]:
    """Return how the service level of each queue is counted; where it follows from the time it promises, by that time."""
    held, own = policies.holding(), set(LevelPolicy.objects.values_list("queue_id", flat=True))
    return {
        queue: held[queue] if queue in own else Policy("V2", rules[QUEUES][str(queue)]["target_s"])
        for queue in queues
        if queue in held
    }


def _level(policy: Policy) -> dict[str, Any]:
    short = {} if policy.short_s is None else {"short_s": policy.short_s}
    return {"formula": policy.formula, "within_s": policy.within_s, **short, "blocked": sorted(policy.blocked)}


def patch(before: Any, after: Any) -> Any:
    """Return the merge patch (RFC 7396) that makes `after` of `before`."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return after
    gone: dict[str, Any] = {name: None for name in before if name not in after}
    return gone | {
        name: patch(before.get(name), value)
        for name, value in after.items()
        if name not in before or before[name] != value
    }


@dataclass
class _Told:
    """A day under `rules`, told by the names of the present ones.

    `attended` are the queues with rules for when nobody is there: of the others it is not known whom they refused then.
    """

    day: Day
    queues: set[int]
    rules: Document
    present: Document
    attended: set[int]
    terms: Terms
    streams: list[list[Visit]]

    def __post_init__(self) -> None:
        self._names = {queue: self.present[QUEUES][str(queue)]["name"] for queue in sorted(self.queues)}
        self._skills = {skill.pk: skill.name for skill in Skill.objects.all()}
        self._calls = any(visit.is_call for visit in self.day.visits)

    def scenario(self) -> dict[str, Any]:
        """Return it as the simulator reads it."""
        return {
            "closes": self.day.length_s,
            "queues": {name: self._queue(queue) for queue, name in self._names.items()},
            "operators": {**self._operators(), "": self._nobody()},
            "streams": self._streams(),
        }

    def _now(self, queue: int) -> Settings:
        return self.rules[QUEUES][str(queue)]

    def _then(self, queue: int) -> Settings:
        return self.present[QUEUES][str(queue)]

    def _queue(self, queue: int) -> dict[str, Any]:
        one = self._now(queue)
        said: dict[str, Any] = {name: one[name] for name in ("choice", "priority_weight", "wait_weight")}
        if one["max_waiting"] is not None:
            said["full_at"] = one["max_waiting"]
        found = [self._overflow(rule) for rule in played(one["overflow"])]
        if found or queue in self.attended:
            said["overflow"] = [*found, *([UNATTENDED] if queue in self.attended else [])]
        return said

    def _overflow(self, rule: Settings) -> dict[str, Any]:
        limit = {} if rule["limit"] is None else {"limit": rule["limit"]}
        to = {"to": self._names[rule["to"]]} if rule["then"] == Then.QUEUE else {}
        # At the door one is as good as the other: he does not wait.
        then = Then.FORM if rule["then"] == Then.CALLBACK else rule["then"]
        return {"when": rule["when"], **limit, "then": then, **to}

    def _operators(self) -> dict[str, Any]:
        """Return who was there, with the queues of the day, more or fewer by what differs from the present rules."""
        found = {}
        for user, shifts in sorted(self.day.shifts.items()):
            serves = [name for queue, name in self._names.items() if self._serves(user, queue)]
            levels = self.day.skills.get(user, {})
            if serves and shifts:
                found[self.day.names.get(user, f"{user}")] = {
                    "queues": serves,
                    "limits": self._limits(user),
                    "skills": {self._skills[skill]: level for skill, level in levels.items() if skill in self._skills},
                    "shifts": shifts,
                }
        return found

    def _limits(self, user: int) -> dict[str, int]:
        """Return how many of each kind filled an operator: without any calls in the day he had nothing to do with them."""
        calls = self.day.calls.get(user, 1) if self._calls else 0
        capacity = self.day.capacity.get(user, 1)
        # Who takes nothing today took something then.
        limits = {KIND: capacity if capacity or calls else 1, CALL: calls}
        return {kind: min(limit, 100) for kind, limit in limits.items() if limit}

    def _serves(self, user: int, queue: int) -> bool:
        now, then = user in self._now(queue)["members"], user in self._then(queue)["members"]
        return now if now != then else queue in self.day.served.get(user, ())

    def _nobody(self) -> dict[str, Any]:
        """Return nobody, who has all skills that are asked for: what nobody of the day had can be asked for too."""
        steps = [self.terms.steps(came[0]) for came in self.streams]
        asked = {skill for one in steps for needs in one.needs for skill, _level in needs}
        levels = {self._skills[skill]: 5 for skill in sorted(asked & self._skills.keys())}
        limits = {KIND: 1, CALL: 1} if self._calls else {KIND: 1}
        return {"count": 0, "queues": list(self._names.values()), "limits": limits, "skills": levels, "shifts": []}

    def _streams(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for number, alike in enumerate(self.streams):
            queue, steps = alike[0].queue, self.terms.steps(alike[0])
            came = [visit for visit in alike if self._is_let_in(visit)]
            if not came:
                continue
            kind = CALL if alike[0].is_call else KIND
            stream: dict[str, Any] = {"queue": self._names[queue], "kind": kind, **self._times(alike[0])}
            if steps != Steps():
                stream["steps"] = self._steps(steps)
            stream["log"] = [_row(visit, self.terms.priority(visit)) for visit in came]
            is_first = not number or self.streams[number - 1][0].queue != queue
            found[self._names[queue] if is_first else f"{self._names[queue]} / {number}"] = stream
        return found

    def _is_let_in(self, visit: Visit) -> bool:
        """Tell whether a contact would have come in: by the hours of the day it did, by others it may not."""
        if visit.blocked == Blocked.RULE and visit.queue not in self.attended:
            return False
        hours = _hours(self.rules, visit.queue)
        if hours is None or hours == _hours(self.present, visit.queue):
            return True
        return hours_of(hours).is_open(self.day.begins + timedelta(seconds=visit.at))

    def _times(self, one: Visit) -> dict[str, Any]:
        """Return how long serving takes, wrap-up lasts and people wait: of the queue, or where it has too few, of all.

        Of contacts of its kind: a call takes another time than a chat.
        """
        wrapup_s = self._now(one.queue)["wrapup_s"]
        visits = [visit for visit in self.day.visits if visit.is_call == one.is_call]
        own = [visit for visit in visits if visit.queue == one.queue]
        timed = _timed(own)
        if len(timed) < MANY:
            timed = _timed(visits) or _timed(self.day.visits)
        waited = own if sum(visit.outcome == Outcome.ABANDONED for visit in own) >= MANY else visits
        values, weights = patience((visit.wait_s, visit.outcome == Outcome.ABANDONED) for visit in waited)
        return {
            "service": {"empirical": {"values_s": [visit.service_s for visit in timed]}},
            "wrapup": {"empirical": {"values_s": [min(visit.wrapup_s or 0.0, wrapup_s) for visit in timed]}},
            "patience": {"empirical": {"values_s": values, "weights": weights}},
        }

    def _steps(self, steps: Steps) -> list[dict[str, Any]]:
        return [
            {
                "after_s": after_s,
                "needs": {self._skills[skill]: least for skill, least in needs if skill in self._skills},
            }
            for after_s, needs in zip(steps.after_s, steps.needs, strict=True)
        ]


def _timed(visits: Iterable[Visit]) -> list[Visit]:
    return [visit for visit in visits if visit.service_s is not None]


def _row(visit: Visit, priority: int) -> dict[str, Any]:
    row: dict[str, Any] = {"at": visit.at, "priority": priority}
    if visit.credit_s:
        row["credit_s"] = visit.credit_s
    if visit.service_s is not None:
        row["service_s"] = visit.service_s
    return row

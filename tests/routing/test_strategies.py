"""The pure core: who gets what, and why."""

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from routing.strategies import CHOICES, RULES, USUAL, Decision, Free, Rules, Steps, Waiting, decide, filled, has_room

QUEUES, PEOPLE, SKILLS, KINDS = range(1, 5), range(1, 9), range(1, 4), ("chat", "call", "mail")
NOW, SEED = 100.0, 7

needs = st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 5), max_size=2).map(lambda d: tuple(sorted(d.items())))


@st.composite
def paths(draw) -> Steps:
    after = sorted(draw(st.sets(st.sampled_from([20.0, 45.0, 60.0]), max_size=2)))
    return Steps((0.0, *after), tuple(draw(needs) for _ in range(len(after) + 1)))


people = st.builds(
    Free,
    operator=st.sampled_from(PEOPLE),
    queues=st.frozensets(st.sampled_from(QUEUES), min_size=1),
    limits=st.fixed_dictionaries({"chat": st.integers(0, 4), "call": st.integers(0, 1), "mail": st.integers(0, 3)}),
    idle_since=st.integers(0, 5).map(float),
    skills=st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 5)),
    loads=st.dictionaries(st.sampled_from(KINDS), st.integers(0, 2)),
    served=st.integers(0, 3),
)
contacts = st.builds(
    Waiting,
    item=st.integers(1, 1000),
    queue=st.sampled_from(QUEUES),
    since=st.integers(0, 100).map(float),
    priority=st.integers(0, 3),
    credit_s=st.sampled_from([0.0, 0.0, 90.0]),
    kind=st.sampled_from(KINDS),
    steps=paths(),
    preferred=st.none() | st.sampled_from(PEOPLE),
    only_preferred=st.booleans(),
    resting=st.frozensets(st.sampled_from(PEOPLE), max_size=3),
)
crowds = st.lists(people, max_size=8, unique_by=lambda p: p.operator)
lines = st.lists(contacts, max_size=25, unique_by=lambda c: c.item)
rules = st.dictionaries(
    st.sampled_from(QUEUES),
    st.builds(
        Rules,
        priority_weight=st.sampled_from([0.0, 1.0, 60.0]),
        wait_weight=st.sampled_from([0.0, 0.5, 1.0]),
        choice=st.sampled_from(CHOICES),
    ),
)


def waits_for_one(contact: Waiting) -> bool:
    """Whether a contact is for one person alone; when he has refused it, it is for all."""
    return contact.only_preferred and contact.preferred is not None and contact.preferred not in contact.resting


def fit_of(person: Free, contact: Waiting) -> int:
    return sum(person.skills.get(skill, 0) for skill, _level in contact.steps.at(NOW - contact.since))


def has_skills(person: Free, contact: Waiting) -> bool:
    return all(person.skills.get(skill, 0) >= level for skill, level in contact.steps.at(NOW - contact.since))


def in_order(line: list[Waiting], by_queue: dict[int, Rules]) -> list[Waiting]:
    return sorted(line, key=lambda c: by_queue.get(c.queue, USUAL).place(c, NOW))


class Slowly:
    """The same decision, made by looking at everybody for every contact."""

    def __init__(self, crowd: list[Free]) -> None:
        self.crowd = sorted(crowd, key=lambda p: p.operator)
        self.loads = {p.operator: dict(p.loads) for p in crowd}
        self.given = dict.fromkeys(self.loads, 0)
        drawn = self.crowd[:]
        Random(SEED).shuffle(drawn)
        self.lots = {p.operator: lot for lot, p in enumerate(drawn)}

    def able(self, contact: Waiting) -> list[Free]:
        """Whoever serves its queue, is willing and has room."""
        return [
            p
            for p in self.crowd
            if contact.queue in p.queues
            and p.operator not in contact.resting
            and has_room(p.limits, self.loads[p.operator], contact.kind)
        ]

    def place(self, p: Free, contact: Waiting, choice: str) -> tuple[float, ...]:
        fit, taken, idle = fit_of(p, contact), self.given[p.operator], (p.idle_since, p.operator)
        load = filled(p.limits, self.loads[p.operator], contact.kind)
        return {
            "random": (-fit, taken, self.lots[p.operator]),
            "longest_idle": (-fit, load > 0, load if taken else 0, *idle),
            "even": (-fit, p.served + taken, load, taken > 0, *idle),
            "least_loaded": (-fit, load, taken > 0, *idle),
        }[choice]

    def best(self, contact: Waiting, choice: str) -> int | None:
        able = self.able(contact)
        for p in able:
            if p.operator == contact.preferred:
                return p.operator
        if waits_for_one(contact):
            return None
        skilled = [p for p in able if has_skills(p, contact)]
        return min(skilled, key=lambda p: self.place(p, contact, choice)).operator if skilled else None

    def give(self, operator: int, kind: str) -> None:
        self.loads[operator][kind] = self.loads[operator].get(kind, 0) + 1
        self.given[operator] += 1


def slowly(line: list[Waiting], crowd: list[Free], by_queue: dict[int, Rules]) -> list[tuple[int, int]]:
    day, pairs = Slowly(crowd), []
    for contact in in_order(line, by_queue):
        chosen = day.best(contact, by_queue.get(contact.queue, USUAL).choice)
        if chosen is not None:
            day.give(chosen, contact.kind)
            pairs.append((contact.item, chosen))
    return pairs


def pairs_of(decisions: list[Decision]) -> list[tuple[int, int]]:
    return [(decision.item, decision.operator) for decision in decisions]


@settings(max_examples=300, deadline=None)
@given(lines, crowds, rules)
def test_it_decides_as_if_it_had_looked_at_everybody(line, crowd, by_queue):
    assert pairs_of(decide(line, crowd, now=NOW, seed=SEED, rules=by_queue)) == slowly(line, crowd, by_queue)


@settings(max_examples=100, deadline=None)
@given(lines, crowds, rules)
def test_nobody_better_is_passed_over_nobody_is_over_capacity_and_nobody_waits_beside_one_who_could(
    line, crowd, by_queue
):
    day, by_item = Slowly(crowd), {c.item: c for c in line}
    decisions = decide(line, crowd, now=NOW, seed=SEED, rules=by_queue)
    assert len({d.item for d in decisions}) == len(decisions)
    for made in decisions:
        contact = by_item[made.item]
        able = {p.operator: p for p in day.able(contact)}
        assert made.operator in able, "he has room, is willing, serves the queue"
        if made.why["how"] != "preferred":
            skilled = [p for p in able.values() if has_skills(p, contact)]
            assert fit_of(able[made.operator], contact) == max(fit_of(p, contact) for p in skilled)
        day.give(made.operator, contact.kind)
    for contact in {*line} - {by_item[d.item] for d in decisions}:
        left = [p for p in day.able(contact) if has_skills(p, contact)]
        assert not [p for p in left if not waits_for_one(contact) or p.operator == contact.preferred]


@settings(max_examples=100, deadline=None)
@given(lines, crowds, rules)
def test_who_comes_first_is_served_first(line, crowd, by_queue):
    """Of two in a queue who ask for the same, the later one is never served while the earlier one waits."""
    plain = {"preferred": None, "only_preferred": False, "resting": frozenset(), "kind": "chat", "steps": Steps()}
    alike = [replace(c, **plain) for c in line]
    served = {d.item for d in decide(alike, crowd, now=NOW, rules=by_queue)}
    for queue in QUEUES:
        order = [c.item in served for c in in_order(alike, by_queue) if c.queue == queue]
        assert order == sorted(order, reverse=True)


@settings(max_examples=100, deadline=None)
@given(lines, crowds, rules, st.integers())
def test_the_same_facts_in_any_order_give_the_same(line, crowd, by_queue, seed):
    shuffled_line, shuffled_crowd = line[:], crowd[:]
    Random(seed).shuffle(shuffled_line)
    Random(seed).shuffle(shuffled_crowd)
    same = decide(line, crowd, now=NOW, seed=SEED, rules=by_queue)
    assert decide(shuffled_line, shuffled_crowd, now=NOW, seed=SEED, rules=by_queue) == same


@settings(max_examples=100, deadline=None)
@given(lines, crowds, rules, st.integers(0, 10))
def test_the_first_decisions_are_those_of_a_whole_round(line, crowd, by_queue, most):
    whole = decide(line, crowd, now=NOW, seed=SEED, rules=by_queue)
    assert decide(line, crowd, now=NOW, seed=SEED, rules=by_queue, most=most) == whole[:most]


def served_at(line: list[Waiting], rounds: list[list[Free]], item: int) -> int | None:
    """The round in which an item is given away when everybody who is left waits on, 20 s from round to round."""
    for number, crowd in enumerate(rounds):
        given_ = {d.item for d in decide(line, crowd, now=NOW + 20 * number, seed=SEED)}
        if item in given_:
            return number
        line = [c for c in line if c.item not in given_]
    return None


@settings(max_examples=200, deadline=None)
@given(
    lines.filter(bool), st.lists(crowds, min_size=1, max_size=4), st.sampled_from([20.0, 45.0, 60.0, 90.0]), st.data()
)
def test_a_step_more_never_delays_an_item(line, rounds, after, data):
    """A step that asks for less from then on: the item is served in the same round or an earlier one."""
    plain = data.draw(st.sampled_from(line))
    kept = data.draw(st.integers(0, len(plain.steps.at(after))))
    times = [time for time in plain.steps.after_s if time < after]
    before = [plain.steps.at(time) for time in times]
    # Without the step it asks on and on for what it asks at that time; with it for a part of that.
    plain = replace(plain, steps=Steps(tuple(times), tuple(before)))
    looser = replace(plain, steps=Steps((*times, after), (*before, before[-1][:kept])))
    others = [c for c in line if c.item != plain.item]
    without, with_it = (served_at([*others, one], rounds, plain.item) for one in (plain, looser))
    assert without is None or (with_it is not None and with_it <= without)


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        Rules,
        priority_weight=st.integers(0, 90).map(float),
        wait_weight=st.sampled_from([0.25, 0.5, 1.0, 2.0, 4.0]),
        choice=st.sampled_from(CHOICES),
    ),
    st.integers(0, 5),
    st.integers(1, 4),
    st.lists(st.integers(0, 5), min_size=1, max_size=6),
)
def test_where_waiting_weighs_nobody_starves(rule, priority, places, coming):
    """Each second as many come as can be served, of any priority: he waits no longer than makes up for what they are ahead.

    Who came within that time stands before him at the most; those are served by then, for as many are as come.
    """
    ahead_s = max(0, max(coming) - priority) * rule.priority_weight / rule.wait_weight
    line, served, second = [contact(0, since=0.0, priority=priority)], set(), 0
    crowd = [person(n, limits={"chat": 1}) for n in range(1, places + 1)]
    while 0 not in served:
        assert second <= ahead_s + 2
        second += 1
        for n in range(places):
            number = second * places + n
            line.append(contact(number, since=float(second), priority=coming[number % len(coming)]))
        served = {made.item for made in decide(line, crowd, now=float(second), rules={1: rule})}
        line = [one for one in line if one.item not in served]


def test_strict_priority_then_age():
    line = [contact(1, since=0.0, priority=1), contact(2, since=90.0, priority=2), contact(3, since=50.0, priority=2)]
    by_queue = {1: Rules(priority_weight=1, wait_weight=0)}
    served = decide(line, [person(1, limits={"chat": 3})], now=NOW, rules=by_queue)
    assert [d.item for d in served] == [3, 2, 1]


def person(operator: int, **fields) -> Free:
    return Free(**{"operator": operator, "queues": frozenset({1}), "limits": {"chat": 4}, **fields})


def contact(item: int = 1, **fields) -> Waiting:
    return Waiting(**{"item": item, "queue": 1, "since": 0.0, **fields})


def pairs(line, crowd, **said) -> list[tuple[int, int]]:
    return pairs_of(decide(line, crowd, now=NOW, **said))


RUSSIAN, MORTGAGE = 1, 2


def test_a_requirement_loosens_exactly_when_it_is_due():
    """0–20 s Russian 4 and mortgage 3, 20–45 s Russian 3, then anyone."""
    steps = Steps((0.0, 20.0, 45.0), (((RUSSIAN, 4), (MORTGAGE, 3)), ((RUSSIAN, 3),), ()))
    both, russian, nobody = (
        person(1, skills={RUSSIAN: 4, MORTGAGE: 3}),
        person(2, skills={RUSSIAN: 3, MORTGAGE: 5}),
        person(3),
    )
    waits = [contact(steps=steps)]
    for one, first in ((both, 0.0), (russian, 20.0), (nobody, 45.0)):
        assert decide(waits, [one], now=first), "from its moment on"
        assert first == 0 or not decide(waits, [one], now=first - 0.001), "and not before"


def test_best_fit_comes_before_load():
    crowd = [person(1, skills={RUSSIAN: 3}), person(2, skills={RUSSIAN: 5}, loads={"chat": 3})]
    assert pairs([contact(steps=Steps((0.0,), (((RUSSIAN, 3),),)))], crowd) == [(1, 2)]
    assert pairs([contact()], crowd) == [(1, 1)], "of skills that nobody asks for none counts"


def test_least_loaded_then_longest_idle():
    crowd = [
        person(1, limits={"chat": 2}, loads={"chat": 1}),
        person(2, limits={"chat": 1}, idle_since=60.0),
        person(3, limits={"chat": 1}, idle_since=0.0),
    ]
    assert pairs([contact(1), contact(2), contact(3)], crowd) == [(1, 3), (2, 2), (3, 1)]


def test_longest_idle_and_even_and_by_lot():
    crowd = [person(1, loads={"chat": 2}, idle_since=0.0, served=9), person(2, idle_since=50.0, served=3)]
    assert pairs([contact()], crowd, rules={1: Rules(choice="longest_idle")}) == [(1, 2)], "who has work is not idle"
    rested = [*crowd, person(3, idle_since=20.0, served=4)]
    assert pairs([contact()], rested, rules={1: Rules(choice="longest_idle")}) == [(1, 3)]
    assert pairs([contact()], crowd, rules={1: Rules(choice="even")}) == [(1, 2)]
    drawn = {pairs([contact()], crowd, rules={1: Rules(choice="random")}, seed=seed)[0][1] for seed in range(20)}
    assert drawn == {1, 2}


def test_one_call_or_four_chats_and_mail_gives_way_to_a_call():
    limits = {"call": 1, "chat": 4, "mail": 5}
    assert has_room(limits, {}, "call") and not has_room(limits, {"chat": 1}, "call")
    assert has_room(limits, {"chat": 3}, "chat") and not has_room(limits, {"call": 1}, "chat")
    assert has_room(limits, {"mail": 5}, "call") and not has_room(limits, {"mail": 5}, "mail")
    assert not has_room(limits, {"call": 1}, "mail"), "who talks is given no mail"
    assert not has_room(limits, {"visit": 1}, "chat"), "what he has without serving it takes all of him"
    assert not has_room({"chat": 0}, {}, "chat")


def test_preferred_has_his_contact_though_others_have_less():
    assert pairs([contact(preferred=2)], [person(1), person(2, loads={"chat": 3})]) == [(1, 2)]
    assert pairs([contact(preferred=2)], [person(1), person(2, loads={"chat": 4})]) == [(1, 1)]
    assert pairs([contact(preferred=2, only_preferred=True)], [person(1), person(2, loads={"chat": 4})]) == []


def test_preferred_must_serve_the_queue():
    """Who served the customer in another queue, and serves this one not, is no choice."""
    crowd = [person(1), person(2, queues=frozenset({2}))]
    assert pairs([contact(preferred=2)], crowd) == [(1, 1)]
    assert pairs([contact(preferred=2, only_preferred=True)], crowd) == []


def test_who_refused_rests_from_it_even_if_preferred():
    crowd = [person(1), person(2)]
    refused = contact(preferred=2, only_preferred=True, resting=frozenset({2}))
    assert pairs([refused], crowd) == [(1, 1)]
    assert pairs([refused], [person(2)]) == []
    assert pairs([contact(resting=frozenset({1, 2}))], crowd) == []


def test_a_decision_says_why_in_figures():
    """Rules, score, what was asked for, the chosen one's figures, the next five, how many were left out for which cause."""
    asked = Steps((0.0,), (((RUSSIAN, 2),),))
    crowd = [person(n, loads={"chat": n // 3}, idle_since=float(n), skills={RUSSIAN: 2}) for n in range(1, 9)]
    crowd += [
        person(20, loads={"chat": 4}, skills={RUSSIAN: 2}),
        person(21, queues=frozenset({2}), skills={RUSSIAN: 5}),
        person(22, skills={RUSSIAN: 1}),
    ]
    line = [contact(1, steps=asked, priority=2, resting=frozenset({2, 21}))]
    (decision,) = decide(line, crowd, now=NOW)
    why = decision.why
    assert (decision.operator, why["rules"], why["how"], why["free"]) == (1, RULES, "least_loaded", 8)
    assert (why["score"], why["needs"], why["chosen"]) == (220.0, ((RUSSIAN, 2),), (1, 2, 0.0, 1.0))
    assert [one[0] for one in why["next"]] == [3, 4, 5, 6, 7]
    assert why["next"][0] == (3, 2, 0.25, 3.0)
    assert why["left_out"] == {"skills": 1, "full": 1, "resting": 1}

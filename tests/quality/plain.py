"""The metrics of a history by plain loops over its rows: what reports are compared with."""

from collections import defaultdict
from datetime import timedelta

from quality.service_level import FORMULAS, Policy, count, level

US = timedelta(microseconds=1)


def mean(values):
    """The mean in seconds of durations."""
    values = list(values)
    return sum(value // US for value in values) / (len(values) * 1_000_000) if values else None


def share(part, whole):
    return len(part) / len(whole) if whole else None


def responses(messages, leg):
    """How long the replies took that were written while a leg held the contact."""
    asked, found = None, []
    for message in messages:
        if message.audience != "all" or message.withdrawn_at or message.author == "system":
            continue
        if message.author == "customer":
            asked = asked or message.at
            continue
        holds = leg.accepted_at <= message.at and (leg.ended_at is None or message.at < leg.ended_at)
        if message.author == "staff" and asked and holds:
            found.append(message.at - asked)
        asked = None
    return found


def of_visits(visits, legs, policy, said, sent_to):
    """What visits to queues and their legs tell; `said`: the messages by session, `sent_to`: the visit after a leg's."""
    by = {
        end: [v for v in visits if v.outcome == end]
        for end in ("answered", "abandoned", "callback", "flowed_out", "withdrawn", "blocked")
    }
    waited = [(v.blocked_kind or v.outcome, (v.left_at - v.entered_at) / US / 1_000_000) for v in visits]
    counts = count(policy, waited)
    ended = [v.left_at - v.entered_at for v in by["answered"] + by["abandoned"]]
    handled = [leg for leg in legs if leg.accepted_at]
    timed = [leg for leg in handled if leg.ended_at]
    moved = [leg for leg in handled if leg.end == "transferred"]
    foretold = [v for v in by["answered"] if v.estimated_at]
    erred = [timedelta(seconds=v.estimate_s) - (v.left_at - v.estimated_at) for v in foretold]
    codes = [v.overflows or [] for v in visits]
    short = counts.abandoned_short
    both = len(by["answered"]) + len(by["abandoned"])
    return {
        "offered": len(visits),
        "answered": len(by["answered"]),
        "abandoned": len(by["abandoned"]),
        "abandoned_short": short,
        "callbacks": len(by["callback"]),
        "flowed_out": len(by["flowed_out"]),
        "withdrawn": len(by["withdrawn"]),
        **{f"blocked_{kind.lower()}": sum(v.blocked_kind == kind for v in visits) for kind in ("B1", "B2", "B3")},
        **{
            f"overflow_{when}": sum(any(code.startswith(f"{when}:") for code in one) for one in codes)
            for when in ("waited", "length", "nobody", "hours")
        },
        **{
            f"overflow_to_{then}": sum(any(code.endswith(f":{then}") for code in one) for one in codes)
            for then in ("queue", "form", "message", "close")
        },
        "foretold": len(foretold),
        "estimate_bias_s": mean(erred),
        "estimate_mae_s": mean(abs(one) for one in erred),
        "abandonment": len(by["abandoned"]) / both if both else None,
        "abandonment_net": (len(by["abandoned"]) - short) / (both - short) if both - short else None,
        "asa": mean(v.left_at - v.entered_at for v in by["answered"]),
        "abandon_wait": mean(v.left_at - v.entered_at for v in by["abandoned"]),
        "longest_wait": max(ended) / US / 1_000_000 if ended else None,
        "service_level": level(policy, counts),
        **{
            f"level_{f.lower()}": level(Policy(f, policy.within_s, policy.short_s, policy.blocked), counts)
            for f in FORMULAS
        },
        "handled": len(handled),
        "aht": mean((leg.wrapped_at or leg.ended_at) - leg.accepted_at for leg in timed),
        "talk": mean(leg.ended_at - leg.accepted_at for leg in timed),
        "wrapup": mean((leg.wrapped_at or leg.ended_at) - leg.ended_at for leg in timed),
        "transferred": sum(leg.end == "transferred" for leg in handled),
        "transfer_rate": share([leg for leg in handled if leg.end == "transferred"], handled),
        "transfer_rate_blind": share([leg for leg in moved if sent_to(leg) and sent_to(leg).only_preferred], handled),
        "transfer_rate_queue": share(
            [leg for leg in moved if not sent_to(leg) or not sent_to(leg).only_preferred], handled
        ),
        "response_time": mean(took for leg in handled for took in responses(said[id(leg.interaction)], leg)),
    }


def of_contacts(firsts, menus, answered, ratings):
    """What contacts tell: first visits, sessions without a visit, ids of sessions that were answered, their ratings."""
    replied = [v.interaction.first_reply_at - v.entered_at for v in firsts if v.interaction.first_reply_at]
    rated = [ratings[v.interaction_id] for v in firsts if v.interaction_id in ratings]
    csat = [one.csat for one in rated if one.csat]
    ces = [one.ces for one in rated if one.ces]
    agents = [v for v in firsts if v.interaction_id in answered]
    return {
        "contacts": len(firsts) + len(menus),
        "agents": len(agents),
        "bot": len(menus),
        "queue": len(firsts) - len(agents),
        "first_response": mean(replied),
        **{
            f"reaction_{edge}": share([r for r in replied if r <= timedelta(seconds=edge)], replied)
            for edge in (10, 20, 30)
        },
        "reaction_late": share([r for r in replied if r > timedelta(seconds=30)], replied),
        "rated": len(csat),
        "csat": share([c for c in csat if c >= 4], csat),
        "dsat": share([c for c in csat if c <= 2], csat),
        "ces": sum(ces) / len(ces) if ces else None,
    }


class Plain:
    """Values of a history for any split: `key` names the groups of a row."""

    def __init__(self, written, policy):
        self.written, self.policy = written, policy
        firsts = {}
        for visit in written.visits:
            firsts.setdefault(id(visit.interaction), visit)
        self.firsts = list(firsts.values())
        self.menus = [one for one in written.sessions if id(one) not in firsts]
        self.answered = {v.interaction_id for v in written.visits if v.outcome == "answered"}
        self.said, self.visits_of = defaultdict(list), defaultdict(list)
        for message in written.messages:
            self.said[id(message.interaction)].append(message)
        for visit in written.visits:
            self.visits_of[id(visit.interaction)].append(visit)
        self.ratings = {one.interaction_id: one for one in written.surveys}

    def sent_to(self, leg):
        """The visit that follows that of a leg, None if it was the last."""
        visits = self.visits_of[id(leg.interaction)]
        place = next(place for place, visit in enumerate(visits) if visit is leg.item)
        return visits[place + 1] if place + 1 < len(visits) else None

    def served_by(self, visit):
        """Who took a visit first."""
        legs = [leg for leg in self.written.legs if leg.item is visit and leg.accepted_at]
        return min(legs, key=lambda leg: (leg.accepted_at, leg.pk)).operator_id if legs else None

    def groups(self, key):
        """Return group → values; `key(at, visit, session, operator)` names the groups of a row: it may have two skills."""
        found = {}

        def put(groups, kind, row):
            for group in groups:
                found.setdefault(group, {"visits": [], "legs": [], "firsts": [], "menus": []})[kind].append(row)

        for visit in self.written.visits:
            put(key(visit.entered_at, visit, visit.interaction, self.served_by(visit)), "visits", visit)
        for visit in self.firsts:
            put(key(visit.entered_at, visit, visit.interaction, self.served_by(visit)), "firsts", visit)
        for leg in self.written.legs:
            if leg.accepted_at:
                put(key(leg.item.entered_at, leg.item, leg.interaction, leg.operator_id), "legs", leg)
        for session in self.menus:
            put(key(session.last_message_at, None, session, None), "menus", session)
        return {
            group: {
                **of_visits(rows["visits"], rows["legs"], self.policy, self.said, self.sent_to),
                **of_contacts(rows["firsts"], rows["menus"], self.answered, self.ratings),
            }
            for group, rows in found.items()
        }

"""Every metric: its name, its formula in words, its unit and parameters, what it is made of, and what stands behind it."""

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from quality import service_level
from quality.metrics.measures import US
from quality.metrics.metric import Metric, Number, Sums, Unit, mean_s, share
from quality.metrics.visits import REACTION_EDGES
from quality.service_level import FORMULAS, Policy

# What no single measure counts: visits above and below the line of a service level, and all contacts.
ABOVE, BELOW, EVERYBODY = "above", "below", "everybody"
VISITS, LEGS, CONTACTS, SURVEYS, STATES, MESSAGES, CASES = (
    _("visits to queues"), _("legs of operators"), _("contacts, by their first visit"), _("answered surveys"),
    _("intervals of operators' states"), _("messages, by the legs of operators"), _("cases"),
)  # fmt: skip


def _count(code: str, name: Promise, formula: Promise, source: Promise) -> tuple[str, Metric]:
    return code, Metric(name, formula, Unit.COUNT, lambda sums: sums[code], code, code, source)


def _level(formula: str) -> Metric:
    """Return the service level by one formula, with T, S and the kinds of B of the queue's policy."""
    said, needs_kinds = FORMULAS[formula], "B" in FORMULAS[formula].below

    def value(sums: Sums) -> Number:
        if sums.policy is None and needs_kinds:
            return None
        blocked = sums.policy.blocked if sums.policy else frozenset[str]()
        # The thresholds are in the counts already.
        return service_level.level(Policy(formula, blocked=blocked), sums.counts)

    name = format_lazy("{} {}", _("service level"), formula)
    parameters = ("T", "S", "B") if needs_kinds else ("T", "S")
    return Metric(name, str(said), Unit.SHARE, value, ABOVE, BELOW, VISITS, parameters)


def _time(states: str, name: Promise, formula: Promise) -> Metric:
    """Return the time in some states."""
    return Metric(name, formula, Unit.SECONDS, lambda sums: sums[states] / US, states, states, STATES, (), "presence")


def _share_of_time(above: str, below: str, name: Promise, formula: Promise) -> Metric:
    """Return the time in some states as a share of that in others."""
    return Metric(
        name, formula, Unit.SHARE, lambda sums: share(sums[above], sums[below]), above, below, STATES, (), "presence"
    )


METRICS: dict[str, Metric] = dict(
    (
        _count("offered", _("offered"), _("visits that entered the queue"), VISITS),
        _count("answered", _("answered"), _("visits accepted by a person"), VISITS),
        _count("abandoned", _("abandoned"), _("visits that the customer ended while waiting"), VISITS),
        _count("abandoned_short", _("short abandons"), _("abandoned with a wait of S or less"), VISITS),
        _count("callbacks", _("callbacks taken"), _("visits that ended in a callback instead of a wait"), VISITS),
        _count("flowed_out", _("flowed out"), _("visits that went on to another queue unanswered"), VISITS),
        _count("withdrawn", _("withdrawn"), _("visits that were taken back by ourselves"), VISITS),
        _count("blocked_b1", _("blocked: no line"), _("visits refused because no line was free"), VISITS),
        _count("blocked_b2", _("blocked: full"), _("visits refused by a full queue or the limit of waiting"), VISITS),
        _count("blocked_b3", _("blocked: rule"), _("visits refused by a rule (closed, blacklist)"), VISITS),
        _count("overflow_waited", _("overflow: waited"), _("visits to which an overflow by the time waited did something"), VISITS),
        _count("overflow_length", _("overflow: length"), _("visits to which an overflow by the length of the queue did something"), VISITS),
        _count("overflow_nobody", _("overflow: nobody"), _("visits to which an overflow did something because nobody was signed in"), VISITS),
        _count("overflow_hours", _("overflow: out of hours"), _("visits to which an overflow did something out of hours"), VISITS),
        _count("overflow_to_queue", _("overflow to a queue"), _("visits that an overflow sent to another queue"), VISITS),
        _count("overflow_to_callback", _("overflow to a callback"), _("visits to which an overflow offered a callback"), VISITS),
        _count("overflow_to_form", _("overflow to the form"), _("visits to which an overflow offered the form of a request"), VISITS),
        _count("overflow_to_message", _("overflow: message"), _("visits to which an overflow told something"), VISITS),
        _count("overflow_to_close", _("overflow: turned away"), _("visits that an overflow turned away with words"), VISITS),
        _count("foretold", _("waits foretold"), _("answered visits that had been told how long they would wait"), VISITS),
    )
) | {
    "abandonment": Metric(
        _("abandonment"), "L / (A + L)", Unit.SHARE,
        lambda sums: share(sums["abandoned"], sums["answered"] + sums["abandoned"]),
        "abandoned", "decided", VISITS,
    ),
    "abandonment_net": Metric(
        _("abandonment net of short"), "(L − L_S) / (A + L − L_S)", Unit.SHARE,
        lambda sums: share(
            sums["abandoned"] - sums["abandoned_short"],
            sums["answered"] + sums["abandoned"] - sums["abandoned_short"],
        ),
        "abandoned_net", "decided_net", VISITS, ("S",),
    ),
    "asa": Metric(
        _("speed of answer (ASA)"), _("sum of waits of answered / answered"), Unit.SECONDS,
        lambda sums: mean_s(sums["wait_us"], sums["answered"]), "answered", "answered", VISITS,
    ),
    "abandon_wait": Metric(
        _("wait until abandoning"), _("sum of waits of abandoned / abandoned"), Unit.SECONDS,
        lambda sums: mean_s(sums["lost_us"], sums["abandoned"]), "abandoned", "abandoned", VISITS,
    ),
    "longest_wait": Metric(
        _("longest wait of the interval"), _("the longest wait of those answered or abandoned"), Unit.SECONDS,
        lambda sums: sums["longest_us"] / US if sums["answered"] + sums["abandoned"] else None,
        "decided", "decided", VISITS,
    ),
    "estimate_bias_s": Metric(
        _("estimate of the wait: bias"),
        _("sum of (wait told first − wait from then until answered) / waits foretold"), Unit.SECONDS,
        lambda sums: mean_s(sums["foretold_us"], sums["foretold"]), "foretold", "foretold", VISITS,
    ),
    "estimate_mae_s": Metric(
        _("estimate of the wait: mean absolute error"),
        _("sum of |wait told first − wait from then until answered| / waits foretold"), Unit.SECONDS,
        lambda sums: mean_s(sums["foretold_abs_us"], sums["foretold"]), "foretold", "foretold", VISITS,
    ),
    "service_level": Metric(
        _("service level"), _("by the policy of the queue; of queues with different formulas there is none"), Unit.SHARE,
        lambda sums: service_level.level(sums.policy, sums.counts) if sums.policy else None,
        ABOVE, BELOW, VISITS, (_("policy"),),
    ),
    **{f"level_{formula.lower()}": _level(formula) for formula in FORMULAS},
    "handled": Metric(
        _("handled"), _("legs that were accepted and have ended"), Unit.COUNT,
        lambda sums: sums["handled"], "handled", "handled", LEGS,
    ),
    "aht": Metric(
        _("handling time (AHT)"),
        _("(talk, hold included, + wrap-up) / handled; what is not known to have lasted is left out of both"),
        Unit.SECONDS,
        lambda sums: mean_s(sums["talk_us"] + sums["wrapup_us"], sums["timed"]), "timed", "timed", LEGS,
    ),
    "talk": Metric(
        _("talk time"), _("from accepting to the end, hold included / handled"), Unit.SECONDS,
        lambda sums: mean_s(sums["talk_us"], sums["timed"]), "timed", "timed", LEGS,
    ),
    "wrapup": Metric(
        _("wrap-up time"), _("from the end to the end of the wrap-up / handled"), Unit.SECONDS,
        lambda sums: mean_s(sums["wrapup_us"], sums["timed"]), "timed", "timed", LEGS,
    ),
    "transferred": Metric(
        _("transferred"), _("handled legs that ended in a transfer"), Unit.COUNT,
        lambda sums: sums["transferred"], "transferred", "handled", LEGS,
    ),
    "transfer_rate": Metric(
        _("transfer rate"), _("handled contacts transferred / handled"), Unit.SHARE,
        lambda sums: share(sums["transferred"], sums["handled"]), "transferred", "handled", LEGS,
    ),
    "transfer_rate_blind": Metric(
        _("transfer rate: to a person (blind)"),
        _("handled contacts transferred to one person without asking him first / handled"), Unit.SHARE,
        lambda sums: share(sums["transferred_blind"], sums["handled"]),
        "transferred_blind", "handled", LEGS, (), "", ("transferred_blind",),
    ),
    "transfer_rate_queue": Metric(
        _("transfer rate: to a queue"), _("handled contacts transferred to a queue / handled"), Unit.SHARE,
        lambda sums: share(sums["transferred"] - sums["transferred_blind"], sums["handled"]),
        "transferred_queue", "handled", LEGS, (), "", ("transferred_blind",),
    ),
    "response_time": Metric(
        _("response time"),
        _("each reply − the customer's message it answers, charged to who held the contact as he was answered / replies"),
        Unit.SECONDS, lambda sums: mean_s(sums["response_us"], sums["responses"]),
        "responding", "responding", MESSAGES, (), "", ("responses", "response_us"),
    ),
    "contacts": Metric(
        _("contacts"), _("agents + bot + queue"), Unit.COUNT,
        lambda sums: sums["contacts"] + sums["menu"], EVERYBODY, EVERYBODY, CONTACTS,
    ),
    "agents": Metric(
        _("with agents"), _("contacts that a person answered, in whatever queue"), Unit.COUNT,
        lambda sums: sums["agents"], "agents", "contacts", CONTACTS,
    ),
    "bot": Metric(
        _("in the bot"), _("contacts that ended in the menu or with the bot and came to no queue"), Unit.COUNT,
        lambda sums: sums["menu"], "menu", "menu", CONTACTS,
    ),
    "queue": Metric(
        _("in the queue"), _("contacts that came to a queue and were not answered (yet)"), Unit.COUNT,
        lambda sums: sums["contacts"] - sums["agents"], "unanswered", "contacts", CONTACTS,
    ),
    "first_response": Metric(
        _("first response time"), _("first human reply − arrival in the queue, in wall time / replied to"), Unit.SECONDS,
        lambda sums: mean_s(sums["reply_us"], sums["replied"]), "replied", "replied", CONTACTS,
    ),
    "first_response_open": Metric(
        _("first response in business time"),
        _("first human reply − arrival in the queue, of it the opening hours of the queue alone / replied to"),
        Unit.SECONDS, lambda sums: mean_s(sums["business_us"], sums["business"]),
        "replied", "replied", CONTACTS, (_("opening hours"),), "business",
    ),
    **{
        f"reaction_{edge}": Metric(
            format_lazy("{} {} {}", _("reaction within"), edge, _("s")),
            _("first replies within the time / replied to"), Unit.SHARE,
            lambda sums, code=f"reply_{edge}": share(sums[code], sums["replied"]),  # type: ignore[misc]
            f"reply_{edge}", "replied", CONTACTS,
        )
        for edge in REACTION_EDGES
    },
    "reaction_late": Metric(
        _("reaction above 30 s"), _("first replies after more than 30 s / replied to"), Unit.SHARE,
        lambda sums: share(sums["replied"] - sums["reply_30"], sums["replied"]), "reply_late", "replied", CONTACTS,
    ),
    "rated": Metric(
        _("ratings"), _("contacts with a rating of satisfaction"), Unit.COUNT,
        lambda sums: sums["rated"], "rated", "rated", SURVEYS,
    ),
    "csat": Metric(
        _("satisfaction (CSAT)"), _("ratings 4 and 5 of 5 / ratings"), Unit.SHARE,
        lambda sums: share(sums["satisfied"], sums["rated"]), "satisfied", "rated", SURVEYS,
    ),
    "dsat": Metric(
        _("dissatisfaction (DSAT)"), _("ratings 1 and 2 of 5 / ratings"), Unit.SHARE,
        lambda sums: share(sums["dissatisfied"], sums["rated"]), "dissatisfied", "rated", SURVEYS,
    ),
    "ces": Metric(
        _("effort (CES)"), _("mean of the agreement, 1 to 7, that it was easy"), Unit.SCORE,
        lambda sums: share(sums["effort_sum"], sums["efforts"]), "efforts", "efforts", SURVEYS,
    ),
    "repeat_rate": Metric(
        _("repeat rate"),
        _("contacts with an earlier one of the same customer and topic within W / contacts of known customers and topics"),
        Unit.SHARE, lambda sums: share(sums["repeats"], sums["issue_contacts"]),
        "repeats", "issue_contacts", CONTACTS, (_("W = 7 days"),), "issues",
    ),
    "fcr": Metric(
        _("solved at the first contact (FCR)"),
        _("issues (customer and topic, over all channels) with one contact within W / issues whose W is over"),
        Unit.SHARE, lambda sums: share(sums["solved_first"], sums["issues"]),
        "solved_first", "issues", CONTACTS, (_("W = 7 days"),), "issues",
    ),
    "solved": Metric(
        _("cases solved"), _("cases that were solved or closed in the interval"), Unit.COUNT,
        lambda sums: sums["solved"], "solved", "solved", CASES, (), "cases",
    ),
    "resolution_time": Metric(
        _("resolution time"), _("(solved − opened − time it was agreed to wait) / cases solved"), Unit.SECONDS,
        lambda sums: mean_s(sums["solved_us"], sums["solved"]), "solved", "solved", CASES, (), "cases",
    ),
    "login_s": _time("login_us", _("signed in"), _("time in all states but offline")),
    "available_s": _time("available_us", _("available"), _("time available without a contact")),
    "handling_s": _time("handling_us", _("busy"), _("time with contacts and in wrap-up; several at once count once")),
    "pause_s": _time("pause_us", _("on a pause"), _("time on pauses")),
    "meeting_s": _time("meeting_us", _("in meetings"), _("time in meetings that were planned; no pause")),
    "training_s": _time("training_us", _("in trainings"), _("time in trainings that were planned; no pause")),
    "not_responding_s": _time(
        "not_responding_us", _("not responding"), _("time from an offer that was not accepted until he is ready again")
    ),
    "occupancy": _share_of_time(
        "handling_us", "ready_us", _("occupancy"), _("busy / (busy + available without a contact)")
    ),
    "utilisation": _share_of_time(
        "productive_us", "login_us", _("utilisation"),
        _("(busy + meetings + trainings) / signed in; the time signed in stands for the paid time"),
    ),
    "shrinkage": _share_of_time(
        "shrunk_us", "login_us", _("shrinkage"),
        _("1 − (busy + available) / signed in; the time signed in stands for the paid time"),
    ),
}  # fmt: skip

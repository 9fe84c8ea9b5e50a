"""Where a queue sends contacts on: what is wrong with its rules of overflow and with that for frequent customers."""

from collections.abc import Iterable, Iterator, Mapping

from django.utils.translation import gettext as _

from routing.choices import Then, When
from routing.models.overflow import COUNTED, WORDED
from routing.overflow import never_asked
from routing.rules.document import Settings

# The field at which it is wrong, what kind of a fault it is, words that say what to do.
Wrong = tuple[str, str, str]
Queues = Mapping[str, Settings]
# Fields of the rule for frequent customers.
FREQUENT = "frequent"


def wrong(ident: str, queues: Queues) -> Iterator[Wrong]:
    """Yield what is wrong where a queue sends contacts on. The fields of the first rule of overflow end with 0."""
    one = queues[ident]
    for number, rule in enumerate(one["overflow"]):
        yield from ((f"{field}-{number}", code, words) for field, code, words in _of_rule(ident, rule, queues))
    asked = [(rule["when"], rule["then"], rule["limit"] or 0) for rule in one["overflow"]]
    for number in never_asked(asked):
        words = _("A rule before it always acts first. Put this one above it, or delete it.")
        yield f"when-{number}", "unasked", words
    if one["frequent"]:
        yield from _of_frequent(ident, one["frequent"], queues)


def _of_rule(ident: str, rule: Settings, queues: Queues) -> Iterator[Wrong]:
    one = queues[ident]
    if rule["when"] in COUNTED and not rule["limit"]:
        yield "limit", "limit", _("Write how many seconds, or how many contacts.")
    if rule["when"] == When.HOURS and one["hours"] is None:
        words = _("%(queue)s is open day and night: choose business hours, or delete this rule.")
        yield "when", "open", words % {"queue": one["name"]}
    if rule["when"] == When.LENGTH and one["max_waiting"] and (rule["limit"] or 0) > one["max_waiting"]:
        words = _("At most %(most)s may wait here, so many never do: write fewer, or let more wait.")
        yield "limit", "beyond", words % {"most": one["max_waiting"]}
    if rule["then"] == Then.CALLBACK and not one["callbacks"]:
        words = _("Nobody is called back from this queue: switch its callbacks on, or choose another outcome.")
        yield "then", "callbacks", words
    if rule["then"] in WORDED and not (rule["words"] or rule["words_ru"]):
        yield "words", "words", _("Write what the visitor is told.")
    if rule["then"] == Then.QUEUE:
        yield from (("to", code, words) for code, words in _of_target(ident, rule["to"], queues))


def _of_target(ident: str, target: int | None, queues: Queues) -> Iterator[tuple[str, str]]:
    if target is None:
        yield "target", _("Choose the queue that takes him.")
        return
    if is_off := _is_off(ident, target, queues):
        yield "off", is_off
    way = circle(ident, str(target), queues)
    if way:
        words = _("Contacts would go in a circle: %(circle)s. Choose another queue, or none.")
        yield "circle", words % {"circle": " → ".join(str(queues[step]["name"]) for step in way)}


def _is_off(ident: str, target: int, queues: Queues) -> str:
    """Say that a queue takes nobody; "" if it does."""
    following = queues.get(str(target))
    if following is not None and following["active"]:
        return ""
    words = _("%(queue)s goes on to %(target)s, which is switched off: choose another queue, or none.")
    return words % {"queue": queues[ident]["name"], "target": following["name"] if following else f"#{target}"}


def circle(ident: str, target: str, queues: Queues) -> list[str]:
    """Return the shortest way from a queue over its target back to it, by whatever rules; nothing if there is none."""
    ways = {target: [ident, target]}
    ahead = [target]
    for here in ahead:
        if here == ident:
            return ways[here]
        for onward in targets(queues[here]["overflow"]) if here in queues else ():
            if str(onward) not in ways:
                ways[str(onward)] = [*ways[here], str(onward)]
                ahead.append(str(onward))
    return []


def targets(rules: Iterable[Settings]) -> list[int]:
    """Return the queues to which rules of overflow lead, in the order of the rules."""
    return [rule["to"] for rule in rules if rule["to"] is not None]


def _of_frequent(ident: str, rule: Settings, queues: Queues) -> Iterator[Wrong]:
    if str(rule["to"]) == ident:
        yield f"{FREQUENT}-to", "same", _("Choose another queue: this one is the first line.")
    elif is_off := _is_off(ident, rule["to"], queues):
        yield f"{FREQUENT}-to", "off", is_off

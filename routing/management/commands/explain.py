"""manage.py explain W-12: who was considered for a contact, when, and why this one."""

import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from routing import explain, explain_waits, preferences
from routing.models import Skill, WorkItem
from routing.strategies import Needs


class Command(BaseCommand):
    """Explain the offers of a work item."""

    help = "Explain who was considered for a work item, when, and why this operator."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the number of the item."""
        parser.add_argument("item", metavar="WORKITEM", help="its number: 12 or W-12")
        parser.add_argument("--json", action="store_true", help="for a program")

    def handle(self, *_args: Any, **said: Any) -> None:
        """Print it."""
        number = str(said["item"]).upper().removeprefix("W-")
        item = WorkItem.objects.select_related("queue").filter(pk=int(number)).first() if number.isdecimal() else None
        if item is None:
            raise CommandError(f"There is no work item {said['item']}. Give its number: 12 or W-12.")
        skills = {skill.pk: skill.name for skill in Skill.objects.all()}
        offers, waits = explain.offers_of(item), explain_waits.waits_of(item)
        if said["json"]:
            told = json.dumps({**_as_json(item, offers), "waits": _waits_as_json(waits)}, indent=2)
        else:
            told = "\n".join(_as_text(item, offers, skills) + _waits_as_text(waits, skills))
        self.stdout.write(told)


def _waits_as_json(waits: explain_waits.Waits | None) -> dict[str, Any] | None:
    if waits is None:
        return None
    return {
        "waited_s": waits.waited_s,
        "needs": waits.needs,
        "next_at": _iso(waits.next_at),
        "next_needs": waits.next_needs,
        "meant_for": waits.meant_for,
        "meant_until": _iso(waits.meant_until),
        "only_meant": waits.only_meant,
        "paused_until": _iso(waits.paused_until),
        "candidates": [
            {**_candidate_as_json(one), "lacks": one.lacks, "able_at": _iso(one.able_at)} for one in waits.candidates
        ],
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _candidate_as_json(one: explain.Candidate) -> dict[str, Any]:
    return {
        "operator": one.operator,
        "name": one.name,
        "verdict": one.verdict,
        "fit": one.fit,
        "load": one.load,
        "capacity": one.capacity,
        "state": one.state,
        "state_since": _iso(one.state_since),
    }


def _as_json(item: WorkItem, offers: list[explain.Offer]) -> dict[str, Any]:
    return {
        "item": item.pk,
        "session": item.interaction_id,
        "queue": item.queue.name,
        "entered_at": item.entered_at.isoformat(),
        "waits_since": item.waits_since.isoformat(),
        "outcome": item.outcome or item.visit,
        "priority": item.priority,
        "steps": item.steps,
        "segments": item.segments,
        "frequent": item.frequent,
        "offers": [
            {
                "offered_at": offer.leg.offered_at.isoformat(),
                "waited_s": offer.waited_s,
                "operator": offer.leg.operator_id,
                "end": offer.leg.end or offer.leg.leg,
                "needs": offer.needs,
                "why": offer.why,
                "candidates": [_candidate_as_json(one) for one in offer.candidates],
            }
            for offer in offers
        ],
    }


def _grounds(item: WorkItem) -> list[str]:
    """Say why it came here, and what of its priority follows from the order of channels, topics and segments."""
    said = []
    if item.steps:
        said.append(f"{item.steps} of its priority by the order of channels, topics and segments")
    if item.segments:
        said.append(f"customer of: {', '.join(item.segments)}")
    if item.frequent:
        said.append(preferences.frequent_words(item.frequent, "en"))
    return said


def _as_text(item: WorkItem, offers: list[explain.Offer], skills: dict[int, str]) -> list[str]:
    lines = [
        f"W-{item.pk} of session S-{item.interaction_id} in {item.queue.name}, priority {item.priority}",
        f"entered {item.entered_at:%Y-%m-%d %H:%M:%S}, waits since {item.waits_since:%H:%M:%S} UTC: {item.outcome or item.visit}",
    ]
    lines += _grounds(item)
    if not offers:
        lines.append("It was offered to nobody.")
    for offer in offers:
        asked = _asked(offer.needs, skills)
        end = offer.leg.end or offer.leg.leg
        lines.append("")
        lines.append(f"{offer.leg.offered_at:%H:%M:%S} after {offer.waited_s:.1f} s, asked for {asked}:")
        lines.append(f"offered to {offer.leg.operator.name} ({offer.why.get('how', '')}), {end}")
        lines.append(f"  {'operator':24} {'verdict':15} {'fit':>4} {'load':>6}  state")
        for one in offer.candidates:
            since = f" since {one.state_since:%H:%M:%S}" if one.state_since else ""
            load = f"{one.load}/{one.capacity}"
            lines.append(f"  {one.name[:24]:24} {one.verdict:15} {one.fit:>4} {load:>6}  {one.state}{since}")
    return lines


def _asked(needs: Needs, skills: dict[int, str]) -> str:
    return ", ".join(f"{skills.get(skill, skill)} >= {level}" for skill, level in needs) or "nothing"


def _waits_as_text(waits: explain_waits.Waits | None, skills: dict[int, str]) -> list[str]:
    """Say why nobody takes what still waits."""
    if waits is None:
        return []
    lines = ["", f"It waits for {waits.waited_s:.1f} s, asked for {_asked(waits.needs, skills)}:"]
    if waits.next_at:
        lines.append(f"from {waits.next_at:%H:%M:%S} asked for {_asked(waits.next_needs, skills)}")
    if waits.meant_for:
        until = f" until {waits.meant_until:%H:%M:%S}" if waits.meant_until else ""
        lines.append(f"meant {'only ' if waits.only_meant else 'first '}for {waits.meant_for}{until}")
    if waits.paused_until:
        lines.append(f"its queue hands out nothing until {waits.paused_until:%H:%M:%S}")
    lines.append(f"  {'operator':24} {'why not':15} {'from':>8} {'load':>6}  state")
    for one in waits.candidates:
        able = f"{one.able_at:%H:%M:%S}" if one.able_at else "now" if one.verdict == "free" else "-"
        lacks = f", lacks {_asked(one.lacks, skills)}" if one.lacks else ""
        load = f"{one.load}/{one.capacity}"
        lines.append(f"  {one.name[:24]:24} {one.verdict:15} {able:>8} {load:>6}  {one.state}{lacks}")
    return lines

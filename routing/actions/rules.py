"""The rules that supervisors set: checked as a whole, written at once, kept in versions. Every act is audited."""

from dataclasses import asdict, replace
from datetime import date
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from cxcenter.accounts.models import Team, User
from cxcenter.accounts.roles import Right
from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Forbidden, Invalid, NotFound
from cxcenter.core.events import announce
from routing import locks
from routing.actions import queueing
from routing.choices import Visit
from routing.events import RoomMade
from routing.models import (
    BusinessHours,
    FrequentRule,
    Holiday,
    OpeningInterval,
    Overflow,
    PauseReason,
    Queue,
    QueueMember,
    RuleVersion,
    WorkItem,
)
from routing.querysets import teams_of
from routing.rules import document as rules
from routing.rules.document import HOURS, LINKS, PAUSES, QUEUES, Document, Settings, row_columns
from routing.rules.faults import Fault, World, at, faults

if TYPE_CHECKING:
    from collections.abc import Iterable

# The number of a thing that is not there yet begins so.
NEW = "new"
WEIGHTS = ("priority_weight", "wait_weight")


@transaction.atomic
def save_rules(*, edit: Document, why: str, actor: User, seen: str = "", act: str = "rules.save") -> RuleVersion:
    """Change rules: everything in `edit`, whole settings by sort and number, or nothing.

    What is to come has the number NEW; a queue then names its `team`, which is no setting. `seen` is the mark of what stood there when the change was thought out. Raises Invalid with `faults` (field and
    message of each) for rules that cannot be, Conflict for a change that somebody else was faster with or that is
    none, Forbidden for what other teams' queues keep.
    """
    locks.lock_rules()
    present = rules.current()
    refuse_foreign(edit, present, actor)
    refuse_stale(edit, present, seen)
    wanted = rules.merged(present, edit)
    refuse(present, wanted)
    if not rules.changes(present, wanted):
        raise Conflict(_("Nothing is changed."), code="same")
    number = _note_outside(present) + 1
    _write(edit, present, number)
    state = rules.current()
    found = rules.changes(present, state)
    version = RuleVersion.objects.create(
        number=number,
        made_by=actor,
        why=why.strip()[:300],
        changes=[asdict(change) for change in found],
        state=state,
    )
    fields = [f"{change.sort}:{change.id} {change.field}".strip() for change in found]
    audit.record(actor, act, f"rules:{number}", changed=fields)
    return version


def refuse_stale(edit: Document, present: Document, seen: str) -> None:
    """Raise Conflict if what was seen of the things of `edit` stands there no longer; nothing seen is nothing to compare."""
    if seen and seen != rules.digest(rules.part(present, edit)):
        words = _(
            "Somebody has changed these rules meanwhile. Open them again in another tab: what you wrote stays here."
        )
        raise Conflict(words, code="stale")


def refuse(present: Document, wanted: Document) -> None:
    """Raise Invalid with all that the change makes wrong; what was wrong before stands in nobody's way."""
    world = World.read()
    known = set(faults(present, world))
    found = [fault for fault in faults(wanted, world) if fault not in known]
    found = [*_told_where_changed(found, present, wanted)]
    if found:
        raise Invalid(found[0].message, field=found[0].field, code=found[0].code, faults=told(found))


def _told_where_changed(found: "Iterable[Fault]", present: Document, wanted: Document) -> "Iterable[Fault]":
    """Yield faults as the page of what is changed tells them: those of other things at no field of it, a circle once."""
    for fault in found:
        is_changed = present[fault.sort].get(fault.id) != wanted[fault.sort][fault.id]
        # A name that two have is wrong at either.
        if is_changed or fault.code == "name":
            yield fault
        elif fault.code != "circle":
            yield replace(fault, field="")


def told(found: "Iterable[Fault]") -> list[dict[str, str]]:
    """Return faults as an answer tells them."""
    return [{"field": fault.field, "message": fault.message} for fault in found]


def refuse_foreign(edit: Document, present: Document, actor: User) -> None:
    """Raise Forbidden for queues of other teams and hours that they keep, Invalid for members of other teams."""
    if not actor.may(Right.CONTROL):
        raise Forbidden(_("Rules are set by supervisors."))
    own = own_queues(actor)
    if set(edit.get(QUEUES, {})) - own - {NEW}:
        raise Forbidden(_("This queue belongs to another team."))
    if NEW in edit.get(QUEUES, {}):
        _refuse_foreign_team(edit[QUEUES][NEW]["team"], actor)
    for ident in edit.get(HOURS, {}):
        others = keepers(ident, present) - own
        if others:
            names = ", ".join(sorted(present[QUEUES][queue]["name"] for queue in others))
            words = _("These hours are kept by queues of other teams too: %(queues)s. Make hours of your own.")
            raise Forbidden(words % {"queues": names})
    for ident, settings in edit.get(QUEUES, {}).items():
        came = set(settings["members"]) - set(present[QUEUES].get(ident, {}).get("members", ()))
        if came - set(User.objects.filter(teams_of(actor), pk__in=came).values_list("pk", flat=True)):
            raise Invalid(_("Choose members of your own teams."), field="members")


def _refuse_foreign_team(team: int, actor: User) -> None:
    own = Team.objects.all() if actor.may(Right.EVERY_TEAM) else actor.supervised_teams.all()
    if not own.filter(pk=team).exists():
        raise Forbidden(_("Make queues for your own teams."))


def own_queues(actor: User) -> set[str]:
    """Return the queues the actor controls, as a document names them."""
    return {str(pk) for pk in Queue.objects.controlled_by(actor).values_list("pk", flat=True)}


def keepers(hours: str, document: Document) -> set[str]:
    """Return the queues that keep business hours."""
    return {ident for ident, queue in document[QUEUES].items() if str(queue["hours"]) == hours}


@transaction.atomic
def put_back(*, version: RuleVersion, why: str, actor: User) -> RuleVersion:
    """Put what an old version says of the actor's queues, hours and pause reasons in force, as a new version.

    What came after it stays, what is gone stays gone. Raises as save_rules does.
    """
    locks.lock_rules()
    edit = back_to(version, actor)
    if not any(edit.values()):
        raise Conflict(_("Your rules are those of that version already."), code="same")
    return save_rules(edit=edit, why=why, actor=actor, act="rules.back")


def back_to(version: RuleVersion, actor: User) -> Document:
    """Return what would bring an old version back: all that differs, is still there and is the actor's to set."""
    present, own = rules.current(), own_queues(actor)
    people = set(User.objects.filter(is_active=True).values_list("pk", flat=True))
    edit: Document = {sort: {} for sort in rules.SORTS}
    for sort, things in present.items():
        for ident, settings in things.items():
            old = version.state.get(sort, {}).get(ident)
            is_own = {QUEUES: ident in own, HOURS: keepers(ident, present) <= own, PAUSES: True}[sort]
            if old is None or not is_own:
                continue
            # A setting that came later keeps its value.
            wanted = {**settings, **{name: value for name, value in old.items() if name in settings}}
            if sort == QUEUES:
                wanted["members"] = [user for user in wanted["members"] if user in people]
            if wanted != settings:
                edit[sort][ident] = wanted
    return edit


def made_later(version: RuleVersion, actor: User) -> list[str]:
    """Return the names of the actor's queues that a version does not know: putting it back leaves them as they are."""
    known = [int(ident) for ident in version.state.get(QUEUES, {})]
    return list(
        Queue.objects.controlled_by(actor).exclude(pk__in=known).order_by("name").values_list("name", flat=True)
    )


def version_of(number: int) -> RuleVersion:
    """Return a version. Raises NotFound."""
    version = RuleVersion.objects.select_related("made_by").filter(number=number).first()
    if version is None:
        raise NotFound(_("There is no such version of the rules."))
    return version


def _note_outside(present: Document) -> int:
    """Note as a version of its own what was changed past the rules' screen; return the number of the last version."""
    last = RuleVersion.objects.first()
    # What a later release has added to the settings is nobody's change.
    if last is not None and not rules.changes(last.state, present):
        return last.number
    found = rules.changes(last.state, present) if last else []
    number = last.number + 1 if last else 1
    RuleVersion.objects.create(number=number, outside=True, changes=[asdict(change) for change in found], state=present)
    return number


def _write(edit: Document, present: Document, number: int) -> None:
    for ident, settings in edit.get(HOURS, {}).items():
        _write_hours(ident, settings)
    for ident, settings in edit.get(PAUSES, {}).items():
        if ident.startswith(NEW):
            PauseReason.objects.create(**settings)
        else:
            PauseReason.objects.filter(pk=int(ident)).update(**settings)
    queues = dict(edit.get(QUEUES, {}))
    if (wanted := queues.pop(NEW, None)) is not None:
        announce(RoomMade(queues=[_make_queue(wanted, number)]))
    changed = sorted(int(ident) for ident, settings in queues.items() if settings != present[QUEUES][ident])
    # All that wait there, in the order of the locks, before some of them get other places.
    if any(queues[str(pk)][name] != present[QUEUES][str(pk)][name] for pk in changed for name in WEIGHTS):
        waiting = WorkItem.objects.filter(queue__in=changed).exclude(visit=Visit.LEFT)
        locks.lock_items(waiting.values_list("pk", flat=True))
    for pk in changed:
        _write_queue(pk, queues[str(pk)], number)
    if changed:
        announce(RoomMade(queues=changed))


def _make_queue(wanted: Settings, number: int) -> int:
    """Make a queue with all its settings. Returns its number."""
    made = Queue.objects.create(team_id=wanted["team"], name=wanted["name"])
    _write_queue(made.pk, wanted, number)
    return made.pk


def _write_queue(pk: int, wanted: Settings, number: int) -> None:
    """Write what differs and nothing else: a queue that was closed meanwhile stays closed."""
    queue = Queue.objects.get(pk=pk)
    start = queueing.head_start(queue, 1)
    columns = [name for name in rules.QUEUE if getattr(queue, LINKS.get(name, name)) != wanted[name]]
    for name in columns:
        setattr(queue, LINKS.get(name, name), wanted[name])
    queue.rules_version = number
    queue.save(update_fields=[*columns, "rules_version"])
    if start != queueing.head_start(queue, 1):
        queueing.reorder(queue=queue, before=start)
    _write_overflows(queue, wanted["overflow"])
    if wanted["frequent"]:
        FrequentRule.objects.update_or_create(queue=queue, defaults=row_columns(wanted["frequent"]))
    else:
        FrequentRule.objects.filter(queue=queue).delete()
    _write_members(queue, set(wanted["members"]))


def _write_overflows(queue: Queue, wanted: list[Settings]) -> None:
    """Write rules of overflow in their order. One that is as it was stays the same row: whom it has told is told once."""
    kept = list(queue.overflows.all())
    for place, settings in enumerate(wanted):
        row = next((one for one in kept if rules.row_settings(one, rules.OVERFLOW) == settings), None)
        if row is None:
            Overflow.objects.create(queue=queue, place=place, **row_columns(settings))
            continue
        kept.remove(row)
        if row.place != place:
            row.place = place
            row.save(update_fields=["place"])
    Overflow.objects.filter(pk__in=[row.pk for row in kept]).delete()


def _write_members(queue: Queue, members: set[int]) -> None:
    QueueMember.objects.filter(queue=queue, until=None).exclude(user__in=members).delete()
    # Who is lent and now stays: his time is taken off.
    QueueMember.objects.filter(queue=queue, user__in=members).exclude(until=None).update(until=None)
    known = set(QueueMember.objects.filter(queue=queue).values_list("user_id", flat=True))
    QueueMember.objects.bulk_create(QueueMember(queue=queue, user_id=user) for user in sorted(members - known))


def _write_hours(ident: str, wanted: Settings) -> None:
    if ident.startswith(NEW):
        hours = BusinessHours.objects.create(name=wanted["name"], zone=wanted["zone"])
    else:
        hours = BusinessHours.objects.get(pk=int(ident))
        hours.name, hours.zone = wanted["name"], wanted["zone"]
        hours.save(update_fields=["name", "zone"])
        hours.intervals.all().delete()
        hours.holidays.all().delete()
    OpeningInterval.objects.bulk_create(
        OpeningInterval(hours=hours, day=day, opens=at(opens), closes=at(closes))
        for day, opens, closes in wanted["intervals"]
    )
    Holiday.objects.bulk_create(
        Holiday(
            hours=hours,
            date=date.fromisoformat(day),
            name=name,
            opens=at(opens) if opens else None,
            closes=at(closes) if closes else None,
        )
        for day, name, opens, closes in wanted["holidays"]
    )

"""Acts on cases and tasks, and linking sessions to customers and cases by hand."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.locks import hold_profile
from customers.models import Profile
from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.events import emit
from interactions.choices import CaseKind, CaseStatus, Priority, TaskKind
from interactions.events import CaseChanged, CaseLinked, CaseOpened, InteractionLinked, TaskCreated, TaskDone
from interactions.models import Case, CaseLink, Interaction, Task, Thread

if TYPE_CHECKING:
    from cxcenter.accounts.models import Team, User

SUBJECT_LIMIT = 200
TIMES = ("resolved_at", "waited", "waiting_since")
CASE_FIELDS = {"kind", "topic", "subject", "text", "priority", "status", "owner", "due_at"}


@transaction.atomic
def register_case(
    *, actor: "User", profile: Profile | None, interaction: Interaction | None = None, **fields: Any
) -> Case:
    """Register a case, linked to the session it came from. `fields` are those of CASE_FIELDS.

    Raises Gone if the customer was erased.
    """
    _check_case_fields(fields)
    _hold(profile)
    case = Case(profile=profile, opened_by=actor, **{"owner": actor, **fields})
    case.resolved_at = None if case.is_open else case.opened_at
    case.waiting_since = case.opened_at if case.status == CaseStatus.WAITING else None
    case.save(force_insert=True)
    if interaction is not None:
        CaseLink.objects.create(case=case, interaction=interaction, linked_by=actor)
    emit(CaseOpened(case=case.pk, kind=case.kind), profile_id=profile.pk if profile else None, actor_id=actor.pk)
    return case


def _hold(profile: Profile | None) -> None:
    if profile is not None:
        hold_profile(profile.pk)


@transaction.atomic
def change_case(*, case_id: int, version: int | None, actor: "User", **fields: Any) -> Case:
    """Change a case. Raises Conflict if a colleague changed it since `version`."""
    _check_case_fields(fields)
    case = Case.objects.select_for_update().get(pk=case_id)
    if version is not None and version != case.version:
        raise Conflict(_("A colleague has changed this case. Reload it and repeat your change."), code="stale")
    changed = sorted(name for name, value in fields.items() if getattr(case, name) != value)
    if not changed:
        return case
    for name in changed:
        setattr(case, name, fields[name])
    if "status" in changed:
        _set_times(case, timezone.now())
    case.version += 1
    case.save(update_fields=[*changed, *TIMES, "version"])
    audit.record(actor, "case.change", f"case:{case.pk}", fields=changed)
    emit(CaseChanged(case=case.pk, status=case.status, fields=changed), profile_id=case.profile_id, actor_id=actor.pk)
    return case


def _set_times(case: Case, now: datetime) -> None:
    """Note on a case whose status is another now when it was solved, and how long it has waited."""
    case.resolved_at = None if case.is_open else (case.resolved_at or now)
    if case.waiting_since is not None:
        case.waited += now - case.waiting_since
    case.waiting_since = now if case.status == CaseStatus.WAITING else None


def _check_case_fields(fields: dict[str, Any]) -> None:
    unknown = set(fields) - CASE_FIELDS
    if unknown:
        raise Invalid(_("There is no such field: %(field)s.") % {"field": min(unknown)}, field=min(unknown))
    if "subject" in fields and not fields["subject"].strip():
        raise Invalid(_("Say in a few words what the case is about."), field="subject")
    if len(fields.get("subject", "")) > SUBJECT_LIMIT:
        raise Invalid(_("Too long: %(limit)s characters at most.") % {"limit": SUBJECT_LIMIT}, field="subject")
    if "status" in fields and fields["status"] not in CaseStatus.values:
        raise Invalid(_("There is no such status."), field="status")
    if "kind" in fields and fields["kind"] not in CaseKind.values:
        raise Invalid(_("There is no such kind."), field="kind")
    if "priority" in fields and fields["priority"] not in Priority.values:
        raise Invalid(_("There is no such priority."), field="priority")


@transaction.atomic
def link_case(*, case: Case, interaction: Interaction, actor: "User") -> None:
    """Attach a session to a case. Repeating it changes nothing."""
    _link, made = CaseLink.objects.get_or_create(case=case, interaction=interaction, defaults={"linked_by": actor})
    if made:
        audit.record(actor, "case.link", f"case:{case.pk}", interaction=interaction.pk)
        _tell_attached(case, interaction, actor, linked=True)


@transaction.atomic
def unlink_case(*, case: Case, interaction: Interaction, actor: "User") -> None:
    """Detach a session from a case."""
    deleted, _rows = CaseLink.objects.filter(case=case, interaction=interaction).delete()
    if deleted:
        audit.record(actor, "case.unlink", f"case:{case.pk}", interaction=interaction.pk)
        _tell_attached(case, interaction, actor, linked=False)


def _tell_attached(case: Case, interaction: Interaction, actor: "User", *, linked: bool) -> None:
    """Tell the customer whose case it is; if it is nobody's, him whose session it is."""
    fact = CaseLinked(case=case.pk, interaction=interaction.pk, linked=linked)
    emit(fact, profile_id=case.profile_id or interaction.profile_id, actor_id=actor.pk)


@transaction.atomic
def link_case_to_customer(*, case_id: int, profile: Profile | None, actor: "User") -> int | None:
    """Put a case on somebody's card, or on nobody's. Returns the profile it was on, for an undo. Both cards get a fact."""
    case = Case.objects.select_for_update().get(pk=case_id)
    before, after = case.profile_id, profile.pk if profile else None
    if before == after:
        return before
    case.profile = profile
    case.version += 1
    case.save(update_fields=["profile", "version"])
    audit.record(actor, "case.customer", f"case:{case.pk}", before=before, after=after)
    for ident, linked in ((before, False), (after, True)):
        if ident is not None:
            emit(CaseLinked(case=case.pk, linked=linked), profile_id=ident, actor_id=actor.pk)
    return before


@transaction.atomic
def link_customer(*, interaction_id: int, profile: Profile | None, actor: "User") -> int | None:
    """Put a session on somebody's card, or on nobody's. Returns the profile it was on, for an undo.

    Both cards get a fact, since facts are never rewritten: the session is on the one's timeline now, and off the other's.
    Raises Gone if the customer was erased.
    """
    # The thread first, as everything that locks both does.
    thread = Thread.objects.select_for_update(of=("self",)).get(interactions=interaction_id)
    interaction = Interaction.objects.select_for_update().get(pk=interaction_id)
    before, after = interaction.profile_id, profile.pk if profile else None
    if before == after:
        return before
    _hold(profile)
    interaction.profile = profile
    interaction.save(update_fields=["profile"])
    if profile is not None:
        _lead_thread(thread, interaction, profile)
    audit.record(actor, "interaction.link", f"interaction:{interaction.pk}", before=before, after=after)
    for ident, linked in ((before, False), (after, True)):
        if ident is not None:
            fact = InteractionLinked(interaction=interaction.pk, kind=interaction.kind, linked=linked)
            emit(fact, profile_id=ident, actor_id=actor.pk)
    return before


def _lead_thread(thread: Thread, interaction: Interaction, profile: Profile) -> None:
    """Let the visitor's next sessions open on the same card. Only his last session tells who he is now."""
    if not thread.interactions.filter(pk__gt=interaction.pk).exists():
        thread.profile = profile
        thread.save(update_fields=["profile"])


@transaction.atomic
def create_task(
    *,
    title: str,
    kind: str = TaskKind.TODO,
    actor: "User | None" = None,
    assignee: "User | None" = None,
    team: "Team | None" = None,
    profile: Profile | None = None,
    case: Case | None = None,
    interaction: Interaction | None = None,
    due_at: datetime | None = None,
    text: str = "",
    contact: str = "",
) -> Task:
    """Ask a person, or whoever of a team takes it, to do something by a time. Raises Gone if the customer was erased."""
    _hold(profile)
    if not title.strip():
        raise Invalid(_("Say what is to be done."), field="title")
    if assignee is None and team is None:
        raise Invalid(_("Choose who shall do it: a person or a team."), field="assignee")
    task = Task.objects.create(
        title=title.strip()[:200],
        kind=kind,
        created_by=actor,
        assignee=assignee,
        team=team,
        profile=profile,
        case=case,
        interaction=interaction,
        due_at=due_at,
        text=text,
        contact=contact,
    )
    emit(
        TaskCreated(task=task.pk, kind=kind),
        profile_id=profile.pk if profile else None,
        actor_id=actor.pk if actor else None,
    )
    return task


@transaction.atomic
def finish_task(*, task_id: int, actor: "User") -> Task:
    """Mark a task as done. Repeating it changes nothing."""
    task = Task.objects.select_for_update().get(pk=task_id)
    if task.done_at is None:
        task.done_at, task.done_by = timezone.now(), actor
        task.save(update_fields=["done_at", "done_by"])
        emit(TaskDone(task=task.pk, kind=task.kind), profile_id=task.profile_id, actor_id=actor.pk)
    return task


@transaction.atomic
def reopen_task(*, task_id: int, actor: "User") -> Task:
    """Undo "done"."""
    task = Task.objects.select_for_update().get(pk=task_id)
    task.done_at = task.done_by = None
    task.save(update_fields=["done_at", "done_by"])
    audit.record(actor, "task.reopen", f"task:{task.pk}")
    return task


@transaction.atomic
def take_task(*, task_id: int, actor: "User") -> Task:
    """Take a task that belongs to the whole team. Raises Conflict if a colleague was faster."""
    task = Task.objects.select_for_update().get(pk=task_id)
    if task.assignee_id not in {None, actor.pk}:
        raise Conflict(_("A colleague has taken this task already."), code="taken")
    task.assignee = actor
    task.save(update_fields=["assignee"])
    return task

"""Notes on a customer's timeline."""

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.events import NoteAdded, NoteChanged
from customers.locks import lock_standing
from customers.models import Customer, Note
from customers.queries import lead_of
from cxcenter.core import audit
from cxcenter.core.errors import Conflict, Forbidden, Invalid
from cxcenter.core.events import announce, emit

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

NOTE_LIMIT = 4000


@transaction.atomic
def add_note(*, customer: Customer, text: str, actor: "User") -> Note:
    """Write a note of a customer, for colleagues. Raises Invalid for an empty or too long one."""
    said = _read(text)
    owner = lock_standing([customer.pk])[customer.pk]
    note = Note.objects.create(profile=lead_of(owner), author=actor, text=said)
    audit.record(actor, "note.add", f"customer:{owner.pk}", note=note.pk)
    emit(NoteAdded(customer=owner.pk, note=note.pk), profile_id=note.profile_id, actor_id=actor.pk, at=note.at)
    return note


@transaction.atomic
def edit_note(*, note_id: int, text: str, actor: "User") -> Note:
    """Change one's own note. Raises Forbidden for somebody else's, Conflict for one that was taken back."""
    note = _own(note_id, actor)
    if note.withdrawn_at is not None:
        raise Conflict(_("This note was taken back."), code="withdrawn")
    said = _read(text)
    if said != note.text:
        note.text, note.edited_at = said, timezone.now()
        note.save(update_fields=["text", "edited_at"])
        _tell(note, "note.edit", actor)
    return note


@transaction.atomic
def withdraw_note(*, note_id: int, actor: "User") -> None:
    """Take one's own note back: it stays on the timeline without its words. Raises Forbidden for somebody else's."""
    note = _own(note_id, actor)
    if note.withdrawn_at is None:
        note.withdrawn_at = timezone.now()
        note.save(update_fields=["withdrawn_at"])
        _tell(note, "note.withdraw", actor)


@transaction.atomic
def put_note_back(*, note_id: int, actor: "User") -> None:
    """Show one's own note again after it was taken back. Raises Forbidden for somebody else's."""
    note = _own(note_id, actor)
    if note.withdrawn_at is not None:
        note.withdrawn_at = None
        note.save(update_fields=["withdrawn_at"])
        _tell(note, "note.withdraw.undo", actor)


def _own(note_id: int, actor: "User") -> Note:
    note = Note.objects.select_for_update().get(pk=note_id)
    if note.author_id != actor.pk:
        raise Forbidden(_("Only its author changes a note."))
    return note


def _read(text: str) -> str:
    said = text.strip()
    if not said:
        raise Invalid(_("The note is empty."), field="text")
    if len(said) > NOTE_LIMIT:
        raise Invalid(_("Too long: %(limit)s characters at most.") % {"limit": NOTE_LIMIT}, field="text")
    return said


def _tell(note: Note, act: str, actor: "User") -> None:
    audit.record(actor, act, f"note:{note.pk}")
    announce(NoteChanged(note=note.pk))

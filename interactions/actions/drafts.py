"""Drafts: what an operator has begun to write."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from interactions.models import Draft, Interaction

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

# A draft is saved 1.2 s after a key at the earliest: what came within a second of the sending was still that text.
SAME_TEXT = timedelta(seconds=1)


def save_draft(*, interaction: Interaction, actor: "User", text: str, is_note: bool) -> None:
    """Keep the draft of a session; an empty text removes it."""
    if not text:
        Draft.objects.filter(user=actor, interaction=interaction).delete()
        return
    Draft.objects.update_or_create(
        user=actor,
        interaction=interaction,
        defaults={"text": text[:8000], "is_note": is_note, "saved_at": timezone.now()},
    )


def add_to_draft(*, interaction: Interaction, actor: "User", text: str, is_note: bool) -> None:
    """Put a text behind what is written already. What was meant as a note on either side stays one."""
    kept = Draft.objects.filter(user=actor, interaction=interaction).first()
    if kept is not None:
        text, is_note = f"{kept.text}\n{text}", is_note or kept.is_note
    save_draft(interaction=interaction, actor=actor, text=text, is_note=is_note)


def drop_draft(*, interaction: Interaction, actor: "User", sent_at: datetime | None) -> None:
    """Forget the draft of a message that was sent at a time: one begun since then is of the next message."""
    kept = Draft.objects.filter(user=actor, interaction=interaction)
    (kept.filter(saved_at__lte=sent_at + SAME_TEXT) if sent_at else kept).delete()

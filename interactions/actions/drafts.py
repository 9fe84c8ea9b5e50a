"""Drafts: what an operator has begun to write."""

from typing import TYPE_CHECKING

from django.utils import timezone

from interactions.models import Draft, Interaction

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


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

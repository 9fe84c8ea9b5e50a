"""Blocking a visitor for a time, and lifting the block."""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from cxcenter.core import audit
from cxcenter.core.errors import Invalid
from cxcenter.core.events import emit
from interactions.events import VisitorBlocked
from interactions.models import Block, Interaction

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

LONGEST = timedelta(days=365)


@transaction.atomic
def block_visitor(*, interaction: Interaction, lasting: timedelta, reason: str, actor: "User") -> Block:
    """Refuse messages of the session's identity for a time. Raises Invalid for a time that makes no sense."""
    if not timedelta(0) < lasting <= LONGEST:
        raise Invalid(_("Choose how long to block: a year at most."), field="lasting")
    thread = interaction.thread
    block = Block.objects.create(
        identity_id=thread.identity_id, until=timezone.now() + lasting, reason=reason[:200], blocked_by=actor
    )
    audit.record(actor, "visitor.block", f"identity:{thread.identity_id}", until=block.until.isoformat())
    emit(
        VisitorBlocked(identity=thread.identity_id, until=block.until.isoformat()),
        profile_id=thread.profile_id,
        actor_id=actor.pk,
    )
    return block


@transaction.atomic
def lift_block(*, block: Block, actor: "User") -> None:
    """Let the visitor write again."""
    Block.objects.filter(pk=block.pk, lifted_at=None).update(lifted_at=timezone.now())
    audit.record(actor, "visitor.unblock", f"identity:{block.identity_id}")

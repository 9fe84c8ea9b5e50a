"""Acts of the ground."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from cxcenter.core import audit
from cxcenter.core.models import Outbox


@transaction.atomic
def retry_outbox(*, ids: Iterable[int], actor: Any) -> int:
    """Let the next sweep handle outbox entries at once, whatever they waited for. Returns how many."""
    rows = Outbox.objects.filter(pk__in=list(ids))
    count: int = rows.update(claimed_until=timezone.now(), tries=0)
    audit.record(actor, "outbox.retry", "outbox:*", count=count)
    return count

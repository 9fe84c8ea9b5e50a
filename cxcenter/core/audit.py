"""The audit log: who saw and changed what in customer data."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cxcenter.core.models import AuditEntry

# Every act that is recorded, as an administrator reads it. The code stays in the row: it is what is searched for.
ACTS = {
    "alert.see": _("saw an alert"),
    "case.change": _("changed a case"),
    "case.link": _("linked a contact to a case"),
    "case.unlink": _("unlinked a contact from a case"),
    "customer.apart": _("decided that two customers are not the same person"),
    "customer.apart.undo": _("took back that two customers are not the same person"),
    "customer.edit": _("edited a customer"),
    "customer.export": _("exported the timeline of a customer"),
    "customer.import": _("imported customers"),
    "customer.import.stop": _("stopped an import of customers"),
    "customer.merge": _("merged two customers"),
    "customer.unmerge": _("took a merge of customers back"),
    "customer.view": _("looked at a customer"),
    "interaction.link": _("linked a contact to a customer"),
    "interaction.move": _("moved a contact"),
    "interaction.read": _("read a contact"),
    "interaction.take_over": _("took a contact over"),
    "interaction.whisper": _("whispered to an operator"),
    "item.priority": _("changed the priority of a contact"),
    "outbox.retry": _("had facts handled again"),
    "presence.capacity": _("changed how much an operator gets at once"),
    "presence.force": _("changed the state of an operator"),
    "presence.move_all": _("moved all contacts of an operator"),
    "queue.close": _("closed a queue"),
    "queue.lend": _("lent an operator to a queue"),
    "queue.open": _("opened a queue"),
    "queue.pause": _("paused a queue"),
    "site.secret": _("made a new secret for a site"),
    "task.reopen": _("opened a task again"),
    "thread.read": _("read a conversation"),
    "token.issue": _("issued an API token"),
    "token.revoke": _("revoked an API token"),
    "user.active": _("let a user in or shut him out"),
    "visitor.block": _("blocked a visitor"),
    "visitor.unblock": _("unblocked a visitor"),
    "webhook.change": _("changed a webhook"),
    "webhook.redeliver": _("sent a webhook again"),
    "webhook.subscribe": _("subscribed a webhook"),
    "webhook.unsubscribe": _("unsubscribed a webhook"),
}


def record(actor: Any, act: str, subject: str, **detail: Any) -> None:
    """Write one entry. `act` is one of ACTS, `subject` is "kind:ID", `detail` holds ids, codes and field names."""
    assert act in ACTS, f"the audit log has no words for {act!r}: add them to ACTS"
    AuditEntry.objects.create(actor=actor, act=act, subject=subject, detail=detail)


def record_once(actor: Any, act: str, subject: str, *, within: timedelta = timedelta(hours=1)) -> None:
    """Write an entry unless the same one was written a short while ago: a page that is open asks again and again."""
    same = AuditEntry.objects.filter(subject=subject, actor=actor, act=act, at__gt=timezone.now() - within)
    if not same.exists():
        record(actor, act, subject)

"""The audit log: who saw and changed what in customer data."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cxcenter.core.models import AuditEntry

# Every act that is recorded, as an administrator reads it. The code stays in the row: it is what is searched for.
ACTS = {
    "alert.see": _("saw an alert"),
    "callback.ask": _("asked for a callback"),
    "callback.cancel": _("cancelled a callback"),
    "callback.move": _("moved a callback to another queue"),
    "call.listen": _("listened to a call, or spoke in it"),
    "call_link.make": _("made a call link for a customer"),
    "call_link.revoke": _("revoked a call link"),
    "calls.import": _("imported a call log"),
    "capacity.profile": _("changed a capacity profile"),
    "case.change": _("changed a case"),
    "case.customer": _("linked a case to a customer"),
    "case.link": _("linked a contact to a case"),
    "case.unlink": _("unlinked a contact from a case"),
    "consent.record": _("recorded a consent or its withdrawal"),
    "customer.apart": _("decided that two customers are not the same person"),
    "customer.apart.undo": _("took back that two customers are not the same person"),
    "customer.edit": _("edited a customer"),
    "customer.erase": _("erased a customer"),
    "customer.export": _("exported the timeline of a customer"),
    "customer.import": _("imported customers"),
    "customer.import.stop": _("stopped an import of customers"),
    "customer.merge": _("merged two customers"),
    "customer.personal": _("exported all personal data of a customer"),
    "customer.unmerge": _("took a merge of customers back"),
    "customer.view": _("looked at a customer"),
    "erased.lift": _("let something erased be imported again"),
    "identity.link": _("linked an identity to a customer"),
    "identity.link.undo": _("took the link of an identity back"),
    "identity.mark": _("marked an identity as verified or primary, or not"),
    "identity.unlink": _("took an identity off a customer"),
    "identity.unlink.undo": _("put an identity that was taken off back"),
    "interaction.link": _("linked a contact to a customer"),
    "interaction.move": _("moved a contact"),
    "interaction.read": _("read a contact"),
    "interaction.take_over": _("took a contact over"),
    "interaction.whisper": _("whispered to an operator"),
    "item.ask": _("said which skills a contact asks for"),
    "item.priority": _("changed the priority of a contact"),
    "level.policy": _("changed how the service level of a queue is counted"),
    "member.add": _("added a person to a company"),
    "member.end": _("took a person out of a company"),
    "member.end.undo": _("put a person back into a company"),
    "member.role": _("changed the role of a person in a company"),
    "note.add": _("wrote a note of a customer"),
    "note.edit": _("changed a note of a customer"),
    "note.withdraw": _("took a note of a customer back"),
    "note.withdraw.undo": _("put a note of a customer back"),
    "outbox.retry": _("had facts handled again"),
    "presence.capacity": _("changed how much an operator gets at once"),
    "presence.force": _("changed the state of an operator"),
    "presence.kinds": _("changed which kinds of work an operator takes"),
    "presence.move_all": _("moved all contacts of an operator"),
    "priority.drop": _("let a queue go by the order of priorities for all queues"),
    "priority.order": _("changed the order of priorities"),
    "priority.waiting": _("gave those who wait their places by the order of priorities"),
    "queue.close": _("closed a queue"),
    "queue.lend": _("lent an operator to a queue"),
    "queue.open": _("opened a queue"),
    "queue.pause": _("paused a queue"),
    "queue.thresholds": _("changed when a queue calls its supervisors"),
    "recording.delete": _("deleted a recording"),
    "recording.download": _("downloaded a recording"),
    "recording.hold": _("put a recording on legal hold"),
    "recording.listen": _("listened to a recording"),
    "recording.release": _("took a recording off legal hold"),
    "report.export": _("exported a report"),
    "requirement.drop": _("asks for a skill no longer"),
    "requirement.save": _("changed what work asks for"),
    "reservation.cancel": _("cancelled a reserved time"),
    "reservation.plan": _("reserved time of operators"),
    "rules.back": _("put old rules back"),
    "rules.save": _("changed rules"),
    "simulation.start": _("started a simulation"),
    "simulation.stop": _("stopped a simulation"),
    "site.secret": _("made a new secret for a site"),
    "skill.add": _("added a skill"),
    "skill.level": _("changed the level of a skill"),
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

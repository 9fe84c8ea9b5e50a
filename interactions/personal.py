"""What was said with a customer and noted of him, in an export and in an erasure."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import CharField, F, Prefetch, Q, QuerySet, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import ngettext

from customers.models import ProfileIdentity
from cxcenter.core.personal import ERASED, File, Holder, Rows, Section, Subject, forget_answers, in_batches, register
from interactions.actions.files import discard_files
from interactions.choices import Audience
from interactions.models import (
    Attachment,
    Block,
    Call,
    CallCommand,
    CallLink,
    Case,
    Dialled,
    DoomedFile,
    Draft,
    Interaction,
    Message,
    Task,
    Thread,
)

# Sessions that are read at a time, each with all its messages.
SESSIONS = 50
# System lines are codes and names of colleagues, but for a note that was handed on with the session.
FORGET = """
    UPDATE interactions_message SET text = '', args = args - 'note', external_id = NULL
    WHERE interaction_id = ANY(%s) AND (text <> '' OR args ? 'note' OR external_id IS NOT NULL)
"""


# --- What is his -------------------------------------------------------------------------------


def sessions_of(subject: Subject) -> Any:
    """Return his sessions: those on his card, and those on nobody's card that came from him alone."""
    unclaimed = Q(profile=None, thread__profile__in=subject.profiles, thread__identity__in=subject.identities)
    return Interaction.objects.filter(Q(profile__in=subject.profiles) | unclaimed)


def _cases_of(subject: Subject) -> Any:
    unclaimed = Q(profile=None, links__interaction__in=sessions_of(subject))
    return Case.objects.filter(pk__in=Case.objects.filter(Q(profile__in=subject.profiles) | unclaimed).values("pk"))


def _tasks_of(subject: Subject) -> Any:
    """Return tasks about him: on his card, of his sessions and cases, or with his own phone or address."""
    of_him = Q(profile__in=subject.profiles) | Q(contact__in=subject.values)
    return Task.objects.filter(
        of_him | Q(interaction__in=sessions_of(subject)) | Q(case__in=_cases_of(subject), profile=None)
    )


def _threads_of(subject: Subject) -> "QuerySet[Thread]":
    sessions = sessions_of(subject).values("thread")
    return Thread.objects.filter(Q(profile__in=subject.profiles) | Q(pk__in=sessions))


# --- The holder --------------------------------------------------------------------------------


class Talks(Holder):
    """Threads, sessions, calls, messages, files, drafts, cases, tasks, blocks."""

    tables = (Thread, Interaction, Message, Attachment, Draft, Call, CallCommand, Dialled, Case, Task, Block, CallLink)

    def reached(self, profiles: tuple[int, ...]) -> set[int]:
        """Return the identities of their threads."""
        return {*Thread.objects.filter(profile__in=profiles).values_list("identity_id", flat=True)}

    def claimed(self, profiles: tuple[int, ...], identities: Iterable[int]) -> set[int]:
        """Return the identities in whose threads others talk."""
        threads = Thread.objects.filter(identity__in=list(identities)).exclude(profile__in=profiles)
        return {*threads.values_list("identity_id", flat=True)}

    def lock(self, subject: Subject) -> None:
        """Lock his threads: no session opens in them meanwhile."""
        threads = Thread.objects.filter(pk__in=_threads_of(subject).values("pk"))
        list(threads.select_for_update(of=("self",)).order_by("pk").values_list("pk"))

    def obstacles(self, subject: Subject) -> list[str]:
        """Return how many sessions, cases and tasks are open, and the numbers of the first ones."""
        talks, cases = sessions_of(subject).open(), _cases_of(subject).open()
        tasks = _tasks_of(subject).open().count()
        return [
            *_told(talks, lambda n: ngettext("%(count)s open session", "%(count)s open sessions", n)),
            *_told(cases, lambda n: ngettext("%(count)s open case", "%(count)s open cases", n)),
            *([ngettext("%(count)s task to do", "%(count)s tasks to do", tasks) % {"count": tasks}] if tasks else []),
        ]

    def sections(self) -> dict[str, Section]:
        """Return what is exported of it."""
        return {"sessions": _sessions, "cases": _cases, "tasks": _tasks, "drafts": _drafts, "blocks": _blocks}

    def files(self, subject: Subject) -> Iterator[File]:
        """Yield the files of his sessions, in the order of their numbers."""
        rows, last = Attachment.objects.filter(message__interaction__in=sessions_of(subject)).order_by("pk"), Q()
        while batch := list(rows.filter(last)[:SESSIONS]):
            for row in batch:
                yield File(_path(row), partial(row.file.storage.open, str(row.file.name)))
            last = Q(pk__gt=batch[-1].pk)

    def erase(self, subject: Subject) -> None:
        """Erase what was said and noted. Sessions, messages, cases and tasks stay with their times, kinds and authors."""
        sessions = sessions_of(subject)
        ids = list(sessions.values_list("pk", flat=True))
        _erase_files(ids)
        with connection.cursor() as cursor:
            cursor.execute(FORGET, [ids])
        Draft.objects.filter(interaction__in=ids).delete()
        Call.objects.filter(pk__in=ids).update(number="")
        CallCommand.objects.filter(call__in=ids).update(value="")
        Dialled.objects.filter(Q(profile__in=subject.profiles) | Q(call__in=ids)).delete()
        cases, tasks = list(_cases_of(subject)), list(_tasks_of(subject).values_list("pk", flat=True))
        numbers = Concat(Value("CS-"), Cast("pk", CharField()))
        Case.objects.filter(pk__in=[case.pk for case in cases]).update(
            subject=numbers, text="", version=F("version") + 1
        )
        Task.objects.filter(pk__in=tasks).update(title=ERASED, text="", contact="")
        Block.objects.filter(identity__in=subject.identities).update(reason="")
        CallLink.objects.filter(profile__in=subject.profiles).update(visitor="", revoked_at=timezone.now())
        sessions.update(subject="", says={}, page={}, wrap_note="")
        _forget_forms(subject)
        _erase_threads(subject)
        forget_answers("interaction", ids)
        forget_answers("profile", subject.profiles)
        forget_answers("number", [case.number for case in cases])


register(Talks())


def _told(rows: "QuerySet[Any]", words: Callable[[int], str]) -> list[str]:
    count = rows.count()
    if not count:
        return []
    return [f"{words(count) % {'count': count}} ({', '.join(map(str, rows.order_by('pk')[:3]))})"]


# --- Export ------------------------------------------------------------------------------------


def _sessions(subject: Subject) -> Rows:
    """Yield sessions, each with all its messages: what he wrote, what was answered, notes and lines of the system."""
    messages = Message.objects.select_related("user").prefetch_related("attachments").order_by("seq")
    rows = sessions_of(subject).select_related("thread__channel", "thread__identity", "topic", "disposition")
    for row in in_batches(rows.prefetch_related(Prefetch("messages", queryset=messages)), size=SESSIONS):
        yield {
            "number": str(row),
            "profile": row.profile_id,
            "channel": row.thread.channel.name,
            "kind": row.kind,
            "identity": row.thread.identity.value,
            "topic": row.topic.name if row.topic else None,
            "subject": row.subject,
            "language": row.language,
            "opened_at": row.opened_at,
            "closed_at": row.closed_at,
            "close_reason": row.close_reason,
            "says_of_himself": row.says,
            "page": row.page,
            "outcome": row.disposition.name if row.disposition else None,
            "internal_note": row.wrap_note,
            "messages": [_message(message) for message in row.messages.all()],
        }


def _message(row: Message) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "at": row.at,
        "author": row.author,
        "name": row.user.name if row.user else None,
        "internal": row.audience == Audience.STAFF,
        "text": row.text,
        "code": row.code,
        "details": row.args,
        "taken_back_at": row.withdrawn_at,
        "files": [{"name": file.name, "size": file.size, "path": _path(file)} for file in row.attachments.all()],
    }


def _path(file: Attachment) -> str:
    return f"files/{file.pk}/{file.name}"


def _cases(subject: Subject) -> Rows:
    for row in in_batches(_cases_of(subject).select_related("topic").prefetch_related("links")):
        yield {
            "number": row.number,
            "profile": row.profile_id,
            "kind": row.kind,
            "topic": row.topic.name if row.topic else None,
            "subject": row.subject,
            "text": row.text,
            "priority": row.priority,
            "status": row.status,
            "opened_at": row.opened_at,
            "due_at": row.due_at,
            "resolved_at": row.resolved_at,
            "sessions": [f"S-{link.interaction_id}" for link in row.links.all()],
        }


def _tasks(subject: Subject) -> Rows:
    for row in in_batches(_tasks_of(subject)):
        yield {
            "id": row.pk,
            "profile": row.profile_id,
            "kind": row.kind,
            "title": row.title,
            "text": row.text,
            "contact": row.contact,
            "case": f"CS-{row.case_id}" if row.case_id else None,
            "created_at": row.created_at,
            "due_at": row.due_at,
            "done_at": row.done_at,
        }


def _drafts(subject: Subject) -> Rows:
    for row in in_batches(Draft.objects.filter(interaction__in=sessions_of(subject))):
        yield {
            "session": f"S-{row.interaction_id}",
            "internal": row.is_note,
            "text": row.text,
            "saved_at": row.saved_at,
        }


def _blocks(subject: Subject) -> Rows:
    for row in in_batches(Block.objects.filter(identity__in=subject.identities).select_related("identity")):
        yield {
            "identity": row.identity.value,
            "reason": row.reason,
            "since": row.created_at,
            "until": row.until,
            "lifted_at": row.lifted_at,
        }


# --- Erasure -----------------------------------------------------------------------------------


def _erase_files(sessions: list[int]) -> None:
    """Delete the rows of files now, and their bytes when that is certain."""
    files = Attachment.objects.filter(message__interaction__in=sessions)
    names = list(files.values_list("file", flat=True))
    DoomedFile.objects.bulk_create(DoomedFile(name=name) for name in names)
    files.delete()
    transaction.on_commit(discard_files, robust=True)


def _forget_forms(subject: Subject) -> None:
    """Empty what was typed of him before talks on other cards: known by his own phone or address."""
    typed = Interaction.objects.annotate(contact=KT("says__contact")).filter(says__has_key="contact")
    typed.filter(contact__in=subject.values).update(says={})


def _erase_threads(subject: Subject) -> None:
    """Empty his threads. One of a browser or phone that others share is theirs from now on."""
    for thread in Thread.objects.filter(profile__in=subject.profiles):
        if thread.identity_id not in subject.identities and (other := _other_owner(thread, subject)):
            thread.profile_id = other
        thread.page = {}
        thread.save(update_fields=["profile", "page"])


def _other_owner(thread: Thread, subject: Subject) -> int | None:
    links = ProfileIdentity.objects.filter(identity=thread.identity_id).exclude(profile__in=subject.profiles)
    threads = Thread.objects.filter(identity=thread.identity_id).exclude(profile__in=subject.profiles)
    return (
        links.order_by("since", "pk").values_list("profile_id", flat=True).first()
        or threads.order_by("pk").values_list("profile_id", flat=True).first()
    )

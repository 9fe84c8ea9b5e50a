"""Acts of a talk: open it, post to it, mark it read, withdraw, close.

Lock order of the whole product: routing's rows (work item, presence), then thread, then interaction.
A thread is locked before any row of it changes: its counters number every visible change.
"""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from customers.actions import find_or_create_by_identity
from customers.models import Customer, Identity, Profile
from customers.queries import was_taken_off
from cxcenter.core import realtime
from cxcenter.core.errors import Conflict, Forbidden, Invalid
from cxcenter.core.events import announce, emit
from cxcenter.core.planned import Given, Planned
from cxcenter.core.statements import Statement
from interactions import pushes, rows
from interactions.actions import calls
from interactions.choices import SPOKEN, Audience, Author, ChannelKind, CloseReason
from interactions.events import InteractionClosed, InteractionOpened, MessagePosted
from interactions.models import Attachment, Block, Channel, Interaction, Message, Thread, Topic

if TYPE_CHECKING:
    from cxcenter.accounts.models import User

MESSAGE_LIMIT = 8000
UNDO_S = 5
# Asked of everybody who comes. Joined is only what a thread keeps for ever: who waits for the lock while it gets another
# profile would find no row.
ENTERED = Planned(
    "thread_entered",
    lambda: (
        Thread.objects.select_for_update(of=("self",))
        .select_related("channel", "identity")
        .filter(pk=Given("thread", "bigint"))
    ),
)
LOCKED = Planned("thread_locked", lambda: Thread.objects.select_for_update().filter(pk=Given("thread", "bigint")))
GOING = Planned("session_going", lambda: Interaction.objects.open().filter(thread_id=Given("thread", "bigint"))[:1])
ON_CARD = Planned("customer_of", lambda: Customer.objects.filter(profiles=Given("profile", "bigint")))
BLOCKED = Statement(
    "blocked",
    """
    SELECT 1 FROM interactions_block WHERE identity_id = %(identity)s AND lifted_at IS NULL AND until > %(now)s LIMIT 1
    """,
    identity="bigint",
    now="timestamptz",
)


def open_thread(*, channel: Channel, identity: Identity, profile: Profile) -> Thread:
    """Return the endless thread of an identity in a channel, made at the first contact."""
    return Thread.objects.get_or_create(channel=channel, identity=identity, defaults={"profile": profile})[0]


def going_in(thread: Thread) -> Interaction | None:
    """Return the session of a thread that goes on, None without one."""
    found = GOING.first(thread=thread.pk)
    if found is not None:
        found.thread = thread
    return found


@transaction.atomic
def open_interaction(
    *,
    thread: Thread,
    topic: Topic | None = None,
    language: str = "en",
    says: dict[str, str] | None = None,
    page: dict[str, Any] | None = None,
    whose: Callable[[Thread], int | None] | None = None,
    voice: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> tuple[Interaction, bool]:
    """Open a session in a thread. Returns (session, whether it is new): an open one is kept.

    In a channel of voice its call is made, too; `voice` are the arguments of `calls.begin`. `at` is when it began, if not now. `whose` returns the profile on whose card it opens, or None for nobody's; without it, it is that of the thread.
    Raises Forbidden if the identity is blocked, Gone if the customer was erased.
    """
    locked = ENTERED.one(thread=thread.pk)
    current = going_in(locked)
    if current is not None:
        return current, False
    refuse_blocked(locked)
    ON_CARD.one(profile=locked.profile_id).refuse_erased()
    profile_id = (whose or _whose)(locked)
    interaction = Interaction.objects.create(
        thread=locked,
        profile_id=profile_id,
        kind=locked.channel.kind,
        topic=topic,
        language=language,
        says=says or {},
        page=page or locked.page,
        opened_at=at or timezone.now(),
    )
    if interaction.kind == ChannelKind.VOICE:
        calls.begin(interaction=interaction, **(voice or {}))
    emit(
        InteractionOpened(interaction=interaction.pk, kind=interaction.kind),
        profile_id=profile_id,
        at=interaction.opened_at,
    )
    return interaction, True


@transaction.atomic
def refuse_interaction(
    *,
    thread: Thread,
    topic: Topic | None = None,
    language: str = "en",
    says: dict[str, str] | None = None,
    reason: str = CloseReason.REFUSED,
) -> Interaction:
    """Keep that somebody came and was not let in: a session that is over as it begins, in which nothing was said."""
    now = timezone.now()
    profile_id = _whose(thread)
    interaction = Interaction.objects.create(
        thread=thread,
        profile_id=profile_id,
        kind=thread.channel.kind,
        topic=topic,
        language=language,
        says=says or {},
        page=thread.page,
        opened_at=now,
        closed_at=now,
        close_reason=reason,
    )
    ident, kind = interaction.pk, interaction.kind
    emit(InteractionOpened(interaction=ident, kind=kind), profile_id=profile_id, at=now)
    emit(InteractionClosed(interaction=ident, kind=kind, reason=reason), profile_id=profile_id, at=now)
    return interaction


def _whose(thread: Thread) -> int | None:
    """Return the profile that a new session of a locked thread opens on.

    If a person took the identity off that card, whoever it leads to now gets the thread; None if a person has to choose.
    """
    if not was_taken_off(identity_id=thread.identity_id, profile_id=thread.profile_id):
        return thread.profile_id
    identity = thread.identity
    _identity, profile = find_or_create_by_identity(
        kind=identity.kind, value=identity.value, source=thread.channel.kind
    )
    if profile is None:
        return None
    thread.profile = profile
    thread.save(update_fields=["profile"])
    return profile.pk


def refuse_blocked(thread: Thread) -> None:
    """Raise Forbidden while the thread's identity is blocked."""
    if BLOCKED.row(identity=thread.identity_id, now=timezone.now()) is not None:
        raise _refusal()


def refuse_unread(interaction: Interaction) -> None:
    """Raise Conflict for a reply in a session whose customer reads nothing: he is called."""
    if interaction.kind in SPOKEN:
        raise Conflict(
            _("Nobody reads what is written here. Speak to the customer, or write a note."), code="no_reader"
        )


def _blocks(thread: Thread) -> QuerySet[Block]:
    return Block.objects.filter(identity=thread.identity_id, lifted_at=None, until__gt=timezone.now())


def _refusal() -> Forbidden:
    return Forbidden(_("Messages from here are not accepted for now."), code="blocked")


def post_message(
    *,
    thread_id: int,
    author: str,
    text: str,
    client_key: uuid.UUID | None = None,
    external_id: str | None = None,
    user: "User | None" = None,
    audience: str = Audience.ALL,
    make_files: Callable[[], list[Attachment]] | None = None,
    unless_after: int | None = None,
    meant_for: int | None = None,
) -> tuple[Message, bool]:
    """Store a message of the thread's open session and tell both sides. Returns (message, whether new).

    The same `client_key` (or `external_id`) stores one message, however often it is sent. `make_files`
    makes unsaved attachments; it is called only for a new message. With `unless_after` the act is refused
    (Conflict, code "crossed") if a colleague's reply has a greater seq. Raises Invalid for an empty or too
    long text, Conflict (code "closed") if the session has ended or is not the one it is `meant_for`, Forbidden
    for a customer who is blocked.
    """
    # PostgreSQL keeps no zero bytes.
    text = text.replace("\x00", "")
    if len(text) > MESSAGE_LIMIT:
        raise Invalid(
            _("The message is too long: %(limit)s characters at most.") % {"limit": MESSAGE_LIMIT}, field="text"
        )
    if not text.strip() and make_files is None:
        raise Invalid(_("The message is empty."), field="text")
    draft = Message(
        thread_id=thread_id,
        author=author,
        audience=audience,
        user=user,
        text=text,
        client_key=client_key,
        external_id=external_id,
    )
    try:
        with transaction.atomic():
            return _store(draft, make_files, unless_after, meant_for), True
    except (IntegrityError, Conflict, Forbidden) as error:
        # A retry of what was stored is answered by it, whatever has happened since.
        stored = _sent_before(draft)
        if stored is not None:
            return stored, False
        if isinstance(error, IntegrityError):
            raise Conflict(_("This key belongs to another message."), code="key_taken") from None
        raise


def _sent_before(draft: Message) -> Message | None:
    # Who brings the key of somebody else's message (a note's, say) does not get that message.
    found = Message.objects.filter(thread_id=draft.thread_id, author=draft.author, audience=draft.audience)
    if draft.client_key is not None:
        return found.filter(client_key=draft.client_key).first()
    if draft.external_id is not None:
        return found.filter(external_id=draft.external_id).first()
    return None


def _store(
    draft: Message, make_files: Callable[[], list[Attachment]] | None, unless_after: int | None, meant_for: int | None
) -> Message:
    if rows.take_place(draft):
        raise _refusal()
    if unless_after is not None:
        _refuse_crossed(draft, unless_after)
    if not rows.store(draft) or meant_for not in {None, draft.interaction_id}:
        raise Conflict(_("This session has ended."), code="closed")
    files = make_files() if make_files else []
    for file in files:
        file.message = draft
        file.save(force_insert=True)
    # Before what follows from it: pages hear of changes in their order.
    _push(draft, files)
    announce(
        MessagePosted(
            message=draft.pk,
            thread=draft.thread_id,
            interaction=draft.interaction_id,
            author=draft.author,
            audience=draft.audience,
        )
    )
    return draft


def _refuse_crossed(draft: Message, after: int) -> None:
    crossed = (
        Message.objects.filter(
            thread=draft.thread_id, seq__gt=after, author=Author.STAFF, audience=Audience.ALL, withdrawn_at=None
        )
        .exclude(user=draft.user)
        .select_related("user")
        .first()
    )
    if crossed is not None:
        name = crossed.user.name if crossed.user else ""
        raise Conflict(
            _("%(name)s has just answered. Send yours too?") % {"name": name}, code="crossed", seq=crossed.seq
        )


def _push(message: Message, files: list[Attachment]) -> None:
    user = message.user
    realtime.push(
        *pushes.message_pushes(
            message, files=files, name=user.name if user else "", public_name=user.public_name if user else ""
        )
    )


@transaction.atomic(savepoint=False)
def post_system_line(
    *,
    thread_id: int,
    code: str,
    args: dict[str, Any] | None = None,
    audience: str = Audience.ALL,
    user: "User | None" = None,
) -> Message | None:
    """Post a line of the system ("joined", "transferred"): a code and arguments, worded for each reader.

    Returns None if the session has ended meanwhile.
    """
    LOCKED.one(thread=thread_id)
    interaction = GOING.first(thread=thread_id)
    if interaction is None:
        return None
    return _post_line(interaction, code=code, args=args or {}, audience=audience, user=user)


def _post_line(interaction: Interaction, **said: Any) -> Message:
    """Post a line of the system in an open session whose thread the caller has locked."""
    line = Message(thread_id=interaction.thread_id, interaction=interaction, author=Author.SYSTEM, **said)
    rows.take_place(line)
    line.save(force_insert=True)
    _push(line, [])
    return line


@transaction.atomic
def mark_by_customer(*, thread_id: int, got: int, read: int) -> Thread:
    """Move the customer's marks forward: delivered up to `got`, read up to `read`. Never back."""
    thread = Thread.objects.select_for_update().get(pk=thread_id)
    got = max(thread.customer_got_seq, min(max(got, read), thread.last_seq))
    read = max(thread.customer_read_seq, min(read, thread.last_seq))
    if (got, read) == (thread.customer_got_seq, thread.customer_read_seq):
        return thread
    thread.customer_got_seq, thread.customer_read_seq = got, read
    thread.staff_changes += 1
    thread.save(update_fields=["customer_got_seq", "customer_read_seq", "staff_changes"])
    realtime.push(
        (
            realtime.staff_group(thread_id),
            {"kind": "marks", "thread": thread_id, "changed": thread.staff_changes, "marks": pushes.marks_view(thread)},
        )
    )
    return thread


@transaction.atomic
def mark_by_staff(*, interaction: Interaction, seq: int) -> Thread:
    """Note that staff has read the session up to `seq`: unread goes to zero, the customer sees "read"."""
    thread = Thread.objects.select_for_update().get(pk=interaction.thread_id)
    later = Message.objects.filter(interaction=interaction, author=Author.CUSTOMER, seq__gt=seq).count()
    Interaction.objects.filter(pk=interaction.pk).exclude(unread=later).update(unread=later)
    seq = min(seq, thread.last_seq)
    if seq <= thread.staff_read_seq:
        return thread
    thread.staff_read_seq = seq
    thread.customer_changes += 1
    thread.staff_changes += 1
    thread.save(update_fields=["staff_read_seq", "customer_changes", "staff_changes"])
    marks = pushes.marks_view(thread)
    realtime.push(
        (
            realtime.customer_group(thread.pk),
            {"kind": "marks", "changed": thread.customer_changes, "marks": {"staff_read": seq}},
        ),
        (
            realtime.staff_group(thread.pk),
            {"kind": "marks", "thread": thread.pk, "changed": thread.staff_changes, "marks": marks},
        ),
    )
    return thread


@transaction.atomic
def withdraw_message(*, message_id: int, actor: "User") -> Message:
    """Take back one's own message within `UNDO_S` seconds: it goes from both sides.

    Raises Forbidden for somebody else's message, Conflict when the time is over.
    """
    found = Message.objects.select_related("thread").get(pk=message_id)
    thread = Thread.objects.select_for_update().get(pk=found.thread_id)
    message = Message.objects.select_for_update().get(pk=message_id)
    if message.user_id != actor.pk or message.author != Author.STAFF:
        raise Forbidden(_("Only your own messages can be taken back."))
    if message.withdrawn_at is not None:
        return message
    # A second on top: the button was pressed in time, the way took a moment.
    if timezone.now() - message.at > timedelta(seconds=UNDO_S + 1):
        raise Conflict(_("The message has been sent already."), code="too_late")
    message.withdrawn_at = timezone.now()
    thread.staff_changes += 1
    message.staff_changed = thread.staff_changes
    fields = ["staff_changes"]
    if message.audience == Audience.ALL:
        thread.customer_changes += 1
        message.customer_changed = thread.customer_changes
        fields.append("customer_changes")
    thread.save(update_fields=fields)
    message.save(update_fields=["withdrawn_at", "staff_changed", "customer_changed"])
    _reopen_wait(message)
    message.user = actor
    _push(message, [])
    return message


def _reopen_wait(withdrawn: Message) -> None:
    """An answer that was taken back answers nothing: the wait goes on from the customer's message."""
    session = Interaction.objects.filter(pk=withdrawn.interaction_id)
    left = Message.objects.filter(interaction=withdrawn.interaction_id, withdrawn_at=None).order_by("seq")
    last = left.exclude(author=Author.SYSTEM).last()
    session.update(last_message_id=last.pk if last else None)
    if withdrawn.audience != Audience.ALL:
        return
    replies = left.filter(audience=Audience.ALL, author__in=[Author.STAFF, Author.BOT])
    last_reply, first_reply = replies.last(), replies.filter(author=Author.STAFF).first()
    unanswered = left.filter(author=Author.CUSTOMER, seq__gt=last_reply.seq if last_reply else 0).first()
    session.filter(closed_at=None).update(waiting_since=unanswered.at if unanswered else None)
    session.update(first_reply_at=first_reply.at if first_reply else None)


@transaction.atomic(savepoint=False)
def close_interaction(*, interaction_id: int, reason: str, actor: "User | None" = None) -> bool:
    """End a session. Returns False if it had ended already: the act can be repeated."""
    thread_id = Interaction.objects.values_list("thread_id", flat=True).get(pk=interaction_id)
    Thread.objects.select_for_update().get(pk=thread_id)
    interaction = Interaction.objects.select_for_update().get(pk=interaction_id)
    if interaction.closed_at is not None:
        return False
    args = {"reason": reason, **({"name": actor.public_name} if actor else {})}
    _post_line(interaction, code="closed", args=args, audience=Audience.ALL, user=actor)
    interaction.closed_at = timezone.now()
    interaction.close_reason = reason
    interaction.waiting_since = None
    interaction.save(update_fields=["closed_at", "close_reason", "waiting_since"])
    if interaction.kind == ChannelKind.VOICE:
        calls.end(interaction=interaction)
    emit(
        InteractionClosed(interaction=interaction.pk, kind=interaction.kind, reason=reason),
        profile_id=interaction.profile_id,
        actor_id=actor.pk if actor else None,
    )
    return True


def mark_spam(*, interaction_id: int, actor: "User") -> bool:
    """End a session as spam."""
    return close_interaction(interaction_id=interaction_id, reason=CloseReason.SPAM, actor=actor)

"""The statements that store a message (core/statements.py says why they are written out).

The acts decide (actions/talk.py); here rows are written, in the transaction of the act.
"""

from django.utils import timezone

from cxcenter.core.statements import Statement
from interactions.choices import Audience, Author
from interactions.models import Message, Thread

TAKE = Statement(
    "take_place",
    """
    UPDATE interactions_thread SET
        last_seq = last_seq + 1,
        staff_changes = staff_changes + 1,
        customer_changes = customer_changes + %(public)s,
        customer_got_seq = CASE WHEN %(own)s THEN last_seq + 1 ELSE customer_got_seq END,
        customer_read_seq = CASE WHEN %(own)s THEN last_seq + 1 ELSE customer_read_seq END
    WHERE id = %(thread)s
    RETURNING last_seq, staff_changes, customer_changes, channel_id, %(own)s AND EXISTS (
        SELECT FROM interactions_block block WHERE block.identity_id = interactions_thread.identity_id
        AND block.lifted_at IS NULL AND block.until > now()
    )
    """,
    thread="bigint",
    public="int",
    own="bool",
)
# What lists show of the session: the last message, unread, since when an answer is due.
ASKED = "unread = unread + 1, warned_silent_at = NULL, waiting_since = coalesce(waiting_since, %(at)s)"
ANSWERED = """
    warned_silent_at = NULL, waiting_since = NULL,
    first_reply_at = CASE WHEN %(by_staff)s THEN coalesce(first_reply_at, %(at)s) ELSE first_reply_at END
"""
STORE = """
    WITH said AS (
        INSERT INTO interactions_message (
            thread_id, interaction_id, channel_id, seq, staff_changed, customer_changed, author, audience, user_id,
            text, code, args, client_key, external_id, at
        )
        SELECT %(thread)s, id, %(channel)s, %(seq)s, %(staff)s, %(customer)s, %(author)s, %(audience)s, %(user)s,
            %(text)s, '', '{}', %(key)s, %(external)s, %(at)s
        FROM interactions_interaction WHERE thread_id = %(thread)s AND closed_at IS NULL
        RETURNING id, interaction_id
    )
    UPDATE interactions_interaction talk SET last_message_id = said.id, last_message_at = %(at)s{note}
    FROM said WHERE talk.id = said.interaction_id
    RETURNING said.id, said.interaction_id
"""


def _store(name: str, note: str = "") -> Statement:
    return Statement(
        name,
        STORE.replace("{note}", note),
        thread="bigint",
        channel="bigint",
        seq="bigint",
        staff="bigint",
        customer="bigint",
        author="text",
        audience="text",
        user="bigint",
        text="text",
        key="uuid",
        external="text",
        at="timestamptz",
        by_staff="bool",
    )


STORE_ASKED, STORE_ANSWERED = _store("store_asked", f", {ASKED}"), _store("store_answered", f", {ANSWERED}")
STORE_NOTED = _store("store_noted")


def take_place(message: Message) -> bool:
    """Lock the message's thread and give the message its place, its change numbers and its time there.

    Under the lock, so that times are in the order of places. Whoever writes has read what stands before. Returns
    whether the thread's customer writes and is blocked. Raises Thread.DoesNotExist.
    """
    public = message.audience == Audience.ALL
    taken = TAKE.row(thread=message.thread_id, public=int(public), own=message.author == Author.CUSTOMER)
    if taken is None:
        raise Thread.DoesNotExist
    message.seq, message.staff_changed, customer_changes, message.channel_id, is_blocked = taken
    message.at = timezone.now()
    message.customer_changed = customer_changes if public else 0
    return bool(is_blocked)


def store(message: Message) -> bool:
    """Insert a message that has its place into the thread's open session, and note it there.

    A statement of its own: it sees what has happened before the thread's lock was ours. Returns False if no
    session is open. Raises IntegrityError for a key that is known.
    """
    statement = STORE_NOTED
    if message.author == Author.CUSTOMER:
        statement = STORE_ASKED
    elif message.audience == Audience.ALL:
        statement = STORE_ANSWERED
    stored = statement.row(
        thread=message.thread_id,
        channel=message.channel_id,
        seq=message.seq,
        staff=message.staff_changed,
        customer=message.customer_changed,
        author=message.author,
        audience=message.audience,
        user=message.user_id,
        text=message.text,
        key=str(message.client_key) if message.client_key else None,
        external=message.external_id,
        at=message.at,
        by_staff=message.author == Author.STAFF,
    )
    if stored is None:
        return False
    message.pk, message.interaction_id = stored
    return True

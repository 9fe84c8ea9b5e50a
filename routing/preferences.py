"""What is known of a contact when it comes: for whom it is meant, how much sooner it is served, whether it comes too often."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cxcenter.core.planned import Given, Planned
from cxcenter.core.statements import Statement
from interactions.models import Interaction, Topic
from routing.models import FrequentRule, PriorityStep, Queue
from routing.skills import with_parents

# More than any order of channels, topics and segments gives: an emergency comes before who waits an hour and more.
URGENT_STEPS = 100
# A link names whom its call is meant for. The personal operator is one who serves now; the last one may come back. Of the same topic are contacts with it, with one
# above it or under it; who went away unanswered has not come, and spam does not count.
MEANT = Statement(
    "meant",
    """
    WITH RECURSIVE under (id) AS (
        SELECT unnest((%(topics)s)[1:1])
        UNION ALL
        SELECT topic.id FROM interactions_topic topic JOIN under ON topic.parent_id = under.id
    )
    SELECT (
        SELECT link.operator_id FROM interactions_call call JOIN interactions_calllink link ON link.id = call.link_id
        WHERE call.interaction_id = %(talk)s
    ), (
        SELECT person.id FROM customers_profile profile
            JOIN customers_customer customer ON customer.id = profile.customer_id AND customer.personal_operator <> ''
            JOIN accounts_user person ON person.username = customer.personal_operator AND person.is_active
            JOIN routing_presence presence ON presence.user_id = person.id AND mode = 'available' AND NOT pause_after
        WHERE profile.id = %(profile)s AND EXISTS (
            SELECT FROM routing_queuemember member WHERE member.user_id = person.id AND queue_id = ANY(%(queues)s)
                AND (until IS NULL OR until > %(now)s)
        )
    ), (
        SELECT operator_id FROM routing_assignment leg JOIN interactions_interaction talk ON talk.id = leg.interaction_id
        WHERE talk.thread_id = %(thread)s AND accepted_at IS NOT NULL AND ended_at > %(returned)s
        ORDER BY accepted_at DESC LIMIT 1
    ), (
        SELECT count(*) FROM (
            SELECT FROM customers_profile own JOIN customers_profile profile USING (customer_id)
                JOIN interactions_interaction talk ON talk.profile_id = profile.id
            WHERE own.id = %(profile)s AND opened_at > %(since)s AND talk.id <> %(talk)s
                AND (topic_id = ANY(%(topics)s) OR topic_id IN (SELECT id FROM under)) AND close_reason NOT IN ('left', 'spam')
            LIMIT 99
        ) counted
    )
    """,
    profile="bigint",
    thread="bigint",
    talk="bigint",
    topics="bigint[]",
    queues="bigint[]",
    returned="timestamptz",
    since="timestamptz",
    now="timestamptz",
)
# Of one contact: what a queue says itself after what holds for all. Asked of everybody who comes.
STEPS = Planned(
    "priority_steps",
    lambda: (
        PriorityStep.objects.filter(
            Q(queue=None) | Q(queue_id=Given("queue", "bigint")),
            Q(channel_id=Given("channel", "bigint"))
            | Q(topic__pk__among=Given("topics", "bigint[]"))
            | Q(segment__code__among=Given("segments", "text[]")),
        )
        .select_related("segment")
        .order_by(F("queue").asc(nulls_first=True))
    ),
)


@dataclass(frozen=True)
class Meant:
    """For whom a contact is meant, by number: whom his link names, his personal operator, else the last one; how often he has come.

    `contacts` are those of the same topic in the days of the queue's rule, this one with them; 0 where there is no rule.
    """

    operator: int | None
    contacts: int


def meant(interaction: Interaction, queue: Queue) -> Meant:
    """Return what the past tells of a new contact. One statement."""
    now, rule = timezone.now(), rule_of(queue)
    counts = rule is not None and interaction.topic is not None
    found = MEANT.row(
        profile=interaction.profile_id,
        thread=interaction.thread_id,
        talk=interaction.pk,
        topics=with_parents(interaction.topic) if counts else [],
        queues=[queue.pk, *([rule.to_id] if rule else [])],
        returned=now - timedelta(seconds=interaction.thread.channel.return_s),
        since=now - timedelta(days=rule.days) if rule else now,
        now=now,
    )
    assert found is not None
    named, personal, last, earlier = found
    return Meant(named or personal or last, earlier + 1 if counts else 0)


def rule_of(queue: Queue) -> FrequentRule | None:
    """Return the rule of a queue for who comes too often; `queries.queue_for` has fetched it."""
    found: FrequentRule | None = getattr(queue, "frequent", None)
    return found


def frequent_words(frequent: dict[str, Any] | None, language: str) -> str:
    """Say why a frequent customer is where he is; "" if he is none. One query at the most."""
    if not frequent:
        return ""
    topic = Topic.objects.filter(pk=frequent["topic"]).first()
    days = ngettext("%(count)s day", "%(count)s days", frequent["days"]) % {"count": frequent["days"]}
    words = ngettext(
        "%(count)s contact on %(topic)s in %(days)s",
        "%(count)s contacts on %(topic)s in %(days)s",
        frequent["contacts"],
    )
    said = words % {"count": frequent["contacts"], "topic": topic.label(language) if topic else "–", "days": days}
    end = _("straight to the second line") if frequent["sent"] else _("the second line takes nobody now")
    return f"{said}: {end}"


# --- Steps of priority -----------------------------------------------------------------------------

Topics = dict[int, Topic]


class Order:
    """Steps of priority by channel, topic and segment. What a queue says itself stands before what holds for all."""

    def __init__(self, rows: Iterable[PriorityStep]) -> None:
        """Take rows of one queue and of all, these first."""
        self._channels: dict[int | None, int] = {}
        self._topics: dict[int | None, int] = {}
        self._segments: dict[str, int] = {}
        for row in rows:
            if row.segment is not None:
                self._segments[row.segment.code] = row.steps
            elif row.topic_id is not None:
                self._topics[row.topic_id] = row.steps
            else:
                self._channels[row.channel_id] = row.steps

    def steps(self, *, channel: int, topic: Topic | None, segments: Iterable[str]) -> int:
        """Return the steps of one contact: of its channel, the most of its topic's line and the most of its segments."""
        line = with_parents(topic)
        of_topic = max((self._topics.get(one, 0) for one in line), default=0)
        of_segment = max((self._segments.get(one, 0) for one in segments), default=0)
        return self._channels.get(channel, 0) + of_topic + of_segment + (URGENT_STEPS if _is_urgent(topic) else 0)


def topics() -> Topics:
    """Return all topics by number, each with those above it at hand. One query."""
    found = {topic.pk: topic for topic in Topic.objects.all()}
    for topic in found.values():
        topic.parent = found.get(topic.parent_id or 0)
    return found


def _is_urgent(topic: Topic | None) -> bool:
    while topic is not None:
        if topic.urgent:
            return True
        topic = topic.parent
    return False


def rows_for(queue: Queue | None) -> QuerySet[PriorityStep]:
    """Return the steps that a queue goes by, those of all queues first, its own after them."""
    rows = PriorityStep.objects.filter(Q(queue=None) | Q(queue=queue)).select_related("segment")
    return rows.order_by(F("queue").asc(nulls_first=True))


def steps_for(queue: Queue, interaction: Interaction, segments: Sequence[str]) -> int:
    """Return the steps of priority of a new contact. One query."""
    channel = interaction.thread.channel_id
    rows = STEPS.rows(queue=queue.pk, channel=channel, topics=with_parents(interaction.topic), segments=list(segments))
    return Order(rows).steps(channel=channel, topic=interaction.topic, segments=segments)

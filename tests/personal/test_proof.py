"""Nothing of an erased customer is left anywhere, and reports say what they said before."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from customers import actions as customers
from cxcenter.board import counted, snapshot
from cxcenter.core.models import Event
from interactions.models import Attachment, Case, DoomedFile, Interaction, Message, Task
from quality import policies
from quality.models import Survey
from routing.models import Assignment, WorkItem
from tests.personal.town import (
    LAST,
    MAIL,
    PHONE,
    SPELLINGS,
    erase,
    found_anywhere,
    holds,
    in_database,
    in_files,
    in_redis,
    plant,
    plant_anna,
)

pytestmark = pytest.mark.django_db(transaction=True)


def numbers() -> dict[str, Any]:
    """All that reports and the board count."""
    day = counted.today()
    board = snapshot.compute()
    for team in board.values():
        team.pop("at", None)
    return {
        "sessions": list(Interaction.objects.order_by("pk").values_list(
            "pk", "opened_at", "closed_at", "close_reason", "kind", "first_reply_at", "last_message_at", "topic", "disposition", "solved",
            "language", "profile"
        )),
        "messages": list(Message.objects.order_by("pk").values_list("pk", "seq", "author", "audience", "user", "code", "at")),
        "visits": list(WorkItem.objects.order_by("pk").values_list("pk", "queue", "entered_at", "waits_since", "left_at", "outcome")),
        "legs": list(Assignment.objects.order_by("pk").values()),
        "surveys": list(Survey.objects.order_by("pk").values_list("interaction", "csat", "ces", "at")),
        "cases": list(Case.objects.order_by("pk").values_list("pk", "kind", "status", "opened_at", "resolved_at", "profile")),
        "tasks": list(Task.objects.order_by("pk").values_list("pk", "kind", "created_at", "done_at", "done_by", "profile")),
        "events": list(Event.objects.order_by("pk").values_list("pk", "kind", "at", "profile_id", "actor_id")),
        "counts": counted.day_counts(day, policies.holding()),
        "handled": counted.handled(day),
        "charts": counted.charts(day),
        "board": json.dumps(board, default=str, sort_keys=True),
    }  # fmt: skip


def test_nothing_of_him_is_left_anywhere_and_the_numbers_stay(town, monkeypatch):
    him = plant(town)
    anna = plant_anna(town)
    planted = {where.partition(":")[0] for where in in_database()}
    # The search finds what is there: each of these doors was gone through.
    assert planted >= {
        "customers_customer.name", "customers_customer.provenance", "customers_customer.custom", "customers_sourcerecord.fields",
        "customers_sourcerecord.raw", "customers_sourcerecord.external_id", "customers_identity.value", "customers_consent.proof",
        "customers_comparable.person", "customers_note.text", "customers_matchkey.key", "customers_matchmodel.weights", "interactions_message.text",
        "interactions_message.args", "interactions_interaction.says", "interactions_interaction.page",
        "interactions_interaction.subject", "interactions_interaction.wrap_note", "interactions_thread.page",
        "interactions_attachment.name", "interactions_case.subject", "interactions_case.text", "interactions_task.title",
        "interactions_task.text", "interactions_task.contact", "interactions_recordingmark.text", "interactions_draft.text", "interactions_block.reason",
        "routing_workitem.note", "quality_survey.comment", "core_event.payload", "core_event.dedup", "core_outbox.payload",
        "core_outbox.error", "core_webhookdelivery.body", "core_keptanswer.body", "core_keptanswer.key",
    }, sorted(planted)  # fmt: skip
    assert len(in_files(Path(settings.MEDIA_ROOT))) == 3 and in_redis() == []
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert "pg_stats customers_identity.value" in in_database(statistics=True)
    before = numbers()
    erase(him, town)
    assert found_anywhere() == []
    assert numbers() == before
    assert Attachment.objects.get().name == "anna.txt" and not DoomedFile.objects.exists()
    anna.refresh_from_db()
    assert (anna.name, anna.erased_at) == ("Anna Weber", None)
    # Neither do pages of tables keep dead rows of him after the night, nor the planner's statistics his values.
    with connection.cursor() as cursor:
        # What this connection has yet to report would be counted after the vacuum.
        cursor.execute("SELECT pg_stat_force_next_flush()")
    customers.clear_tables()
    assert in_database(statistics=True) == []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(n_dead_tup) FROM pg_stat_user_tables WHERE relname = ANY(%s)",
            [["customers_identity", "interactions_message"]],
        )
        assert cursor.fetchone()[0] == 0
    assert customers.clear_tables() == 0


def test_every_spelling_is_found_by_the_search_itself():
    assert all(holds(f"call {text}") for text in [PHONE, *SPELLINGS]) and holds(MAIL.upper()) and holds(LAST.lower())
    assert not holds("Sergey 8 916 123-04-58")

"""A script in every text of every row: no page of the staff's runs it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers import actions as customers
from customers.models import Segment
from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Role
from cxcenter.board.urls import urlpatterns as board_doors
from interactions.actions import drafts, moderation
from interactions.models import Disposition, Interaction, QuickReply, Topic
from quality.actions import record_survey
from quality.metrics.dimensions import DIMENSIONS
from quality.models import SimulationRun
from routing.actions import control, legs, offers, reservations
from routing.models import (
    Alert,
    Assignment,
    BusinessHours,
    Callback,
    PauseReason,
    Presence,
    Requirement,
    Reservation,
    RuleVersion,
    Skill,
    WorkItem,
)
from tests import world
from tests.desk.test_doors import DOORS, House, house  # noqa: F401 — a fixture

pytestmark = pytest.mark.django_db(transaction=True)

# Downloads: no browser shows them.
FILES = ("file", "timeline-csv", "timeline-json", "export-customer", "audio", "download-recording")
OURS = ("accounts", "customers", "interactions", "routing", "quality", "core")
# Words of the program, not of people: nobody types them.
CODES = {
    "code",
    "kind",
    "act",
    "source",
    "topic",
    "zone",
    "key",
    "dedup",
    "secret",
    "password",
    "username",
    "file",
    "result",
}
JSON = {
    "customers.Consent.proof",
    "interactions.Interaction.says",
    "interactions.Interaction.page",
    "interactions.Thread.page",
    "interactions.Message.args",
}
# What a page of the desk, the board or the administration must have shown: else this test proves nothing of it.
SHOWN = {
    "customers.Customer": {"name", "company", "city", "about"},
    "customers.Note": {"text"},
    "customers.Membership": {"role"},
    "customers.Consent": {"purpose", "proof"},
    "interactions.Message": {"text", "args"},
    "interactions.Interaction": {"says", "page", "wrap_note"},
    "interactions.Attachment": {"name"},
    "interactions.Case": {"subject", "text"},
    "interactions.Task": {"title", "text", "contact"},
    "customers.Segment": {"name"},
    "interactions.Topic": {"name"},
    "interactions.Disposition": {"name"},
    "interactions.QuickReply": {"text"},
    "interactions.Article": {"title", "text"},
    "interactions.Block": {"reason"},
    "interactions.Draft": {"text"},
    "interactions.Channel": {"name"},
    "interactions.Site": {"title", "greeting"},
    "routing.Queue": {"name", "message"},
    "routing.PauseReason": {"name"},
    "routing.Callback": {"name"},
    "routing.WorkItem": {"note"},
    "quality.Survey": {"comment"},
    "quality.SimulationRun": {"title", "fault"},
    "routing.RuleVersion": {"why"},
    "routing.BusinessHours": {"name"},
    "accounts.User": {"first_name", "last_name"},
    "accounts.Team": {"name"},
}


def texts() -> Iterator[tuple[type[models.Model], models.Field]]:
    """Every field in which people's words stand."""
    for model in (model for app in OURS for model in apps.get_app_config(app).get_models()):
        for field in model._meta.concrete_fields:
            long = isinstance(field, models.TextField) or (field.max_length or 0) >= 40
            words = type(field) in {models.CharField, models.TextField} and long and not field.choices
            if (words and field.name not in CODES) or f"{model._meta.label}.{field.name}" in JSON:
                yield model, field


FIELDS = [f"{model._meta.label}.{field.name}" for model, field in texts()]


def script(number: int, pk: Any) -> str:
    return f'"><img src=x onerror=hack({number},{pk})>'


def plant() -> None:
    """Write a script of its own into every text of every row."""
    for number, (model, field) in enumerate(texts()):
        for row in model._default_manager.all():
            said = script(number, row.pk)
            if isinstance(field, models.JSONField):
                said = dict.fromkeys({**getattr(row, field.name), "name": "", "title": "", "url": ""}, said)
            model._default_manager.filter(pk=row.pk).update(**{field.name: said})


@pytest.fixture
def full(house: House) -> House:  # noqa: F811
    """One of everything, with the notes, ratings and blocks that people write."""
    topic, alice = Topic.objects.create(name="Brakes"), house.alice
    Disposition.objects.create(name="Solved")
    QuickReply.objects.create(shortcut="hi", text="Good day")
    PauseReason.objects.create(name="Lunch")
    done = world.open_chat(house.talk.thread.channel.site, topic=topic)
    leg = Assignment.objects.get(interaction=done)
    offers.accept_offer(leg_id=leg.pk, actor=alice)
    legs.finish(interaction_id=done.pk, actor=alice)
    boss = world.make_user("marina", Role.SUPERVISOR, alice.team)
    queue = house.leg.item.queue
    control.whisper(interaction=house.talk, text="Be kind", actor=boss)
    control.pause_queue(queue=queue, lasting=timedelta(hours=1), message="Soon", actor=boss)
    drafts.save_draft(interaction=house.talk, actor=alice, text="Half a", is_note=False)
    record_survey(interaction=house.talk, csat=5, ces=None, comment="Fine")
    moderation.block_visitor(interaction=house.talk, lasting=timedelta(hours=1), reason="Rude", actor=alice)
    consent = {
        "identity": house.talk.thread.identity,
        "purpose": "marketing",
        "granted": True,
        "proof": {"words": "Yes"},
    }
    customers.record_consent(profile=house.talk.profile, **consent)
    Alert.objects.create(kind="late", team=alice.team, queue=queue, item=house.leg.item)
    BusinessHours.objects.create(name="Office")
    changes = [{"sort": "queues", "id": f"{queue.pk}", "name": "x", "field": "name", "before": "x", "after": "y"}]
    RuleVersion.objects.create(number=1, why="Why", changes=changes, made_by=boss)
    trial = {"edit": {}, "seen": "", "why": "Why", "day": "2026-11-30", "levels": {}, "changes": changes}
    SimulationRun.objects.create(made_by=boss, title="Day", scenario="{}", state="failed", fault="Bad", trial=trial)
    Segment.objects.create(code="vip", name="VIP")
    hour, now = timedelta(hours=1), timezone.now()
    reservations.plan(
        users=[alice], state="meeting", subject="News", starts_at=now + hour, ends_at=now + 2 * hour, actor=boss
    )
    Callback.objects.create(thread=house.talk.thread, queue=queue, name="Kate", text="Call me")
    WorkItem.objects.update(note="To you", segments=["vip"])
    return house


def pages(house: House) -> Iterator[tuple[str, User]]:  # noqa: F811
    """Every page of the desk, the board and the administration, and who opens it."""
    boss = User.objects.get(role=Role.SUPERVISOR)
    root = world.make_user("root", Role.ADMIN, is_staff=True, is_superuser=True)
    for name, (method, right, _own) in DOORS.items():
        if method == "GET" and name not in FILES:
            yield house.address(name), house.alice if house.alice.may(right) else boss
    for section in ("cases", "tasks", "knowledge"):
        yield f"/desk/s/{house.talk.pk}/in/{section}/", house.alice
    for talk in Interaction.objects.all():
        yield f"/desk/s/{talk.pk}/", house.alice
        yield f"/board/session/{talk.pk}/", boss
    yield "/desk/search/?q=img", house.alice
    yield f"/desk/changes/?threads={house.talk.thread_id}:0", house.alice
    yield "/desk/rows/?show=queue", house.alice
    rows = {"queues": house.leg.item.queue_id, "operators": house.alice.pk, "session": house.talk.pk}
    rows["priorities"] = house.leg.item.queue_id
    rows["callbacks"] = Callback.objects.get().pk
    rows["skills"] = Requirement.objects.get().pk
    rows |= {"rules/queues": house.leg.item.queue_id, "rules/hours": BusinessHours.objects.first().pk}
    rows |= {"rules/versions": RuleVersion.objects.get().number, "simulator": SimulationRun.objects.get().pk}
    rows["reserved"] = Reservation.objects.get().pk
    for door in board_doors:
        if door.name in ("set-level", "simulation-stop", "simulation-json", "simulator-example"):
            # They show nothing: something is posted to them, or they are files.
            continue
        route = str(door.pattern)
        pk = next((pk for start, pk in rows.items() if route.startswith(start)), Alert.objects.first().pk)
        # What holds for all queues is an administrator's.
        who = root if door.name == "general-order" else boss
        yield "/board/" + re.sub(r"<int:pk>", str(pk), route), who
    for state in ("waiting", "in_work", "handled", "entered"):
        yield f"/board/contacts/?state={state}", boss
    yield from ((address, boss) for address in reports(house))
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"admin:{name}_changelist"), root
        for row in model._default_manager.all()[:1]:
            yield reverse(f"admin:{name}_change", args=[row.pk]), root


def reports(house: House) -> Iterator[str]:  # noqa: F811
    """A report by each dimension, and a list of each kind of contacts."""
    day = f"{timezone.localdate():%Y-%m-%d}"
    for by in DIMENSIONS:
        yield f"/reports/?period=own&since={day}&until={day}&by={by}&by=queue&queue={house.leg.item.queue_id}"
    for metric in ("offered", "handled", "contacts"):
        yield f"/reports/contacts/?metric={metric}&since={day}T00:00Z&until={day}T23:45Z"


def test_no_page_runs_what_somebody_wrote(full):
    Requirement.objects.create(queue=full.leg.item.queue, skill=Skill.objects.create(name="Russian"), level=1)
    plant()
    Presence.objects.update(reason=PauseReason.objects.get())
    seen: set[str] = set()
    clients: dict[int, Client] = {}
    for address, user in pages(full):
        if user.pk not in clients:
            clients[user.pk] = Client()
            clients[user.pk].force_login(user)
        answer = clients[user.pk].get(address, follow=True)
        assert answer.status_code == 200, (address, answer.status_code)
        text = answer.content.decode()
        if answer["Content-Type"].startswith("application/json"):
            # The page puts what stands in "html" into itself as it is; the rest it writes as text.
            text = "".join(re.findall(r'"html": ("(?:[^"\\]|\\.)*")', text))
        # Escaped it reads hack(…)&gt; in HTML and hack(…)\u003E in the data of a page.
        ran = {FIELDS[int(number)] for number in re.findall(r"hack\((\d+),[^)]*\)>", text)}
        assert not ran, (address, ran)
        seen |= {FIELDS[int(number)] for number in re.findall(r"hack\((\d+),", text)}
    assert sorted({f"{model}.{name}" for model, names in SHOWN.items() for name in names} - seen) == []

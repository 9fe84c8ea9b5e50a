"""docs/access.md is true: every right, object, screen, API call and socket × every role."""

import json
import re
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from customers import actions as customers
from customers.models import Likeness, Membership, Merge, Note, Profile
from cxcenter.accounts.models import User
from cxcenter.accounts.roles import RIGHTS, Right, Role
from cxcenter.accounts.scopes import NEEDS, Scope
from cxcenter.core.models import Event, WebhookDelivery, WebhookSubscription
from interactions.actions import talk
from interactions.models import Article, Attachment, Block, Call, CallLink, Interaction, Message, Recording
from quality.models import SimulationRun
from routing.models import (
    Alert,
    Assignment,
    BusinessHours,
    Callback,
    Guest,
    Presence,
    QueueMember,
    Requirement,
    Reservation,
    RuleVersion,
    Skill,
)
from tests import world
from tests.api.callers import Caller, session
from tests.api.conftest import Place, build
from tests.servers import Stack, session_stack

PAGE = Path(__file__).parent.parent / "docs/access.md"
ROLES = [str(role) for role in Role.values]
STRANGER = "nobody"
NO = "—"


def table(title: str) -> list[dict[str, str]]:
    """The rows of the table below a heading, by the names of their columns."""
    text = PAGE.read_text().split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line.strip().strip("|") for line in text.splitlines() if line.startswith("|")]
    head, _rule, *rows = [[cell.strip().strip("`") for cell in line.split("|")] for line in lines]
    return [dict(zip(head, row, strict=True)) for row in rows]


# --- Rights ------------------------------------------------------------------------------------


def test_roles_have_the_rights_of_the_table():
    rows = table("Rights of roles")
    written = {row["right"]: {role: row[role] == "yes" for role in ROLES} for row in rows}
    assert written == {right: {role: right in RIGHTS[role] for role in ROLES} for right in Right.values}
    assert {row["right"]: row["what it permits"] for row in rows} == {right.value: str(right.label) for right in Right}


def test_scopes_open_the_doors_of_the_table():
    written = {row["scope"]: (row["what it permits"], row["right behind it"]) for row in table("Scopes of API tokens")}
    assert written == {scope.value: (str(scope.label), NEEDS[scope].value) for scope in Scope}


# --- The installation that is asked ------------------------------------------------------------


@pytest.fixture
def place(transactional_db, settings) -> Place:
    """Two teams; the senior operator serves the same queue as the operator."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    place = build()
    people = place.people
    QueueMember.objects.create(queue=place.queue, user=people["senior"])
    User.objects.filter(username="admin").update(is_staff=True)
    for side, operator, owner in (
        (place.ours, people["operator"], people["integrator"]),
        (place.theirs, people["stranger"], people["admin"]),
    ):
        hook = WebhookSubscription.objects.create(name="x", url="https://1.1.1.1/", created_by=owner)
        side["subscription"] = hook
        side["delivery"] = WebhookDelivery.objects.create(subscription=hook, topic="case.opened", key="1", body={})
        side["presence"] = Presence.objects.get(user=operator)
        side["message"] = Message.objects.filter(interaction=side["chat"]).earliest("seq")
        side["file"] = Attachment.objects.create(
            message=side["message"],
            name="a.txt",
            kind="text",
            content_type="text/plain",
            size=1,
            file=ContentFile(b"x", name="a.txt"),
        )
    place.ours["pairs"] = pairs(place)
    return place


def pairs(place: Place) -> dict[str, tuple[Any, Any]]:
    """A row of our side and one of the other, by the name of the object. Cases and tasks have no sides."""
    ours, theirs = place.ours, place.theirs
    other = theirs["chat"].profile
    return {
        "customer": (place.customer, other.customer),
        "profile": (place.profile, other),
        "merge": (merge_of(place), merge_of(place)),
        "membership": tuple(member_of(one.customer) for one in (place.profile, other)),
        "note": tuple(note_of(place, one.customer) for one in (place.profile, other)),
        "likeness": (likeness_of(place, other), likeness_of(place, other)),
        "identity": (ours["chat"].thread.identity, theirs["chat"].thread.identity),
        "event": tuple(Event.objects.filter(profile_id=p.pk).earliest("pk") for p in (place.profile, other)),
        "thread": (ours["chat"].thread, theirs["chat"].thread),
        "interaction": (ours["chat"], theirs["chat"]),
        "message": (ours["message"], theirs["message"]),
        "call": tuple(Call.objects.get_or_create(interaction=side["chat"])[0] for side in (ours, theirs)),
        "recording": tuple(Recording.objects.get(public_id=recording_of(side).pk) for side in (ours, theirs)),
        "case": (place.case, place.case),
        "task": (place.task, place.task),
        "queue": (ours["queue"], theirs["queue"]),
        "workitem": (ours["leg"].item, theirs["leg"].item),
        "callback": (callback_of(ours), callback_of(theirs)),
        "assignment": (ours["leg"], theirs["leg"]),
        "presence": (ours["presence"], theirs["presence"]),
        "webhooksubscription": (ours["subscription"], theirs["subscription"]),
        "webhookdelivery": (ours["delivery"], theirs["delivery"]),
    }


def callback_of(side: dict[str, Any]) -> Callback:
    """A callback of a side's queue."""
    return Callback.objects.get_or_create(thread=side["chat"].thread, queue=side["queue"])[0]


def member_of(customer: Any) -> Membership:
    """A place of a customer in a company."""
    company = customers.create_profile(source="shop", fields={"kind": "company"})
    found = Membership.objects.standing().filter(person__customer=customer).first()
    return found or Membership.objects.create(company=company, person=customer.profiles.first(), source="shop")


def note_of(place: Place, customer: Any) -> Note:
    """A note of an operator."""
    found = Note.objects.filter(profile__customer=customer).first()
    return found or customers.add_note(customer=customer, text="x", actor=place.people["operator"])


def likeness_of(place: Place, other: Profile) -> Likeness:
    """A pair that waits for a decision."""
    low, high = sorted([place.profile.pk, other.pk])
    return Likeness.objects.get_or_create(one_id=low, other_id=high, defaults={"probability": 0.5})[0]


def merge_of(place: Place) -> Merge:
    """A merge that stands. Merges have no sides."""
    if not Merge.objects.exists():
        absorbed = customers.create_profile(source="shop").customer
        customers.merge_customers(survivor=place.customer.pk, others=[absorbed.pk])
    return Merge.objects.get()


# --- Objects -----------------------------------------------------------------------------------


def guarded() -> dict[str, Any]:
    """Models whose rows are asked for by `visible_to`, by name."""
    return {str(m._meta.model_name): m for m in apps.get_models() if hasattr(m._default_manager, "visible_to")}


def test_objects_are_seen_by_the_table(place):
    written, found, rows = {}, {}, place.ours["pairs"]
    for row in table("Rows of objects"):
        name = row["object"].lower()
        for role in ROLES:
            visible = guarded()[name]._default_manager.visible_to(place.people[role])
            seen = tuple(visible.filter(pk=one.pk).exists() for one in rows[name])
            written[name, role] = row[role]
            found[name, role] = {(True, True): "all", (True, False): "own", (False, False): NO}[seen]
    assert found == written


def test_the_table_of_objects_is_complete():
    assert {row["object"].lower() for row in table("Rows of objects")} == set(guarded())


def test_a_past_operator_and_a_lent_one_read_a_session_and_the_lent_one_for_his_time_only(place):
    chat, past = place.theirs["chat"], place.people["operator"]

    def readable(user: User) -> bool:
        return bool(Interaction.objects.visible_to(user).filter(pk=chat.pk).exists())

    assert not readable(past)
    Assignment.objects.create(item=place.theirs["leg"].item, interaction=chat, operator=past, leg="ended")
    assert readable(past)
    lent = world.make_user("lent", team=place.queue.team)
    assert not readable(lent)
    member = QueueMember.objects.create(queue=place.theirs["queue"], user=lent)
    for minutes, may in ((5, True), (-5, False)):
        member.until = timezone.now() + timedelta(minutes=minutes)
        member.save()
        assert readable(lent) == may


# --- Screens -----------------------------------------------------------------------------------

# These have tables and tests of their own.
ELSEWHERE = ("/api/v1/", "/admin/", "/static/")


def addresses() -> Iterator[str]:
    """Every address of the product, as its pattern is written."""

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
        for pattern in patterns:
            here = before + str(pattern.pattern).removeprefix("^")
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, here)
            elif not here.startswith(ELSEWHERE):
                yield here

    yield from walk(get_resolver().url_patterns, "/")


def rows_of(side: dict[str, Any], place: Place) -> dict[str, Any]:
    """What the addresses of screens are about, by their beginnings."""
    queue, identity = side["queue"], side["chat"].thread.identity
    until = timezone.now() + timedelta(hours=1)
    return {
        "/desk/s/": side["chat"],
        "/desk/recordings/": recording_of(side),
        "/desk/customers/": side["chat"].profile.customer,
        "/desk/merges/": merge_of(place),
        "/desk/apart/": side["chat"].profile,
        "/desk/members/": member_of(side["chat"].profile.customer),
        "/desk/notes/": note_of(place, side["chat"].profile.customer),
        "/desk/links/": side["chat"].profile,
        "/desk/call-links/": call_link_of(side),
        "/desk/unlinked/": side["chat"].profile,
        "/desk/cases/": place.case,
        "/desk/tasks/": place.task,
        "/desk/messages/": side["message"],
        "/desk/files/": side["file"],
        "/desk/offers/": side["leg"],
        "/desk/guests/": guest_of(side),
        "/desk/blocks/": Block.objects.get_or_create(identity=identity, defaults={"until": until})[0],
        "/desk/knowledge/": Article.objects.get_or_create(title="x", text="y")[0],
        "/board/queues/": queue,
        "/board/operators/": side["presence"].user,
        "/board/callbacks/": callback_of(side),
        "/board/reserved/": reservation_of(side["presence"].user),
        "/board/session/": side["chat"],
        "/board/priorities/": queue,
        "/board/skills/ask/": Requirement.objects.get_or_create(queue=queue, skill=skill(), level=1)[0],
        "/board/skills/": side["presence"].user,
        "/board/rules/queues/": queue,
        "/board/rules/hours/": BusinessHours.objects.get_or_create(name="Office")[0],
        "/board/rules/versions/": RuleVersion.objects.get_or_create(number=1, pk=1, defaults={"state": {}})[0],
        "/board/simulator/": simulation(side, place),
        "/board/alerts/": Alert.objects.get_or_create(kind="late", team=queue.team, queue=queue)[0],
    }


def recording_of(side: dict[str, Any]) -> Any:
    """A recording that the session's operator made, by what stands in its address."""
    made = Recording.objects.get_or_create(
        interaction=side["chat"], defaults={"operator": side["presence"].user, "content_type": "audio/webm"}
    )[0]
    return SimpleNamespace(pk=made.public_id)


def call_link_of(side: dict[str, Any]) -> CallLink:
    """A call link that the session's operator made."""
    until = timezone.now() + timedelta(hours=1)
    made = {"site": side["site"], "expires_at": until, "made_by": side["presence"].user}
    return CallLink.objects.get_or_create(profile=side["chat"].profile, defaults=made)[0]


def guest_of(side: dict[str, Any]) -> Guest:
    """A call of a colleague that rings at the session's operator."""
    keys = {"interaction": side["chat"], "user": side["presence"].user}
    return Guest.objects.get_or_create(**keys, defaults={"leg": side["leg"], "role": "consult"})[0]


def simulation(side: dict[str, Any], place: Place) -> SimulationRun:
    """A trial of rules of a supervisor, or of somebody else."""
    owner = place.people["supervisor" if side is place.ours else "admin"]
    trial = {"edit": {}, "seen": "", "why": "", "day": "2026-11-30", "queues": [], "levels": {}, "changes": []}
    return SimulationRun.objects.get_or_create(made_by=owner, defaults={"scenario": "{}", "trial": trial})[0]


def reservation_of(user: User) -> Reservation:
    """A meeting of an operator, to come."""
    begins = timezone.now() + timedelta(hours=1)
    found = Reservation.objects.filter(attendances__user=user, cancelled_at=None).first()
    if found is None:
        found = Reservation.objects.create(subject="x", starts_at=begins, ends_at=begins + timedelta(hours=1))
        found.attendances.create(user=user)
    return found


def skill() -> Skill:
    return Skill.objects.get_or_create(name="Russian")[0]


def filled(address: str, side: dict[str, Any]) -> str:
    """An address with the ids of rows of one side."""
    row = next((row for start, row in side["rows"].items() if address.startswith(start)), None)
    words = {
        "role": "listen",
        "control": "hold",
        "section": "card",
        "field": "name",
        "what": "done",
        "name": "line",
        "key": side["site"].key,
    }
    address = address.replace("<int:skill>", str(skill().pk))
    address = address.replace("<int:number>", "0")
    address = address.replace("<int:identity>", str(side["chat"].thread.identity_id))
    address = re.sub(r"<(?:int|uuid):\w+>", str(row.pk if row else side["file"].pk), address)
    return re.sub(r"<(?:str|slug):(\w+)>", lambda found: words[found[1]], address)


def browser(user: User | None) -> Client:
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(user)
    return client


def door(client: Client, address: str, **said: Any) -> str:
    """What a door does.

    "yes" lets in, "—" names the right that is missing, "sign in" asks who it is, "none" knows no such row.
    """
    # Nothing that is done stays done: the next one who knocks finds the same.
    with transaction.atomic():
        answer = client.get(address, follow=True)
        if answer.status_code == 405:
            answer = client.post(address, said, follow=True)
        transaction.set_rollback(True)
    assert answer.status_code < 500 or address == "/readyz", (address, answer.status_code)
    if answer.redirect_chain and answer.redirect_chain[-1][0].startswith(reverse("sign-in")):
        return "sign in"
    if answer.status_code == 403 and "text/html" in answer["Content-Type"]:
        return NO
    return "none" if answer.status_code == 404 else "yes"


def screen(client: Client, address: str, place: Place) -> str:
    """How far a screen goes: as `door` says, and of rows "own" or "all"."""
    ours, theirs = (door(client, filled(address, side), session=side["chat"].pk) for side in (place.ours, place.theirs))
    if not any(address.startswith(start) and "<" in address for start in place.ours["rows"]):
        # The visitor's addresses know no staff: their token and the keys of sites have tests of their own.
        return "yes" if ours == "none" else ours
    return {("yes", "yes"): "all", ("yes", "none"): "own"}.get((ours, theirs), ours)


def test_the_table_of_screens_is_complete():
    assert sorted(row["address"] for row in table("Screens")) == sorted([*addresses(), "/admin/"])


@pytest.mark.parametrize("role", [*ROLES, STRANGER])
def test_screens_open_by_the_table(place, role):
    client, found, rows = browser(place.people.get(role)), {}, table("Screens")
    for side in (place.ours, place.theirs):
        # Once: no door leaves anything changed.
        side["rows"] = rows_of(side, place)
    for row in rows:
        found[row["address"]] = screen(client, row["address"], place)
        if row["address"] == reverse("sign-out"):
            client = browser(place.people.get(role))
    assert found == {row["address"]: row[role] for row in rows}


def test_only_administrators_enter_the_pages_of_the_administration(place):
    names = [f"{m._meta.app_label}_{m._meta.model_name}" for m in admin.site._registry]
    pages = [reverse(f"admin:{name}_changelist") for name in names]
    assert len(pages) > 20
    for role in ROLES:
        client = browser(place.people[role])
        doors = {page: door(client, page) for page in pages}
        assert set(doors.values()) == {"yes" if role == "admin" else NO}, (role, doors)
    assert {door(browser(None), page) for page in pages} == {"sign in"}


# --- API ---------------------------------------------------------------------------------------

# Collections of the API and the objects in them.
COLLECTIONS = {
    "customers": "customer",
    "profiles": "profile",
    "identities": "identity",
    "events": "event",
    "memberships": "membership",
    "merges": "merge",
    "threads": "thread",
    "interactions": "interaction",
    "calls": "call",
    "cases": "case",
    "tasks": "task",
    "queues": "queue",
    "work-items": "workitem",
    "callbacks": "callback",
    "operators": "presence",
    "webhooks": "webhooksubscription",
    "deliveries": "webhookdelivery",
}


def operations() -> dict[str, str]:
    """The scope that each call of the API says it needs."""
    found = {}
    for path, methods in SchemaGenerator().get_schema(public=True)["paths"].items():
        for method, operation in methods.items():
            scope = re.search(r"Scope: `(\S+)`", operation["description"])
            found[f"{method.upper()} {path.removeprefix('/api/v1/')}"] = scope[1] if scope else ""
    return found


def test_the_table_of_api_calls_is_complete_and_names_their_scopes():
    assert {row["call"]: row["scope"] for row in table("API calls")} == operations()


def path_of(call: str, side: int, place: Place) -> str:
    """The path of a call about rows of one side (0 ours, 1 theirs)."""
    path = call.split(" ")[1]
    rows = {name: both[side].pk for name, both in place.ours["pairs"].items()}
    collection = path.partition("/{id}")[0].rsplit("/", 1)[-1]
    values = {
        "id": rows.get(COLLECTIONS.get(collection, "")),
        "user": rows["presence"],
        "identity": rows["identity"],
        "other": rows["customer"],
        "interaction": rows["interaction"],
        "thread": rows["thread"],
        "subscription": rows["webhooksubscription"],
        "source": "dms",
        "external_id": "A-1",
    }
    return re.sub(r"{(\w+)}", lambda found: str(values[found[1]]), path)


def reach(call: str, caller: Caller, place: Place) -> str:
    """How far a call reaches: "—" no door, "none" no rows, "own", "all"; "yes" makes something new."""
    method, path = call.split(" ")
    reached = []
    for side in (0, 1):
        answer = caller.call(method, path_of(call, side, place), {} if method in {"POST", "PATCH", "PUT"} else None)
        assert answer.status_code < 500, (call, answer.content)
        if answer.status_code == 403 and answer.json()["code"] == "permission_denied":
            return NO
        if "{" in path:
            reached.append(answer.status_code != 404)
        elif method == "POST" or path.rstrip("/") not in COLLECTIONS:
            return "yes"
        else:
            reached.append(place.ours["pairs"][COLLECTIONS[path.rstrip("/")]][side].pk in caller.ids(path))
        put_back(place)
    return {(True, True): "all", (True, False): "own", (False, False): "none"}[tuple(reached)]


def put_back(place: Place) -> None:
    """Make again what a call has deleted, for the next one who tries."""
    for side in (place.ours, place.theirs):
        for row in (side["subscription"], side["delivery"]):
            if not type(row).objects.filter(pk=row.pk).exists():
                row.save(force_insert=True)
    Membership.objects.update(ended_at=None, ended_by=None)


def test_calls_reach_by_the_table(place):
    rows, callers = table("API calls"), {role: session(place.people[role]) for role in ROLES}
    found = {row["call"]: {role: reach(row["call"], callers[role], place) for role in ROLES} for row in rows}
    assert found == {row["call"]: {role: row[role] for role in ROLES} for row in rows}


# --- Sockets -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stack(django_db_setup) -> Iterator[Stack]:
    with session_stack() as running:
        yield running


def knock(stack: Stack, address: str, user: User | None) -> ClientConnection:
    headers = {}
    if user is not None:
        cookie = browser(user).cookies[settings.SESSION_COOKIE_NAME].value
        headers["Cookie"] = f"{settings.SESSION_COOKIE_NAME}={cookie}"
    return connect(f"{stack.url.replace('http', 'ws')}{address}", origin=stack.url, additional_headers=headers)


def told(socket: ClientConnection, until: str, **asked: Any) -> dict[str, Any]:
    """Say something to a socket and wait for an answer of the kind `until`."""
    socket.send(json.dumps(asked))
    while (answer := json.loads(socket.recv(timeout=20)))["kind"] != until:
        pass
    return answer


def socket_door(stack: Stack, address: str, user: User | None) -> str:
    with knock(stack, address, user) as socket:
        try:
            told(socket, "beat", kind="beat")  # to the visitor's socket it is a greeting without a token
        except ConnectionClosed as closed:
            return {4401: "sign in", 4403: NO}[closed.rcvd.code if closed.rcvd else 0]
    return "yes"


@pytest.mark.live
def test_sockets_open_by_the_table(stack, place):
    rows = table("Sockets")
    who = [*ROLES, STRANGER]
    assert [row["socket"] for row in rows] == ["/ws/desk/", "/ws/board/", "/ws/visitor/"]
    found = {r["socket"]: {one: socket_door(stack, r["socket"], place.people.get(one)) for one in who} for r in rows}
    assert found == {row["socket"]: {one: row[one] for one in who} for row in rows}


@pytest.mark.live
def test_the_desks_socket_follows_threads_that_may_be_read(stack, place):
    ours, theirs = (side["chat"].thread_id for side in (place.ours, place.theirs))
    followed = {"all": [ours, theirs], "own": [ours], NO: []}
    threads = next(row for row in table("Rows of objects") if row["object"] == "Thread")
    for role, opens in next(row for row in table("Sockets") if row["socket"] == "/ws/desk/").items():
        if opens == "yes":
            with knock(stack, "/ws/desk/", place.people[role]) as socket:
                answer = told(socket, "watching", kind="watch", threads=[ours, theirs], tab=str(uuid.uuid4()))
            assert answer["threads"] == sorted(followed[threads[role]]), role


@pytest.mark.live
def test_the_boards_socket_tells_of_sessions_that_may_be_read(stack, place):
    """It is told that a watched session may be in other hands: a line of the system in it, and of no other."""
    for role, opens in next(row for row in table("Sockets") if row["socket"] == "/ws/board/").items():
        if opens != "yes":
            continue
        for side, may in ((place.ours, True), (place.theirs, role == "admin")):
            with knock(stack, "/ws/board/", place.people[role]) as socket:
                socket.send(json.dumps({"watch": side["chat"].pk}))
                told(socket, "beat", kind="beat")
                talk.post_system_line(thread_id=side["chat"].thread_id, code="joined", args={"name": "Ann"})
                kinds = []
                # What is published is in order: the answer to a later beat comes behind the hint.
                for _ in range(3):
                    time.sleep(0.2)
                    socket.send(json.dumps({"kind": "beat"}))
                while kinds.count("beat") < 3:
                    kinds.append(json.loads(socket.recv(timeout=20))["kind"])
            assert ("session" in kinds) == may, (role, may)

"""The timeline of a customer: its order over many profiles, its filters, what one may read of it, its file."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from customers import actions
from customers.models import Customer
from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Role
from cxcenter.core.models import AuditEntry, Event
from cxcenter.desk import timeline
from cxcenter.desk.timeline import GROUPS, Wanted
from cxcenter.desk.wording import WORDS
from interactions.actions import cases
from interactions.actions import talk as talks
from interactions.models import Interaction
from quality.actions import record_survey
from routing.actions import offers
from routing.models import Assignment
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def alice() -> User:
    return world.make_user("alice", team=world.make_team())


@pytest.fixture
def kate() -> Customer:
    """A customer of three profiles, with nothing on her timeline."""
    head, *others = (actions.create_profile(source="shop").customer for _ in range(3))
    actions.merge_customers(survivor=head.pk, others=[other.pk for other in others])
    Event.objects.all().delete()
    return Customer.objects.get(pk=head.pk)


def happen(customer: Customer, kind: str = "site.event", at: datetime = NOON, nth: int = 0, **payload) -> Event:
    profile = customer.profiles.order_by("pk")[nth % customer.profiles.count()]
    return Event.objects.create(profile_id=profile.pk, kind=kind, at=at, payload=payload)


def view(customer: Customer, title: str, at: datetime = NOON, nth: int = 0) -> Event:
    return happen(customer, at=at, nth=nth, type="page_view", data={"title": title, "url": "https://shop.example/"})


def titles(customer: Customer, user: User, **wanted) -> list[str]:
    return [line.said.title for line in timeline.page_of(customer, user, Wanted(**wanted))[0]]


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_pages_go_over_all_profiles_in_order_and_repeat_nothing(alice, kate):
    """Many facts of one moment, spread over the profiles."""
    made = [view(kate, str(n), at=NOON + timedelta(seconds=n // 10), nth=n) for n in range(57)]
    view(actions.create_profile(source="shop").customer, "of somebody else")
    seen, before = [], ""
    while True:
        lines, before = timeline.page_of(kate, alice, before=before, limit=5)
        seen += [line.id for line in lines]
        if not before:
            break
    assert seen == [event.pk for event in sorted(made, key=lambda e: (e.at, e.pk), reverse=True)]


def test_what_comes_meanwhile_moves_no_page(alice, kate):
    made = [view(kate, str(n), at=NOON + timedelta(minutes=n), nth=n) for n in range(10)]
    _lines, before = timeline.page_of(kate, alice, limit=4)
    view(kate, "new", at=NOON + timedelta(hours=1))
    assert [line.id for line in timeline.page_of(kate, alice, before=before, limit=4)[0]] == [
        event.pk for event in made[5:1:-1]
    ]


def test_every_kind_has_words_and_is_in_one_group():
    grouped = [kind for kinds in GROUPS.values() for kind in kinds]
    assert sorted(grouped) == sorted(WORDS)


@pytest.mark.parametrize("group", GROUPS)
def test_a_chip_keeps_its_kinds(alice, kate, group):
    made = [happen(kate, kind, nth=n) for n, kind in enumerate(WORDS)]
    for event in made:
        Event.objects.filter(pk=event.pk).update(payload=PAYLOADS.get(event.kind, {}))
    lines, _more = timeline.page_of(kate, alice, Wanted(group=group))
    assert {line.kind for line in lines} == set(GROUPS[group])
    assert {line.id for line in lines} <= {event.pk for event in made}


PAYLOADS: dict[str, dict[str, object]] = {
    "interaction.opened": {"interaction": 1, "kind": "webchat"},
    "interaction.closed": {"interaction": 1, "kind": "webchat", "reason": "left"},
    "interaction.linked": {"interaction": 1, "kind": "webchat", "linked": True},
    "customer.member": {"company": 1, "person": 2, "membership": 1, "change": "joined", "of": "person"},
    "customer.note": {"customer": 1, "note": 1},
    "case.linked": {"case": 1, "linked": True},
    "customer.identity": {"customer": 1, "identity": 1, "kind": "phone", "change": "linked"},
    "customer.merged": {"customer": 1, "absorbed": 2},
    "customer.unmerged": {"customer": 1, "absorbed": 2},
    "customer.apart": {"customer": 1, "other": 2, "apart": True},
}


def test_numbers_of_the_chips_are_counted_so_far(kate):
    Event.objects.bulk_create(
        Event(profile_id=kate.profiles.first().pk, kind="site.event", payload={"type": "x"}) for _ in range(150)
    )
    happen(kate, "case.opened", nth=1, case=1)
    shown = {chip.code: chip.shown for chip in timeline.chips(kate)}
    assert shown == {"": "99+", "cases": "1", "site": "99+"}
    # What is chosen stays, and where nothing is counted all stand.
    assert [chip.code for chip in timeline.chips(kate, "chats")] == ["", "chats", "cases", "site"]
    assert [chip.code for chip in timeline.chips()] == ["", *GROUPS]


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", ["late", "noon"]),
        ("Asia/Vladivostok", ["noon", "early"]),
        ("America/New_York", ["next", "late", "noon"]),
    ],
)
def test_days_of_a_period_are_those_of_the_reader(alice, kate, zone, expected):
    for title, hours in (("before", -36), ("early", -14), ("noon", 0), ("late", 11), ("next", 14)):
        view(kate, title, at=NOON + timedelta(hours=hours), nth=hours)
    with timezone.override(zone):
        day = date(2026, 3, 10)
        assert titles(kate, alice, since=day, until=day) == [f"Page: {title}" for title in expected]


def test_one_goes_to_a_day_and_the_days_are_named(alice, kate):
    now = timezone.now()
    for n, title in enumerate(("today", "yesterday", "earlier")):
        view(kate, title, at=now - timedelta(days=n, seconds=1), nth=n)
    view(kate, "long ago", at=datetime(2024, 3, 10, 12, tzinfo=UTC))
    with timezone.override("UTC"):
        day = timezone.localdate(now - timedelta(days=1, seconds=1))
    User.objects.filter(pk=alice.pk).update(zone="UTC")
    client, address = client_of(alice), reverse("desk:timeline", args=[kate.pk])
    whole = client.get(address).content.decode()
    headings = re.findall(r'class="cx-day"[^>]*>([^<]+)<', whole)
    assert [heading.partition(",")[0] for heading in headings[:2]] == ["Today", "Yesterday"]
    assert headings[3] == "10 March 2024"
    there = client.get(address, {"day": day.isoformat(), "lines": "1"}).content.decode()
    assert re.findall(r"<b[^>]*>Page: (.*?)</b>", there) == ["yesterday", "earlier", "long ago"]


def test_a_day_is_named_once_over_two_pages(alice, kate):
    for n in range(30):
        view(kate, str(n), at=NOON + timedelta(seconds=n))
    client, address = client_of(alice), reverse("desk:timeline", args=[kate.pk])
    first = client.get(address, {"lines": "1", "whole": "1"}).content.decode()
    more = re.search(r'hx-get="([^"]+)"', first)[1].replace("&amp;", "&")
    second = client.get(more).content.decode()
    assert (first.count("cx-day"), second.count("cx-day")) == (1, 0)
    assert (first.count("cx-ev"), second.count("cx-ev")) == (25, 5)
    assert "hx-get" not in second


def test_beside_a_talk_pages_have_one_size(alice, kate):
    for n in range(20):
        view(kate, str(n), at=NOON + timedelta(seconds=n))
    client, address = client_of(alice), reverse("desk:timeline", args=[kate.pk])
    sizes, url = [], address
    while url:
        page = client.get(url).content.decode()
        sizes.append(page.count('class="cx-ev"'))
        more = re.search(r'hx-get="([^"]+)"', page)
        url = more[1].replace("&amp;", "&") if more else ""
    assert sizes == [8, 8, 4]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 25])
def test_an_undone_merge_is_told_once_to_who_is_merged_again(alice, limit):
    """Merged, parted, merged again: each tells something, but the parting was told to both and is said once."""
    kate, oleg = (actions.create_profile(source="shop").customer for _ in range(2))
    merge = partial(actions.merge_customers, survivor=kate.pk, others=[oleg.pk], actor=alice)
    (made,) = merge()
    actions.unmerge(merge_id=made.pk, actor=alice)
    for card in (kate, oleg):
        assert [line.kind for line in timeline.page_of(card, alice)[0]].count("customer.unmerged") == 1
    merge()
    seen, before = [], ""
    while True:
        lines, before = timeline.page_of(kate, alice, before=before, limit=limit)
        seen += [line.kind for line in lines]
        if not before:
            break
    assert seen == ["customer.merged", "customer.unmerged", "customer.merged", *["customer.created"] * 2]


# --- Sessions, cases: their details, and who may read them ---


@pytest.fixture
def talk(alice, django_capture_on_commit_callbacks) -> Interaction:
    """A chat about tyres that alice holds."""
    world.on_duty(alice)
    site = world.make_site(world.make_queue(members=(alice,), team=alice.team))
    chat = world.open_chat(site, "Where are my winter tyres?")
    offers.accept_offer(leg_id=Assignment.objects.get(interaction=chat).pk, actor=alice)
    world.reply(chat, alice, "On Friday")
    return chat


def test_a_line_tells_of_its_session_and_case(alice, talk):
    case = cases.register_case(actor=alice, profile=talk.profile, interaction=talk, subject="Late delivery")
    record_survey(interaction=talk, csat=5, ces=None, comment="Quick and kind")
    lines = {line.kind: line.said for line in timeline.page_of(talk.profile.customer, alice)[0]}
    opened = lines["interaction.opened"]
    assert (opened.detail, opened.tag) == ("Alice · 2 messages", "in progress")
    assert opened.url == f"/desk/s/{talk.pk}/"
    assert (lines["case.opened"].title, lines["case.opened"].tag) == (f"Question CS-{case.pk} registered", "open")
    assert lines["case.opened"].detail == "Late delivery · Alice"
    assert lines["survey.answered"].detail == "Quick and kind"


@pytest.mark.parametrize(("role", "reads"), [(Role.OPERATOR, False), (Role.QUALITY, True), (Role.MARKETER, False)])
def test_details_and_words_only_for_who_may_read_them(alice, talk, role, reads):
    cases.register_case(actor=alice, profile=talk.profile, interaction=talk, subject="Late delivery")
    record_survey(interaction=talk, csat=5, ces=None, comment="Quick and kind")
    customer = talk.profile.customer
    stranger = world.make_user("charlie", role, world.make_team("Sales"))
    lines = {line.kind: line.said for line in timeline.page_of(customer, stranger)[0]}
    assert bool(lines["interaction.opened"].url) == bool(lines["interaction.opened"].detail) == reads
    assert bool(lines["survey.answered"].detail) == reads
    assert bool(lines["case.opened"].url) == (role != Role.MARKETER)
    assert bool(titles(customer, stranger, text="winter TYRES")) == reads
    assert bool(titles(customer, stranger, text="quick and")) == reads
    assert bool(titles(customer, stranger, text="late deliv")) == (role != Role.MARKETER)
    exported = b"".join(client_of(stranger).get(reverse("desk:timeline-csv", args=[customer.pk]))).decode()
    assert ("Alice · 2 messages" in exported) == reads


def test_words_are_found_in_what_they_stand_in(alice, talk):
    customer = talk.profile.customer
    cases.register_case(actor=alice, profile=talk.profile, subject="Brakes squeal")
    cases.create_task(title="Order pads", actor=alice, assignee=alice, profile=talk.profile)
    view(customer, "Зимние шины")
    happen(customer, "outside.event", type="purchase", source="dms", data={"title": "Rims", "amount": 62400})
    [found] = timeline.page_of(customer, alice, Wanted(text="tyres"))[0]
    message = talk.messages.get(text__contains="tyres")
    assert (found.said.detail, found.said.url) == (message.text, f"/desk/s/{talk.pk}/#m-{message.pk}")
    assert titles(customer, alice, text="squeal") == [f"Question CS-{talk.profile.cases.get().pk} registered"]
    assert titles(customer, alice, text="pads") == ["A task was set"]
    assert titles(customer, alice, text="зимние") == ["Page: Зимние шины"]
    assert titles(customer, alice, text="rims") == ["Purchase · Rims"]
    assert titles(customer, alice, text="tyres", group="site") == []
    assert titles(customer, alice, text="nowhere") == []


def test_a_withdrawn_message_is_not_found(alice, talk):
    message = talk.messages.get(text="On Friday")
    assert titles(talk.profile.customer, alice, text="friday")
    talks.withdraw_message(message_id=message.pk, actor=alice)
    assert not titles(talk.profile.customer, alice, text="friday")


def test_a_fact_from_outside_is_told_with_what_it_says(alice, kate):
    happen(
        kate, "outside.event", type="purchase", source="dms", data={"title": "Rims", "amount": 62400, "currency": "₽", "shop": "North"}
    )  # fmt: skip
    happen(kate, "outside.event", type="loyalty.level", source="crm", data={"level": "gold", "nested": {"x": 1}})
    told = [line.said for line in timeline.page_of(kate, alice, Wanted(group="outside"))[0]]
    assert [(one.title, one.tag, one.detail) for one in told] == [
        ("loyalty.level", "", "level: gold · source: crm"),
        ("Purchase · Rims", "62 400 ₽", "shop: North · source: dms"),
    ]
    with translation.override("ru"):
        assert titles(kate, alice, text="rims") == ["Покупка · Rims"]


def test_queries_do_not_grow(alice, talk):
    customer = talk.profile.customer

    def count(**wanted) -> int:
        with CaptureQueriesContext(connection) as caught:
            timeline.page_of(customer, alice, Wanted(**wanted), limit=200)
        return len(caught)

    def grow() -> None:
        for n in range(5):
            other = actions.create_profile(source="shop").customer
            actions.merge_customers(survivor=customer.pk, others=[other.pk])
            cases.register_case(actor=alice, profile=talk.profile, interaction=talk, subject=f"Tyres {n}")
            view(customer, f"Tyres {n}", nth=n)

    grow()
    few = [count(), count(group="cases"), count(text="tyres")]
    grow()
    assert [count(), count(group="cases"), count(text="tyres")] == few
    assert few[0] <= 8
    assert few[2] <= 13
    with CaptureQueriesContext(connection) as caught:
        timeline.chips(customer)
    assert len(caught) == 1


def test_nonsense_in_the_filters_breaks_nothing(alice, kate):
    view(kate, "A page")
    client, address = client_of(alice), reverse("desk:timeline", args=[kate.pk])
    for nonsense in ("x", "-1", "99999-01-01", "2026-02-31", "0001-01-01", "%_\\'\"", "9" * 30):
        asked = dict.fromkeys(("group", "since", "until", "day"), nonsense)
        assert "A page" in client.get(address, asked).content.decode(), nonsense
        assert client.get(address, {"text": nonsense}).status_code == 200
    assert client.get(address, {"before": "x"}).status_code == 400


# --- The file ---


def rows_of(answer) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(answer).decode().removeprefix("\ufeff"))))


def test_the_file_is_whole_in_order_and_in_the_readers_words(alice, kate):
    profiles = [profile.pk for profile in kate.profiles.all()]
    Event.objects.bulk_create(
        Event(profile_id=profiles[n % 3], kind="site.event", at=NOON + timedelta(seconds=n // 7),
              payload={"type": "page_view", "data": {"title": f"page {n}"}})
        for n in range(2500)
    )  # fmt: skip
    User.objects.filter(pk=alice.pk).update(language="ru", zone="Asia/Vladivostok")
    client = client_of(User.objects.get(pk=alice.pk))
    with CaptureQueriesContext(connection) as caught:
        table = rows_of(client.get(reverse("desk:timeline-csv", args=[kate.pk])))
    assert len(caught) < 60
    assert table[0] == ["Время", "Вид", "Что", "Статус", "Подробности"]
    ids = [event.payload["data"]["title"] for event in Event.objects.order_by("-at", "-pk")]
    assert [row[2] for row in table[1:]] == [f"Страница: {title}" for title in ids]
    assert table[-1][0] == "2026-03-10T22:00:00+10:00"
    objects = json.loads(b"".join(client.get(reverse("desk:timeline-json", args=[kate.pk]))))
    assert [one["title"] for one in objects] == [row[2] for row in table[1:]]
    noted = AuditEntry.objects.filter(act="customer.export", subject=f"customer:{kate.pk}", actor=alice)
    assert [entry.detail["form"] for entry in noted.order_by("pk")] == ["csv", "json"]


def test_the_file_keeps_to_the_filters(alice, kate):
    view(kate, "tyres", at=NOON)
    view(kate, "tyres long ago", at=NOON - timedelta(days=30))
    happen(kate, "case.opened", case=1)
    client = client_of(alice)
    asked = {"group": "site", "text": "tyres", "since": "2026-03-01", "day": "2020-01-01"}
    table = rows_of(client.get(reverse("desk:timeline-csv", args=[kate.pk]), asked))
    assert [row[2] for row in table[1:]] == ["Page: tyres"]
    empty = client.get(reverse("desk:timeline-json", args=[kate.pk]), {"text": "nowhere"})
    assert json.loads(b"".join(empty)) == []


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_the_table_is_a_formula(alice, kate, start):
    happen(kate, "outside.event", type=f"{start}1+1", source="x", data={})
    answer = client_of(alice).get(reverse("desk:timeline-csv", args=[kate.pk]))
    assert answer["Content-Disposition"].startswith(f'attachment; filename="C-{kate.pk}-')
    assert rows_of(answer)[1][2] == f"'{start}1+1"

"""Every address of the desk: who may enter, what is refused in words, what no garbage breaks."""

import re
import uuid
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern
from django.utils import timezone

from customers import actions as customers
from customers.models import Customer, Membership, Note
from cxcenter.accounts.models import User
from cxcenter.accounts.roles import RIGHTS, Right, Role
from cxcenter.core.models import AuditEntry
from cxcenter.desk.urls import urlpatterns
from interactions.actions import cases, recordings
from interactions.models import Article, Attachment, Block, Case, Channel, Interaction, Message, Recording, Task
from interactions.uploads import read_upload
from routing.actions import offers
from routing.models import Assignment
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)

# name → (method, the right it needs, whether it is about a session or what belongs to one)
DOORS: dict[str, tuple[str, str, bool]] = {
    "desk": ("GET", Right.VIEW_CUSTOMERS, False),
    "session": ("GET", Right.VIEW_CUSTOMERS, True),
    "section": ("GET", Right.VIEW_CUSTOMERS, True),
    "parts": ("GET", Right.VIEW_CUSTOMERS, False),
    "offers": ("GET", Right.SERVE, False),
    "rows": ("GET", Right.VIEW_CUSTOMERS, False),
    "changes": ("GET", Right.VIEW_CUSTOMERS, False),
    "side": ("GET", Right.VIEW_CUSTOMERS, True),
    "history": ("GET", Right.VIEW_CUSTOMERS, True),
    "send": ("POST", Right.VIEW_CUSTOMERS, True),
    "send-file": ("POST", Right.SERVE, True),
    "read": ("POST", Right.SERVE, True),
    "draft": ("POST", Right.SERVE, True),
    "quick-replies": ("GET", Right.SERVE, True),
    "transfer-form": ("GET", Right.SERVE, True),
    "transfer": ("POST", Right.SERVE, True),
    "finish": ("POST", Right.SERVE, True),
    "report": ("POST", Right.SERVE, True),
    "line": ("GET", Right.SERVE, False),
    "dial": ("POST", Right.SERVE, False),
    "sound": ("GET", Right.SERVE, False),
    "press": ("POST", Right.SERVE, True),
    "signal": ("POST", Right.SERVE, True),
    "ready": ("POST", Right.SERVE, True),
    "invite-form": ("GET", Right.SERVE, True),
    "invite": ("POST", Right.SERVE, True),
    "leave": ("POST", Right.SERVE, True),
    "listen-in": ("POST", Right.CONTROL, False),
    "speak": ("POST", Right.CONTROL, False),
    "answer-guest": ("POST", Right.SERVE, True),
    "decline-guest": ("POST", Right.SERVE, True),
    "no-callback": ("POST", Right.SERVE, True),
    "wrap-up": ("POST", Right.SERVE, True),
    "extend": ("POST", Right.SERVE, True),
    "snooze": ("POST", Right.SERVE, True),
    "wake": ("POST", Right.SERVE, True),
    "spam": ("POST", Right.SERVE, True),
    "block": ("POST", Right.SERVE, True),
    "start-recording": ("POST", Right.SERVE, True),
    "recording": ("GET", Right.VIEW_CUSTOMERS, True),
    "recording-piece": ("POST", Right.SERVE, True),
    "mark-recording": ("POST", Right.VIEW_CUSTOMERS, True),
    "finish-recording": ("POST", Right.SERVE, True),
    "listen": ("POST", Right.VIEW_CUSTOMERS, True),
    "audio": ("GET", Right.VIEW_CUSTOMERS, True),
    "download-recording": ("GET", Right.TAKE_RECORDINGS, False),
    "hold-recording": ("POST", Right.CONTROL, False),
    "make-call-link": ("POST", Right.SERVE, False),
    "revoke-call-link": ("POST", Right.SERVE, True),
    "link": ("POST", Right.EDIT_CUSTOMERS, True),
    "blocks": ("GET", Right.SERVE, False),
    "unblock": ("POST", Right.SERVE, False),
    "withdraw": ("POST", Right.SERVE, True),
    "file": ("GET", Right.VIEW_CUSTOMERS, True),
    "accept": ("POST", Right.SERVE, True),
    "decline": ("POST", Right.SERVE, True),
    "presence": ("POST", Right.SERVE, False),
    "kinds": ("POST", Right.SERVE, False),
    "goodbye": ("POST", Right.SERVE, False),
    "search": ("GET", Right.VIEW_CUSTOMERS, False),
    "customers": ("GET", Right.VIEW_CUSTOMERS, False),
    "customer": ("GET", Right.VIEW_CUSTOMERS, False),
    "edit-customer": ("POST", Right.EDIT_CUSTOMERS, False),
    "export-form": ("GET", Right.PERSONAL, False),
    "export-customer": ("GET", Right.PERSONAL, False),
    "erase-form": ("GET", Right.PERSONAL, False),
    "erase-customer": ("POST", Right.PERSONAL, False),
    "timeline": ("GET", Right.VIEW_CUSTOMERS, False),
    "timeline-csv": ("GET", Right.VIEW_CUSTOMERS, False),
    "timeline-json": ("GET", Right.VIEW_CUSTOMERS, False),
    "same": ("GET", Right.EDIT_CUSTOMERS, False),
    "why": ("GET", Right.VIEW_CUSTOMERS, False),
    "pin": ("POST", Right.EDIT_CUSTOMERS, False),
    "compare": ("GET", Right.EDIT_CUSTOMERS, False),
    "merge": ("POST", Right.EDIT_CUSTOMERS, False),
    "keep-apart": ("POST", Right.EDIT_CUSTOMERS, False),
    "unmerge": ("POST", Right.EDIT_CUSTOMERS, False),
    "join-again": ("POST", Right.EDIT_CUSTOMERS, False),
    "add-identity": ("POST", Right.EDIT_CUSTOMERS, False),
    "identity-form": ("GET", Right.EDIT_CUSTOMERS, False),
    "identity-owners": ("GET", Right.EDIT_CUSTOMERS, False),
    "identity": ("GET", Right.EDIT_CUSTOMERS, False),
    "act-on-identity": ("POST", Right.EDIT_CUSTOMERS, False),
    "take-link-back": ("POST", Right.EDIT_CUSTOMERS, False),
    "link-again": ("POST", Right.EDIT_CUSTOMERS, False),
    "record-consent": ("POST", Right.EDIT_CUSTOMERS, False),
    "consent-form": ("GET", Right.EDIT_CUSTOMERS, False),
    "consent-history": ("GET", Right.VIEW_CUSTOMERS, False),
    "add-member": ("POST", Right.EDIT_CUSTOMERS, False),
    "member-form": ("GET", Right.EDIT_CUSTOMERS, False),
    "member": ("GET", Right.EDIT_CUSTOMERS, False),
    "change-role": ("POST", Right.EDIT_CUSTOMERS, False),
    "end-membership": ("POST", Right.EDIT_CUSTOMERS, False),
    "resume-membership": ("POST", Right.EDIT_CUSTOMERS, False),
    "add-note": ("POST", Right.EDIT_CUSTOMERS, False),
    "note": ("GET", Right.EDIT_CUSTOMERS, False),
    "edit-note": ("POST", Right.EDIT_CUSTOMERS, False),
    "withdraw-note": ("POST", Right.EDIT_CUSTOMERS, False),
    "put-note-back": ("POST", Right.EDIT_CUSTOMERS, False),
    "cases": ("GET", Right.CASES, False),
    "register-case": ("POST", Right.CASES, False),
    "case": ("GET", Right.CASES, False),
    "change-case": ("POST", Right.CASES, False),
    "link-case": ("POST", Right.EDIT_CUSTOMERS, False),
    "attach": ("POST", Right.CASES, False),
    "tasks": ("GET", Right.CASES, False),
    "create-task": ("POST", Right.CASES, False),
    "act-on-task": ("POST", Right.CASES, False),
    "knowledge": ("GET", Right.VIEW_CUSTOMERS, False),
    "article": ("GET", Right.VIEW_CUSTOMERS, False),
}
NAMES = sorted(DOORS)
WRITES = sorted(name for name, (method, _right, _own) in DOORS.items() if method == "POST")


@dataclass
class House:
    """One of everything."""

    alice: User
    bob: User
    talk: Interaction
    reply: Message
    file: Attachment
    leg: Assignment
    case: Case
    task: Task
    block: Block
    article: Article
    note: Note
    member: Membership
    recording: Recording

    def address(self, name: str, pk: object = None) -> str:
        """Return the address of a door, about what is in the house or about `pk`."""
        route = next(str(p.pattern) for p in urlpatterns if isinstance(p, URLPattern) and p.name == name)
        subject = {
            "case": self.case, "change-case": self.case, "attach": self.case, "link-case": self.case, "act-on-task": self.task,
            "unblock": self.block, "file": self.file, "withdraw": self.reply, "article": self.article,
            "customer": self.talk.profile.customer, "edit-customer": self.talk.profile.customer,
            "timeline": self.talk.profile.customer, "timeline-csv": self.talk.profile.customer,
            "timeline-json": self.talk.profile.customer, "why": self.talk.profile.customer,
            "pin": self.talk.profile.customer, "compare": self.talk.profile.customer,
            "merge": self.talk.profile.customer, "keep-apart": self.talk.profile.customer,
            "export-form": self.talk.profile.customer, "export-customer": self.talk.profile.customer,
            "erase-form": self.talk.profile.customer, "erase-customer": self.talk.profile.customer,
            "add-identity": self.talk.profile.customer, "identity-form": self.talk.profile.customer,
            "identity-owners": self.talk.profile.customer, "identity": self.talk.profile.customer,
            "act-on-identity": self.talk.profile.customer, "add-note": self.talk.profile.customer,
            "note": self.note, "edit-note": self.note, "withdraw-note": self.note, "put-note-back": self.note,
            "member": self.member, "change-role": self.member, "end-membership": self.member,
            "resume-membership": self.member,
            "make-call-link": self.talk.profile.customer,
            "record-consent": self.talk.profile.customer, "consent-form": self.talk.profile.customer,
            "consent-history": self.talk.profile.customer,
            "add-member": self.talk.profile.customer, "member-form": self.talk.profile.customer,
        }.get(name, self.talk)  # fmt: skip
        ident = str(subject.pk if pk is None else pk)
        if "recordings/<uuid:pk>" in route and pk is None:
            ident = str(self.recording.public_id)
        route = re.sub(r"<(int|uuid):pk>", ident, route)
        route = route.replace("<int:identity>", str(self.talk.thread.identity_id))
        route = route.replace("<int:leg>", str(self.leg.pk if pk is None else pk))
        other = str(self.member.company.customer_id) if pk is None else ident
        words = {
            "<str:section>": "cases",
            "<str:control>": "hold",
            "<str:what>": "done",
            "<str:field>": "name",
            "<int:other>": other,
            "<int:number>": "0",
        }
        for place, word in words.items():
            route = route.replace(place, word)
        return "/desk/" + route


def member_of_company(customer: Customer, actor: User) -> Membership:
    """The customer's place in a company of his."""
    company = customers.create_profile(source="shop", fields={"name": "Oakline", "kind": "company"}).customer
    return customers.add_member(company=company, person=customer, role="Buyer", actor=actor)


@pytest.fixture
def house():
    team = world.make_team()
    alice, bob = world.make_user("alice", team=team), world.make_user("bob", team=team)
    queue = world.make_queue(members=(alice, bob), team=team)
    site = world.make_site(queue)
    world.on_duty(alice)
    talk = world.open_chat(site)
    offers.accept_offer(leg_id=Assignment.objects.get().pk, actor=alice)
    reply = world.reply(talk, alice, "Good day")
    upload = read_upload(SimpleUploadedFile("a.txt", b"words"))
    world.reply(talk, alice, "", make_files=lambda: [upload])
    offered = world.open_chat(site)
    profile = talk.profile
    return House(
        alice, bob, talk, reply, upload,
        leg=Assignment.objects.get(interaction=offered),
        case=cases.register_case(actor=alice, profile=profile, interaction=talk, subject="Dents"),
        task=cases.create_task(title="Call", actor=alice, assignee=alice, profile=profile),
        block=Block.objects.create(identity=offered.thread.identity, until="2030-01-01T00:00Z"),
        article=Article.objects.create(title="Tyres", text="Change them"),
        note=customers.add_note(customer=profile.customer, text="Prefers letters", actor=alice),
        member=member_of_company(profile.customer, alice),
        recording=recordings.start(interaction=talk, key=uuid.uuid4(), actor=alice, content_type="audio/webm"),
    )  # fmt: skip


def client_of(user: User, **options) -> Client:
    client = Client(raise_request_exception=False, **options)
    client.force_login(user)
    return client


def call(client: Client, name: str, address: str, data: dict | None = None):
    """Call a door in its own way."""
    said = {"key": str(uuid.uuid4()), "tab": str(uuid.uuid4()), "text": "x", **(data or {})}
    return client.get(address) if DOORS[name][0] == "GET" else client.post(address, said)


def test_the_table_has_every_door():
    assert {p.name for p in urlpatterns} == set(DOORS)


def test_nobody_is_led_to_the_sign_in_and_the_other_method_is_refused(house):
    client = client_of(house.alice)
    for name in NAMES:
        answer = call(Client(), name, house.address(name))
        assert answer.status_code == 302 and answer["Location"].startswith("/sign-in/?next="), name
        other = client.post if DOORS[name][0] == "GET" else client.get
        assert other(house.address(name)).status_code == 405, name


@pytest.mark.parametrize("role", Role.values)
def test_a_role_enters_where_its_rights_lead(house, role):
    client = client_of(world.make_user("charlie", role, world.make_team("Sales")))
    for name, (_method, right, _own) in DOORS.items():
        answer = call(client, name, house.address(name))
        # Who is not let in gets a page; an act that is refused behind the door answers in JSON.
        turned_away = answer.status_code == 403 and answer["Content-Type"].startswith("text/html")
        assert turned_away == (right not in RIGHTS[role]), f"{role} at {name}: {answer.status_code}"
        assert answer.status_code < 500, name


def test_a_stranger_finds_no_session_and_changes_nothing(house):
    """Not the session, nor what belongs to it; a guessed number is answered as one that does not exist."""
    client = client_of(world.make_user("charlie", team=world.make_team("Sales")))
    before = _everything()
    for name, (_method, _right, own) in DOORS.items():
        if own:
            answer = call(client, name, house.address(name), {"hours": "1", "minutes": "5", "queue": "1"})
            assert answer.status_code == 404, name
            by_uuid = name == "file" or house.address(name).startswith("/desk/recordings/")
            missing = uuid.uuid4() if by_uuid else 10**6
            assert call(client, name, house.address(name, missing)).status_code == answer.status_code, name
    assert _everything() == before


def _everything() -> list:
    return [
        sorted(map(str, model.objects.values_list()))
        for model in (Interaction, Message, Assignment, Case, Task, Block, Recording)
    ]


def test_a_colleague_reads_and_does_nothing_to_a_session_in_other_hands(house):
    client = client_of(house.bob)
    before = _everything()
    for name in ("session", "side", "history"):
        assert call(client, name, house.address(name)).status_code == 200
    for name in ("send", "finish", "transfer", "snooze", "wake", "spam", "wrap-up", "extend"):
        answer = call(client, name, house.address(name), {"queue": str(house.leg.item.queue_id), "minutes": "5"})
        assert answer.status_code == 409, name
    assert call(client, "read", house.address("read"), {"seq": "9"}).json() == {"read": False}
    for name, status in (("accept", 404), ("decline", 404), ("withdraw", 403)):
        assert call(client, name, house.address(name)).status_code == status
    assert _everything() == before


def test_reading_a_session_in_other_hands_is_noted_once(house):
    def readings():
        return AuditEntry.objects.filter(act="interaction.read")

    def noted() -> set[tuple]:
        return set(readings().values_list("actor__username", "act", "subject"))

    subject = f"interaction:{house.talk.pk}"
    holder, colleague = client_of(house.alice), client_of(house.bob)
    for name in ("session", "side", "history", "file"):
        assert call(holder, name, house.address(name)).status_code == 200
        assert ("alice", "interaction.read", subject) not in noted()
        AuditEntry.objects.all().delete()
        assert [call(colleague, name, house.address(name)).status_code for _ in range(3)] == [200] * 3
        assert noted() == {("bob", "interaction.read", subject)} and readings().count() == 1, name
    AuditEntry.objects.update(at=timezone.now() - timedelta(hours=2))
    call(colleague, "session", house.address("session"))
    assert readings().count() == 2


# --- Who looked at a customer ---

# Doors that show a card, or what is known of a customer.
LOOKS = ("session", "section", "side", "timeline", "why", "identity", "consent-form", "consent-history", "customer")


def looks() -> list[tuple]:
    found = AuditEntry.objects.filter(act="customer.view").order_by("pk")
    return list(found.values_list("actor__username", "subject"))


@pytest.mark.parametrize("name", LOOKS)
def test_looking_at_a_customer_is_noted(house, name):
    customer = house.talk.profile.customer
    for user in (house.alice, house.bob):
        assert [call(client_of(user), name, house.address(name)).status_code for _ in range(3)] == [200] * 3
    # Once an hour and reader, however often; a whole card each time.
    times = 3 if name == "customer" else 1
    subject = f"customer:{customer.pk}"
    assert looks() == [("alice", subject)] * times + [("bob", subject)] * times
    AuditEntry.objects.update(at=timezone.now() - timedelta(hours=2))
    call(client_of(house.alice), name, house.address(name))
    assert looks()[2 * times :] == [("alice", subject)]


def test_who_compares_two_looks_at_both(house):
    one, two = house.talk.profile.customer_id, house.leg.interaction.profile.customer_id
    client = client_of(house.alice)
    for _ in range(2):
        assert client.get(f"/desk/customers/{one}/with/{two}/").status_code == 200
    assert looks() == [("alice", f"customer:{one}"), ("alice", f"customer:{two}")]


def test_what_is_noted_is_whom_an_old_number_leads_to(house):
    old, living = house.talk.profile.customer, customers.create_profile(source="shop").customer
    customers.merge_customers(survivor=living.pk, others=[old.pk])
    client = client_of(house.alice)
    for name in ("side", "timeline", "why"):
        assert call(client, name, house.address(name)).status_code == 200
    assert looks() == [("alice", f"customer:{living.pk}")]


def test_lists_and_what_nobody_is_on_are_no_looks(house):
    client = client_of(house.alice)
    for name in ("search", "customers", "same", "rows", "parts", "cases", "tasks"):
        assert client.get(house.address(name), {"q": house.talk.profile.customer.number}).status_code == 200
    Customer.objects.filter(pk=house.talk.profile.customer_id).update(erased_at=timezone.now())
    for name in ("session", "side"):
        assert call(client, name, house.address(name)).status_code == 200
    assert [call(client, name, house.address(name)).status_code for name in ("timeline", "why")] == [410] * 2
    Interaction.objects.filter(pk=house.talk.pk).update(profile=None)
    assert call(client, "side", house.address("side")).status_code == 200
    assert looks() == []


# --- Numbers of before a merge ---

ABOUT_A_CUSTOMER = [str(p.name) for p in urlpatterns if str(p.pattern).startswith("customers/<int:pk>/")]


def test_an_old_number_shows_the_living_customer_at_every_door(house):
    old, living = house.talk.profile.customer, customers.create_profile(source="shop", fields={"name": "Kate"}).customer
    customers.merge_customers(survivor=living.pk, others=[old.pk])
    client = client_of(world.make_user("sue", Role.SUPERVISOR, house.alice.team))
    asked = {"reason": "request", "kind": "phone", "value": "+79161234567"}

    def shown(name: str, pk: int) -> tuple[int, str]:
        answer = client.get(house.address(name, pk), asked, follow=True)
        # The card is redirected to; the archive has its time in it.
        if name == "customer":
            return answer.status_code, answer.wsgi_request.path
        if name == "export-customer":
            return answer.status_code, answer["Content-Disposition"]
        content = b"".join(answer) if answer.streaming else answer.content
        return answer.status_code, content.decode()

    doors = [name for name in ABOUT_A_CUSTOMER if DOORS[name][0] == "GET" and name != "compare"]
    assert len(doors) > 10
    for name in doors:
        status, body = shown(name, living.pk)
        assert status == 200, name
        assert shown(name, old.pk) == (status, body), name
    for page in ("search", "customers"):
        found = client.get(house.address(page), {"q": old.number}).content.decode()
        assert f"/desk/customers/{living.pk}/" in found and f"/desk/customers/{old.pk}/" not in found, page
    other = customers.create_profile(source="shop").customer
    assert f"C-{living.pk}" in client.get(f"/desk/customers/{other.pk}/with/{old.pk}/").content.decode()
    both = client.get(f"/desk/customers/{living.pk}/with/{old.pk}/")
    assert (both.status_code, both.json()["code"]) == (409, "one")


def test_what_is_done_to_an_old_number_is_done_to_the_living_customer(house):
    old, living = house.talk.profile.customer, customers.create_profile(source="shop", fields={"name": "Kate"}).customer
    customers.merge_customers(survivor=living.pk, others=[old.pk])
    client = client_of(world.make_user("sue", Role.SUPERVISOR, house.alice.team))
    company, one, two = (customers.create_profile(source="shop", fields=said).customer for said in (
        {"name": "Elm", "kind": "company"}, {"name": "Ann"}, {"name": "Eve"},
    ))  # fmt: skip
    identity, site = house.talk.thread.identity_id, house.talk.thread.channel.site
    site.voice = Channel.objects.create(name="Calls", kind="voice")
    site.save()
    said = {
        "make-call-link": {"site": site.pk},
        "edit-customer": {"about": "Two in one"},
        "pin": {"field": "name", "record": living.profiles.get(home=living).records.get().pk},
        "keep-apart": {"other": one.pk},
        "merge": {"other": two.pk},
        "add-identity": {"kind": "phone", "value": "+79161234567", "key": str(uuid.uuid4())},
        "act-on-identity": {},
        "record-consent": {
            "identity": identity, "purpose": "marketing", "granted": "1", "proof": "Said so", "key": str(uuid.uuid4()),
        },
        "add-member": {"company": company.pk, "key": str(uuid.uuid4())},
        "add-note": {"text": "Prefers letters", "key": str(uuid.uuid4())},
        "erase-customer": {"number": living.number, "reason": "request"},
    }  # fmt: skip
    assert set(said) == set(ABOUT_A_CUSTOMER) & set(WRITES)
    AuditEntry.objects.all().delete()
    for name, data in said.items():
        answer = client.post(house.address(name, old.pk).replace("/done/", "/verify/"), data)
        # Nobody is erased whose talk goes on: but it is known who is meant.
        expected = {409} if name == "erase-customer" else {200, 204}
        assert answer.status_code in expected, (name, answer.content)
    subjects = set(AuditEntry.objects.values_list("subject", flat=True))
    assert f"customer:{living.pk}" in subjects and f"customer:{old.pk}" not in subjects
    living.refresh_from_db()
    assert (living.about, living.provenance["name"]["pinned"]) == ("Two in one", True)


def test_a_case_for_an_old_number_stands_on_the_living_card(house):
    old, living = house.talk.profile.customer, customers.create_profile(source="shop").customer
    customers.merge_customers(survivor=living.pk, others=[old.pk])
    sent = {"subject": "Dents again", "customer": old.pk, "key": str(uuid.uuid4())}
    made = client_of(house.alice).post(house.address("register-case"), sent)
    assert Case.objects.get(pk=made.json()["case"]).profile.customer_id == living.pk
    refused = client_of(house.alice).post(
        house.address("register-case"), {**sent, "customer": "1000000", "key": str(uuid.uuid4())}
    )
    assert refused.status_code == 404


def test_every_write_needs_the_token_against_forgery(house):
    client = client_of(house.alice, enforce_csrf_checks=True)
    before = _everything()
    for name in WRITES:
        assert call(client, name, house.address(name)).status_code == 403, name
        forged = {"Origin": "https://evil.example", "X-CSRFToken": "x" * 64}
        assert client.post(house.address(name), {}, headers=forged).status_code == 403, name
    assert _everything() == before


# --- Garbage ---

GARBAGE = [
    "", "²", "-1", "9" * 30, "NaN", "'", "a\x00b", "x" * 20_000, "2026-02-30T25:00", "0001-01-01", "9999-12-31T23:59:59+14:00",
    "_", "1:1,1:²,:,1:", "user:²",
]  # fmt: skip
FIELDS = [
    "text",
    "key",
    "note",
    "after",
    "reply",
    "seq",
    "queue",
    "operator",
    "team",
    "minutes",
    "until",
    "hours",
    "reason",
    "disposition",
    "topic",
    "solved",
    "session",
    "customer",
    "profile",
    "kind",
    "subject",
    "status",
    "priority",
    "owner",
    "due_at",
    "version",
    "off",
    "title",
    "who",
    "case",
    "name",
    "company",
    "city",
    "language",
    "birthday",
    "about",
    "mode",
    "after",
    "move",
    "tab",
    "q",
    "show",
    "before",
    "group",
    "lines",
    "threads",
    "link",
    "chosen",
    "value",
    "shared",
    "choose",
    "besides",
    "link_case",
    "person",
    "role",
    "contact",
    "identity",
    "purpose",
    "channel",
    "granted",
    "proof",
]


@pytest.mark.parametrize("nonsense", GARBAGE, ids=lambda text: repr(text[:12]))
def test_no_garbage_breaks_a_door(house, nonsense):
    """Whatever stands in the fields: an answer in words, never a failure of ours."""
    client = client_of(house.alice)
    said = dict.fromkeys(FIELDS, nonsense)
    broken = []
    for name in NAMES:
        if DOORS[name][0] == "GET":
            answers = [client.get(house.address(name), said)]
        else:
            proper = {"key": str(uuid.uuid4()), "subject": "x", "title": "x", "text": "x", "kind": "question"}
            answers = [client.post(house.address(name), said), client.post(house.address(name), {**said, **proper})]
        broken += [name for answer in answers if answer.status_code >= 500]
    assert broken == []


def test_preferences_take_no_garbage(house):
    client = client_of(house.alice)
    client.raise_request_exception = True
    for nonsense in [*GARBAGE, "[]", "[1]", '"x"', "1", "{", '{"sounds": "off"}', '{"a": "\\u0000"}', '{"a": NaN}']:
        said = {"language": nonsense, "theme": nonsense, "preferences": nonsense}
        assert client.post("/preferences/", said).status_code < 500
    house.alice.refresh_from_db()
    assert house.alice.preferences.get("sounds") == "off"
    assert isinstance(house.alice.preferences, dict)


# --- Signing in ---


def test_signing_in_changes_the_session_and_ends_with_signing_out(house):
    client = Client()
    client.get("/sign-in/")
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    planted = client.cookies["sessionid"] = session.session_key
    client.post("/sign-in/", {"username": "alice", "password": "demo"})
    fresh = client.cookies["sessionid"].value
    assert fresh != planted
    assert client.get("/desk/customers/").status_code == 200
    cookie = client.cookies["sessionid"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"
    client.post("/sign-out/")
    stolen = Client()
    stolen.cookies["sessionid"] = fresh
    assert stolen.get("/desk/customers/").status_code == 302


def test_who_is_no_longer_with_us_is_out_at_once(house):
    client = client_of(house.alice)
    assert client.get("/desk/customers/").status_code == 200
    User.objects.filter(pk=house.alice.pk).update(is_active=False)
    assert client.get("/desk/customers/").status_code == 302


def test_the_way_back_after_signing_in_leads_nowhere_else(house):
    for there in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        answer = Client().post(f"/sign-in/?next={there}", {"username": "alice", "password": "demo"})
        assert answer["Location"] == "/"


def test_contacts_are_masked_for_who_may_not_see_them(house):
    """A marketer sees the card; the phone he may not see he can neither read nor guess."""
    phone = "+79005550184"
    Interaction.objects.filter(pk=house.talk.pk).update(says={"name": "Kate", "contact": phone})
    from customers import actions as customers

    identity = customers.find_identity(kind="phone", value=phone)
    customers.link_identity(profile=house.talk.profile, identity=identity, source="shop", verified=True)
    customer = house.talk.profile.customer
    client = client_of(world.make_user("mark", Role.MARKETER))
    for address in (f"/desk/customers/{customer.pk}/", f"/desk/customers/{customer.pk}/timeline/"):
        text = client.get(address).content.decode()
        assert phone not in text and phone[2:] not in text
    for guess in ("0184", "900555", phone):
        assert str(customer.number) not in client.get("/desk/search/", {"q": guess}).content.decode()
        assert f"/desk/customers/{customer.pk}/" not in client.get("/desk/customers/", {"q": guess}).content.decode()
    boss = client_of(house.alice)
    assert f"/desk/customers/{customer.pk}/" in boss.get("/desk/customers/", {"q": "0184"}).content.decode()

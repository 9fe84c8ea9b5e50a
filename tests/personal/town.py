"""One person who leaves traces through every door, and a search that finds them wherever they are.

The words below stand for him and for nobody else. The search names no table, column or key: a new one is searched too.
"""

import hashlib
import io
import re
import uuid
from datetime import timedelta
from pathlib import Path

import redis
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from customers import actions as customers
from customers.models import Customer, CustomField, MatchModel, Profile
from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Role
from cxcenter.core import once, webhooks
from cxcenter.core.models import Event, Outbox
from cxcenter.widget import limits
from interactions import sound, speech
from interactions.actions import cases, commands, drafts, moderation, recordings, transcripts
from interactions.calls.facts import CUSTOMER, Fact, Kind
from interactions.models import Call, Interaction
from interactions.uploads import read_upload
from routing import calls
from routing.actions import callbacks, calling, handover, legs, offers
from routing.actions import exchange as acts
from routing.actions.exchange import Told
from routing.models import Assignment, Callback
from tests import exchange, sounds, world
from tests.api.callers import token
from tests.widget.client import Visitor

PHONE, MAIL = "+79161230457", "zebulon.quark@mail-of-his.example"
FIRST, LAST, ACCOUNT, SECRET = "Zebulon", "Quarkenfeld", "acc-7781-qq", "xylophonic"
SPELLINGS = ["8 (916) 123-04-57", "+7 916 123 04 57", "89161230457", "79161230457"]
NEEDLES = [MAIL, FIRST, LAST, ACCOUNT, SECRET]
# His phone in any spelling: digits are searched for as digits.
DIGITS = "9161230457"


# --- Search ------------------------------------------------------------------------------------

COLUMNS = """
    SELECT c.table_name, c.column_name FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE t.table_type = 'BASE TABLE' AND c.table_schema = 'public' AND (
        c.data_type IN ('text', 'character varying', 'character', 'json', 'jsonb', 'bytea', 'tsvector', 'ARRAY', 'xml', 'uuid')
        OR c.data_type = 'USER-DEFINED'
    )
"""


def holds(text: str) -> bool:
    """Whether a text has any of his words, in any case, or his phone however it is spelled."""
    low = text.casefold()
    return any(word.casefold() in low for word in NEEDLES) or DIGITS in re.sub(r"[^\d]", "", low)


def in_database(*, statistics: bool = False) -> list[str]:
    """Every table, column and value that has his words in it."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        places = cursor.fetchall()
        assert len(places) > 150
        for table, column in places:
            cursor.execute(f'SELECT DISTINCT "{column}"::text FROM "{table}" WHERE "{column}" IS NOT NULL')
            found += [f"{table}.{column}: {value[:300]}" for (value,) in cursor.fetchall() if holds(value)]
        if statistics:
            cursor.execute("SELECT tablename, attname, most_common_vals::text, histogram_bounds::text FROM pg_stats")
            rows = [(table, column, text) for table, column, *texts in cursor.fetchall() for text in texts if text]
            found += [f"pg_stats {table}.{column}" for table, column, text in rows if holds(text)]
    return found


def in_files(folder: Path) -> list[str]:
    """Every file with his words in its name or content."""
    return [str(f) for f in folder.rglob("*") if f.is_file() and holds(f"{f} {f.read_bytes().decode('latin-1')}")]


def in_redis() -> list[str]:
    """Every key of Redis, of whatever type, with his words in it or in its value."""
    line = redis.from_url(settings.REDIS_URL)
    readers = {
        b"string": line.get,
        b"list": lambda key: line.lrange(key, 0, -1),
        b"set": line.smembers,
        b"hash": line.hgetall,
        b"zset": lambda key: line.zrange(key, 0, -1),
    }
    return [str(key) for key in line.scan_iter() if holds(f"{key!r} {readers[line.type(key)](key)!r}")]


def found_anywhere() -> list[str]:
    return [*in_database(), *in_files(Path(settings.MEDIA_ROOT)), *in_redis()]


# --- Planting ----------------------------------------------------------------------------------


class Town:
    """A team, its supervisor and an operator, a site, an integrator, and somebody else with a history."""

    def __init__(self) -> None:
        self.team = world.make_team()
        self.alice = world.make_user("alice", team=self.team)
        self.boss = world.make_user("boss", Role.SUPERVISOR, self.team)
        self.admin = world.make_user("admin", Role.ADMIN, is_staff=True)
        self.queue = world.make_queue(members=(self.alice, self.boss), team=self.team)
        self.site = world.make_site(self.queue, tracked_types=["cart_add"])
        world.on_duty(self.alice, capacity=9)
        self.caller = token(
            "customers:write", "customers:contacts", "events:write", "cases:write", "interactions:write"
        )
        webhooks.subscribe(name="CRM", url="https://1.1.1.1/", topics=[], actor=self.admin)
        CustomField.objects.create(code="nick", label="Nick", kind="text")

    def accept(self, talk: Interaction) -> Assignment:
        leg = Assignment.objects.get(interaction=talk, leg="offered")
        return offers.accept_offer(leg_id=leg.pk, actor=leg.operator)

    def finish(self, talk: Interaction, note: str = "") -> None:
        leg = legs.finish(interaction_id=talk.pk, actor=Assignment.objects.get(interaction=talk, leg="active").operator)
        legs.wrap_up(leg_id=leg.pk, actor=leg.operator, note=note)


def plant(town: Town) -> Customer:
    """Let one person leave his traces through every door; return him."""
    visitor = Visitor(town.site, **{"User-Agent": f"Browser of {SECRET}"})
    town.site.ask_consent = True
    town.site.save()
    page = {"url": f"https://shop.example/?mail={MAIL}", "title": f"Basket of {FIRST} {LAST}"}
    visitor.start(
        f"I am {FIRST} {LAST}, my phone is {SPELLINGS[0]}", name=f"{FIRST} {LAST}", contact=SPELLINGS[1], consent=True,
        page=page, trail=[{"type": "page_view", "key": str(uuid.uuid4()), "at": timezone.now().isoformat(), "page": page}],
    )  # fmt: skip
    assert visitor.answer.status_code == 200, visitor.answer.content
    talk = Interaction.objects.latest("pk")
    town.accept(talk)
    visitor.say(f"write to {MAIL.upper()}")
    sent = visitor.send_file(SimpleUploadedFile(f"passport of {LAST}.txt", f"{FIRST} {LAST} {PHONE} {SECRET}".encode()))
    assert sent["message"]["files"]
    visitor.post("track", {"type": "cart_add", "key": str(uuid.uuid4()), "data": {"who": LAST}, "page": page})
    world.reply(talk, town.alice, f"Good day, Mr {LAST}")
    world.reply(talk, town.alice, f"he is {SECRET}", audience="staff")
    note = read_upload(SimpleUploadedFile(f"{SECRET}.txt", LAST.encode()))
    world.reply(talk, town.alice, "", audience="staff", make_files=lambda: [note])
    _recorded(town, talk)
    drafts.save_draft(interaction=talk, actor=town.boss, text=f"Dear {LAST}", is_note=False)
    Interaction.objects.filter(pk=talk.pk).update(subject=f"Complaint of {LAST}")
    profile = Profile.objects.get(interactions=talk)
    customers.edit_customer(
        customer=profile.customer, version=None, actor=town.alice,
        fields={"last_name": LAST, "first_name": FIRST, "city": "Tula", "about": f"calls from {SPELLINGS[2]}", "custom.nick": SECRET},
    )  # fmt: skip
    case = cases.register_case(
        actor=town.alice, profile=profile, interaction=talk, subject=f"{LAST}: dents", text=f"call {SPELLINGS[3]}"
    )
    cases.change_case(case_id=case.pk, version=None, actor=town.alice, text=f"call {FIRST} at {PHONE}", status="solved")
    loose = cases.register_case(actor=town.alice, profile=None, interaction=talk, subject=f"Case of {LAST}")
    cases.change_case(case_id=loose.pk, version=None, actor=town.alice, status="closed")
    task = cases.create_task(
        title=f"Call {LAST}", text=PHONE, actor=town.alice, team=town.team, profile=profile, contact=PHONE
    )
    cases.finish_task(task_id=task.pk, actor=town.alice)
    moderation.lift_block(
        block=moderation.block_visitor(interaction=talk, lasting=timedelta(hours=1), reason=f"{LAST} was rude", actor=town.boss),
        actor=town.boss,
    )  # fmt: skip
    handover.transfer(interaction_id=talk.pk, actor=town.alice, operator=town.boss, note=f"{FIRST} waits since Monday")
    world.on_duty(town.boss)
    legs_open = Assignment.objects.filter(interaction=talk, leg="offered")
    offers.assign_next() if not legs_open.exists() else None
    town.accept(talk)
    town.finish(talk, note=f"{FIRST} calmed down")
    visitor.post("rating", {"session": str(talk.public_id), "csat": 2, "ces": 3, "comment": f"{LAST} is unhappy"})
    assert visitor.answer.status_code == 200, visitor.answer.content
    _from_outside(town, talk)
    other = customers.create_profile(source="shop", fields={"name": f"{FIRST} Q. {LAST}"}).customer
    customers.merge_customers(survivor=profile.customer_id, others=[other.pk], actor=town.alice)
    _by_hand(town, profile)
    _called_back(town, profile)
    customers.train_weights()
    weights = {"frequencies": {"last": {LAST.lower(): 0.5}, "phone": {DIGITS: 0.1}, "email": {MAIL: 0.1}}}
    MatchModel.objects.create(weights={**weights, "rest": 1}, records=2)
    _rang(town)
    _stuck_in_queues(town, profile)
    return Customer.objects.get(pk=profile.customer_id)


def _recorded(town: Town, talk: Interaction) -> None:
    """A call of his in which he says his name: a piece of it as it came, and what a colleague has noted at a second of it."""
    recording = recordings.start(
        interaction=talk, key=uuid.uuid4(), actor=town.alice, content_type=sound.RECORDED, started_at=None
    )
    said = f"{FIRST} {LAST}".encode()
    recordings.keep_piece(recording=recording, number=0, content=said, sha256=hashlib.sha256(said).hexdigest())
    recordings.mark(recording=recording, kind="note", at_s=1, actor=town.boss, text=f"he says {SECRET}")
    recordings.finish(recording=recording, pieces=1)
    recordings.finish_all()
    told = io.BytesIO(sounds.wav(sounds.call_of(1)))
    recordings.keep_file(talk, told, timezone.now())
    transcripts.recognise_all(Hears(f"my name is {FIRST} {LAST}"))


class Hears:
    """A recogniser that hears these words and no others."""

    def __init__(self, text: str) -> None:
        self.text = text

    def lines(self, samples, language):
        return [speech.Line([(word, 0.1 * n, 0.1 * n + 0.1) for n, word in enumerate(self.text.split())])], "en"


def _rang(town: Town) -> None:
    """He rings by a telephone exchange, and his card's number is typed on the keypad."""
    place = exchange.make_exchange("PBX", town.queue, town.alice)
    alice, now = f"op:{town.alice.pk}", timezone.now().timestamp() - 60
    kinds = (
        (Kind.BEGAN, CUSTOMER),
        (Kind.OFFERED, alice),
        (Kind.ANSWERED, alice),
        (Kind.LEFT, CUSTOMER),
        (Kind.ENDED, ""),
    )
    facts = [Fact(f"k{n}", now + n, n, kind, party, {"from": PHONE}) for n, (kind, party) in enumerate(kinds)]
    acts.hear(exchange=place, told=[Told("1.1", one, SPELLINGS[3]) for one in facts])
    call = Call.objects.get(exchange=place)
    commands.command(call=call, control="keypad", actor=town.alice, value=DIGITS)
    legs.wrap_up(leg_id=Assignment.objects.get(interaction=call.pk).pk, actor=town.alice, note=f"{LAST} rang")


def _called_back(town: Town, profile: Profile) -> None:
    """He asks to be called at a time, then as soon as may be; he is called, and once more in vain."""
    town.queue.callbacks = True
    town.queue.save()
    said = {
        "phone": PHONE,
        "queue": town.queue,
        "profile": profile,
        "name": f"{FIRST} {LAST}",
        "zone": world.zone_by_day(),
    }
    callbacks.ask(callbacks.Wish(**said, at=calls.slots(town.queue, zone=said["zone"])[-1], text=f"about {ACCOUNT}"))
    callback, _made = callbacks.ask(callbacks.Wish(**said, text=f"{SECRET} again"))
    world.on_duty(town.alice, capacity=9)
    offers.assign_next()
    town.accept(callback.session)
    calling.report(interaction_id=callback.session_id, actor=callback_holder(callback), result="reached")
    legs.wrap_up(
        leg_id=Assignment.objects.get(interaction=callback.session).pk,
        actor=callback_holder(callback),
        note=f"{LAST} is glad",
    )
    vain, _made = callbacks.ask(
        callbacks.Wish(**said, at=calls.slots(town.queue, zone=said["zone"])[0], text=f"{FIRST} is late")
    )
    callbacks.cancel(callback_id=vain.pk, actor=town.boss)


def callback_holder(callback: Callback) -> User:
    return Assignment.objects.get(interaction=callback.session).operator


def _by_hand(town: Town, profile: Profile) -> None:
    """What colleagues note and link: notes, an identity put on the card and taken off, a company of his own."""
    him = Customer.objects.get(profiles=profile)
    customers.add_note(customer=him, text=f"{LAST} likes to be called {FIRST}", actor=town.alice)
    taken_off = customers.typed_identity(kind="telegram", value=f"@{LAST}")
    customers.add_identity(customer=him, identity=taken_off, verified=False, actor=town.alice)
    customers.unlink_identity(customer=him, identity=taken_off, actor=town.alice)
    customers.record_consent_by_hand(
        customer=him, identity_id=him.profiles.filter(links__identity__kind="phone").values_list("links__identity", flat=True)[0],
        purpose="marketing", channel="", granted=False, words=f"{LAST} said no", actor=town.alice,
    )  # fmt: skip


def _from_outside(town: Town, talk: Interaction) -> None:
    """What a source, an integration and a telephone say of him, under keys of idempotency."""
    profile, caller = talk.profile, town.caller
    reaches = [
        {"kind": "phone", "value": SPELLINGS[0], "verified": True},
        {"kind": "email", "value": MAIL, "verified": True},
    ]
    put = {"fields": {"last_name": LAST, "first_name": FIRST, "birthday": "1988-04-14"}, "identities": reaches}
    answer = caller.put(f"sources/dms/records/{ACCOUNT}/", put, key=f"put-{ACCOUNT}")
    assert answer.status_code == 201, answer.content
    theirs = answer.json()["customer"]
    if theirs != profile.customer_id:
        customers.merge_customers(survivor=profile.customer_id, others=[theirs], actor=town.alice)
    version = Customer.objects.get(pk=profile.customer_id).version
    edited = caller.patch(
        f"customers/{profile.customer_id}/", {"version": version, "about": f"{FIRST} again"}, key="edit-1"
    )
    assert edited.status_code == 200, edited.content
    made = caller.post(
        "cases/", {"subject": f"{LAST} by API", "text": PHONE, "profile": profile.pk, "status": "closed"}, key="case-1"
    )
    assert made.status_code == 201, made.content
    event = {
        "key": f"order:{ACCOUNT}",
        "type": "purchase",
        "at": "2026-03-01T10:00:00Z",
        "data": {"to": LAST, "mail": MAIL},
    }
    told = caller.post(
        "events/", {"events": [{**event, "identity": {"kind": "phone", "value": SPELLINGS[2]}}]}, key="event-1"
    )
    assert told.json()["results"][0]["status"] == "stored", told.content
    signed = customers.recognise(
        kind="external", value=f"{town.site.key}:{MAIL}", proven=[("email", MAIL)], source="site"
    )
    customers.record_consent(profile=signed[1], identity=signed[0], purpose="ads", granted=False, proof={"by": LAST})
    limits.spend_shared(f"start:{town.site.key}:{MAIL}", 99, 3600)
    with once.transaction.atomic():
        kept = once.claim(owner="user:1", key=f"form:{ACCOUNT}", content=b"x")
        once.keep(kept, status=200, body={"echo": f"to {MAIL}"})


def _stuck_in_queues(town: Town, profile: Profile) -> None:
    """A fact that could not be handled, with the error that names him."""
    event = Event.objects.filter(profile_id=profile.pk, kind="site.event").first()
    assert event is not None
    later = timezone.now() + timedelta(hours=1)
    Outbox.objects.create(
        topic=event.kind, payload=event.payload, event=event, claimed_until=later, error=f"bad {MAIL}"
    )


def plant_anna(town: Town) -> Customer:
    """Somebody else, with something in every table that an erasure empties: statistics of an empty one would stay."""
    anna = known("Z-1", ("phone", "+79160000002"), ("email", "anna@weber.example"), name="Anna Weber")
    talk = world.open_chat(town.site, "Anna here")
    Interaction.objects.filter(pk=talk.pk).update(says={"contact": "+79160000002"})
    cases.link_customer(interaction_id=talk.pk, profile=anna.profiles.get(), actor=town.alice)
    file = read_upload(SimpleUploadedFile("anna.txt", b"Anna"))
    recordings.mark(
        recording=recordings.start(interaction=talk, key=uuid.uuid4(), actor=town.alice, content_type=sound.RECORDED),
        kind="note", at_s=1, actor=town.boss, text="Anna",
    )  # fmt: skip
    recordings.keep_file(talk, io.BytesIO(sounds.wav(sounds.call_of(1))), timezone.now())
    transcripts.recognise_all(Hears("Anna here"))
    town.accept(talk)
    world.reply(talk, town.alice, "", make_files=lambda: [file])
    drafts.save_draft(interaction=talk, actor=town.boss, text="Dear Anna", is_note=False)
    callbacks.ask(
        callbacks.Wish(phone="+79160000003", queue=town.queue, at=calls.slots(town.queue)[0], name="Anna", text="Me")
    )
    talk.refresh_from_db()
    town.caller.post("cases/", {"subject": "Anna", "profile": talk.profile_id}, key="anna")
    customers.record_site_event(profile_id=talk.profile_id, type="page_view", data={"url": "https://shop.example/"})
    return anna


def erase(customer: Customer, town: Town, reason: str = "request"):
    return customers.erase_customer(customer=customer, number=customer.number, reason=reason, actor=town.boss)


def known(number: str, *reaches: tuple[str, str], name: str = f"{FIRST} {LAST}") -> Customer:
    """Return the customer of a record that a source has brought, reached by verified identities."""
    said = [customers.Reach(kind=kind, value=value, verified=True) for kind, value in reaches]
    record, _status = customers.put_record(
        said=customers.OutsideRecord(source="dms", external_id=number, fields={"name": name}, reaches=said)
    )
    assert record is not None
    return Customer.objects.get(profiles=record.profile_id)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client

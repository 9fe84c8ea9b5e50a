"""The file of everything: complete, his alone, written piece by piece."""

import io
import json
import tracemalloc
import uuid
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from customers import actions as customers
from customers.models import Customer, Identity, Membership
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.models import AuditEntry, Event
from interactions.actions import recordings
from interactions.models import Attachment, Interaction
from interactions.uploads import read_upload
from tests import sounds, world
from tests.api.callers import problem, token
from tests.personal.town import ACCOUNT, FIRST, LAST, MAIL, PHONE, SECRET, Town, erase, known, plant, signed_in

pytestmark = pytest.mark.django_db(transaction=True)


def exported(customer: Customer, town: Town) -> zipfile.ZipFile:
    pieces = customers.export_customer(customer=customer, reason="request", actor=town.boss)
    return zipfile.ZipFile(io.BytesIO(b"".join(pieces)))


def data_of(packed: zipfile.ZipFile) -> dict:
    return json.loads(packed.read("customer.json"))


def test_it_has_everything_about_him(town):
    him = plant(town)
    packed = exported(him, town)
    assert packed.testzip() is None
    said = data_of(packed)
    assert said["about"]["customer"] == him.number and "internal notes" in said["about"]["note"]
    assert (
        said["customers"][0]["last_name"] == LAST and said["customers"][0]["provenance"]["name"]["source"] == "operator"
    )
    assert said["customers"][0]["custom"] == {"nick": SECRET} and len(said["customers"]) >= 3
    assert {row["source"] for row in said["records"]} >= {"operator", "form", "dms", "shop"}
    assert any(row["external_id"] == ACCOUNT and row["raw"]["identities"] for row in said["records"])
    assert {(row["kind"], row["value"]) for row in said["identities"]} >= {("phone", PHONE), ("email", MAIL)}
    assert any(row["purpose"] == "ads" and row["proof"] == {"by": LAST} for row in said["consents"])
    session, call, *_rest = said["sessions"]
    texts = {message["text"]: message["internal"] for message in session["messages"]}
    assert texts[f"Good day, Mr {LAST}"] is False and texts[f"he is {SECRET}"] is True
    assert session["internal_note"] == f"{FIRST} calmed down" and session["says_of_himself"]["contact"] == PHONE
    assert len(said["cases"]) == 3 and len(said["tasks"]) == 1 and len(said["drafts"]) == 1
    assert call["says_of_himself"]["contact"] == PHONE and call["internal_note"] == f"{LAST} is glad"
    assert {(row["phone"], row["result"]) for row in said["callbacks"]} == {(PHONE, "reached"), (PHONE, "cancelled")}
    assert said["visits"][1]["internal_note"] == f"{FIRST} waits since Monday"
    assert said["surveys"][0]["comment"] == f"{LAST} is unhappy" and said["blocks"][0]["reason"] == f"{LAST} was rude"
    kinds = {row["kind"] for row in said["events"]}
    assert kinds >= {"site.event", "outside.event", "customer.merged", "survey.answered"}
    assert len(said["events"]) == Event.objects.filter(profile_id__in=him.profiles.values("pk")).count()
    files = [file for message in session["messages"] for file in message["files"]]
    heard = [row["path"] for row in said["recordings"] if row["path"]]
    assert sorted(packed.namelist()) == sorted(["customer.json", *heard, *(file["path"] for file in files)])
    assert [(row["recording"], row["text"]) for row in said["words_of_recordings"]] == [
        (heard[0], f"my name is {FIRST} {LAST}")
    ] * 2, "of both sides"
    assert {packed.read(file["path"]) for file in files} == {f"{FIRST} {LAST} {PHONE} {SECRET}".encode(), LAST.encode()}


def test_his_calls_are_in_it_and_one_on_hold_is_in_the_way_of_an_erasure(town):
    talk = world.open_chat(town.site)
    him = talk.profile.customer
    heard = io.BytesIO(sounds.wav(sounds.call_of(1)))
    recording = recordings.keep_file(talk, heard, timezone.now())
    recordings.mark(recording=recording, kind="note", at_s=0.5, actor=town.alice, text="His number")
    town.accept(talk)
    town.finish(talk)
    packed = exported(him, town)
    (said,) = data_of(packed)["recordings"]
    assert (said["session"], said["marks"]) == (str(talk), [{"at_s": 0.5, "kind": "note", "text": "His number"}])
    assert abs(sounds.duration(packed.read(said["path"])) - 1) < 0.1
    stored = Path(settings.MEDIA_ROOT) / recording.file
    recordings.hold(recording=recording, actor=town.boss, reason="Claim 12")
    with pytest.raises(Conflict, match="1 recording on legal hold"):
        erase(him, town)
    assert stored.exists()
    recordings.release(recording=recording, actor=town.boss)
    erase(him, town)
    recording.refresh_from_db()
    assert not stored.exists() and (recording.state, recording.waveform, recording.duration_s > 0.9) == (
        "deleted",
        {},
        True,
    )
    assert recording.marks.get().text == ""


def test_nothing_of_other_customers_is_in_it(town):
    him, wife = known("A-1", ("phone", PHONE)), known("A-2", ("email", "anna@weber.example"), name="Anna Weber")
    company = known("A-3", name="Oakline Ltd")
    identity, hers = Identity.objects.get(value=PHONE), wife.profiles.get()
    customers.link_identity(profile=hers, identity=identity, source="dms", verified=True)
    customers.record_consent(profile=hers, identity=identity, purpose="ads", granted=True, proof={"by": "Anna Weber"})
    for person in (him, wife):
        Membership.objects.create(
            company=company.profiles.get(), person=person.profiles.get(), role="buyer", source="x"
        )
    said = data_of(exported(him, town))
    assert said["identities"][0]["shared_with_others"] is True and said["consents"][0]["proof"] is None
    assert said["memberships"][0]["company"] == "Oakline Ltd"
    assert "Weber" not in json.dumps(said) and "anna" not in json.dumps(said)
    assert LAST not in json.dumps(data_of(exported(company, town)))


def test_a_file_that_is_lost_is_named_and_the_rest_is_there(town):
    chat = world.open_chat(town.site)
    for name in ("a.txt", "b.txt"):
        upload = read_upload(SimpleUploadedFile(name, name.encode()))
        world.reply(chat, town.alice, "", make_files=lambda upload=upload: [upload])
    lost = Attachment.objects.get(name="a.txt")
    lost.file.storage.delete(lost.file.name)
    packed = exported(chat.profile.customer, town)
    assert json.loads(packed.read("missing.json")) == [f"files/{lost.pk}/a.txt"]
    assert len(packed.namelist()) == 3


def test_memory_does_not_grow_with_the_history(town):
    him = known("A-1", ("phone", PHONE))
    profile, now = him.profiles.get().pk, timezone.now()
    Event.objects.bulk_create(
        [
            Event(
                profile_id=profile,
                kind="site.event",
                at=now,
                payload={"data": {"url": f"https://shop.example/{uuid.uuid4()}"}},
            )
            for _ in range(30_000)
        ],
        batch_size=2000,
    )
    pieces = customers.export_customer(customer=him, reason="request", actor=town.boss)
    tracemalloc.start()
    size = sum(len(piece) for piece in pieces)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 500_000 and peak < 6_000_000, (size, peak)


def test_who_may_take_it_and_that_it_is_noted_with_its_reason(town):
    him = known("A-1", ("phone", PHONE))
    address = f"/desk/customers/{him.pk}/personal.zip"
    client = signed_in(town.boss)
    assert client.get(address).status_code == 400 and client.get(f"{address}?reason=fun").status_code == 400
    answer = client.get(f"{address}?reason=authority")
    assert answer["Content-Type"] == "application/zip" and f'filename="C-{him.pk}-' in answer["Content-Disposition"]
    assert data_of(zipfile.ZipFile(io.BytesIO(b"".join(answer))))["identities"][0]["value"] == PHONE
    (entry,) = AuditEntry.objects.filter(act="customer.personal")
    assert (entry.actor, entry.subject, entry.detail) == (town.boss, f"customer:{him.pk}", {"reason": "authority"})
    assert signed_in(town.alice).get(f"{address}?reason=request").status_code == 403
    with pytest.raises(Invalid):
        customers.export_customer(customer=him, reason="", actor=town.boss)


def test_the_api_gives_it_with_a_scope_of_its_own(town):
    him = known("A-1", ("phone", PHONE))
    path = f"customers/{him.pk}/export/?reason=request"
    problem(town.caller.get(path), 403, "permission_denied")
    caller = token("customers:personal")
    for accept in ("*/*", "application/zip", "application/json"):
        answer = caller.get(path, Accept=accept)
        assert answer.status_code == 200 and answer["Content-Type"] == "application/zip"
        assert data_of(zipfile.ZipFile(io.BytesIO(b"".join(answer))))["identities"][0]["value"] == PHONE
    problem(caller.get(f"customers/{him.pk}/export/"), 400, "invalid")
    problem(caller.get("customers/999999/export/?reason=request"), 404, "not_found")
    assert not Interaction.objects.exists()

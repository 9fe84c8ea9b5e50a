"""Erasure: what it asks for, what belongs to others, who comes back and how, who writes at the same moment."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from customers import actions as customers
from customers.erased import erased_among
from customers.models import Consent, Customer, ErasedKey, Erasure, Identity, MatchingRules, Profile, ProfileIdentity
from customers.queries import permits, resolve
from cxcenter.core.errors import Conflict, CxError, Gone, Invalid
from cxcenter.core.models import AuditEntry, WebhookDelivery
from interactions.actions import cases, talk
from interactions.actions.files import discard_files
from interactions.models import DoomedFile, Interaction, Message, Thread
from interactions.uploads import read_upload
from routing.actions import legs
from tests import world
from tests.interactions.test_talk import together
from tests.personal.town import (
    FIRST,
    LAST,
    MAIL,
    PHONE,
    SPELLINGS,
    Town,
    erase,
    found_anywhere,
    in_database,
    in_files,
    known,
    signed_in,
)
from tests.widget.client import Visitor

pytestmark = pytest.mark.django_db(transaction=True)


# --- He does not come back by import -----------------------------------------------------------


def put(town: Town, number: str, **said: Any) -> dict[str, Any]:
    answer = town.caller.put(f"sources/dms/records/{number}/", said)
    assert answer.status_code in {200, 201}, answer.content
    return answer.json()


def test_no_import_brings_him_back(town):
    him = known("A-1", ("phone", PHONE), ("email", MAIL))
    erase(him, town)
    nobody = {"status": "erased", "record": None, "profile": None, "customer": None}
    assert put(town, "A-1", fields={"name": f"{FIRST} {LAST}"}) == nobody
    for verified in (True, False):
        reach = {"kind": "phone", "value": SPELLINGS[0], "verified": verified}
        assert put(town, "B-1", fields={"name": LAST}, identities=[reach]) == nobody
    event = {"key": "1", "type": "purchase", "at": "2026-03-01T10:00:00Z", "identity": {"kind": "email", "value": MAIL}}
    of_profile = {"key": "2", "type": "purchase", "at": "2026-03-01T10:00:00Z", "profile": him.profiles.get().pk}
    told = town.caller.post("events/", {"events": [event, of_profile]}).json()
    assert told["results"] == [{"key": key, "status": "erased"} for key in "12"]
    assert found_anywhere() == [] and Customer.objects.live().count() == 0


def test_an_import_asks_for_many_keys_in_one_query(town, django_assert_num_queries):
    erase(known("A-1", ("phone", PHONE)), town)
    keys = [("identity", "phone", PHONE), ("record", "dms", "A-1"), ("record", "crm", "A-1")]
    keys += [("record", "crm", f"N-{number}") for number in range(3000)]
    with django_assert_num_queries(1):
        assert erased_among(keys) == set(keys[:2])


def test_the_digests_are_keyed_and_survive_a_new_secret(town, settings):
    erase(known("A-1", ("phone", PHONE)), town)
    digests = {*ErasedKey.objects.values_list("digest", flat=True)}
    assert len(digests) == 2 and hashlib.sha256(PHONE.encode()).hexdigest() not in digests
    key, old = ("identity", "phone", PHONE), settings.SECRET_KEY
    settings.SECRET_KEY = "another one"
    assert erased_among([key]) == set()
    settings.SECRET_KEY_FALLBACKS = [old]
    assert erased_among([key]) == {key}


def test_somebody_known_may_get_the_number_of_one_who_was_erased(town):
    erase(known("A-1", ("phone", PHONE)), town)
    other = known("B-1", name="Anna Weber")
    reach = {"kind": "phone", "value": PHONE, "verified": True}
    assert put(town, "B-1", fields={"name": "Anna Weber"}, identities=[reach])["status"] == "changed"
    assert Identity.objects.get(value=PHONE).links.get().profile.customer == other


def test_an_administrator_lifts_what_was_erased_wrongly(town):
    erase(known("A-1", ("phone", PHONE)), town)
    client = signed_in(town.admin)
    page = client.get("/admin/customers/erasedkey/", {"q": SPELLINGS[0]})
    (found,) = page.context["cl"].result_list
    (record,) = client.get("/admin/customers/erasedkey/", {"q": "dms A-1"}).context["cl"].result_list
    assert (found.kind, record.kind) == ("phone", "record")
    chosen = {"action": "lift", "_selected_action": [found.pk, record.pk]}
    client.post("/admin/customers/erasedkey/", chosen)
    client.post("/admin/customers/erasedkey/", chosen)
    assert AuditEntry.objects.filter(act="erased.lift", actor=town.admin).count() == 2
    reach = {"kind": "phone", "value": PHONE, "verified": True}
    assert put(town, "A-1", fields={"name": FIRST}, identities=[reach])["status"] == "created"


def test_who_comes_back_himself_is_a_new_customer_to_whom_nothing_is_advertised(town):
    him, identity = known("A-1", ("phone", PHONE)), Identity.objects.get(value=PHONE)
    profile = him.profiles.get()
    for purpose, granted in (("ads", True), ("ads", False), ("calls", True)):
        customers.record_consent(profile=profile, identity=identity, purpose=purpose, granted=granted, proof={})
    erase(him, town)
    _identity, found = customers.find_or_create_by_identity(kind="phone", value=PHONE, source="voice")
    assert found is not None and found.customer_id != him.pk and found.customer.erased_at is None
    assert permits(found.customer_id, purpose="ads", channel="") is False
    assert permits(found.customer_id, purpose="calls", channel="") is None


def test_what_a_source_has_dropped_is_erased_with_him_and_its_withdrawal_comes_back_for_good(town):
    him, identity = known("A-1", ("phone", PHONE)), Identity.objects.get(value=PHONE)
    proof = {"by": LAST}
    customers.record_consent(profile=him.profiles.get(), identity=identity, purpose="ads", granted=False, proof=proof)
    known("A-1", ("email", MAIL))
    assert permits(him.pk, purpose="ads", channel="") is False
    erase(him, town)
    assert not Identity.objects.filter(value=PHONE).exists() and Consent.objects.get().proof == {}
    again, found = customers.find_or_create_by_identity(kind="phone", value=PHONE, source="voice")
    customers.unlink_identity(customer=found.customer, identity=again, actor=town.alice)
    assert permits(found.customer_id, purpose="ads", channel="") is False


def test_his_old_page_begins_anew_as_a_strangers(town):
    visitor = Visitor(town.site)
    visitor.start(f"I am {LAST}")
    chat = Interaction.objects.get()
    town.accept(chat)
    town.finish(chat)
    old = visitor.token
    erase(chat.profile.customer, town)
    for name in ("changes", "messages"):
        visitor.get(name)
        assert (visitor.answer.status_code, visitor.answer.json()["code"]) == (401, "bad_token")
    visitor.say("Are you there?")
    assert visitor.answer.status_code == 401
    visitor.token = old
    assert visitor.session()["thread"] is False
    visitor.start("A new question")
    fresh = Interaction.objects.latest("pk")
    assert fresh.thread_id != chat.thread_id and fresh.profile.customer_id != chat.profile.customer_id
    assert [one["text"] for one in visitor.session()["messages"] if one["text"]] == ["A new question"]


# --- What belongs to others --------------------------------------------------------------------


def test_a_family_phones_other_owner_keeps_everything(town):
    him, wife = known("A-1", ("phone", PHONE), ("email", MAIL)), known("A-2", name="Anna Weber")
    identity, his_profile, her_profile = Identity.objects.get(value=PHONE), him.profiles.get(), wife.profiles.get()
    customers.link_identity(profile=her_profile, identity=identity, source="dms", verified=True)
    customers.record_consent(profile=her_profile, identity=identity, purpose="ads", granted=True, proof={"by": "Anna"})
    thread = talk.open_thread(channel=town.site.channel, identity=identity, profile=his_profile)
    chats = []
    for profile, text in ((his_profile, f"I am {LAST}"), (her_profile, "Anna here"), (his_profile, "It is me")):
        Thread.objects.filter(pk=thread.pk).update(profile=profile)
        chats.append(world.open_chat(town.site, text, thread=thread))
        town.accept(chats[-1])
        town.finish(chats[-1])
    erase(him, town)
    assert resolve(kind="phone", value=PHONE).customers == [wife.pk]
    kept = Message.objects.exclude(text="").values_list("interaction", "text")
    assert [*kept] == [(chats[1].pk, "Anna here")]
    assert Consent.objects.get(identity=identity).proof == {"by": "Anna"}
    assert Thread.objects.get(pk=thread.pk).profile == her_profile
    assert erased_among([("identity", "phone", PHONE), ("identity", "email", MAIL)]) == {("identity", "email", MAIL)}
    assert {where.partition(":")[0] for where in in_database()} == {
        "customers_identity.value", "customers_comparable.person", "customers_matchkey.key"
    }  # fmt: skip
    assert not any(LAST in where or MAIL in where for where in in_database())


def test_what_he_typed_before_he_was_known_goes_with_him(town):
    """A page of an unknown visitor on which his own phone was typed: it is found by the phone."""
    him, visitor, anna = known("A-1", ("phone", PHONE)), Visitor(town.site), Visitor(town.site)
    visitor.start("Hello", name=f"{FIRST} {LAST}", contact=SPELLINGS[0])
    anna.start("Hello", name="Anna Weber", contact="+79160000099")
    for chat in Interaction.objects.all():
        town.accept(chat)
        town.finish(chat)
    task = cases.create_task(title=f"Call {LAST}", actor=town.alice, team=town.team, contact=PHONE)
    with pytest.raises(Conflict, match="1 task to do"):
        erase(him, town)
    cases.finish_task(task_id=task.pk, actor=town.alice)
    erase(him, town)
    assert found_anywhere() == []
    assert Interaction.objects.get(says__name="Anna Weber").says["contact"] == "+79160000099"


def test_a_browser_that_leads_to_somebody_else_now_stays_his(town):
    """A first contact made a profile; then its talks were put on another card. The profile goes, the talks stay."""
    chat, other = world.open_chat(town.site, "Anna here"), known("B-1", name="Anna Weber")
    first = chat.profile.customer
    cases.link_customer(interaction_id=chat.pk, profile=other.profiles.get(), actor=town.alice)
    value = chat.thread.identity.value
    erase(first, town)
    assert Identity.objects.get(pk=chat.thread.identity_id).value == value
    assert Message.objects.filter(interaction=chat, text="Anna here").exists()


def test_a_phone_that_his_source_names_no_more_goes_in_the_night(town):
    him = known("A-1", ("phone", PHONE), ("email", MAIL))
    put(town, "A-1", fields={"name": LAST}, identities=[{"kind": "email", "value": MAIL, "verified": True}])
    chat = world.open_chat(town.site)
    ProfileIdentity.objects.filter(identity=chat.thread.identity_id).delete()
    Identity.objects.update(created_at=timezone.now() - timedelta(hours=2))
    fresh = customers.find_identity(kind="phone", value="+79160000001")
    erase(him, town)
    assert in_database() == [f"customers_identity.value: {PHONE}"]
    customers.clear_tables()
    assert in_database() == []
    # What leads to a talk, and what has just been made, is nobody's rubbish.
    assert Identity.objects.filter(pk__in=[chat.thread.identity_id, fresh.pk]).count() == 2


def test_a_name_that_a_merge_has_put_behind_another_goes_with_him(town):
    him, other = known("A-1", ("phone", PHONE)), known("B-1", name="Anna Weber")
    customers.merge_customers(survivor=him.pk, others=[other.pk], actor=town.alice)
    him.refresh_from_db()
    assert him.name == "Anna Weber" and any("customers_word" in place for place in in_database())
    erase(him, town)
    assert in_database() == []


def test_all_whom_he_absorbed_go_with_him_and_their_numbers_lead_to_his_page(town):
    him, other = known("A-1", ("phone", PHONE)), known("B-1", ("email", MAIL), name=f"{FIRST} Q.")
    (made,) = customers.merge_customers(survivor=him.pk, others=[other.pk], actor=town.alice)
    stranger = known("C-1", name="Anna Weber")
    (undone,) = customers.merge_customers(survivor=him.pk, others=[stranger.pk], actor=town.alice)
    customers.unmerge(merge_id=undone.pk, actor=town.alice)
    erase(him, town)
    assert found_anywhere() == [] and Customer.objects.get(pk=stranger.pk).name == "Anna Weber"
    with pytest.raises(Gone):
        customers.unmerge(merge_id=made.pk, actor=town.alice)
    with pytest.raises(Gone):
        customers.merge_customers(survivor=stranger.pk, others=[other.pk], actor=town.alice)
    page = signed_in(town.boss).get(f"/desk/customers/{other.pk}/", follow=True)
    assert page.redirect_chain[-1][0] == f"/desk/customers/{him.pk}/" and page.status_code == 410


# --- The act -----------------------------------------------------------------------------------


def test_what_is_open_is_finished_first(town):
    chat = world.open_chat(town.site, f"I am {LAST}")
    him = chat.profile.customer
    case = cases.register_case(actor=town.alice, profile=chat.profile, subject="Dents")
    with pytest.raises(Conflict) as refused:
        erase(him, town)
    words = f"First finish what is open: 1 open session (S-{chat.pk}), 1 open case (CS-{case.pk})."
    assert (refused.value.code, str(refused.value.message)) == ("open", words)
    leg = town.accept(chat)
    legs.finish(interaction_id=chat.pk, actor=leg.operator)
    cases.change_case(case_id=case.pk, version=None, actor=town.alice, status="solved")
    with pytest.raises(Conflict, match="1 wrap-up"):
        erase(him, town)
    legs.wrap_up(leg_id=leg.pk, actor=leg.operator)
    assert not Erasure.objects.exists()
    erase(him, town)


def test_it_asks_for_the_number_and_a_reason_and_happens_once(town):
    him = known("A-1", ("phone", PHONE))
    for number, reason in ((f"C-{him.pk + 1}", "request"), ("", "request"), (him.number, ""), (him.number, "because")):
        with pytest.raises(Invalid):
            customers.erase_customer(customer=him, number=number, reason=reason, actor=town.boss)
    first = customers.erase_customer(customer=him, number=him.number.lower(), reason="request", actor=town.boss)
    assert customers.erase_customer(customer=him, number=him.number, reason="mistake", actor=town.admin) == first
    (entry,) = AuditEntry.objects.filter(act="customer.erase")
    assert (entry.actor, entry.subject, entry.detail) == (town.boss, f"customer:{him.pk}", {"reason": "request"})
    (told,) = WebhookDelivery.objects.filter(topic="customer.erased")
    assert told.body["data"] == {"customer": him.pk, "absorbed": []}


def test_nothing_is_noted_of_him_any_more(town):
    him, other = known("A-1", ("phone", PHONE)), known("B-1", name="Anna Weber")
    chat, alice = world.open_chat(town.site), town.alice
    erase(him, town)
    profile, row = Profile.objects.get(customer=him), Customer.objects.get(pk=him.pk)
    acts = [
        lambda: customers.edit_customer(customer=him, fields={"city": "Tula"}, version=None, actor=alice),
        lambda: customers.pin_value(customer=him, field="city", record_id=None, version=None, actor=alice),
        lambda: customers.add_record(profile=profile, source="crm", fields={"name": LAST}),
        lambda: customers.keep_apart(one=him.pk, other=other.pk, actor=alice),
        lambda: customers.export_customer(customer=row, reason="request", actor=town.boss),
        lambda: cases.register_case(actor=alice, profile=profile, subject="x"),
        lambda: cases.create_task(title="x", actor=alice, team=town.team, profile=profile),
        lambda: cases.link_customer(interaction_id=chat.pk, profile=profile, actor=alice),
    ]
    for act in acts:
        with pytest.raises(Gone):
            act()
    assert in_database() == []


def test_files_that_the_storage_does_not_delete_now_are_deleted_later(town, monkeypatch):
    chat = world.open_chat(town.site)
    upload = read_upload(SimpleUploadedFile("a.txt", LAST.encode()))
    world.reply(chat, town.alice, "", make_files=lambda: [upload])
    town.accept(chat)
    town.finish(chat)
    with monkeypatch.context() as broken:
        broken.setattr("django.core.files.storage.FileSystemStorage.delete", _away)
        erase(chat.profile.customer, town)
        assert DoomedFile.objects.count() == 1 and len(in_files(Path(settings.MEDIA_ROOT))) == 1
    assert discard_files() == 1 and not DoomedFile.objects.exists()
    assert in_files(Path(settings.MEDIA_ROOT)) == []


def _away(*_: Any) -> None:
    raise OSError("the storage is away")


@pytest.mark.parametrize(
    "rival", ["a record", "a session", "a merge", "another erasure", "a case", "a page view", "a fact", "a comparison"]
)
def test_who_writes_at_the_same_moment_leaves_nothing_behind(town, rival):
    MatchingRules.objects.create(joins=False)
    for number in range(4):
        him, other = known(f"A-{number}", ("phone", f"+7916123{number}457")), known(f"B-{number}", name="Anna Weber")
        profile = him.profiles.get()
        identity = customers.find_identity(kind="phone", value=f"+7916123{number}457")
        thread = talk.open_thread(channel=town.site.channel, identity=identity, profile=profile)
        said = customers.OutsideRecord(
            source="dms",
            external_id=f"A-{number}",
            fields={"name": LAST, "city": "Tula"},
            reaches=[customers.Reach(kind="phone", value=identity.value, verified=True)],
        )
        fact = customers.OutsideFact(
            key=f"k{number}", type="purchase", at=him.created_at, profile=profile, data={"to": LAST}
        )
        page = {"url": f"https://shop.example/{LAST}"}
        acts = {
            "a case": lambda profile=profile: cases.register_case(
                actor=town.alice, profile=profile, subject=LAST, status="closed"
            ),
            "a page view": lambda profile=profile, page=page: customers.record_site_event(
                profile_id=profile.pk, type="page_view", data=page
            ),
            "a fact": lambda fact=fact: customers.record_outside_events(facts=[fact], actor=town.admin),
            "a comparison": lambda profile=profile: customers.compare_profile(profile_id=profile.pk),
            "a record": lambda said=said: customers.put_record(said=said),
            "a session": lambda thread=thread: talk.open_interaction(thread=thread, says={"name": LAST}),
            "a merge": lambda him=him, other=other: customers.merge_customers(survivor=other.pk, others=[him.pk]),
            "another erasure": lambda him=him: erase(him, town),
        }
        results = together([lambda him=him: erase(him, town), acts[rival]])
        assert all(not isinstance(one, Exception) or isinstance(one, CxError) for one in results), results
        row = Customer.objects.get(pk=him.pk)
        row = row.merged_into or row
        # Either he is erased, or somebody was faster and it says what is in the way.
        assert row.erased_at is not None or isinstance(results[0], CxError), results
        if row.erased_at is not None:
            assert in_database() == []
        else:
            assert rival in {"a session", "a case"}
            break

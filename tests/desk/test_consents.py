"""Consents on the card: what stands and by which proof, recorded by hand, their history; a withdrawal outweighs."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers import actions
from customers.models import Consent, Customer
from customers.queries import permits
from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Role
from cxcenter.core.models import AuditEntry
from cxcenter.desk import timeline
from tests import world
from tests.api.callers import problem, token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice():
    return world.make_user("alice", team=world.make_team())


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def client(alice):
    return client_of(alice)


@pytest.fixture
def kate():
    return actions.create_profile(source="shop", fields={"name": "Kate Orlova"}).customer


def mail(customer: Customer, value: str):
    identity = actions.find_identity(kind="email", value=value)
    actions.link_identity(profile=customer.profiles.first(), identity=identity, source="shop", verified=True)
    return identity


def address(name: str, pk: int) -> str:
    return reverse(f"desk:{name}", args=[pk])


def record(client: Client, customer: Customer, identity, *, granted: bool, **more):
    sent = {"identity": identity.pk, "purpose": "marketing", "channel": "email", "proof": "Said so in the call"}
    return client.post(address("record-consent", customer.pk), {**sent, "granted": "1" if granted else "0", **more})


def panel(client: Client, customer: Customer) -> str:
    page = client.get(address("customer", customer.pk)).content.decode()
    start = page.index("cx-consents")
    return page[start : page.index("</section>", start)]


def test_who_was_never_asked_permits_nothing_and_withdraws_nothing(client, kate):
    assert "Never asked" in panel(client, kate)
    assert "Add one to the card first" in client.get(address("consent-form", kate.pk)).content.decode()


def test_a_consent_and_its_withdrawal_are_recorded_with_their_proof(client, kate, alice):
    home = mail(kate, "kate@example.com")
    assert record(client, kate, home, granted=True).json()["said"] == "The consent is recorded."
    shown = panel(client, kate)
    assert "Advertising and offers" in shown and "E-mail · " in shown and "permits" in shown
    assert "kate@example.com" in shown and "Said so in the call (Alice)" in shown
    record(client, kate, home, granted=False, proof="“Do not write to me”")
    shown = panel(client, kate)
    assert "withdrawn" in shown and "Do not write to me" in shown
    assert permits(kate.pk, purpose="marketing", channel="email") is False
    told = [line.said for line in timeline.page_of(kate, alice)[0][:2]]
    assert [one.title for one in told] == [
        "Consent withdrawn: advertising and offers, E-mail",
        "Consent given: advertising and offers, E-mail",
    ]
    assert told[0].detail == "kate@example.com · Alice"
    assert AuditEntry.objects.filter(act="consent.record", subject=f"customer:{kate.pk}").count() == 2
    history = client.get(address("consent-history", kate.pk), {"purpose": "marketing", "channel": "email"})
    assert re.findall(r"(permits|withdrawn)</span>", history.content.decode()) == ["withdrawn", "permits"]


def test_a_withdrawal_of_one_identity_outweighs_the_consent_of_another_and_that_is_said(client, kate):
    home, work = mail(kate, "kate@example.com"), mail(kate, "orlova@oakline.example")
    record(client, kate, home, granted=False)
    said = record(client, kate, work, granted=True).json()["said"]
    assert said.startswith("Recorded. It stays withdrawn")
    shown = panel(client, kate)
    assert "withdrawn" in shown and "kate@example.com" in shown and "orlova@" not in shown


def test_what_was_withdrawn_for_an_identity_that_is_gone_can_be_permitted_again(client, kate, alice):
    home = mail(kate, "kate@example.com")
    record(client, kate, home, granted=False)
    actions.unlink_identity(customer=kate, identity=home, actor=alice)
    assert "withdrawn" in panel(client, kate) and "kate@example.com" in panel(client, kate)
    assert "E-mail, no longer his" in client.get(address("consent-form", kate.pk)).content.decode().replace(
        "e-mail", "E-mail"
    )
    assert record(client, kate, home, granted=True).status_code == 200
    assert "Never asked" in panel(client, kate)
    asked = {"purpose": "marketing", "channel": "email"}
    history = client.get(address("consent-history", kate.pk), asked).content.decode()
    assert re.findall(r"(permits|withdrawn)</span>", history) == ["permits", "withdrawn"]


def test_a_withdrawal_is_seen_on_the_joint_card(client, kate):
    oleg = actions.create_profile(source="shop", fields={"name": "Oleg"}).customer
    record(client, kate, mail(kate, "kate@example.com"), granted=True)
    record(client, oleg, mail(oleg, "oleg@example.com"), granted=False)
    (made,) = actions.merge_customers(survivor=kate.pk, others=[oleg.pk])
    assert "withdrawn" in panel(client, kate)
    actions.unmerge(merge_id=made.pk)
    assert "withdrawn" not in panel(client, kate)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"proof": " "}, "proof"),
        ({"proof": "x" * 1001}, "proof"),
        ({"purpose": ""}, "purpose"),
        ({"channel": "E mail"}, "channel"),
        ({"granted": "perhaps"}, "granted"),
        ({"identity": "x"}, "identity"),
    ],
)
def test_what_is_no_consent_is_refused(client, kate, said, field):
    sent = {"identity": mail(kate, "kate@example.com").pk, "purpose": "marketing", "granted": "1", "proof": "x", **said}
    refused = client.post(address("record-consent", kate.pk), sent)
    assert (refused.status_code, refused.json()["field"]) == (400, field)
    assert not Consent.objects.exists()


def test_an_identity_of_somebody_else_is_no_identity_of_his(client, kate):
    oleg = actions.create_profile(source="shop", fields={"name": "Oleg"}).customer
    assert record(client, kate, mail(oleg, "oleg@example.com"), granted=True).status_code == 404


def test_the_form_of_a_site_is_a_proof_too_and_masks_hold(client, kate):
    home = mail(kate, "kate@example.com")
    proof = {"site": "demo", "text": "https://norda.example/privacy", "agent": "x"}
    actions.record_consent(
        profile=kate.profiles.get(), identity=home, purpose="personal_data", granted=True, proof=proof
    )
    assert "form of the site demo, https://norda.example/privacy" in panel(client, kate)
    mark = client_of(world.make_user("mark", Role.MARKETER))
    shown = panel(mark, kate)
    assert "k•••@example.com" in shown and "kate@" not in shown and "consents/new" not in shown
    asked = {"purpose": "personal_data", "channel": ""}
    assert "kate@" not in mark.get(address("consent-history", kate.pk), asked).content.decode()


def test_the_card_asks_no_more_for_many_consents(client, kate):
    def queries() -> int:
        with CaptureQueriesContext(connection) as caught:
            client.get(address("customer", kate.pk))
        return len(caught)

    home = mail(kate, "kate@example.com")
    record(client, kate, home, granted=True)
    few = queries()
    for n in range(8):
        record(client, kate, mail(kate, f"kate{n}@example.com"), granted=bool(n % 2), channel="sms" if n > 4 else "")
    assert queries() == few


def test_consents_by_api(kate):
    caller, home = token("customers:write"), mail(kate, "kate@example.com")
    path = f"customers/{kate.pk}/consents/"
    assert caller.get(path).json() == {"results": []}
    body = {"identity": home.pk, "purpose": "marketing", "channel": "sms", "granted": True, "proof": "Form 12"}
    made = caller.post(path, body)
    assert made.status_code == 201
    (row,) = made.json()["results"]
    assert {key: row[key] for key in ("purpose", "channel", "granted", "identity")} == {
        key: body[key] for key in ("purpose", "channel", "granted", "identity")
    }
    caller.post(path, {**body, "granted": False})
    assert [one["granted"] for one in caller.get(path).json()["results"]] == [False]
    problem(caller.post(path, {**body, "proof": ""}), 400, "invalid")
    problem(caller.post(path, {**body, "identity": 10**9}), 404, "not_found")
    problem(token("customers:read").post(path, body), 403, "permission_denied")

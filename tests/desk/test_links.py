"""What belongs to a customer, by hand at the desk: identities, and what takes each act back."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers import actions
from customers.models import Customer, JunkValue, MatchingRules, Membership, ProfileIdentity, Unlinking
from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Role
from cxcenter.core.models import AuditEntry
from cxcenter.desk import timeline
from interactions.actions import cases
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = "+79161234567"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def alice():
    return world.make_user("alice", team=world.make_team())


@pytest.fixture
def client(alice):
    return client_of(alice)


def somebody(name: str, **fields) -> Customer:
    return actions.create_profile(source="shop", fields={"name": name, **fields}).customer


@pytest.fixture
def kate():
    return somebody("Kate Orlova")


@pytest.fixture
def oleg():
    return somebody("Oleg Berg")


def give(customer: Customer, kind: str, value: str, **how):
    identity = actions.find_identity(kind=kind, value=value)
    fields = {"source": "shop", "verified": True, **how}
    actions.link_identity(profile=customer.profiles.first(), identity=identity, **fields)
    return identity


def address(name: str, *args: object) -> str:
    return reverse(f"desk:{name}", args=args)


def undo(client: Client, answer) -> None:
    for one in answer.json()["undo"]:
        assert client.post(one).status_code in {200, 204}


def links() -> list[tuple]:
    return sorted(ProfileIdentity.objects.values_list("profile_id", "identity__value", "verified", "primary", "source"))


def titles(customer: Customer, user: User) -> list[str]:
    return [line.said.title for line in timeline.page_of(customer, user)[0]]


# --- Identities ---


def test_a_login_is_added_stands_on_the_card_and_is_taken_back(client, kate, alice):
    answer = client.post(
        address("add-identity", kate.pk), {"kind": "telegram", "value": "@KVorontsova", "verified": "1"}
    )
    assert links() == [(kate.profiles.get().pk, "kvorontsova", True, True, "operator")]
    page = client.get(address("customer", kate.pk)).content.decode()
    assert "kvorontsova" in page and "the main one" in page
    assert titles(kate, alice)[0] == "Telegram: linked"
    undo(client, answer)
    assert links() == [] and titles(kate, alice)[0] == "Telegram: unlinked"


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"kind": "phone", "value": "12"}, "value"),
        ({"kind": "phone", "value": "+79999999999"}, "value"),
        ({"kind": "visitor", "value": "9f31"}, "kind"),
        ({}, "kind"),
    ],
)
def test_what_cannot_be_linked_says_why(client, kate, sent, field):
    refused = client.post(address("add-identity", kate.pk), sent)
    assert (refused.status_code, refused.json()["field"]) == (400, field) and refused.json()["message"]
    assert links() == []


def hint(client: Client, customer: Customer, kind: str, value: str) -> str:
    return client.get(address("identity-owners", customer.pk), {"kind": kind, "value": value}).content.decode()


def test_who_has_it_too_is_said_before_it_is_linked(client, kate, oleg):
    JunkValue.objects.get_or_create(kind="", pattern="none")
    give(oleg, "phone", PHONE)
    assert hint(client, kate, "phone", "8 916 12").strip() == ""
    assert hint(client, kate, "phone", "8 916 123-45-68").strip() == ""
    shared = hint(client, kate, "phone", "8 916 123-45-67")
    assert "Others have it too:" in shared and "Oleg Berg" in shared and 'value="move"' in shared
    assert "already" in hint(client, oleg, "phone", PHONE)
    assert "when they have none" in hint(client, kate, "card", "none")
    refused = client.post(address("add-identity", kate.pk), {"kind": "phone", "value": PHONE})
    assert (refused.status_code, refused.json()["code"], refused.json()["customers"]) == (409, "shared", [oleg.pk])
    client.post(address("add-identity", kate.pk), {"kind": "phone", "value": PHONE, "shared": "both"})
    assert len(links()) == 2
    for customer in (kate, oleg):
        assert "others have it too" in client.get(address("customer", customer.pk)).content.decode()


def test_moved_here_from_who_had_it_and_back(client, kate, oleg, alice):
    give(oleg, "phone", PHONE)
    before = links()
    answer = client.post(address("add-identity", kate.pk), {"kind": "phone", "value": PHONE, "shared": "move"})
    assert [row[0] for row in links()] == [kate.profiles.get().pk]
    assert titles(kate, alice)[0] == f"Phone: moved here from C-{oleg.pk}"
    assert titles(oleg, alice)[0] == f"Phone: moved to C-{kate.pk}"
    undo(client, answer)
    assert links() == before


def test_one_identity_shows_where_it_came_from_and_what_can_be_done(client, kate, oleg):
    phone = give(kate, "phone", PHONE)
    give(oleg, "phone", PHONE, verified=False)
    page = client.get(address("identity", kate.pk, phone.pk)).content.decode()
    assert PHONE in page and "shop" in page and "Oleg Berg" in page
    for what in ("doubt", "prefer", "unlink", "move"):
        assert address("act-on-identity", kate.pk, phone.pk, what) in page
    assert client.get(address("identity", kate.pk, 10**6)).status_code == 404


@pytest.mark.parametrize("what", ["verify", "doubt", "prefer", "demote", "unlink"])
def test_each_act_is_taken_back_by_what_it_answers(client, kate, what):
    phone = give(kate, "phone", PHONE, verified=what != "verify", primary=what == "demote")
    other = give(kate, "phone", "+79161234568", primary=what == "prefer")
    before = links()
    answer = client.post(address("act-on-identity", kate.pk, phone.pk, what))
    assert links() != before
    undo(client, answer)
    assert links() == before and other.links.count() == 1
    acts = {act for act in AuditEntry.objects.values_list("act", flat=True) if act.startswith("identity")}
    assert acts == ({"identity.unlink", "identity.unlink.undo"} if what == "unlink" else {"identity.mark"})


def test_the_first_main_one_is_taken_back_to_none(client, kate):
    phone = give(kate, "phone", PHONE)
    before = links()
    undo(client, client.post(address("act-on-identity", kate.pk, phone.pk, "prefer")))
    assert links() == before


def test_a_row_is_moved_to_somebody_who_is_looked_for(client, kate, oleg):
    phone = give(kate, "phone", PHONE)
    found = client.get(address("search"), {"q": "Oleg", "choose": "customer", "besides": kate.pk}).content.decode()
    assert re.search(rf'<button type="submit" name="customer" value="{oleg.pk}"', found)
    assert (
        "Kate"
        not in client.get(address("search"), {"q": "Kate", "choose": "customer", "besides": kate.pk}).content.decode()
    )
    before = links()
    answer = client.post(address("act-on-identity", kate.pk, phone.pk, "move"), {"customer": oleg.pk})
    assert [row[0] for row in links()] == [oleg.profiles.get().pk] and Unlinking.objects.count() == 1
    undo(client, answer)
    assert links() == before
    assert client.post(address("act-on-identity", kate.pk, phone.pk, "move"), {"customer": 10**6}).status_code == 404


def test_an_identity_of_two_profiles_stands_once_on_the_joint_card(client, kate, oleg):
    give(kate, "phone", PHONE)
    give(oleg, "phone", PHONE, verified=False, primary=True)
    actions.merge_customers(survivor=kate.pk, others=[oleg.pk])
    page = client.get(address("customer", kate.pk)).content.decode()
    listed = page[page.index('class="cx-ids') : page.index("</ul>", page.index('class="cx-ids'))]
    assert listed.count("<li>") == 1 and "the main one" in listed and "others have it too" not in listed


def test_who_may_not_edit_sees_them_masked_and_no_acts(kate):
    give(kate, "phone", PHONE)
    page = client_of(world.make_user("mark", Role.MARKETER)).get(address("customer", kate.pk)).content.decode()
    assert "•••• 67" in page and PHONE not in page and "/identities/" not in page


def test_facts_of_identities_are_masked_for_who_may_not_see_contacts(client, kate, alice):
    client.post(address("add-identity", kate.pk), {"kind": "phone", "value": PHONE})
    mark = world.make_user("mark", Role.MARKETER)
    details = [timeline.page_of(kate, user)[0][0].said.detail for user in (alice, mark)]
    assert details == [f"{PHONE} · Alice", "•••• 67 · Alice"]


def queries(client: Client, customer: Customer) -> int:
    with CaptureQueriesContext(connection) as caught:
        assert client.get(address("customer", customer.pk)).status_code == 200
    return len(caught)


def test_the_card_asks_no_more_for_many(client, kate, oleg):
    def grow(start: int) -> None:
        for n in range(start, start + 6):
            phone = give(kate, "phone", f"+791612345{n:02}")
            give(oleg, "phone", phone.value)
            actions.unlink_identity(customer=oleg, identity=phone, actor=User.objects.get())

    grow(0)
    few = queries(client, kate)
    grow(6)
    assert queries(client, kate) == few


# --- Cases and sessions ---


@pytest.fixture
def chat(alice):
    world.on_duty(alice)
    return world.open_chat(world.make_site(world.make_queue(members=(alice,), team=alice.team)), "Hello")


def test_a_case_is_put_on_another_card_and_back(client, kate, chat, alice):
    owner = chat.profile.customer
    case = cases.register_case(actor=alice, profile=chat.profile, interaction=chat, subject="Dents")
    assert address("link-case", case.pk) in client.get(address("case", case.pk)).content.decode()
    assert (
        f'data-link="{address("link-case", case.pk)}"'
        in client.get(address("search"), {"q": "Kate", "link_case": case.pk}).content.decode()
    )
    before = client.post(address("link-case", case.pk), {"customer": kate.pk}).json()["before"]
    case.refresh_from_db()
    assert (case.profile.customer, before) == (kate, chat.profile_id)
    assert titles(kate, alice)[0] == f"{case.number} linked to this card by hand"
    assert titles(owner, alice)[0] == f"{case.number} taken off this card"
    client.post(address("link-case", case.pk), {"profile": before})
    client.post(address("link-case", case.pk), {"profile": ""})
    case.refresh_from_db()
    assert case.profile is None and AuditEntry.objects.filter(act="case.customer").count() == 3
    assert client.post(address("link-case", case.pk), {"customer": 10**6}).status_code == 404


def test_a_session_is_attached_to_a_case_and_detached(client, chat, alice):
    case = cases.register_case(actor=alice, profile=chat.profile, subject="Dents")
    for off, title in (("", f"Session attached to {case.number}"), ("1", f"Session detached from {case.number}")):
        client.post(address("attach", case.pk), {"session": chat.pk, "off": off})
        assert titles(chat.profile.customer, alice)[0] == title
        assert case.links.exists() == (off == "")


def test_a_session_is_put_on_a_card_off_it_and_back(client, kate, oleg, chat, alice):
    # The number of somebody who was merged means whom he was merged into.
    actions.merge_customers(survivor=kate.pk, others=[oleg.pk])
    before = client.post(address("link", chat.pk), {"customer": oleg.pk}).json()["before"]
    chat.refresh_from_db()
    assert chat.profile.customer == Customer.objects.get(pk=kate.pk)
    taken = client.post(address("link", chat.pk), {}).json()["before"]
    chat.refresh_from_db()
    assert chat.profile is None and titles(kate, alice)[0] == "Session taken off this card"
    client.post(address("link", chat.pk), {"profile": taken})
    client.post(address("link", chat.pk), {"profile": before})
    chat.refresh_from_db()
    assert chat.profile_id == before


# --- Companies and their people ---


@pytest.fixture
def oakline():
    made = actions.create_profile(source="shop", fields={"name": "Oakline Logistics", "kind": "company"})
    return Customer.objects.get(pk=made.customer_id)


def test_a_company_shows_its_people_and_they_show_their_company(client, oakline, kate, alice):
    give(kate, "phone", PHONE)
    card = client.get(address("customer", oakline.pk)).content.decode()
    assert "Nobody of this company is known." in card
    answer = client.post(address("add-member", oakline.pk), {"person": kate.pk, "role": "Buyer"})
    card = client.get(address("customer", oakline.pk)).content.decode()
    assert re.search(rf'href="{address("customer", kate.pk)}">Kate Orlova</a>.*?Buyer.*?{re.escape(PHONE)}', card)
    assert re.search(
        rf'href="{address("customer", oakline.pk)}">Oakline Logistics</a>.*?Buyer',
        client.get(address("customer", kate.pk)).content.decode(),
    )
    assert titles(kate, alice)[0] == titles(oakline, alice)[0] == "Kate Orlova is with Oakline Logistics"
    assert timeline.page_of(oakline, alice)[0][0].said.url == address("customer", kate.pk)
    undo(client, answer)
    assert "Nobody of this company is known." in client.get(address("customer", oakline.pk)).content.decode()
    assert titles(oakline, alice)[0] == "Kate Orlova is no longer with Oakline Logistics"


def test_a_person_is_put_into_a_company_from_his_own_card(client, oakline, kate):
    client.post(address("add-member", kate.pk), {"company": oakline.pk, "role": "Buyer"})
    member = Membership.objects.get()
    assert member.company.customer == oakline and member.person.customer == kate
    found = client.get(address("search"), {"q": "Oak", "choose": "company", "kind": "company"}).content.decode()
    assert f'name="company" value="{oakline.pk}"' in found
    assert (
        "Nothing found"
        in client.get(address("search"), {"q": "Oak", "choose": "person", "kind": "person"}).content.decode()
    )


def test_a_role_is_changed_and_taken_back_and_one_leaves(client, oakline, kate):
    client.post(address("add-member", oakline.pk), {"person": kate.pk, "role": "Buyer"})
    member = Membership.objects.get()
    form = client.get(address("member", member.pk)).content.decode()
    assert 'data-undo="role=Buyer"' in form and "Kate Orlova at Oakline Logistics" in form
    answer = client.post(address("change-role", member.pk), {"role": "Director"}).json()
    client.post(answer["undo"][0], {"role": "Buyer"})
    member.refresh_from_db()
    assert member.role == "Buyer"
    undo(client, client.post(address("end-membership", member.pk)))
    member.refresh_from_db()
    assert member.ended_at is None


def test_somebody_new_is_put_into_a_company_once(client, oakline):
    sent = {"name": "Oleg Berg", "contact": "oleg@example.com", "role": "Driver", "key": "k1"}
    for _ in range(2):
        assert client.post(address("add-member", oakline.pk), sent).status_code == 200
    assert Membership.objects.get().person.customer.name == "Oleg Berg"
    refused = client.post(address("add-member", oakline.pk), {"name": "", "role": "Driver"})
    assert (refused.status_code, refused.json()["field"]) == (400, "name")


def test_contacts_of_people_are_masked_for_who_may_not_see_them(oakline, kate, alice):
    give(kate, "phone", PHONE)
    actions.add_member(company=oakline, person=kate, role="Buyer", actor=alice)
    page = client_of(world.make_user("mark", Role.MARKETER)).get(address("customer", oakline.pk)).content.decode()
    assert "Buyer" in page and "•••• 67" in page and PHONE not in page and "/members/" not in page


def test_a_card_with_many_people_asks_no_more_and_shows_the_first(client, oakline, alice):
    MatchingRules.objects.update_or_create(pk=1, defaults={"joins": False})

    def grow(start: int, end: int) -> None:
        for n in range(start, end):
            person = somebody(f"Person {n:03}")
            give(person, "phone", f"+79161230{n:03}")
            actions.add_member(company=oakline, person=person, role="", actor=alice)

    grow(0, 3)
    few = queries(client, oakline)
    grow(3, 53)
    assert queries(client, oakline) == few
    page = client.get(address("customer", oakline.pk)).content.decode()
    assert (
        "50+" in page and "Only the first are shown." in page and "Person 049" in page and "Person 050</a>" not in page
    )

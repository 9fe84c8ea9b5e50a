"""People of companies: roles, leaving and coming back, merges that take them along, records that name a company."""

import pytest

from customers import actions
from customers.models import Customer, Membership
from cxcenter.core.errors import Conflict, Invalid
from cxcenter.core.models import AuditEntry, Event
from cxcenter.desk.members import members_of
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice():
    return world.make_user("alice")


def somebody(name: str, **fields) -> Customer:
    return actions.create_profile(source="shop", fields={"name": name, **fields}).customer


def firm(name: str) -> Customer:
    made = actions.create_profile(source="shop", fields={"name": name, "kind": "company"})
    return Customer.objects.get(pk=made.customer_id)


@pytest.fixture
def oakline():
    return firm("Oakline Logistics")


@pytest.fixture
def kate():
    return somebody("Kate Orlova")


def people(company: Customer, user) -> list[tuple[str, str]]:
    return [(str(one.customer), one.role) for one in members_of(Customer.objects.get(pk=company.pk), user)[0]]


def told() -> list[tuple[int, str, str]]:
    facts = Event.objects.filter(kind="customer.member").order_by("pk")
    return [(fact.profile_id, fact.payload["change"], fact.payload["of"]) for fact in facts]


def test_a_person_joins_gets_another_role_leaves_and_comes_back(oakline, kate, alice):
    made = actions.add_member(company=oakline, person=kate, role=" Buyer ", actor=alice)
    assert (people(oakline, alice), people(kate, alice)) == (
        [("Kate Orlova", "Buyer")],
        [("Oakline Logistics", "Buyer")],
    )
    actions.change_role(membership_id=made.pk, role="Head of buying", actor=alice)
    for _ in range(2):
        actions.end_membership(membership_id=made.pk, actor=alice)
    assert people(oakline, alice) == people(kate, alice) == []
    with pytest.raises(Conflict):
        actions.change_role(membership_id=made.pk, role="x", actor=alice)
    for _ in range(2):
        actions.resume_membership(membership_id=made.pk, actor=alice)
    assert people(oakline, alice) == [("Kate Orlova", "Head of buying")]
    ours, theirs = oakline.profiles.get().pk, kate.profiles.get().pk
    changes = ["joined", "role", "left", "joined"]
    assert told() == [row for change in changes for row in ((ours, change, "company"), (theirs, change, "person"))]
    acts = AuditEntry.objects.filter(act__startswith="member").order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["member.add", "member.role", "member.end", "member.end.undo"]


def test_who_is_there_is_not_added_again(oakline, kate, alice):
    first = actions.add_member(company=oakline, person=kate, role="", actor=alice)
    with pytest.raises(Conflict) as refused:
        actions.add_member(company=oakline, person=kate, role="Buyer", actor=alice)
    assert refused.value.code == "member"
    actions.end_membership(membership_id=first.pk, actor=alice)
    actions.add_member(company=oakline, person=kate, role="Buyer", actor=alice)
    with pytest.raises(Conflict):
        actions.resume_membership(membership_id=first.pk, actor=alice)


def test_only_a_person_in_a_company(oakline, kate, alice):
    for company, person, field in (
        (kate, somebody("Oleg"), "company"),
        (oakline, firm("Norda"), "person"),
        (oakline, oakline, "person"),
    ):
        with pytest.raises(Invalid) as refused:
            actions.add_member(company=company, person=person, role="", actor=alice)
        assert refused.value.detail["field"] == field
    with pytest.raises(Invalid) as refused:
        actions.add_member(company=oakline, person=kate, role="x" * 101, actor=alice)
    assert refused.value.detail["field"] == "role" and not Membership.objects.exists()


def test_somebody_new_is_made_with_a_way_to_reach_him(oakline, alice):
    made = actions.add_new_member(
        company=oakline, name="Oleg Berg", contact="8 916 123-45-67", role="Driver", actor=alice
    )
    (member,) = members_of(oakline, alice)[0]
    assert (str(member.customer), member.role, member.contact) == ("Oleg Berg", "Driver", "+79161234567")
    assert made.person.customer.provenance["name"]["source"] == "operator"
    before = Customer.objects.count()
    for fields, field in (
        ({"name": " ", "contact": ""}, "name"),
        ({"name": "Anna", "contact": "12"}, "contact"),
        ({"name": "Anna", "contact": "+7 999 999-99-99"}, "contact"),
        ({"name": "Anna", "contact": "+79161234567"}, "contact"),
        ({"name": "x" * 201, "contact": ""}, "name"),
    ):
        with pytest.raises(Invalid) as refused:
            actions.add_new_member(company=oakline, role="", actor=alice, **fields)
        assert refused.value.detail["field"] == field, fields
    # What was refused leaves nobody behind.
    assert Customer.objects.count() == before


def test_whose_contact_it_is_is_said(oakline, alice):
    made = actions.add_new_member(company=oakline, name="Oleg Berg", contact="oleg@example.com", role="", actor=alice)
    with pytest.raises(Invalid) as refused:
        actions.add_new_member(company=oakline, name="Anna", contact="oleg@example.com", role="", actor=alice)
    assert f"Oleg Berg (C-{made.person.customer_id})" in str(refused.value.message)


# --- Merges ---


def test_a_merge_of_the_person_takes_his_place_along_and_an_unmerge_gives_it_back(oakline, kate, alice):
    katya = somebody("Katya")
    actions.add_member(company=oakline, person=katya, role="Buyer", actor=alice)
    (made,) = actions.merge_customers(survivor=kate.pk, others=[katya.pk])
    assert people(kate, alice) == [("Oakline Logistics", "Buyer")]
    assert [name for name, _role in people(oakline, alice)] == [str(Customer.objects.get(pk=kate.pk))]
    with pytest.raises(Conflict):
        actions.add_member(company=oakline, person=kate, role="", actor=alice)
    actions.unmerge(merge_id=made.pk)
    assert people(kate, alice) == [] and people(katya, alice) == [("Oakline Logistics", "Buyer")]
    assert people(oakline, alice) == [("Katya", "Buyer")]


def test_a_merge_of_the_company_takes_its_people_along_and_shows_each_once(oakline, kate, alice):
    double, oleg = firm("OAKLINE"), somebody("Oleg Berg")
    actions.add_member(company=oakline, person=kate, role="", actor=alice)
    actions.add_member(company=double, person=kate, role="Buyer", actor=alice)
    actions.add_member(company=double, person=oleg, role="Driver", actor=alice)
    (made,) = actions.merge_customers(survivor=oakline.pk, others=[double.pk])
    assert people(oakline, alice) == [("Kate Orlova", "Buyer"), ("Oleg Berg", "Driver")]
    assert len(people(kate, alice)) == 1
    actions.unmerge(merge_id=made.pk)
    assert people(oakline, alice) == [("Kate Orlova", "")]
    assert people(double, alice) == [("Kate Orlova", "Buyer"), ("Oleg Berg", "Driver")]


# --- Records of sources ---


def put(number: str, company: str | None = None, role: str = "", **fields) -> str:
    place = actions.Workplace(source="dms", external_id=company, role=role) if company else None
    said = actions.OutsideRecord(source="dms", external_id=number, fields={"name": number, **fields}, company=place)
    return actions.put_record(said=said)[1]


def customer_of(number: str) -> Customer:
    return Customer.objects.get(profiles__records__external_id=number)


def test_a_record_names_its_company_by_a_record(alice):
    put("C-1", kind="company")
    put("C-2", kind="company")
    assert put("P-1", "C-1", "Buyer") == "created"
    assert people(customer_of("C-1"), alice) == [("P-1", "Buyer")]
    assert put("P-1", "C-1", "Buyer") == "unchanged"
    assert put("P-1", "C-1", "Driver") == "changed"
    assert put("P-1", "C-2", "Driver") == "changed"
    assert people(customer_of("C-1"), alice) == [] and people(customer_of("C-2"), alice) == [("P-1", "Driver")]
    assert put("P-1") == "changed" and put("P-1") == "unchanged"
    assert people(customer_of("C-2"), alice) == []
    assert put("P-1", "C-2") == "changed"
    for unknown in ("C-9", "P-1"):
        with pytest.raises(Invalid) as refused:
            put("P-1", unknown)
        assert refused.value.detail["field"] == "company"


def test_what_a_person_ended_the_source_does_not_say_again(alice):
    put("C-1", kind="company")
    put("P-1", "C-1", "Buyer")
    member = Membership.objects.get()
    actions.end_membership(membership_id=member.pk, actor=alice)
    assert put("P-1", "C-1", "Driver") == "unchanged"
    assert people(customer_of("C-1"), alice) == []
    actions.resume_membership(membership_id=member.pk, actor=alice)
    assert put("P-1", "C-1", "Driver") == "changed"
    assert people(customer_of("C-1"), alice) == [("P-1", "Driver")]

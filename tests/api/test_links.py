"""What belongs to a customer, by API: identities."""

import pytest

from customers import actions
from customers.models import Customer, ProfileIdentity
from tests.api.callers import problem, token
from tests.api.conftest import PHONE

NEW = "+79161234567"


@pytest.fixture
def caller(place):
    return token("customers:write", "customers:contacts")


def somebody(name: str) -> Customer:
    return actions.create_profile(source="shop", fields={"name": name}).customer


def test_an_identity_is_linked_marked_and_taken_off(caller, place):
    path = f"customers/{place.customer.pk}/identities/"
    made = caller.post(path, {"kind": "phone", "value": "8 916 123-45-67", "verified": True})
    assert made.status_code == 201
    row = made.json()
    assert (row["value"], row["verified"], row["primary"], row["masked"]) == (NEW, True, False, False)
    one = f"{path}{row['id']}/"
    assert caller.patch(one, {"primary": True}).json()["primary"]
    shown = {i["value"]: i for i in caller.get(f"customers/{place.customer.pk}/").json()["identities"]}
    assert shown[NEW]["primary"] and not shown[PHONE]["primary"]
    assert not caller.patch(one, {"verified": False}).json()["verified"]
    problem(caller.post(path, {"kind": "phone", "value": NEW}), 409, "linked")
    assert [caller.delete(one).status_code for _ in range(2)] == [204, 204]
    problem(caller.patch(one, {"verified": True}), 404, "not_found")
    assert NEW not in str(caller.get(f"customers/{place.customer.pk}/").json()["identities"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "phone", "value": "12"}, "value"),
        ({"kind": "phone", "value": "+79999999999"}, "value"),
        ({"kind": "device", "value": "x"}, "kind"),
        ({"kind": "phone", "value": NEW, "shared": "perhaps"}, "shared"),
        ({"kind": "phone"}, "value"),
    ],
)
def test_what_cannot_be_linked_is_refused(caller, place, body, field):
    answer = caller.post(f"customers/{place.customer.pk}/identities/", body)
    assert answer.status_code == 400 and field in answer.content.decode()


def test_what_others_have_is_a_conflict_until_it_is_said_how(caller, place):
    oleg = somebody("Oleg Berg")
    path = f"customers/{oleg.pk}/identities/"
    told = problem(caller.post(path, {"kind": "phone", "value": PHONE}), 409, "shared")
    assert told["customers"] == [place.customer.pk]
    assert caller.post(path, {"kind": "phone", "value": PHONE, "shared": "both", "verified": True}).status_code == 201
    assert caller.get(f"customers/resolve/?phone=%2B{PHONE[1:]}").json()["status"] == "ambiguous"
    anna = somebody("Anna Berg")
    assert (
        caller.post(f"customers/{anna.pk}/identities/", {"kind": "phone", "value": PHONE, "shared": "move"}).status_code
        == 201
    )
    assert set(ProfileIdentity.objects.filter(identity__value=PHONE).values_list("profile__customer", flat=True)) == {
        anna.pk
    }


def test_an_old_number_means_whom_he_was_merged_into(caller, place):
    oleg = somebody("Oleg Berg")
    actions.merge_customers(survivor=place.customer.pk, others=[oleg.pk])
    made = caller.post(f"customers/{oleg.pk}/identities/", {"kind": "card", "value": "2204 1234"})
    assert ProfileIdentity.objects.get(identity=made.json()["id"]).profile.customer_id == place.customer.pk
    assert caller.delete(f"customers/{oleg.pk}/identities/{made.json()['id']}/").status_code == 204
    assert not ProfileIdentity.objects.filter(identity=made.json()["id"]).exists()


def test_values_are_masked_without_the_scope(place):
    caller = token("customers:write")
    made = caller.post(f"customers/{place.customer.pk}/identities/", {"kind": "phone", "value": NEW})
    assert (made.json()["value"], made.json()["masked"]) == ("•••• 67", True)


# --- Cases ---


def test_a_case_is_put_on_a_card_by_who_may_edit_cards(place):
    anna = somebody("Anna Berg").profiles.get()
    path = f"cases/{place.case.pk}/"
    problem(token("cases:write").patch(path, {"version": 0, "profile": anna.pk}), 403, "forbidden")
    caller = token("cases:write", "customers:write")
    changed = caller.patch(path, {"version": 0, "profile": anna.pk, "subject": "Still late"}).json()
    assert (changed["profile"], changed["subject"]) == (anna.pk, "Still late")
    assert caller.patch(path, {"version": changed["version"], "profile": None}).json()["profile"] is None


# --- Companies and their people ---


def test_people_of_companies(caller, place):
    company = actions.create_profile(source="shop", fields={"name": "Oakline", "kind": "company"}).customer
    body = {"company": company.pk, "person": place.customer.pk, "role": "Buyer"}
    made = caller.post("memberships/", body)
    assert made.status_code == 201 and {**made.json(), **body} == made.json()
    problem(caller.post("memberships/", body), 409, "member")
    problem(caller.post("memberships/", {"company": place.customer.pk, "person": place.customer.pk}), 400, "invalid")
    path = f"memberships/{made.json()['id']}/"
    assert caller.patch(path, {"role": "Director"}).json()["role"] == "Director"
    assert (
        caller.ids(f"memberships/?company={company.pk}")
        == caller.ids(f"memberships/?person={place.customer.pk}")
        != set()
    )
    assert caller.ids(f"memberships/?company={place.customer.pk}") == set()
    assert caller.delete(path).status_code == 204
    problem(caller.get(path), 404, "not_found")
    assert caller.ids("memberships/") == set()


def test_a_record_names_its_company(caller, place):
    caller.put("sources/dms/records/F-1/", {"fields": {"name": "Oakline", "kind": "company"}})
    said = {"fields": {"name": "Oleg"}, "company": {"external_id": "F-1", "role": "Driver"}}
    put = caller.put("sources/dms/records/P-1/", said)
    assert put.status_code == 201
    (row,) = caller.rows(f"memberships/?person={put.json()['customer']}")
    assert (row["role"], row["source"]) == ("Driver", "dms")
    problem(caller.put("sources/dms/records/P-2/", {"company": {"external_id": "F-9"}}), 400, "invalid")
    assert not Customer.objects.filter(profiles__records__external_id="P-2").exists()

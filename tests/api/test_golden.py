"""Records of sources, who it is, merges by API."""

import io
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from customers import actions
from customers.models import Apart, Consent, Customer, Identity, Likeness, Merge, ProfileIdentity, SourceRecord
from cxcenter.accounts.models import User
from cxcenter.core import webhooks
from cxcenter.core.models import AuditEntry, WebhookDelivery
from tests.api.callers import ALL, problem, token
from tests.interactions.test_talk import together

PHONE = "+79161234567"


@pytest.fixture
def caller(place):
    return token("customers:write", "customers:contacts")


def put(caller, number: str, source: str = "dms", **body):
    return caller.put(f"sources/{source}/records/{number}/", body)


def record(number: str) -> SourceRecord:
    return SourceRecord.objects.get(source="dms", external_id=number)


VERIFIED = [{"kind": "phone", "value": "8 (916) 123-45-67", "verified": True}]


def test_a_record_is_put_once_however_often_it_comes(caller):
    body = {"fields": {"last_name": "Orlova", "first_name": "Kate", "city": "Tula"}, "identities": VERIFIED}
    first = put(caller, "A-1", **body)
    assert first.status_code == 201 and first.json()["status"] == "created"
    card = Customer.objects.get(pk=first.json()["customer"])
    assert (card.name, card.city) == ("Kate Orlova", "Tula")
    again = put(caller, "A-1", **body)
    assert (again.status_code, again.json()["status"]) == (200, "unchanged")
    assert Customer.objects.get(pk=card.pk).version == card.version
    changed = put(caller, "A-1", **{**body, "fields": {**body["fields"], "city": "Tver"}})
    assert changed.json() == {**first.json(), "status": "changed"}
    assert Customer.objects.get(pk=card.pk).city == "Tver"
    # What has left the source has left the profile.
    put(caller, "A-1", fields=body["fields"], identities=[])
    assert not ProfileIdentity.objects.filter(profile=record("A-1").profile).exists()


def test_what_is_older_than_we_know_changes_nothing(caller):
    put(caller, "A-1", fields={"city": "Tver"}, at="2026-05-02T10:00:00Z")
    late = put(caller, "A-1", fields={"city": "Tula"}, at="2026-05-01T10:00:00Z")
    assert late.json()["status"] == "late" and record("A-1").fields == {"city": "Tver"}
    newer = put(caller, "A-1", fields={"city": "Omsk"}, at="2026-05-03T10:00:00Z")
    assert newer.json()["status"] == "changed"


def test_a_verified_identity_leads_to_its_customer_and_what_was_parted_stays_so(caller):
    first = put(caller, "A-1", fields={"name": "Kate Orlova"}, identities=VERIFIED).json()
    second = put(caller, "A-2", fields={"name": "K. Weber"}, identities=VERIFIED).json()
    assert second["customer"] == first["customer"] and second["profile"] != first["profile"]
    made = Merge.objects.get()
    assert made.reason == "identity"
    undone = caller.post(f"merges/{made.pk}/undo/", {})
    assert undone.status_code == 200 and undone.json()["undone_at"]
    problem(caller.post(f"merges/{made.pk}/undo/", {}), 409, "undone")
    parted = put(caller, "A-2", fields={"name": "Katya Weber"}, identities=VERIFIED).json()
    assert parted["customer"] != first["customer"]


def test_a_stated_identity_and_junk_lead_to_nobody(caller):
    put(caller, "A-1", identities=VERIFIED)
    stated = put(caller, "A-2", identities=[{"kind": "phone", "value": PHONE}]).json()
    junk = [{"kind": "phone", "value": "+79999999999", "verified": True}]
    ones = [put(caller, number, identities=junk).json()["customer"] for number in ("A-3", "A-4")]
    assert len({*ones, stated["customer"]}) == 3 and not Merge.objects.exists()


def test_two_records_of_one_phone_at_once_are_one_customer(caller):
    said = [
        actions.OutsideRecord(
            source="dms", external_id=f"A-{n}", reaches=[actions.Reach(kind="phone", value=PHONE, verified=True)]
        )
        for n in range(4)
    ]
    together([lambda one=one: actions.put_record(said=one) for one in said])
    together([lambda: actions.put_record(said=said[0])] * 4)
    assert SourceRecord.objects.filter(source="dms").count() == 4
    assert Customer.objects.live().filter(profiles__source="dms").distinct().count() == 1
    assert Identity.objects.filter(value=PHONE).count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"fields": {"shoe_size": "42"}}, "fields"),
        ({"fields": {"birthday": "14.04.1988"}}, "birthday"),
        ({"fields": {"city": 7}}, "fields"),
        ({"fields": {"custom": {"nobody_knows": 1}}}, "custom.nobody_knows"),
        ({"identities": [{"kind": "phone", "value": "12"}]}, "identities"),
        ({"identities": [{"kind": "fax", "value": PHONE}]}, "identities"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_changes_nothing(caller, body, field):
    answer = put(caller, "A-1", **body)
    told = problem(answer, 400, "invalid")
    assert any(field in error["field"] for error in told["errors"]), told
    assert not SourceRecord.objects.filter(source="dms").exists()


def test_the_products_own_sources_cannot_be_written(caller):
    for source in ("operator", "form"):
        problem(put(caller, "A-1", source=source, fields={"city": "Tula"}), 400, "invalid")


def test_who_it_is(caller, place):
    first = put(caller, "A-1", fields={"name": "Kate Orlova"}, identities=VERIFIED).json()
    found = caller.get("customers/resolve/?phone=8-916-123-45-67").json()
    assert (found["status"], found["customer"]["id"], found["candidates"]) == (
        "found",
        first["customer"],
        [first["customer"]],
    )
    assert AuditEntry.objects.filter(act="customer.view", subject=f"customer:{first['customer']}").exists()
    # A family phone: a person has to choose.
    other = actions.create_profile(source="shop")
    identity = Identity.objects.get(value=PHONE)
    actions.link_identity(profile=other, identity=identity, source="shop", verified=True)
    shared = caller.get("customers/resolve/?phone=%2B79161234567").json()
    assert (shared["status"], shared["customer"]) == ("ambiguous", None) and len(shared["candidates"]) == 2
    assert caller.get("customers/resolve/?email=nobody@example.com").json()["status"] == "unknown"
    assert caller.get("customers/resolve/?phone=%2B79999999999").json()["status"] == "junk"
    for query in ("", "?phone=12", f"?phone={PHONE[1:]}&email=a@b.ru", "?fax=1"):
        assert caller.get(f"customers/resolve/{query}").status_code == 400, query


def test_an_old_number_leads_on_and_lists_have_the_living_only(caller, place):
    other = actions.create_profile(source="shop", fields={"name": "Anna Absorbed"}).customer
    made = caller.post("merges/", {"survivor": place.customer.pk, "others": [other.pk]})
    assert made.status_code == 201 and made.json()["results"][0]["reason"] == "api"
    moved = caller.get(f"customers/{other.pk}/")
    assert (moved.status_code, moved["Location"]) == (301, f"/api/v1/customers/{place.customer.pk}/")
    assert other.pk not in caller.ids("customers/")
    assert caller.patch(f"customers/{other.pk}/", {"version": 0, "city": "Omsk"}).status_code == 409
    version = caller.get(f"customers/{place.customer.pk}/").json()["version"]
    edited = caller.patch(f"customers/{other.pk}/", {"version": version, "city": "Omsk"}).json()
    assert (edited["id"], edited["city"]) == (place.customer.pk, "Omsk")


# Lists that are narrowed by a customer, and the parameter that does it.
NARROWED = {
    "profiles/": "customer",
    "identities/": "customer",
    "memberships/": "person",
    "merges/": "customer",
    "events/": "customer",
    "threads/": "customer",
    "interactions/": "customer",
    "cases/": "customer",
    "tasks/": "customer",
}


def merged(place) -> tuple[Customer, Customer]:
    """The customer of our chat, in a company, and into whom he was merged."""
    company = actions.create_profile(source="shop", fields={"name": "Oakline", "kind": "company"}).customer
    actions.add_member(company=company, person=place.customer, role="", actor=place.people["operator"])
    living = actions.create_profile(source="shop", fields={"name": "Anna Weber"}).customer
    actions.merge_customers(survivor=living.pk, others=[place.customer.pk])
    return place.customer, living


@pytest.mark.parametrize(("path", "name"), NARROWED.items())
def test_an_old_number_narrows_lists_as_the_new_one_does(place, path, name):
    old, living = merged(place)
    caller = token(*ALL)
    by_new = caller.ids(f"{path}?{name}={living.pk}")
    assert by_new and caller.ids(f"{path}?{name}={old.pk}") == by_new
    assert caller.rows(f"{path}?{name}={10**6}") == []

    def queries(query: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            assert caller.get(path + query).status_code == 200
        return len(asked)

    # Whom the number means is one question, whom he was made of another.
    assert queries(f"?{name}={old.pk}") - queries("") <= (2 if path == "merges/" else 1)


def test_an_old_number_of_a_company_means_whom_it_was_merged_into(place):
    caller, (old, living) = token(*ALL), merged(place)
    firms = [actions.create_profile(source="shop", fields={"name": n, "kind": "company"}).customer for n in ("A", "B")]
    actions.merge_customers(survivor=firms[0].pk, others=[firms[1].pk])
    made = caller.post("memberships/", {"company": firms[1].pk, "person": old.pk, "role": "Buyer"})
    assert made.status_code == 201, made.content
    assert (made.json()["company"], made.json()["person"]) == (firms[0].pk, living.pk)
    assert caller.ids(f"memberships/?company={firms[1].pk}") == {made.json()["id"]}
    # What is not there, or is no more, is still nobody.
    Customer.objects.filter(pk=firms[0].pk).update(erased_at=timezone.now())
    for company in (firms[0].pk, 10**6):
        problem(caller.post("memberships/", {"company": company, "person": old.pk}), 400, "invalid")


def test_an_old_number_is_found_as_the_living_customer(caller, place):
    old, living = merged(place)
    assert caller.ids(f"customers/?search={old.number}") == {living.pk}


def test_an_old_number_may_merge_and_is_merged(caller, place):
    old, living = merged(place)
    other = actions.create_profile(source="shop").customer
    made = caller.post("merges/", {"survivor": old.pk, "others": [other.pk]}).json()["results"]
    assert [(row["survivor"], row["absorbed"]) for row in made] == [(living.pk, other.pk)]
    assert caller.post("merges/", {"survivor": living.pk, "others": [old.pk]}).json()["results"] == []


def test_merges_of_a_customer_are_all_that_he_is_made_of(caller):
    first, second, third, stranger = [actions.create_profile(source="shop").customer_id for _ in range(4)]
    (inner,) = actions.merge_customers(survivor=second, others=[first])
    (outer,) = actions.merge_customers(survivor=third, others=[second])
    (other,) = actions.merge_customers(survivor=stranger, others=[actions.create_profile(source="shop").customer_id])
    for number in (first, second, third):
        assert caller.ids(f"merges/?customer={number}") == {inner.pk, outer.pk}
    actions.unmerge(merge_id=outer.pk)
    # A merge that was taken back is still told to both.
    assert caller.ids(f"merges/?customer={first}") == {inner.pk, outer.pk}
    assert caller.ids(f"merges/?customer={third}") == {outer.pk}
    assert caller.ids(f"merges/?customer={stranger}") == {other.pk}


def test_merges_are_read_since_a_moment_page_by_page_the_last_first(caller):
    head = actions.create_profile(source="shop").customer_id
    made = [
        actions.merge_customers(survivor=head, others=[actions.create_profile(source="shop").customer_id])[0]
        for _ in range(5)
    ]
    now = timezone.now()
    for hours, row in enumerate(made):
        # Two of one time: an import gives one to all of a batch.
        Merge.objects.filter(pk=row.pk).update(at=now - timedelta(hours=hours // 2))
    order = [made[n].pk for n in (1, 0, 3, 2, 4)]
    assert [row["id"] for row in caller.rows("merges/?page_size=2")] == order
    since = urlencode({"since": (now - timedelta(minutes=90)).isoformat(), "page_size": 1})
    assert [row["id"] for row in caller.rows(f"merges/?{since}")] == order[:4]
    problem(caller.get("merges/?since=yesterday"), 400, "invalid")


def test_whom_an_import_has_joined_is_told_by_the_list_of_merges(caller, tmp_path):
    known = put(caller, "A-1", fields={"name": "Kate Orlova"}, identities=VERIFIED).json()["customer"]
    before = timezone.now()
    file = tmp_path / "crm.csv"
    file.write_text("id,name,phone\n1,Katya Orlova,+79161234567\n2,Oleg Berg,+79161234568\n")
    call_command("import_customers", str(file), "--source", "crm", "--vouched", stdout=io.StringIO())
    joined = SourceRecord.objects.get(source="crm", external_id="1").profile
    (row,) = caller.rows("merges/?" + urlencode({"since": before.isoformat()}))
    assert (row["survivor"], row["absorbed"], row["reason"]) == (known, joined.home_id, "identity")


def test_kept_apart_is_a_conflict_by_api_too(caller, place):
    other = actions.create_profile(source="shop", fields={"name": "Anna Absorbed"}).customer
    actions.keep_apart(one=place.customer.pk, other=other.pk, actor=place.people["operator"])
    problem(caller.post("merges/", {"survivor": place.customer.pk, "others": [other.pk]}), 409, "apart")
    assert not Likeness.objects.undecided().exists()


def test_who_is_kept_apart_is_told_decided_and_taken_back(caller, place):
    other, old = (actions.create_profile(source="shop", fields={"name": name}).customer for name in ("Anna", "Old"))
    actions.merge_customers(survivor=other.pk, others=[old.pk])
    path = f"customers/{place.customer.pk}/apart/"
    assert caller.get(path).json() == {"results": []}
    # An old number means whom he was merged into.
    made = caller.post(path, {"other": old.pk})
    row = made.json()
    assert (made.status_code, row["other"], row["actor"]) == (201, other.pk, User.objects.get(username="integrator").pk)
    assert caller.post(path, {"other": other.pk}).json() == row
    assert caller.get(path).json() == {"results": [row]}
    assert caller.get(f"customers/{old.pk}/apart/").json()["results"] == [{**row, "other": place.customer.pk}]
    problem(caller.post("merges/", {"survivor": place.customer.pk, "others": [other.pk]}), 409, "apart")
    assert [caller.delete(f"{path}{old.pk}/").status_code for _ in range(2)] == [204, 204]
    assert caller.get(path).json() == {"results": []} and not Apart.objects.exists()
    acts = AuditEntry.objects.filter(act__startswith="customer.apart").order_by("pk")
    assert list(acts.values_list("act", "actor__username")) == [
        ("customer.apart", "integrator"),
        ("customer.apart.undo", "integrator"),
    ]
    assert caller.post("merges/", {"survivor": place.customer.pk, "others": [other.pk]}).status_code == 201
    problem(caller.post(path, {"other": other.pk}), 409, "one")
    problem(caller.post(path, {"other": 10**9}), 400, "invalid")
    problem(caller.delete(f"{path}{10**9}/"), 404, "not_found")
    reader = token("customers:read")
    assert reader.get(path).status_code == 200
    problem(reader.post(path, {"other": other.pk}), 403, "permission_denied")
    problem(reader.delete(f"{path}{other.pk}/"), 403, "permission_denied")


def test_a_merge_says_what_spoke_for_it(caller, place):
    ones = [actions.create_profile(source="shop").customer_id for _ in range(3)]
    identity = actions.find_identity(kind="phone", value=PHONE)
    evidence = [["last", "exact", 8.13], ["household", "", -0.5]]
    for one, detail in zip(
        ones, ({}, {"identity": identity.pk}, {"probability": 0.97, "evidence": evidence}), strict=True
    ):
        actions.merge_customers(survivor=place.customer.pk, others=[one], detail=detail)
    compared, by_phone, by_hand = [row["detail"] for row in caller.rows("merges/")][:3]
    nothing = {"identity": None, "probability": None, "evidence": []}
    assert by_hand == nothing and by_phone == {**nothing, "identity": identity.pk}
    assert compared == {
        "identity": None,
        "probability": 0.97,
        "evidence": [
            {"field": "last", "level": "exact", "bits": 8.13},
            {"field": "household", "level": "", "bits": -0.5},
        ],
    }


def test_webhooks_tell_of_merges_and_of_their_undoing(caller, place):
    webhooks.subscribe(name="x", url="https://1.1.1.1/", topics=[], actor=place.people["integrator"])
    other = actions.create_profile(source="shop").customer
    made = caller.post("merges/", {"survivor": place.customer.pk, "others": [other.pk]}).json()["results"][0]
    caller.post(f"merges/{made['id']}/undo/", {})
    put(caller, "A-1", fields={"city": "Tula"})
    put(caller, "A-1", fields={"city": "Tver"})
    topics = set(WebhookDelivery.objects.values_list("topic", flat=True))
    assert {"customer.created", "customer.updated", "customer.merged", "customer.unmerged"} <= topics


def test_a_record_brings_consents_and_words_come_late(caller):
    word = {"purpose": "marketing", "channel": "sms", "granted": False, "proof": "STOP", "at": "2026-05-02T10:00:00Z"}
    made = put(caller, "A-1", identities=VERIFIED, consents=[word], at="2026-05-03T10:00:00Z").json()
    assert put(caller, "A-1", identities=VERIFIED, consents=[word], at="2026-05-03T10:00:00Z").json()["status"] == (
        "unchanged"
    )
    path = f"customers/{made['customer']}/consents/"
    (row,) = caller.get(path).json()["results"]
    assert (row["granted"], row["at"]) == (False, "2026-05-02T10:00:00Z")
    said = {"identity": row["identity"], "purpose": "marketing", "channel": "sms", "granted": True, "proof": "Form 12"}
    for _time in range(2):
        late = caller.post(path, {**said, "at": "2026-05-01T10:00:00Z"})
        assert late.status_code == 201 and late.json()["results"][0]["granted"] is False
    assert Consent.objects.count() == 2
    # The phone goes, the withdrawal stays.
    put(caller, "A-1", identities=[], at="2026-05-04T10:00:00Z")
    assert [one["granted"] for one in caller.get(path).json()["results"]] == [False]
    assert caller.post(path, said).json()["results"] == []


def test_a_consent_that_cannot_be_compared_is_refused(caller):
    word = {"purpose": "marketing", "granted": True, "proof": "Form 12"}
    for body in (
        {"identities": VERIFIED, "consents": [word]},
        {"consents": [word], "at": "2026-05-03T10:00:00Z"},
        {"identities": VERIFIED, "consents": [{**word, "at": "2126-05-03T10:00:00Z"}]},
        {"identities": VERIFIED, "consents": [{**word, "purpose": "All of it"}], "at": "2026-05-03T10:00:00Z"},
    ):
        problem(put(caller, "A-1", **body), 400, "invalid")
    assert not SourceRecord.objects.filter(source="dms").exists()

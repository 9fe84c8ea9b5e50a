"""The golden record at the desk: why a value stands, another one chosen, two cards merged and taken apart again."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from customers import actions
from customers.models import Apart, Customer, CustomField, Merge, SourceRecord, SurvivorshipRule
from cxcenter.core.models import AuditEntry
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client():
    signed_in = Client()
    signed_in.force_login(world.make_user("alice"))
    return signed_in


@pytest.fixture
def kate():
    customer = actions.create_profile(source="shop", fields={"name": "Kate Orlova", "city": "Tula"}).customer
    actions.add_record(profile=customer.profiles.get(), source="crm", fields={"name": "Katya"}, verified=True)
    return Customer.objects.get(pk=customer.pk)


def address(name: str, *args: object) -> str:
    return reverse(f"desk:{name}", args=args)


def test_why_shows_the_rule_and_every_source(client, kate):
    page = client.get(address("why", kate.pk, "name")).content.decode()
    rows = re.findall(r'<tr (class="win")?><td>(.*?)</td><td>(\w+)', page)
    assert [(bool(win), value, source) for win, value, source in rows] == [
        (True, "Katya", "crm"),
        (False, "Kate Orlova", "shop"),
    ]
    assert "Rule: verified first, then the newest." in page and page.count("Choose") == 1
    SurvivorshipRule.objects.create(group="name", first="complete", second="")
    assert "Rule: the most complete." in client.get(address("why", kate.pk, "name")).content.decode()
    assert client.get(address("why", kate.pk, "shoe_size")).status_code == 404


def test_one_click_pins_another_and_one_gives_the_word_back(client, kate):
    shop = SourceRecord.objects.get(source="shop")
    pin = {"field": "name", "record": shop.pk, "version": kate.version}
    assert client.post(address("pin", kate.pk), pin).status_code == 204
    assert Customer.objects.get().name == "Kate Orlova"
    assert "Chosen by hand." in client.get(address("why", kate.pk, "name")).content.decode()
    # Somebody else looks at the card as it was.
    refused = client.post(address("pin", kate.pk), pin)
    assert (refused.status_code, refused.json()["code"]) == (409, "stale")
    version = Customer.objects.get().version
    client.post(address("pin", kate.pk), {"field": "name", "record": "", "version": version})
    assert Customer.objects.get().name == "Katya"
    assert AuditEntry.objects.filter(act="customer.edit").count() == 2


def test_a_value_of_somebody_else_cannot_be_chosen(client, kate):
    stranger = actions.create_profile(source="shop", fields={"name": "Oleg"})
    pin = {"field": "name", "record": stranger.records.get().pk, "version": kate.version}
    assert client.post(address("pin", kate.pk), pin).status_code == 404
    assert client.post(address("pin", kate.pk), {**pin, "field": "shoe_size"}).status_code == 400


def test_fields_of_the_house_are_checked_by_their_kind(client, kate):
    CustomField.objects.create(code="visits", label="Visits", kind="number")
    CustomField.objects.create(code="tariff", label="Tariff", kind="choice", options=["Gold", "Silver"])
    refused = client.post(address("edit-customer", kate.pk), {"custom.visits": "many"})
    assert (refused.status_code, refused.json()["field"]) == (400, "custom.visits")
    refused = client.post(address("edit-customer", kate.pk), {"custom.tariff": "Copper"})
    assert "Gold, Silver" in refused.json()["message"]
    said = {"custom.visits": "1 200,5", "custom.tariff": "Gold"}
    saved = client.post(address("edit-customer", kate.pk), said).json()
    assert saved["shown"]["custom.visits"] == {"value": "1200.5", "shown": "1200.5"}
    assert Customer.objects.get().custom == {"visits": 1200.5, "tariff": "Gold"}
    page = client.get(address("customer", kate.pk)).content.decode()
    assert 'data-edit="custom.tariff"' in page and 'data-options="Gold|Silver"' in page


def test_an_edit_of_one_part_keeps_the_others(client, kate):
    client.post(address("edit-customer", kate.pk), {"name": "Orlova Ekaterina Andreevna"})
    card = Customer.objects.get()
    assert (card.last_name, card.first_name, card.middle_name) == ("Orlova", "Ekaterina", "Andreevna")
    client.post(address("edit-customer", kate.pk), {"last_name": "Weber"})
    card = Customer.objects.get()
    assert card.name == "Ekaterina Andreevna Weber"
    client.post(address("edit-customer", kate.pk), {"street": "Lenina 5"})
    card = Customer.objects.get()
    assert (card.city, card.street) == ("Tula", "Lenina 5")
    # An emptied edit gives the word back, and the answer says what stands now.
    saved = client.post(address("edit-customer", kate.pk), {"name": ""}).json()
    assert saved["shown"]["name"]["shown"] == "Katya"


def test_two_cards_are_compared_merged_and_taken_apart(client, kate):
    oleg = actions.create_profile(source="shop", fields={"name": "Oleg", "city": "Tver"}).customer
    page = client.get(address("compare", kate.pk, oleg.pk)).content.decode()
    assert page.count('class="differs"') == 2
    answer = client.post(address("merge", kate.pk), {"other": oleg.pk}).json()
    assert answer["undo"] == [address("unmerge", Merge.objects.get().pk)]
    moved = client.get(address("customer", oleg.pk))
    assert (moved.status_code, moved["Location"]) == (302, address("customer", kate.pk))
    shown = client.get(address("customer", kate.pk)).content.decode()
    assert "2 profiles in one record" in shown and answer["undo"][0] in shown
    # What is done to the old number is done to whom it leads to.
    client.post(address("edit-customer", oleg.pk), {"about": "Two in one"})
    assert Customer.objects.get(pk=kate.pk).about == "Two in one"
    assert client.post(answer["undo"][0]).status_code == 204
    assert client.post(answer["undo"][0]).json()["code"] == "undone"
    assert client.get(address("customer", oleg.pk)).status_code == 200


def test_not_the_same_person_is_remembered_and_taken_back(client, kate):
    oleg = actions.create_profile(source="shop", fields={"name": "Oleg"}).customer
    undo = client.post(address("keep-apart", kate.pk), {"other": oleg.pk}).json()["undo"]
    refused = client.post(address("merge", kate.pk), {"other": oleg.pk})
    assert (refused.status_code, refused.json()["code"]) == (409, "apart")
    client.post(undo[0])
    assert not Apart.objects.exists()
    assert client.post(address("merge", kate.pk), {"other": oleg.pk}).status_code == 200


def test_a_search_to_merge_leaves_oneself_out(client, kate):
    actions.create_profile(source="shop", fields={"name": "Kate Weber"})
    page = client.get(address("search"), {"q": "Kate", "merge": kate.pk}).content.decode()
    assert address("compare", kate.pk, kate.pk) not in page and "Kate Weber" in page

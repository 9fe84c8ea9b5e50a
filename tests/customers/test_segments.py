"""Segments: rules over the card, asked for one customer when he comes."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers import actions as customers
from customers import segmentation
from customers.models import Customer, CustomField, Segment, SegmentCondition
from tests import world
from tests.admin.pages import save
from tests.api.callers import token

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_fields():
    CustomField.objects.create(code="vip", label="VIP card", kind="flag")
    CustomField.objects.create(code="worth", label="Worth a year", kind="number")
    CustomField.objects.create(code="since", label="With us since", kind="date")
    CustomField.objects.create(code="plan", label="Plan", kind="choice", options=["Basic", "Gold"])


@pytest.fixture
def page(client):
    client.force_login(world.make_user("root", role="admin", is_staff=True))
    return client


def segment(code: str, *rule: tuple[str, str, str], **fields) -> Segment:
    made = Segment.objects.create(code=code, name=code.title(), **fields)
    for field, comparison, value in rule:
        line = SegmentCondition(segment=made, field=field, comparison=comparison, value=value)
        line.full_clean()
        line.save()
    return made


def customer(**fields) -> Customer:
    said = {name.replace("__", "."): value for name, value in fields.items()}
    return customers.create_profile(source="shop", fields=said).customer


@pytest.mark.parametrize(
    ("said", "comparison", "value", "met"),
    [
        ("Kazan", "is", "kazan", True),
        ("Kazan", "is_not", "Kazan", False),
        ("Kazan", "one_of", "Tula, kazan", True),
        ("Kazan", "contains", "aza", True),
        (150000, "at_least", "100000", True),
        (9.5, "at_least", "10", False),
        (10, "at_most", "10", True),
        (10, "is", "10", True),
        (True, "is", "true", True),
        (False, "is", "true", False),
        ("2024-05-01", "at_least", "2024-05-01", True),
        ("2024-04-30", "at_least", "2024-05-01", False),
        (date(1988, 4, 14), "at_most", "1990-01-01", True),
        (date(1988, 4, 14), "is", "1988-04-14", True),
        ("many", "at_least", "10", True),
        # What is not known meets nothing but that it is not known.
        ("", "is_not", "Kazan", False),
        (None, "at_most", "10", False),
        (None, "unknown", "", True),
        ("", "known", "", False),
        (0, "known", "", True),
        (False, "known", "", True),
    ],
)
def test_how_values_compare(said, comparison, value, met):
    assert segmentation.holds(said, comparison, value) is met


def test_all_lines_of_a_rule_must_hold_in_one_query():
    segment("gold", ("custom.plan", "is", "Gold"), ("city", "one_of", "Kazan, Tula"), place=2)
    segment("vip", ("custom.vip", "is", "yes"), place=1)
    segment("off", ("custom.vip", "is", "yes"), active=False)
    segment("nobody")
    rich = customer(custom__plan="Gold", custom__vip=True, city="Tula")
    with CaptureQueriesContext(connection) as asked:
        assert [one.code for one in segmentation.segments_of(rich)] == ["vip", "gold"], "in their order"
    assert len(asked) == 1
    assert segmentation.segments_of(customer(custom__plan="Gold", city="Omsk")) == []
    assert segmentation.segments_of(None) == []


def test_a_segment_follows_the_card_through_a_merge_and_back():
    segment("worthy", ("custom.worth", "at_least", "100 000"))
    one, other = customer(name="Anna"), customer(custom__worth=150000)
    (merge,) = customers.merge_customers(survivor=one.pk, others=[other.pk])
    one.refresh_from_db()
    assert [row.code for row in segmentation.segments_of(one)] == ["worthy"]
    customers.unmerge(merge_id=merge.pk)
    one.refresh_from_db()
    assert segmentation.segments_of(one) == []


@pytest.mark.parametrize(
    ("field", "comparison", "value", "where", "words"),
    [
        ("shoe_size", "is", "41", "field", "There is no such field"),
        ("custom.worth", "contains", "1", "comparison", "This field holds a number"),
        ("city", "at_least", "Kazan", "comparison", "This field holds a text"),
        ("custom.worth", "at_least", "a lot", "value", "A number is expected"),
        ("custom.since", "at_least", "May", "value", "year-month-day"),
        ("custom.vip", "is", "maybe", "value", "Write yes or no"),
        ("custom.plan", "one_of", "Gold, Silver", "value", "Choose one of"),
        ("birthday", "at_most", "yesterday", "value", "year-month-day"),
        ("kind", "is", "firm", "value", "Choose one of"),
        ("city", "is", " ", "value", "Say with what it is compared"),
    ],
)
def test_what_a_field_cannot_be_asked_is_refused_with_words(field, comparison, value, where, words):
    with pytest.raises(ValidationError) as refused:
        segment("odd", (field, comparison, value))
    assert words in str(refused.value.message_dict[where])


def test_the_administrator_writes_a_rule_and_reads_it(page):
    lines = {
        "conditions-TOTAL_FORMS": 2,
        "conditions-0-field": "custom.worth", "conditions-0-comparison": "at_least", "conditions-0-value": "100 000",
        "conditions-1-field": "city", "conditions-1-comparison": "is", "conditions-1-value": "Kazan",
    }  # fmt: skip
    save(page, Segment, code="high_value", name="High value", name_ru="Ценные", place=1, active="on", **lines)
    made = Segment.objects.get(code="high_value")
    assert list(made.conditions.values_list("field", "comparison", "value")) == [
        ("custom.worth", "at_least", "100000"),
        ("city", "is", "Kazan"),
    ]
    shown = page.get(reverse("admin:customers_segment_changelist")).content.decode()
    assert "Worth a year is at least, or not before 100000 and city is Kazan" in shown
    answer = save(page, Segment, code="everybody", name="Everybody", **{"conditions-TOTAL_FORMS": 0})
    assert "Say at least one condition" in answer.content.decode()
    assert not Segment.objects.filter(code="everybody").exists()


def test_the_api_tells_segments_and_the_personal_operator():
    world.make_user("anna")
    segment("vip", ("custom.vip", "is", "true"))
    one = customer(custom__vip=True)
    caller = token("customers:write")
    shown = caller.get(f"customers/{one.pk}/").json()
    assert (shown["segments"], shown["personal_operator"]) == (["vip"], "")
    edited = caller.patch(f"customers/{one.pk}/", {"version": shown["version"], "personal_operator": "anna"})
    assert edited.json()["personal_operator"] == "anna"
    wrong = caller.patch(f"customers/{one.pk}/", {"version": shown["version"] + 1, "personal_operator": "nobody"})
    assert (wrong.status_code, "Choose a colleague" in wrong.content.decode()) == (400, True)

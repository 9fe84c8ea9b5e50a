"""Pages of queues, hours, sites and policy, and of the rules of the golden record with what follows from them."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from customers import actions, tasks
from customers.actions import records
from customers.models import (
    Customer,
    CustomField,
    JunkValue,
    Likeness,
    MatchingRules,
    Merge,
    Profile,
    Rebuild,
    SourceRecord,
    SurvivorshipRule,
)
from cxcenter.accounts.models import Team, User
from cxcenter.core.models import AuditEntry
from interactions.models import Channel, Site, Topic
from quality.models import LevelPolicy
from routing.actions import queueing
from routing.models import BusinessHours, Entrance, Policy, Queue
from tests import world
from tests.admin.pages import act, address, form_of, save
from tests.api.callers import problem, token

pytestmark = pytest.mark.django_db


def test_queue_with_members_and_hours(page):
    intervals = {
        "intervals-TOTAL_FORMS": 3,
        "intervals-0-day": 0, "intervals-0-opens": "09:00", "intervals-0-closes": "13:00",
        "intervals-1-day": 0, "intervals-1-opens": "14:00", "intervals-1-closes": "00:00",
        "intervals-2-day": 5, "intervals-2-opens": "00:00", "intervals-2-closes": "00:00",
    }  # fmt: skip
    holiday = {"holidays-TOTAL_FORMS": 1, "holidays-0-date": "2027-01-01", "holidays-0-name": "New Year"}
    save(page, BusinessHours, name="Evenings", zone="Asia/Yekaterinburg", **intervals, **holiday)
    hours = BusinessHours.objects.get(name="Evenings")
    assert hours.intervals.count() == 3
    assert hours.holidays.get().opens is None
    team = Team.objects.get(name="Support")
    operator = User.objects.get(username="operator7")
    answer = save(
        page, Queue, name="VIP", name_ru="Важные", team=team.pk, hours=hours.pk, priority=5, target_s=30,
        **{"memberships-TOTAL_FORMS": 1, "memberships-0-user": operator.pk},
    )  # fmt: skip
    queue = Queue.objects.get(name="VIP")
    assert list(queue.members.all()) == [operator]
    assert queue.hours == hours
    assert "Nobody serves" not in answer.content.decode()
    topic = Topic.objects.create(name="VIP")
    save(page, Entrance, channel=Channel.objects.get(kind="webchat").pk, topic=topic.pk, queue=queue.pk, boost=1)
    assert Entrance.objects.get(topic=topic).queue == queue
    save(page, Channel, name="Hotline", kind="voice", hold_s=300, return_s=3600, warn_silent_s=900, close_silent_s=300)
    line = Channel.objects.get(name="Hotline")
    save(page, Entrance, channel=line.pk, queue=queue.pk, boost=0)
    assert queueing.enqueue_new(interaction=world.open_call(line)).queue == queue


def test_a_queue_nobody_serves_is_told_of(page):
    answer = save(page, Queue, name="Lonely", team=Team.objects.first().pk)
    assert "Nobody serves this queue" in answer.content.decode()
    assert Queue.objects.filter(name="Lonely").exists()
    assert "nobody" in page.get(address(Queue, "changelist")).content.decode()
    assert "Nobody serves the queue Lonely." in page.get("/admin/").content.decode()


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([(0, "18:00", "09:00")], "It closes before it opens"),
        ([(0, "09:00", "09:00")], "It closes before it opens"),
        ([(0, "09:00", "13:00"), (0, "12:00", "18:00")], "It overlaps with 09:00–13:00 of Monday"),
        ([(2, "09:00", "00:00"), (2, "23:00", "23:30")], "It overlaps with 09:00–00:00 of Wednesday"),
        ([(4, "00:00", "00:00"), (4, "08:00", "09:00")], "It overlaps with 00:00–00:00 of Friday"),
    ],
)
def test_bad_hours_are_refused(page, times, words):
    rows = {"intervals-TOTAL_FORMS": len(times)}
    for number, (day, opens, closes) in enumerate(times):
        rows |= {
            f"intervals-{number}-{name}": value
            for name, value in zip(("day", "opens", "closes"), (day, opens, closes), strict=True)
        }
    answer = save(page, BusinessHours, name="Bad", zone="Europe/Moscow", **rows)
    assert words in answer.content.decode()
    assert not BusinessHours.objects.filter(name="Bad").exists()


def test_intervals_that_touch_and_other_days_are_fine(page):
    rows = {
        "intervals-TOTAL_FORMS": 3,
        "intervals-0-day": 0, "intervals-0-opens": "09:00", "intervals-0-closes": "13:00",
        "intervals-1-day": 0, "intervals-1-opens": "13:00", "intervals-1-closes": "18:00",
        "intervals-2-day": 1, "intervals-2-opens": "10:00", "intervals-2-closes": "12:00",
    }  # fmt: skip
    save(page, BusinessHours, name="Fine", zone="Europe/Moscow", **rows)
    assert BusinessHours.objects.get(name="Fine").intervals.count() == 3


def test_zones_and_holidays_are_checked(page):
    answer = save(page, BusinessHours, name="Nowhere", zone="Europe/Atlantis")
    assert "zone" in answer.context["adminform"].form.errors
    twice = {
        "holidays-TOTAL_FORMS": 3,
        "holidays-0-date": "2027-01-01",
        "holidays-1-date": "2027-01-01",
        "holidays-2-date": "2027-12-31", "holidays-2-opens": "10:00",
    }  # fmt: skip
    body = save(page, BusinessHours, name="Twice", zone="UTC", **twice).content.decode()
    assert "This date is in the list already." in body
    assert "Write both times" in body
    assert not BusinessHours.objects.filter(name__in=["Nowhere", "Twice"]).exists()


def test_saving_a_queue_leaves_what_a_supervisor_did(page):
    queue = Queue.objects.get(name="Warranty")
    url = address(Queue, "change", queue.pk)
    typed = form_of(page.get(url))
    until = timezone.now() + timedelta(hours=1)
    Queue.objects.filter(pk=queue.pk).update(closed_until=until, message="Back soon", priority=9)
    page.post(url, {**typed, "target_s": "75"}, follow=True)
    queue.refresh_from_db()
    assert (queue.target_s, queue.closed_until, queue.message) == (75, until, "Back soon")
    assert "Open again" in page.get(address(Queue, "changelist")).content.decode()
    act(page, Queue, "open_again", queue)
    queue.refresh_from_db()
    assert queue.closed_until is None


def test_policy_is_one_page(page):
    answer = page.get(address(Policy, "changelist"))
    assert answer.url == address(Policy, "change", 1)
    save(page, Policy, Policy.current(), keep_talks_s=240)
    assert Policy.current().keep_talks_s == 240
    assert Policy.current().decline_rest_s == 30
    assert page.get(address(Policy, "add")).status_code == 403
    assert "Changed" in LogEntry.objects.latest("pk").get_change_message()
    assert "keep" in page.get(address(Policy, "history", 1)).content.decode() or LogEntry.objects.exists()


def test_site_has_its_tag_and_origins_as_lines(page):
    site = Site.objects.get(key="demo")
    tag = (
        "&lt;script src=&quot;http://localhost:8000/widget.js&quot; data-site=&quot;demo&quot; async&gt;&lt;/script&gt;"
    )
    assert tag in page.get(address(Site, "changelist")).content.decode()
    assert tag in page.get(address(Site, "change", site.pk)).content.decode()
    origins = "https://Shop.example/\n\n  https://shop.example\nhttp://127.0.0.1:9000\nhttp://[::1]:9000"
    save(page, Site, site, origins=origins, tracked_types="cart_add\r\nbook_visit", colour="#AA00FF")
    site.refresh_from_db()
    assert site.origins == ["https://shop.example", "http://127.0.0.1:9000", "http://[::1]:9000"]
    assert site.tracked_types == ["cart_add", "book_visit"]
    assert site.colour == "#aa00ff"


@pytest.mark.parametrize(
    "line",
    [
        "shop.example", "ftp://shop.example", "https://", "https://shop.example/cart", "https://shop.example?x=1",
        "https://user@shop.example", "https://*.example", "javascript:alert(1)", "https://shop.example;x", "null",
    ],
)  # fmt: skip
def test_origins_are_scheme_and_host_only(page, line):
    site = Site.objects.get(key="demo")
    before = site.origins
    answer = save(page, Site, site, origins=f"https://good.example\n{line}")
    assert answer.context["adminform"].form.errors["origins"], line
    site.refresh_from_db()
    assert site.origins == before


@pytest.mark.parametrize("line", ["Cart", "cart add", "1st", "a" * 41, "<b>"])
def test_event_types_are_plain_words(page, line):
    answer = save(page, Site, Site.objects.get(key="demo"), tracked_types=line)
    assert answer.context["adminform"].form.errors["tracked_types"]


def test_colour_is_a_colour(page):
    answer = save(page, Site, Site.objects.get(key="demo"), colour="red")
    assert answer.context["adminform"].form.errors["colour"]


def test_secret_of_signed_users_is_renewed_after_a_question(page):
    site = Site.objects.get(key="demo")
    url = reverse("admin:interactions_site_new_secret", args=[site.pk])
    assert "Make a new secret?" in page.get(url).content.decode()
    assert Site.objects.get(pk=site.pk).user_secret == site.user_secret
    answer = page.post(url, {"_form_submitted": "on"})
    assert answer.headers["HX-Redirect"] == address(Site, "change", site.pk)
    assert Site.objects.get(pk=site.pk).user_secret != site.user_secret
    assert AuditEntry.objects.filter(act="site.secret").exists()


# --- Survivorship ---


def golden(profile: Profile) -> Customer:
    return Customer.objects.get(profiles=profile)


@pytest.fixture
def kate() -> Profile:
    """Two sources say how she is called; the one that has verified it wins."""
    kate = actions.create_profile(source="shop", fields={"name": "Katerina Golden", "about": "Prefers letters"})
    actions.add_record(profile=kate, source="crm", fields={"name": "Katya Golden", "about": "Calls"}, verified=True)
    return kate


def delete(page, row):
    return page.post(address(type(row), "delete", row.pk), {"post": "yes"}, follow=True)


def test_a_rule_of_survivorship_is_set_changed_and_deleted_and_the_golden_records_follow(page, kate):
    version = golden(kate).version
    save(page, SurvivorshipRule, group="name", first="source", second="", third="", sources="shop\r\ncrm")
    rule = SurvivorshipRule.objects.get()
    assert (rule.criteria, rule.sources) == (("source",), ["shop", "crm"])
    # The page does not wait for a million cards: the worker rebuilds them.
    assert (golden(kate).name, Rebuild.objects.get().after) == ("Katya Golden", 0)
    assert tasks.bulk_rebuild() == Customer.objects.live().count()
    assert (golden(kate).name, golden(kate).first_name) == ("Katerina Golden", "Katerina")
    assert golden(kate).version > version and golden(kate).provenance["name"]["source"] == "shop"
    # Fields of another group have the rule they had.
    assert golden(kate).about == "Calls"
    card = page.get(reverse("desk:customer", args=[golden(kate).pk])).content.decode()
    assert "Katerina Golden</h1>" in card
    assert "Rule: order of sources." in page.get(reverse("desk:why", args=[golden(kate).pk, "name"])).content.decode()
    save(page, SurvivorshipRule, rule, sources="crm")
    tasks.bulk_rebuild()
    assert golden(kate).name == "Katya Golden"
    save(page, SurvivorshipRule, rule, first="complete", sources="")
    tasks.bulk_rebuild()
    assert golden(kate).name == "Katerina Golden"
    delete(page, rule)
    tasks.bulk_rebuild()
    assert golden(kate).name == "Katya Golden"
    save(page, SurvivorshipRule, group="name", first="complete", second="", third="")
    tasks.bulk_rebuild()
    assert golden(kate).name == "Katerina Golden"
    act(page, SurvivorshipRule, "delete_selected", SurvivorshipRule.objects.get(), post="yes")
    tasks.bulk_rebuild()
    assert not SurvivorshipRule.objects.exists() and golden(kate).name == "Katya Golden"
    assert Rebuild.objects.get().after is None and tasks.bulk_rebuild() == 0


def test_a_rebuild_goes_on_where_it_stopped_and_begins_anew_with_another_rule(page, kate):
    save(page, SurvivorshipRule, group="name", first="source", second="", third="", sources="shop")
    ids = list(Customer.objects.live().order_by("pk").values_list("pk", flat=True))
    assert records.rebuild_some(size=100) == 100 and Rebuild.objects.get().after == ids[99]
    assert golden(kate).name == "Katya Golden", "she is the newest, and stands last"
    save(page, SurvivorshipRule, SurvivorshipRule.objects.get(), sources="crm\r\nshop")
    assert Rebuild.objects.get().after == 0
    assert tasks.bulk_rebuild() == len(ids) and golden(kate).name == "Katya Golden"
    # What a person decided stands before any rule.
    shop = SourceRecord.objects.get(profile=kate, source="shop")
    boss = User.objects.get(username="admin")
    actions.pin_value(customer=golden(kate), field="name", record_id=shop.pk, version=None, actor=boss)
    records.begin_rebuild()
    tasks.bulk_rebuild()
    assert golden(kate).name == "Katerina Golden"


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"first": "source", "second": ""}, "sources", "Name at least one source."),
        ({"first": "newest", "second": "newest"}, "second", "Each criterion counts once."),
        ({"first": "loudest", "second": ""}, "first", "Select a valid choice"),
        ({"first": ""}, "first", "This field is required."),
    ],
)
def test_a_rule_that_says_nothing_is_refused(page, changes, field, words):
    answer = save(page, SurvivorshipRule, group="name", third="", **changes)
    assert words in str(answer.context["adminform"].form.errors[field])
    assert not SurvivorshipRule.objects.exists() and not Rebuild.objects.filter(after=0).exists()


def test_a_group_has_one_rule(page):
    for _time in range(2):
        answer = save(page, SurvivorshipRule, group="name", first="newest", second="", third="")
    assert "group" in answer.context["adminform"].form.errors and SurvivorshipRule.objects.count() == 1


# --- Matching and junk ---


@pytest.fixture
def rules() -> MatchingRules:
    return MatchingRules.objects.update_or_create(pk=1, defaults={"joins": True, "upper": 0.89, "lower": 0.11})[0]


IVAN = {"name": "Щербаков Иван Златоустович", "birthday": "1980-05-17", "city": "Тула", "street": "Лесная, 5"}


def twice(**fields: str) -> list[Profile]:
    """Two records that say the same, compared as the worker does."""
    both = [actions.create_profile(source="shop", fields={**IVAN, **fields}) for _time in range(2)]
    for one in both:
        actions.compare_profile(profile_id=one.pk)
    return both


def test_rules_of_matching_hold_for_the_next_comparison(page, rules):
    one, other = twice()
    assert golden(one) == golden(other)
    save(page, MatchingRules, rules, joins="")
    one, other = twice(birthday="1950-01-02")
    pair = Likeness.objects.get(one=one, other=other)
    assert golden(one) != golden(other) and pair.probability > 0.9
    # Above all that can be: nobody is asked either.
    save(page, MatchingRules, rules, upper="1", lower="1")
    rules.refresh_from_db()
    assert (rules.joins, rules.upper, rules.lower, rules.shared_by) == (False, 1.0, 1.0, 8)
    one, other = twice(birthday="1960-03-04")
    assert not Likeness.objects.filter(one=one).exists() and golden(one) != golden(other)
    save(page, MatchingRules, rules, joins="on", upper="0.9", lower="0.2")
    one, other = twice(birthday="1970-05-06")
    assert golden(one) == golden(other) and Merge.objects.latest("pk").reason == "match"


@pytest.mark.parametrize(
    "changes",
    [
        {"lower": "0.9", "upper": "0.2"}, {"lower": "-0.1"}, {"upper": "1.1"}, {"lower": "nan"}, {"upper": "inf"}, {"upper": ""},
        {"shared_by": "0"}, {"shared_by": "-1"}, {"shared_by": "40000"},
    ],
)  # fmt: skip
def test_rules_of_matching_that_cannot_be_are_refused_in_words(page, rules, changes):
    answer = save(page, MatchingRules, rules, **changes)
    errors = answer.context["adminform"].form.errors
    assert errors and errors.keys() <= changes.keys(), errors
    assert "Constraint" not in str(errors)
    kept = MatchingRules.objects.get()
    assert (kept.upper, kept.lower, kept.shared_by) == (0.89, 0.11, 8)


def test_there_is_one_row_of_rules(page, rules):
    assert page.get(address(MatchingRules, "add")).status_code == 403
    assert delete(page, rules).status_code == 403 and MatchingRules.objects.count() == 1


def found(kind: str, value: str) -> Profile | None:
    return actions.find_or_create_by_identity(kind=kind, value=value, source="call")[1]


def test_a_junk_value_links_nobody_from_now_on_and_again_when_it_is_deleted(page):
    kate = found("phone", "+79160001122")
    assert found("phone", "+79160001122") == kate
    save(page, JunkValue, kind="phone", pattern="+7916000*", note="Our own switchboard")
    assert found("phone", "+79160001122") is None and found("phone", "+79160001123") is None
    assert found("phone", "+79160011122") is not None
    row = JunkValue.objects.get(pattern="+7916000*")
    # Of another kind, then of every kind.
    save(page, JunkValue, row, kind="email")
    assert found("phone", "+79160001122") == kate
    save(page, JunkValue, row, kind="", pattern="*0001122")
    assert found("phone", "+79160001122") is None and found("card", "990001122") is None
    delete(page, row)
    assert found("phone", "+79160001122") == kate


def test_a_junk_value_stands_once_and_is_not_empty(page):
    for _time in range(2):
        answer = save(page, JunkValue, kind="phone", pattern="+7916000*")
    assert answer.context["adminform"].form.errors and JunkValue.objects.filter(pattern="+7916000*").count() == 1
    answer = save(page, JunkValue, kind="phone", pattern="")
    assert "pattern" in answer.context["adminform"].form.errors


def test_an_identity_of_more_profiles_than_the_rules_permit_links_nobody(page, rules):
    kate = found("phone", "+79165550101")
    identity = actions.find_identity(kind="phone", value="+79165550101")
    actions.link_identity(
        profile=actions.create_profile(source="shop"), identity=identity, source="shop", verified=False
    )
    assert found("phone", "+79165550101") == kate
    save(page, MatchingRules, rules, shared_by="1")
    assert found("phone", "+79165550101") is None


# --- Fields of the house ---


def test_a_field_of_the_house_is_on_the_card_checked_and_in_the_api(page, kate):
    save(
        page,
        CustomField,
        code="contract_end",
        label="Contract ends",
        label_ru="Договор до",
        kind="date",
        place="3",
        active="on",
    )
    card = reverse("desk:customer", args=[golden(kate).pk])
    body = page.get(card).content.decode()
    assert 'data-edit="custom.contract_end"' in body and "Contract ends" in body
    edit = reverse("desk:edit-customer", args=[golden(kate).pk])
    refused = page.post(edit, {"custom.contract_end": "soon"})
    assert (refused.status_code, refused.json()["field"]) == (400, "custom.contract_end")
    assert "Contract ends: Write the date as year-month-day" in refused.json()["message"]
    shown = page.post(edit, {"custom.contract_end": "2030-02-01"}).json()["shown"]["custom.contract_end"]
    assert shown["value"] == "2030-02-01" and golden(kate).custom["contract_end"] == "2030-02-01"
    assert "Card edited: Contract ends</b>" in page.get(card).content.decode()
    caller = token("customers:read", "customers:write")
    put = f"sources/dms/records/A-{kate.pk}/"
    problem(caller.put(put, {"fields": {"custom": {"contract_end": "soon"}}}), 400, "invalid")
    made = caller.put(put, {"fields": {"custom": {"contract_end": "2031-03-02"}}})
    assert made.status_code == 201
    read = caller.get(f"customers/{made.json()['customer']}/").json()
    assert read["custom"] == {"contract_end": "2031-03-02"}
    assert read["provenance"]["custom.contract_end"]["source"] == "dms"
    assert caller.get(f"customers/{golden(kate).pk}/").json()["custom"] == {"contract_end": "2030-02-01"}
    # Its code stands in records and imports: it stays. Its name may be another one.
    field = CustomField.objects.get(code="contract_end")
    save(page, CustomField, field, code="other", label="Contract till")
    field.refresh_from_db()
    assert (field.code, field.label, field.label_ru) == ("contract_end", "Contract till", "Договор до")
    User.objects.filter(username="admin").update(language="ru")
    assert "Договор до" in page.get(card).content.decode()
    # Out of use it is on no card and nothing is said of it; what was said is kept.
    save(page, CustomField, field, active="")
    assert 'data-edit="custom.contract_end"' not in page.get(card).content.decode()
    assert page.post(edit, {"custom.contract_end": "2032-02-01"}).status_code == 400
    assert golden(kate).custom == {"contract_end": "2030-02-01"}


@pytest.mark.parametrize(
    ("kind", "good", "kept", "bad"),
    [
        ("text", "AB-12", "AB-12", "x" * 1001),
        ("number", "1 200,5", 1200.5, "many"),
        ("date", "1988-04-14", "1988-04-14", "1988-02-30"),
        ("flag", "yes", True, "perhaps"),
        ("choice", "Gold", "Gold", "Copper"),
    ],
)
def test_a_field_of_each_kind_takes_what_it_is_for(page, kate, kind, good, kept, bad):
    save(page, CustomField, code="tariff", label="Tariff", kind=kind, options="Gold\r\nSilver", place="9", active="on")
    edit = reverse("desk:edit-customer", args=[golden(kate).pk])
    assert page.post(edit, {"custom.tariff": bad}).status_code == 400
    assert "tariff" not in golden(kate).custom
    assert page.post(edit, {"custom.tariff": good}).status_code == 200
    assert golden(kate).custom["tariff"] == kept


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "Tariff"}, "code"),
        ({"code": "1st"}, "code"),
        ({"code": "car"}, "code"),
        ({"code": ""}, "code"),
        ({"label": ""}, "label"),
        ({"kind": "choice", "options": " "}, "options"),
        ({"kind": "colour"}, "kind"),
    ],
)
def test_a_field_of_the_house_that_cannot_be_is_refused(page, changes, field):
    before = CustomField.objects.count()
    answer = save(page, CustomField, **{"code": "tariff", "label": "Tariff", "kind": "text", "active": "on", **changes})
    assert field in answer.context["adminform"].form.errors
    assert CustomField.objects.count() == before


def test_a_policy_of_the_service_level_is_a_new_version_and_none_is_changed(page):
    queue = world.make_queue("Level")
    said = {"queue": str(queue.pk), "formula": "V5", "within_s": "20", "short_s": "5", "blocked": ["B1"]}
    for formula in ("V5", "V9"):
        save(page, LevelPolicy, **{**said, "formula": formula})
    rows = LevelPolicy.objects.order_by("version").values_list("version", "formula", "within_s", "short_s", "blocked")
    assert list(rows) == [(1, "V5", 20, 5, ["B1"]), (2, "V9", 20, 5, ["B1"])]
    assert LevelPolicy.objects.first().made_by.username == "admin"
    kept = LevelPolicy.objects.get(version=1)
    page.post(address(LevelPolicy, "change", kept.pk), {**said, "within_s": "99"})
    page.post(address(LevelPolicy, "delete", kept.pk), {"post": "yes"})
    assert LevelPolicy.objects.get(version=1).within_s == 20
    answer = save(page, LevelPolicy, **{**said, "short_s": "20"})
    assert "short below the time" in answer.content.decode()
    assert LevelPolicy.objects.count() == 2

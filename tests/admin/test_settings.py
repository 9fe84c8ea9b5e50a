"""Pages of queues, hours, sites and policy."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from cxcenter.accounts.models import Team, User
from cxcenter.core.models import AuditEntry
from interactions.models import Channel, Site, Topic
from routing.models import BusinessHours, Entrance, Policy, Queue
from tests.admin.pages import act, address, form_of, save

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
    save(page, Entrance, channel=Channel.objects.get().pk, topic=topic.pk, queue=queue.pk, boost=1)
    assert Entrance.objects.get(topic=topic).queue == queue


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
    assert Policy.current().head_start_s == 60
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

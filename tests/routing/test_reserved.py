"""Meetings and trainings that are planned: told before, gone to after the contacts, over by themselves; and long pauses."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cxcenter.accounts.models import User
from cxcenter.core import realtime
from cxcenter.core.errors import Forbidden, Invalid
from cxcenter.core.models import AuditEntry
from quality.metrics import presence as times
from routing import queries, sweeps
from routing.actions import legs, offers, presence, reservations
from routing.models import Alert, Attendance, BusinessHours, OpeningInterval, PauseReason, Presence, Queue, Reservation
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def states(user) -> list[str]:
    return list(user.presence_intervals.order_by("pk").values_list("state", flat=True))


@pytest.fixture
def plan(floor):
    def made(*users, begins=HOUR, lasts=HOUR, **fields) -> Reservation:
        now = timezone.now()
        said = {"state": "meeting", "subject": "News", "actor": floor.boss, **fields}
        return reservations.plan(
            users=users or [floor.alice], starts_at=now + begins, ends_at=now + begins + lasts, **said
        )

    floor.ready(floor.alice, floor.bob)
    return made


def test_an_operator_is_told_once_goes_and_comes_back(floor, plan, pushed):
    made = plan(floor.alice, floor.bob)
    start, end = made.starts_at, made.ends_at
    assert AuditEntry.objects.get(act="reservation.plan").actor == floor.boss
    assert reservations.sweep_reserved(now=start - 6 * MINUTE) == 0
    soon = [reservations.sweep_reserved(now=start - 5 * MINUTE) for _ in range(2)]
    assert soon == [2, 0]
    group = realtime.user_group(floor.alice.pk)
    told = [push for heard, push in pushed.heard() if heard == group and push["kind"] == "reserved"]
    assert [(push["state"], push["subject"], push["at"]) for push in told] == [("meeting", "News", start.timestamp())]
    assert [reservations.sweep_reserved(now=start) for _ in range(2)] == [2, 0]
    assert floor.presence(floor.alice).state == "meeting"
    waiting = floor.chat()
    assert floor.item(waiting).visit == "waiting"
    assert [reservations.sweep_reserved(now=end) for _ in range(2)] == [2, 0]
    assert floor.item(waiting).visit == "offered", "who comes back is given what waits"
    assert states(floor.alice) == ["available", "meeting", "available"]
    spent = floor.alice.presence_intervals.get(state="meeting")
    assert (spent.started_at, spent.ended_at) == (start, end)
    assert set(Attendance.objects.values_list("begun_at", "ended_at")) == {(start, end)}


def test_contacts_are_ended_first_and_nothing_new_comes(floor, plan):
    made = plan(state="training", then="pause")
    held = floor.chat(floor.alice)
    floor.ready(floor.bob)
    presence.set_mode(user=floor.bob, mode="offline", actor=floor.bob)
    assert [reservations.sweep_reserved(now=made.starts_at) for _ in range(2)] == [1, 0]
    row = floor.presence(floor.alice)
    assert (row.state, row.pause_after, row.attends.reservation) == ("busy", True, made)
    assert floor.item(floor.chat()).visit == "waiting"
    leg = legs.finish(interaction_id=held.pk, actor=floor.alice)
    legs.wrap_up(leg_id=leg.pk, actor=floor.alice)
    assert floor.presence(floor.alice).state == "training"
    reservations.sweep_reserved(now=made.ends_at)
    row = floor.presence(floor.alice)
    assert (row.state, row.attends, row.pause_after) == ("pause", None, False)
    assert states(floor.alice)[-4:] == ["busy", "wrapup", "training", "pause"]


def test_whose_contacts_last_longer_than_the_meeting_serves_on(floor, plan):
    made = plan()
    floor.chat(floor.alice)
    reservations.sweep_reserved(now=made.starts_at)
    reservations.sweep_reserved(now=made.ends_at)
    row = floor.presence(floor.alice)
    assert (row.state, row.attends, row.pause_after) == ("busy", None, False)
    assert floor.item(floor.chat()).visit == "offered"


def test_who_comes_late_or_returns_goes_there(floor, plan):
    made = plan()
    presence.set_mode(user=floor.alice, mode="offline", actor=floor.alice)
    assert reservations.sweep_reserved(now=made.starts_at) == 0
    floor.ready(floor.alice)
    assert reservations.sweep_reserved(now=made.starts_at + MINUTE) == 1
    presence.set_mode(user=floor.alice, mode="offline", actor=floor.alice)
    floor.ready(floor.alice)
    assert reservations.sweep_reserved(now=made.starts_at + 2 * MINUTE) == 1
    assert floor.presence(floor.alice).state == "meeting"


def test_people_of_two_zones_and_a_queue_of_a_third(floor, client, pushed):
    """Planned at 19:00 in Vladivostok it begins at noon in Moscow; the queue opens at 14:00 in Yekaterinburg: one moment."""
    User.objects.filter(pk=floor.boss.pk).update(zone="Asia/Vladivostok")
    User.objects.filter(pk=floor.alice.pk).update(zone="Europe/Moscow")
    watching = world.make_user("watching", "admin", zone="Europe/Moscow")
    floor.ready(floor.alice, floor.bob)
    day = (timezone.now() + timedelta(days=2)).date()
    moment = datetime.combine(day, time(9), UTC)
    client.force_login(floor.boss)
    said = {
        "state": "meeting", "subject": "Both ends", "then": "available", "operators": [floor.alice.pk],
        "starts_at": f"{day}T19:00", "ends_at": f"{day}T20:00",
    }  # fmt: skip
    assert client.post(reverse("board:plan"), said).status_code == 200
    plan = Reservation.objects.get()
    assert (plan.starts_at, plan.ends_at) == (moment, moment + HOUR)
    for reader, hour, ahead in ((floor.boss, 19, "10"), (watching, 12, "03")):
        client.force_login(reader)
        page = client.get(reverse("board:operators")).content.decode()
        assert f'<time datetime="{day}T{hour}:00:00+{ahead}:00">{hour}:00</time>' in page and "Both ends" in page
    pushed.heard()
    reservations.sweep_reserved(now=moment - 5 * MINUTE)
    group = realtime.user_group(floor.alice.pk)
    assert [push["at"] for heard, push in pushed.heard() if heard == group and push["kind"] == "reserved"] == [
        moment.timestamp()
    ], "her page shows it by her clock"
    assert reservations.sweep_reserved(now=moment - timedelta(seconds=1)) == 0
    assert reservations.sweep_reserved(now=moment) == 1
    assert floor.presence(floor.alice).state == "meeting"

    office = BusinessHours.objects.create(name="Urals", zone="Asia/Yekaterinburg")
    for number in range(7):
        OpeningInterval.objects.create(hours=office, day=number, opens=time(14), closes=time(15))
    Queue.objects.update(hours=office)
    queue = Queue.objects.select_related("hours").get()
    for zone in ("Asia/Vladivostok", "Europe/Moscow", "America/New_York"):
        with timezone.override(zone):
            opens = [queries.door_of(queue, moment + away).open for away in (-MINUTE, 0 * MINUTE, HOUR - MINUTE, HOUR)]
            assert opens == [False, True, True, False], zone
    assert queries.door_of(queue, moment - HOUR).opens_at == moment
    chat = floor.chat()
    assert floor.leg(chat).operator == floor.bob, "she is there"
    reservations.sweep_reserved(now=moment + HOUR)
    # The times of both days are those of one line: they add up to when she came.
    assert floor.alice.presence_intervals.get(state="meeting").ended_at == moment + HOUR


def test_who_leaves_is_not_fetched_again(floor, plan):
    made = plan()
    reservations.sweep_reserved(now=made.starts_at)
    presence.set_mode(user=floor.alice, mode="available", actor=floor.boss)
    assert floor.presence(floor.alice).attends is None
    assert reservations.sweep_reserved(now=made.starts_at + MINUTE) == 0
    assert floor.presence(floor.alice).state == "available"
    assert AuditEntry.objects.filter(act="presence.force").exists()


def test_a_cancelled_meeting_lets_everybody_come_back_once(floor, plan):
    made = plan(floor.alice, floor.bob)
    # One goes at once, the other has a contact first.
    assert floor.leg(floor.chat()).leg == "offered"
    reservations.sweep_reserved(now=made.starts_at)
    assert [reservations.cancel(reservation=made, actor=floor.boss) for _ in range(2)] == [2, 0]
    for user in (floor.alice, floor.bob):
        row = floor.presence(user)
        assert (row.mode, row.attends, row.pause_after) == ("available", None, False)
    assert AuditEntry.objects.filter(act="reservation.cancel").count() == 1
    assert reservations.sweep_reserved(now=made.ends_at) == 0


def test_what_is_not_planned(floor, plan):
    made = plan()
    now = made.starts_at
    for wrong, field in (
        ({"state": "pause"}, "state"),
        ({"then": "offline"}, "then"),
        ({"begins": -HOUR}, "starts_at"),
        ({"begins": timedelta(days=400)}, "starts_at"),
        ({"lasts": timedelta(0)}, "ends_at"),
        ({"lasts": 13 * HOUR}, "ends_at"),
        ({"begins": HOUR + MINUTE, "lasts": MINUTE}, "operators"),
    ):
        with pytest.raises(Invalid) as refused:
            plan(floor.alice, **wrong)
        assert refused.value.detail["field"] == field
    plan(floor.alice, begins=2 * HOUR + MINUTE)
    with pytest.raises(Forbidden):
        plan(floor.alice, begins=9 * HOUR, actor=world.make_user("eve", "supervisor", world.make_team("Sales")))
    assert Reservation.objects.count() == 2 and now


def test_nobody_chooses_a_meeting_himself(floor):
    for mode in ("meeting", "training"):
        with pytest.raises(Invalid):
            presence.set_mode(user=floor.alice, mode=mode, actor=floor.alice)


def test_what_other_teams_take_part_in_is_not_called_off_by_one_of_them(floor, plan):
    stranger = world.make_user("stranger", team=world.make_team("Other"))
    floor.ready(stranger)
    root = world.make_user("root", role="admin")
    made = plan(floor.alice, stranger, actor=root)
    with pytest.raises(Forbidden):
        reservations.cancel(reservation=made, actor=floor.boss)
    made.refresh_from_db()
    assert made.cancelled_at is None
    assert reservations.cancel(reservation=made, actor=root) == 2


def test_meetings_and_trainings_are_no_pauses_in_the_metrics(floor, plan):
    made = plan()
    reservations.sweep_reserved(now=made.starts_at)
    reservations.sweep_reserved(now=made.ends_at)
    [found] = times.totals(
        begins=[made.starts_at], since=made.starts_at, until=made.ends_at, by=(), only={}, operators=[floor.alice.pk]
    ).values()
    hour = 3600 * 10**6
    assert (found["meeting_us"], found["pause_us"], found["login_us"]) == (hour, 0, hour)


# --- Long pauses ---


def test_a_pause_beyond_its_limit_alerts_once(floor):
    lunch, free = PauseReason.objects.create(name="Lunch", limit_min=30), PauseReason.objects.create(name="Duty")
    presence.set_mode(user=floor.alice, mode="pause", reason=lunch, actor=floor.alice)
    presence.set_mode(user=floor.bob, mode="pause", reason=free, actor=floor.bob)
    row = floor.presence(floor.alice)
    assert row.limit_s == 1800 and floor.presence(floor.bob).limit_s is None
    limit = row.since + timedelta(seconds=1800)
    assert [sweeps.alert_long_pauses(now=at) for at in (limit, limit + MINUTE, limit + HOUR)] == [0, 1, 0]
    alert = Alert.objects.get(kind="long_pause")
    assert (alert.user, alert.team, alert.args) == (floor.alice, floor.team, {"reason": lunch.pk, "limit_min": 30})
    presence.set_mode(user=floor.alice, mode="available", actor=floor.alice)
    assert sweeps.alert_long_pauses(now=timezone.now() + HOUR) == 0
    presence.set_mode(user=floor.alice, mode="pause", reason=lunch, actor=floor.alice)
    Presence.objects.filter(user=floor.alice).update(since=limit + HOUR)
    assert sweeps.alert_long_pauses(now=limit + 2 * HOUR) == 1, "another pause, another alert"
    assert offers.assign_next() == []

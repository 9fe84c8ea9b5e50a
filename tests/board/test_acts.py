"""The acts of a supervisor: what each does, that it is audited, and that nobody else may."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cxcenter.core.models import AuditEntry
from interactions.models import Message
from routing.actions import offers, reservations
from routing.models import (
    Alert,
    Assignment,
    PauseReason,
    Presence,
    Queue,
    QueueMember,
    Reservation,
    Threshold,
    WorkItem,
)
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


class Place:
    """A team with its supervisor, two operators, two queues; alice holds one chat and another waits."""

    def __init__(self) -> None:
        self.team = world.make_team()
        self.boss = world.make_user("marina", role="supervisor", team=self.team)
        self.alice, self.bob = (world.make_user(name, team=self.team) for name in ("alice", "bob"))
        self.queue = world.make_queue(members=(self.alice,), team=self.team)
        self.other_queue = world.make_queue("Parts", members=(self.bob,), team=self.team)
        self.site = world.make_site(self.queue)
        world.on_duty(self.alice, capacity=1)
        self.talk = world.open_chat(self.site)
        offers.accept_offer(leg_id=Assignment.objects.get().pk, actor=self.alice)
        self.waits = world.open_chat(self.site)
        self.item = WorkItem.objects.get(interaction=self.waits)
        hour, now = timedelta(hours=1), timezone.now()
        self.plan = reservations.plan(
            users=[self.alice], state="training", subject="Brakes", starts_at=now + hour, ends_at=now + 2 * hour,
            actor=self.boss,
        )  # fmt: skip
        self.alert = Alert.objects.create(kind="late", team=self.team, queue=self.queue, item=self.item)

    def acts(self) -> dict[str, tuple[int, dict[str, object]]]:
        """Return every act with whom it is about and what it asks."""
        return {
            "close-queue": (self.queue.pk, {"minutes": 30, "message": "Back at noon"}),
            "pause-queue": (self.queue.pk, {"minutes": 30, "message": ""}),
            "open-queue": (self.queue.pk, {}),
            "thresholds": (self.queue.pk, {"waiting": 5}),
            "lend": (self.queue.pk, {"minutes": 60, "operator": self.bob.pk}),
            "force-state": (self.alice.pk, {"mode": "pause"}),
            "kinds": (self.alice.pk, {"takes": ["callback"]}),
            "cancel-plan": (self.plan.pk, {}),
            "move-all": (self.alice.pk, {}),
            "lend-operator": (self.bob.pk, {"minutes": 60, "queue": self.queue.pk}),
            "whisper": (self.talk.pk, {"text": "Offer a loan car"}),
            "move": (self.talk.pk, {"target": f"queue:{self.other_queue.pk}"}),
            "priority": (self.waits.pk, {"priority": 7}),
            "see-alert": (self.alert.pk, {}),
            "take-over": (self.talk.pk, {}),
        }


@pytest.fixture
def place() -> Place:
    made = Place()
    world.on_duty(made.bob)
    return made


@pytest.fixture
def act(client, place):
    client.force_login(place.boss)

    def do(name, **changed):
        pk, asked = place.acts()[name]
        return client.post(reverse(f"board:{name}", args=[pk]), {**asked, **changed})

    return do


def audited(what: str) -> AuditEntry:
    return AuditEntry.objects.get(act=what)


def test_closing_a_queue_tells_those_who_wait(act, place):
    assert "closed" in act("close-queue").json()["said"]
    queue = Queue.objects.get(pk=place.queue.pk)
    assert timedelta(minutes=29) < queue.closed_until - timezone.now() < timedelta(minutes=31)
    told = Message.objects.get(interaction=place.waits, code="announcement")
    assert told.args["reason"] == "Back at noon" and told.customer_changed > 0
    assert audited("queue.close").actor == place.boss


def test_a_pause_and_its_end(act, place):
    act("pause-queue")
    assert Queue.objects.get(pk=place.queue.pk).paused_until > timezone.now()
    act("open-queue")
    assert Queue.objects.get(pk=place.queue.pk).paused_until is None
    assert audited("queue.pause").actor == audited("queue.open").actor == place.boss


def test_lending_gives_him_the_contacts_of_the_queue(act, place):
    act("lend")
    member = QueueMember.objects.get(queue=place.queue, user=place.bob)
    assert timedelta(minutes=59) < member.until - timezone.now() < timedelta(minutes=61)
    assert Assignment.objects.get(interaction=place.waits, leg="offered").operator == place.bob
    assert audited("queue.lend").detail["user"] == place.bob.pk


def test_lending_from_the_side_of_the_operator(act, place):
    act("lend-operator")
    assert QueueMember.objects.get(queue=place.queue, user=place.bob).until is not None


def test_a_forced_state(act, place):
    lunch = PauseReason.objects.create(name="Lunch")
    refused = act("force-state")
    assert (refused.status_code, refused.json()["field"]) == (400, "reason")
    act("force-state", reason=lunch.pk)
    presence = Presence.objects.get(user=place.alice)
    assert (presence.state, presence.reason) == ("pause", lunch)
    assert audited("presence.force").actor == place.boss


def test_switching_kinds_of_work_is_audited_and_shown(act, client, place):
    assert "callbacks" in act("kinds").json()["said"]
    presence = Presence.objects.get(user=place.alice)
    assert presence.off == ["call", "chat"]
    assert audited("presence.kinds").detail == {"off": ["call", "chat"]}
    nothing = act("kinds", takes=[])
    assert (nothing.status_code, nothing.json()["field"]) == (400, "off")
    assert Presence.objects.get(user=place.alice).off == ["call", "chat"]


def test_reserving_and_cancelling_time(act, client, place, django_assert_max_num_queries):
    begins = timezone.localtime() + timedelta(hours=3)
    said = {
        "state": "meeting", "subject": "News of the week", "then": "available", "operators": [place.alice.pk, place.bob.pk],
        "starts_at": f"{begins:%Y-%m-%dT%H:%M}", "ends_at": f"{begins + timedelta(minutes=30):%Y-%m-%dT%H:%M}",
    }  # fmt: skip
    made = client.post(reverse("board:plan"), said)
    assert made.status_code == 200 and made.json()["then"] == reverse("board:operators")
    page = client.get(reverse("board:operators")).content.decode()
    assert "News of the week" in page and "Alice" in page and "Bob" in page
    with django_assert_max_num_queries(38):
        client.get(reverse("board:operators"))
    again = client.post(reverse("board:plan"), said)
    assert (again.status_code, again.json()["field"]) == (400, "operators") and "News of the week" in again.json()[
        "message"
    ]
    plan = Reservation.objects.get(subject="News of the week")
    assert client.post(reverse("board:cancel-plan", args=[plan.pk])).status_code == 200
    assert "News of the week" not in client.get(reverse("board:operators")).content.decode()
    assert AuditEntry.objects.filter(act__in=["reservation.plan", "reservation.cancel"]).count() == 3


def test_time_of_another_team_is_not_reserved(client, place):
    stranger = world.make_user("oleg", role="supervisor", team=world.make_team("Sales"))
    client.force_login(stranger)
    said = {"state": "meeting", "subject": "x", "then": "available", "operators": [place.alice.pk]}
    said |= {"starts_at": "2027-01-01T10:00", "ends_at": "2027-01-01T11:00"}
    refused = client.post(reverse("board:plan"), said)
    assert (refused.status_code, refused.json()["field"]) == (400, "operators")
    assert "Brakes" not in client.get(reverse("board:operators")).content.decode()
    client.force_login(place.alice)
    assert client.post(reverse("board:plan"), said).status_code == 403


def test_nobody_is_signed_off_with_contacts(act, place):
    refused = act("force-state", mode="offline")
    assert (refused.status_code, refused.json()["code"]) == (409, "open_contacts")
    act("move-all")
    assert act("force-state", mode="offline").status_code == 200


def test_moving_all_returns_them_first_in_line(act, place):
    act("move-all")
    back = WorkItem.objects.exclude(visit="left").get(interaction=place.talk)
    assert back.rank_at < place.item.rank_at
    assert Assignment.objects.get(interaction=place.talk, operator=place.alice).end == "taken"
    assert audited("presence.move_all").actor == place.boss


def test_a_whisper_reaches_the_operator_and_never_the_customer(act, place):
    act("whisper")
    note = Message.objects.get(text="Offer a loan car")
    assert (note.interaction, note.audience, note.customer_changed) == (place.talk, "staff", 0)
    assert audited("interaction.whisper").actor == place.boss
    refused = act("whisper", text="  ")
    assert (refused.status_code, refused.json()["field"]) == (400, "text")


def test_taking_over_leads_to_the_desk(act, place):
    answer = act("take-over").json()
    assert answer["then"] == reverse("desk:session", args=[place.talk.pk])
    assert Assignment.objects.get(interaction=place.talk, leg="active").operator == place.boss
    assert Assignment.objects.get(interaction=place.talk, operator=place.alice).end == "taken"
    assert audited("interaction.take_over").actor == place.boss


def test_moving_to_a_queue_and_to_a_person(act, place):
    act("move")
    offer = Assignment.objects.get(interaction=place.talk, leg="offered")
    assert (offer.item.queue, offer.operator) == (place.other_queue, place.bob)
    act("move", target=f"person:{place.bob.pk}")
    visit = WorkItem.objects.exclude(visit="left").get(interaction=place.talk)
    assert (visit.preferred, visit.only_preferred, visit.sent_by) == (place.bob, True, place.boss)
    assert AuditEntry.objects.filter(act="interaction.move", actor=place.boss).count() == 2
    refused = act("move", target="queue:999999")
    assert (refused.status_code, refused.json()["field"]) == (400, "target")


def test_priority_moves_who_waits(act, place):
    act("priority")
    item = WorkItem.objects.get(pk=place.item.pk)
    assert item.priority == 7 and item.rank_at < place.item.rank_at
    assert audited("item.priority").detail == {"priority": 7}
    assert act("priority", priority=99).status_code == 400
    WorkItem.objects.filter(pk=item.pk).update(visit="left", outcome="abandoned", left_at=timezone.now())
    assert act("priority").status_code == 409


def test_an_alert_is_seen_with_the_older_ones_of_its_queue(act, place):
    older = Alert.objects.create(kind="late", team=place.team, queue=place.queue, item=place.item)
    place.alert, older = older, place.alert
    foreign = Alert.objects.create(kind="late", team=place.team, queue=place.other_queue)
    act("see-alert")
    seen = dict(Alert.objects.values_list("pk", "seen_by_id"))
    assert seen == {place.alert.pk: place.boss.pk, older.pk: place.boss.pk, foreign.pk: None}


def test_each_dialog_says_whom_it_is_about(client, place):
    client.force_login(place.boss)
    names = {
        "close-queue": "Warranty",
        "force-state": "Alice",
        "take-over": "Take over",
        "move": "Parts",
        "lend": "Bob",
    }
    for name, (pk, _asked) in place.acts().items():
        shown = client.get(reverse(f"board:{name}", args=[pk])).content.decode()
        assert names.get(name, "data-submit") in shown


# --- Who may ---------------------------------------------------------------------------------------

NAMES = [
    "close-queue", "pause-queue", "open-queue", "lend", "force-state", "kinds", "cancel-plan", "move-all",
    "lend-operator", "whisper", "move", "priority", "see-alert", "take-over", "thresholds",
]  # fmt: skip


def world_before(place) -> list[object]:
    """Return all rows that an act could change."""
    place.queue.refresh_from_db()
    return [
        list(Queue.objects.values_list()),
        list(QueueMember.objects.values_list()),
        list(Presence.objects.order_by("pk").values_list("mode", "reason", "load", "off")),
        list(Reservation.objects.values_list()),
        list(WorkItem.objects.order_by("pk").values_list()),
        list(Assignment.objects.order_by("pk").values_list()),
        list(Alert.objects.values_list()),
        list(Threshold.objects.values_list()),
        Message.objects.count(),
        AuditEntry.objects.count(),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_act_is_here(place, name):
    assert name in place.acts()
    assert set(NAMES) == place.acts().keys()


@pytest.mark.parametrize("role", ["operator", "senior", "quality", "marketer", "integrator"])
@pytest.mark.parametrize("name", NAMES)
def test_others_may_not(client, place, name, role):
    client.force_login(world.make_user("somebody", role=role, team=place.team))
    pk, asked = place.acts()[name]
    before = world_before(place)
    for ask in (client.get, client.post):
        assert ask(reverse(f"board:{name}", args=[pk]), asked).status_code == 403
    assert world_before(place) == before


@pytest.mark.parametrize("name", NAMES)
def test_a_supervisor_of_another_team_may_not(client, place, name):
    stranger = world.make_user("oleg", role="supervisor", team=world.make_team("Sales"))
    client.force_login(stranger)
    pk, asked = place.acts()[name]
    before = world_before(place)
    for ask in (client.get, client.post):
        assert ask(reverse(f"board:{name}", args=[pk]), asked).status_code == 404
    assert world_before(place) == before


@pytest.mark.parametrize("name", NAMES)
def test_a_supervisor_who_is_only_a_member_may_not(client, place, name):
    """He belongs to the team and serves its queue, but supervises another one."""
    member = world.make_user("oleg", role="supervisor", team=place.team)
    place.team.supervisors.remove(member)
    world.make_team("Sales").supervisors.add(member)
    QueueMember.objects.create(queue=place.queue, user=member)
    client.force_login(member)
    pk, asked = place.acts()[name]
    before = world_before(place)
    assert client.post(reverse(f"board:{name}", args=[pk]), asked).status_code == 404
    assert world_before(place) == before


@pytest.mark.parametrize("name", NAMES)
def test_strangers_sign_in_first(client, place, name):
    pk, asked = place.acts()[name]
    assert client.post(reverse(f"board:{name}", args=[pk]), asked).url.startswith(reverse("sign-in"))


@pytest.mark.parametrize("name", NAMES)
def test_an_administrator_may(client, place, name):
    client.force_login(world.make_user("root", role="admin"))
    pk, asked = place.acts()[name]
    assert client.post(reverse(f"board:{name}", args=[pk]), asked).status_code == 200


def test_an_operator_of_another_team_is_not_lent(client, place):
    stranger = world.make_user("eve", team=world.make_team("Sales"))
    world.on_duty(stranger)
    client.force_login(place.boss)
    refused = client.post(reverse("board:lend", args=[place.queue.pk]), {"minutes": 30, "operator": stranger.pk})
    assert (refused.status_code, refused.json()["field"]) == (400, "operator")

"""Cases, tasks, queues, work items and operators by API."""

from datetime import timedelta

import pytest
from django.utils import timezone

from interactions.models import Case, Task, Topic
from routing.models import PauseReason, Presence, WorkItem
from tests import world
from tests.api.callers import problem, session, token


def test_a_case_lives_through_the_api(place):
    caller, topic = token("cases:write", "interactions:read"), Topic.objects.create(name="Parts")
    body = {"subject": "The part is late", "topic": topic.pk, "priority": 3, "interaction": place.chat.pk}
    made = caller.post("cases/", body)
    case = made.json()
    assert made.status_code == 201
    assert (case["profile"], case["interactions"], case["owner"]) == (place.profile.pk, [place.chat.pk], None)
    assert (case["topic"], case["opened_by"]["name"]) == ({"id": topic.pk, "name": "Parts"}, "Integrator")
    path, owner = f"cases/{case['id']}/", place.people["operator"].pk
    taken = caller.patch(path, {"version": 0, "owner": owner, "status": "waiting"}).json()
    assert (taken["owner"]["id"], taken["status"], taken["version"]) == (owner, "waiting", 1)
    problem(caller.patch(path, {"version": 0, "status": "solved"}), 409, "stale")
    solved = caller.patch(path, {"version": 1, "status": "solved"}).json()
    assert solved["resolved_at"] is not None
    assert caller.delete(f"{path}interactions/{place.chat.pk}/").status_code == 204
    assert caller.get(path).json()["interactions"] == []
    for _ in range(2):
        linked = caller.post(f"{path}interactions/", {"interaction": place.chat.pk})
        assert (linked.status_code, linked.json()["interactions"]) == (200, [place.chat.pk])


def test_a_case_cannot_be_deleted(place):
    answer = token("cases:write").delete(f"cases/{place.case.pk}/")
    assert problem(answer, 405, "method_not_allowed")
    assert set(answer["Allow"].split(", ")) == {"GET", "HEAD", "PATCH"}


def test_a_case_is_not_attached_to_what_the_caller_may_not_read(place):
    case = session(place.people["operator"]).post("cases/", {"subject": "x"}).json()
    assert case["owner"]["id"] == place.people["operator"].pk
    theirs = {"interaction": place.theirs["chat"].pk}
    for caller in (session(place.people["operator"]), token("cases:write")):
        refusal = caller.post(f"cases/{case['id']}/interactions/", theirs)
        assert problem(refusal, 400, "invalid")["errors"][0]["code"] == "does_not_exist"
        problem(caller.delete(f"cases/{case['id']}/interactions/{theirs['interaction']}/"), 404, "not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"subject": " "},
        {"subject": "x", "status": "lost"},
        {"subject": "x", "priority": 9},
        {"subject": "x", "owner": 0},
        {"subject": "x", "version": 1},
        {"subject": "x", "opened_by": 1},
        {"subject": "x", "due_at": "soon"},
    ],
)
def test_a_wrong_case_is_refused(place, body):
    problem(token("cases:write").post("cases/", body), 400, "invalid")
    assert Case.objects.count() == 1


def test_cases_are_filtered(place):
    caller, late = token("cases:read"), timezone.now() - timedelta(hours=1)
    Case.objects.filter(pk=place.case.pk).update(due_at=late)
    other = Case.objects.create(subject="Other", status="closed", due_at=late)
    found = {
        "status=open": {place.case.pk},
        "overdue=true": {place.case.pk},
        "overdue=false": {other.pk},
        f"customer={place.customer.pk}": {place.case.pk},
        f"interaction={place.chat.pk}": {place.case.pk},
        f"owner={place.people['operator'].pk}": {place.case.pk},
        "priority=2": {place.case.pk, other.pk},
        "kind=complaint": set(),
    }
    assert {query: caller.ids(f"cases/?{query}") for query in found} == found


def test_a_task_is_given_taken_done_and_reopened(place):
    team, operator = place.queue.team, place.people["operator"]
    made = token("cases:write").post("tasks/", {"title": "Call", "team": team.pk, "profile": place.profile.pk})
    assert made.status_code == 201
    path, mine = f"tasks/{made.json()['id']}/", session(operator)
    assert mine.post(f"{path}take/").json()["assignee"]["id"] == operator.pk
    problem(session(place.people["senior"]).post(f"{path}take/"), 409, "taken")
    done = [mine.post(f"{path}finish/").json() for _ in range(2)]
    assert done[0] == done[1]
    assert done[0]["done_by"]["id"] == operator.pk
    assert mine.ids("tasks/?state=done") == {made.json()["id"]}
    assert mine.post(f"{path}reopen/").json()["done_at"] is None
    problem(mine.post(f"{path}finish/", {"at": "now"}), 400, "invalid")


def test_a_task_needs_somebody(place):
    refusal = problem(token("cases:write").post("tasks/", {"title": "Call"}), 400, "invalid")
    assert refusal["errors"][0]["field"] == "assignee"
    assert Task.objects.count() == 1


def test_queues_tell_their_numbers(place):
    world.on_duty(place.people["operator"], mode="pause")
    for _ in range(2):
        world.open_chat(place.ours["site"])
    WorkItem.objects.filter(visit="waiting").update(waits_since=timezone.now() - timedelta(seconds=90))
    queue = token("routing:read").get(f"queues/{place.queue.pk}/").json()
    assert (queue["waiting"], queue["in_work"], queue["members"]) == (2, 1, [place.people["operator"].pk])
    assert queue["longest_wait_s"] == pytest.approx(90, abs=20)
    idle = token("routing:read").get(f"queues/{place.theirs['queue'].pk}/").json()
    assert (idle["waiting"], idle["longest_wait_s"], idle["in_work"]) == (0, None, 1)


def test_work_items_show_their_legs(place):
    rows = token("routing:read").rows(f"work-items/?interaction={place.chat.pk}")
    assert [(row["visit"], row["outcome"], row["queue"]["name"]) for row in rows] == [("left", "answered", "Warranty")]
    assert [(leg["leg"], leg["operator"]["name"]) for leg in rows[0]["legs"]] == [("active", "Operator")]
    assert token("routing:read").ids(f"work-items/?operator={place.people['stranger'].pk}") == {
        place.theirs["leg"].item_id
    }


def test_a_state_is_set_by_himself_by_his_supervisor_and_by_a_program(place):
    operator = place.people["operator"]
    path = f"operators/{operator.pk}/mode/"
    for caller in (session(operator), session(place.people["supervisor"]), token("routing:write")):
        assert caller.post(path, {"mode": "pause"}).json()["state"] == "pause"
        assert caller.post(path, {"mode": "available"}).json()["state"] == "busy"


def test_a_colleague_and_another_team_may_not_set_it(place):
    path = f"operators/{place.people['operator'].pk}/mode/"
    world.on_duty(place.people["senior"])
    problem(session(place.people["senior"]).post(path, {"mode": "pause"}), 403, "forbidden")
    problem(session(place.people["stranger"]).post(path, {"mode": "pause"}), 404, "not_found")
    assert Presence.objects.get(user=place.people["operator"]).mode == "available"


def test_a_state_that_makes_no_sense_is_refused(place):
    caller, path = token("routing:write"), f"operators/{place.people['operator'].pk}/mode/"
    reason = PauseReason.objects.create(name="Lunch")
    problem(caller.post(path, {"mode": "not_responding"}), 400, "invalid")
    problem(caller.post(path, {"mode": "pause"}), 400, "invalid")
    assert problem(caller.post(path, {"mode": "offline"}), 409, "open_contacts")["count"] == 1
    asked = caller.post(path, {"mode": "pause", "reason": reason.pk, "after": True}).json()
    assert (asked["state"], asked["pause_after"], asked["reason"]["name"]) == ("busy", True, "Lunch")

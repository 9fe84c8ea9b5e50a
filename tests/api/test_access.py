"""What tokens open and hide; tests/test_access_table.py asks the same of people by their roles."""

from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Role
from cxcenter.accounts.scopes import Scope
from cxcenter.core.models import AuditEntry
from interactions.actions import cases
from routing.models import Assignment
from tests import world
from tests.api.callers import ALL, problem, session, token

# Lists and the scope that reads them.
LISTS = {
    "customers/": "customers:read",
    "profiles/": "customers:read",
    "identities/": "customers:read",
    "threads/": "interactions:read",
    "interactions/": "interactions:read",
    "cases/": "cases:read",
    "tasks/": "cases:read",
    "queues/": "routing:read",
    "work-items/": "routing:read",
    "operators/": "routing:read",
    "events/": "events:read",
    "webhooks/": "webhooks:read",
}
CARD = ("customers/", "profiles/", "identities/", "events/")


def marks(place):
    """Ids of a row of our team and of a row of the other team, by list."""
    ours, theirs = place.ours, place.theirs
    return {
        "threads/": (ours["chat"].thread_id, theirs["chat"].thread_id),
        "interactions/": (ours["chat"].pk, theirs["chat"].pk),
        "queues/": (ours["queue"].pk, theirs["queue"].pk),
        "work-items/": (ours["leg"].item_id, theirs["leg"].item_id),
        "operators/": (place.people["operator"].pk, place.people["stranger"].pk),
        "customers/": (ours["chat"].profile.customer_id, theirs["chat"].profile.customer_id),
        "profiles/": (ours["chat"].profile_id, theirs["chat"].profile_id),
        "identities/": (ours["chat"].thread.identity_id, theirs["chat"].thread.identity_id),
    }


def seen(caller, path, marks):
    """What a caller sees of a list: "-" no door, "0" no rows, "own" the rows of one team, "all" those of both."""
    answer = caller.get(path)
    if answer.status_code == 403:
        problem(answer, 403, "permission_denied")
        return "-"
    ids = caller.ids(path)
    if path not in marks:
        return "all" if ids else "0"
    ours, theirs = (mark in ids for mark in marks[path])
    return {(True, True): "all", (True, False): "own", (False, False): "0"}[ours, theirs]


def test_a_scope_opens_its_lists_and_no_other_and_shows_every_team(place):
    rows = marks(place)
    for scope in Scope.values:
        caller = token(scope)
        for path, needed in LISTS.items():
            opens = needed == scope or needed == f"{scope.removesuffix(':write')}:read"
            found = seen(caller, path, rows)
            everything = "0" if path == "webhooks/" else "all"
            assert found == (everything if opens else "-"), (scope, path)


# Writes, the scope that permits them, and a body that would do.
def writes(place):
    return {
        ("PATCH", f"customers/{place.customer.pk}/"): ("customers:write", {"version": 10_000}),
        ("POST", f"interactions/{place.chat.pk}/messages/"): (
            "interactions:write",
            {"text": "Hi", "audience": "staff"},
        ),
        ("POST", "cases/"): ("cases:write", {"subject": "Late"}),
        ("PATCH", f"cases/{place.case.pk}/"): ("cases:write", {"version": 10_000}),
        ("POST", f"cases/{place.case.pk}/interactions/"): ("cases:write", {"interaction": 0}),
        ("POST", "tasks/"): ("cases:write", {"title": "Call", "assignee": place.people["operator"].pk}),
        ("POST", f"tasks/{place.task.pk}/take/"): ("cases:write", None),
        ("POST", f"tasks/{place.task.pk}/finish/"): ("cases:write", None),
        ("POST", f"tasks/{place.task.pk}/reopen/"): ("cases:write", None),
        ("POST", f"operators/{place.people['operator'].pk}/mode/"): ("routing:write", {"mode": "available"}),
        ("POST", "events/"): ("events:write", {"events": []}),
        ("POST", "webhooks/"): ("webhooks:write", {"name": "x", "url": "http://10.0.0.1/"}),
    }


def test_a_token_writes_with_the_scope_alone(place):
    for (method, path), (scope, body) in writes(place).items():
        problem(token(*(set(ALL) - {scope})).call(method, path, body), 403, "permission_denied")
        answer = token(scope).call(method, path, body)
        assert answer.status_code in {200, 201, 400, 409}, (method, path, answer.content)


def test_rows_of_another_team_do_not_exist(place):
    for name in ("operator", "supervisor"):
        caller = session(place.people[name])
        for path, (ours, theirs) in marks(place).items():
            if path not in CARD:
                assert caller.get(f"{path}{ours}/").status_code == 200, path
                problem(caller.get(f"{path}{theirs}/"), 404, "not_found")
        chat = place.theirs["chat"]
        problem(caller.get(f"interactions/{chat.pk}/messages/"), 404, "not_found")
        problem(caller.get(f"threads/{chat.thread_id}/messages/"), 404, "not_found")
        problem(caller.post(f"interactions/{chat.pk}/messages/", {"text": "Hi"}), 404, "not_found")
        problem(caller.post(f"operators/{place.people['stranger'].pk}/mode/", {"mode": "pause"}), 404, "not_found")


def test_a_thread_shows_only_the_sessions_that_may_be_read(place):
    chat = place.chat
    world.talk.close_interaction(interaction_id=chat.pk, reason="finished")
    later = world.open_chat(place.ours["site"], "Again", thread=chat.thread)
    stranger = place.people["stranger"]
    Assignment.objects.create(item=later.visits.get(), interaction=later, operator=stranger, leg="ended")
    rows = session(stranger).rows(f"threads/{chat.thread_id}/messages/")
    assert {row["interaction"] for row in rows} == {later.pk}
    assert {row["interaction"] for row in token("interactions:read").rows(f"threads/{chat.thread_id}/messages/")} == {
        chat.pk,
        later.pk,
    }


def test_webhooks_of_another_integration_do_not_exist(place):
    other = world.make_user("other", Role.INTEGRATOR)
    made = token("webhooks:write").post("webhooks/", {"name": "x", "url": "https://1.1.1.1/"}).json()
    path = f"webhooks/{made['id']}/"
    theirs = token("webhooks:write", user=other)
    assert theirs.rows("webhooks/") == []
    for call in (theirs.get(path), theirs.patch(path, {"name": "y"}), theirs.delete(path)):
        problem(call, 404, "not_found")
    assert token("webhooks:read", user=place.people["admin"]).ids("webhooks/") == {made["id"]}


def test_a_token_of_staff_is_bound_by_role_and_scope(place):
    admin = token("customers:read", user=place.people["admin"])
    assert admin.get("customers/").status_code == 200
    problem(admin.get("cases/"), 403, "permission_denied")
    # Only roles with the right to use the API may do so by token, whatever the token says.
    problem(token(*ALL, user=place.people["supervisor"]).get("customers/"), 403, "permission_denied")


def test_contacts_are_masked_without_the_scope(place):
    plain, open_eyed = token("customers:read"), token("customers:read", "customers:contacts")
    path = f"customers/{place.customer.pk}/"

    def shown(caller):
        phone = next(i for i in caller.get(path).json()["identities"] if i["kind"] == "phone")
        listed = caller.rows(f"identities/?customer={place.customer.pk}&kind=phone")
        assert [(i["value"], i["masked"]) for i in listed] == [(phone["value"], phone["masked"])]
        return phone["value"], phone["masked"]

    assert shown(plain) == ("•••• 84", True)
    assert shown(open_eyed) == ("+79005550184", False)
    assert shown(session(place.people["marketer"])) == ("•••• 84", True)
    assert shown(session(place.people["operator"])) == ("+79005550184", False)
    says = f"interactions/{place.chat.pk}/"
    assert token("interactions:read").get(says).json()["says"] == {"name": "Anna", "contact": "•••• 84"}
    assert token("interactions:read", "customers:contacts").get(says).json()["says"]["contact"] == "+79005550184"


def test_masked_contacts_cannot_be_searched_for(place):
    plain, open_eyed = token("customers:read"), token("customers:read", "customers:contacts")
    for part in ("9005550184", "%2B79005550184", "5550184"):
        assert plain.ids(f"customers/?search={part}") == set()
        assert open_eyed.ids(f"customers/?search={part}") == {place.customer.pk}
    problem(plain.get("identities/?value=89005550184"), 403, "forbidden")
    assert len(open_eyed.rows("identities/?value=8+900+555+01+84")) == 1


def test_a_callback_of_somebody_unnamed_is_masked(place):
    task = cases.create_task(title="+79005550184", contact="+79005550184", team=place.people["operator"].team)
    row = token("cases:read").get(f"tasks/{task.pk}/").json()
    assert (row["title"], row["contact"]) == ("•••• 84", "•••• 84")


def test_who_looked_is_kept(place):
    caller = token("customers:read", "interactions:read")
    caller.get(f"customers/{place.customer.pk}/")
    caller.get(f"interactions/{place.chat.pk}/messages/")
    acts = AuditEntry.objects.filter(actor=User.objects.get(username="integrator")).order_by("pk")
    assert list(acts.values_list("act", "subject")) == [
        ("customer.view", f"customer:{place.customer.pk}"),
        ("interaction.read", f"interaction:{place.chat.pk}"),
    ]

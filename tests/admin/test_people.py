"""Pages of users and API tokens."""

import re

import pytest
from django.test import Client

from cxcenter.accounts.models import ApiToken, Team, User
from cxcenter.accounts.roles import Role
from cxcenter.core.models import AuditEntry
from routing.choices import Mode
from routing.models import CapacityProfile, GivesWay, Presence, Queue
from tests.admin.pages import act, address, save

pytestmark = pytest.mark.django_db


def test_user_is_made_with_role_queues_and_capacity(page, boss):
    queue = Queue.objects.get(name="Warranty")
    answer = save(
        page, User, username="vera", first_name="Vera", last_name="Lund", email="vera@norda.example", language="en",
        role="operator", team=Team.objects.get(name="Support").pk, password1="tall-oak-tree-7", password2="tall-oak-tree-7",
        **{"presence-0-capacity": 6, "memberships-TOTAL_FORMS": 1, "memberships-0-queue": queue.pk},
    )  # fmt: skip
    assert answer.status_code == 200
    vera = User.objects.get(username="vera")
    assert (vera.is_staff, vera.is_superuser, vera.presence.capacity) == (False, False, 6)
    assert queue.members.filter(pk=vera.pk).exists()
    Presence.objects.filter(user=vera).update(mode=Mode.AVAILABLE, state="available", load=2)
    save(page, User, vera, **{"presence-0-capacity": 3})
    vera = User.objects.get(pk=vera.pk)
    assert (vera.presence.capacity, vera.presence.load, vera.presence.mode) == (3, 2, Mode.AVAILABLE)
    assert AuditEntry.objects.filter(act="presence.capacity", subject=f"user:{vera.pk}", actor=boss).count() == 2


def test_a_profile_gives_its_numbers_to_all_who_have_it(page, boss):
    save(page, CapacityProfile, name="Second line", calls=2, capacity=2, callbacks=0)
    profile = CapacityProfile.objects.get()
    people = list(User.objects.filter(username__in=["operator3", "operator6"]))
    for user in people:
        save(page, User, user, **{"presence-0-profile": profile.pk})
    assert set(profile.presences.values_list("calls", "capacity", "callbacks")) == {(2, 2, 0)}
    save(page, CapacityProfile, profile, calls=0, capacity=3, callbacks=1)
    assert list(profile.presences.values_list("calls", "capacity", "callbacks")) == [(0, 3, 1)] * 2
    assert "Second line" in page.get("/admin/routing/capacityprofile/").content.decode()
    save(page, User, people[0], **{"presence-0-profile": "", "presence-0-capacity": 6, "presence-0-calls": 2})
    own = Presence.objects.get(user=people[0])
    assert (profile.presences.count(), own.capacity, own.calls) == (1, 6, 2)
    assert AuditEntry.objects.filter(act="capacity.profile", actor=boss).count() == 2


def test_a_rule_of_interruption_names_two_kinds(page):
    save(page, GivesWay, work="chat", to="chat")
    assert not GivesWay.objects.exists()
    save(page, GivesWay, work="chat", to="callback")
    assert GivesWay.pairs() == {("chat", "callback")}


def test_short_and_common_passwords_are_refused(page):
    for password in ("demo", "password1"):
        save(page, User, username="weak", role="operator", language="en", password1=password, password2=password)
    assert not User.objects.filter(username="weak").exists()


def test_administrators_enter_and_others_do_not(page):
    user = User.objects.get(username="operator6")
    client = Client()
    client.force_login(user)
    save(page, User, user, role=Role.ADMIN)
    assert client.get("/admin/").status_code == 200
    save(page, User, User.objects.get(pk=user.pk), role=Role.OPERATOR)
    assert client.get("/admin/").status_code == 302
    user.refresh_from_db()
    assert (user.is_staff, user.is_superuser) == (False, False)


def test_the_last_door_is_not_closed_from_inside(page, boss):
    answer = save(page, User, boss, role=Role.OPERATOR)
    assert "role" in answer.context["adminform"].form.errors
    act(page, User, "switch_off", boss, User.objects.get(username="operator9"))
    boss.refresh_from_db()
    assert boss.is_active
    assert not User.objects.get(username="operator9").is_active
    act(page, User, "switch_on", User.objects.get(username="operator9"))
    assert User.objects.get(username="operator9").is_active


def test_token_is_shown_once_and_revoked(page, client):
    integrator = User.objects.get(username="integrator")
    answer = save(page, ApiToken, user=integrator.pk, name="Dealer system", scopes=["customers:read"])
    (secret,) = set(re.findall(r"cx_[\w-]{20,}", answer.content.decode()))
    token = ApiToken.objects.get(name="Dealer system")
    assert token.digest == ApiToken.hash(secret)
    assert token.scopes == ["customers:read"]
    assert "no-store" in answer.headers["Cache-Control"]
    assert secret not in str(answer.cookies)
    for url in (
        address(ApiToken, "changelist"),
        address(ApiToken, "change", token.pk),
        address(ApiToken, "history", token.pk),
    ):
        assert secret not in page.get(url).content.decode()
    call = {"headers": {"Authorization": f"Bearer {secret}"}}
    assert client.get("/api/v1/customers/", **call).status_code == 200
    act(page, ApiToken, "revoke", token)
    assert client.get("/api/v1/customers/", **call).status_code == 401
    assert {"token.issue", "token.revoke"} <= set(AuditEntry.objects.values_list("act", flat=True))


def test_token_needs_scopes_and_a_coming_end(page):
    integrator = User.objects.get(username="integrator")
    answer = save(page, ApiToken, user=integrator.pk, name="No scopes")
    assert "scopes" in answer.context["adminform"].form.errors
    past = {"expires_at_0": "2020-01-01", "expires_at_1": "10:00"}
    answer = save(page, ApiToken, user=integrator.pk, name="Past", scopes=["customers:read"], **past)
    assert "expires_at" in answer.context["adminform"].form.errors
    assert not ApiToken.objects.exists()

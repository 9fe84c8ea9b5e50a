"""Querysets that a connection plans once: the same objects as the ORM makes, with less."""

import pytest
from django.db import NotSupportedError, connection, transaction
from django.db.models import F
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from cxcenter.accounts.models import Team, User
from cxcenter.core.planned import Given, Planned
from tests import world

pytestmark = pytest.mark.django_db

OF_TEAM = Planned(
    "test_of_team",
    lambda: (
        User.objects.filter(team_id=Given("team", "bigint"), is_active=True)
        .select_related("team")
        .annotate(letters=F("username"))
        .order_by("pk")
    ),
)
NAMED = Planned("test_named", lambda: User.objects.filter(username__among=Given("names", "text[]")).only("username"))
TEAMS = Planned("test_teams", lambda: Team.objects.order_by("pk").prefetch_related("members"))
LOCKED = Planned("test_locked", lambda: User.objects.select_for_update().filter(pk=Given("user", "bigint")))
AGED = Planned("test_aged", lambda: User.objects.filter(date_joined__lt=timezone.now()))


def test_it_gives_what_the_queryset_gives(django_assert_num_queries):
    team, other = world.make_team(), world.make_team("Other")
    people = [world.make_user(name, team=team) for name in ("ann", "bob")]
    world.make_user("cyd", team=other)
    for _again in range(2):
        with django_assert_num_queries(1):
            found = OF_TEAM.rows(team=team.pk)
            assert [one.team for one in found] == [team, team]
        assert found == people and found[0].letters == "ann"
        plain = User.objects.get(pk=people[0].pk)
        values = {field.attname: getattr(plain, field.attname) for field in User._meta.concrete_fields}
        assert {name: getattr(found[0], name) for name in values} == values
    assert OF_TEAM.first(team=other.pk).username == "cyd"
    assert OF_TEAM.rows(team=0) == [] and OF_TEAM.first(team=0) is None


def test_what_was_left_out_is_fetched_when_asked(django_assert_num_queries):
    ann = world.make_user("ann", team=world.make_team())
    (found,) = NAMED.rows(names=["ann", "nobody"])
    with django_assert_num_queries(1):
        assert found == ann and found.email == ann.email
    assert NAMED.rows(names=[]) == []


def test_what_comes_with_it_comes_for_all(django_assert_num_queries):
    Team.objects.all().delete()
    teams = [world.make_team("One"), world.make_team("Two")]
    people = [world.make_user(f"p{place}", team=team) for place, team in enumerate(teams)]
    with django_assert_num_queries(2):
        assert [list(team.members.all()) for team in TEAMS.rows()] == [[person] for person in people]


def test_nothing_found_where_one_must_be():
    with pytest.raises(User.DoesNotExist, match="test_locked"):
        LOCKED.one(user=0)


@pytest.mark.django_db(transaction=True)
def test_a_lock_needs_a_transaction():
    user = world.make_user("ann", team=world.make_team())
    with transaction.atomic():
        assert LOCKED.one(user=user.pk) == user
    with pytest.raises(TransactionManagementError):
        LOCKED.one(user=user.pk)


def test_a_moment_is_refused():
    """It would stay the moment of the first run for as long as the connection lives."""
    with pytest.raises(NotSupportedError, match="test_aged"):
        AGED.rows()


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_plans_anew():
    team = world.make_team()
    user = world.make_user("ann", team=team)
    assert OF_TEAM.rows(team=team.pk) == [user]
    connection.close()
    assert OF_TEAM.rows(team=team.pk) == [user]


@pytest.mark.django_db(transaction=True)
def test_a_rollback_forgets_no_plan():
    team = world.make_team()
    user = world.make_user("ann", team=team)
    connection.close()
    with transaction.atomic():
        assert OF_TEAM.rows(team=team.pk) == [user]
        transaction.set_rollback(True)
    assert OF_TEAM.rows(team=team.pk) == [user]

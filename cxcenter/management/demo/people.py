"""The people of the demo: teams, users, capacities."""

from typing import NamedTuple

from django.contrib.auth.hashers import make_password

from cxcenter.accounts.backends import DEMO_PASSWORD
from cxcenter.accounts.models import Team, User
from cxcenter.accounts.roles import Role
from routing.models import Presence

SUPPORT, SALES = "Support", "Sales"
CAPACITY = {Role.OPERATOR: 4, Role.SENIOR: 3, Role.SUPERVISOR: 2}


class Person(NamedTuple):
    """One demo user."""

    username: str
    first: str
    last: str
    language: str
    role: str = Role.OPERATOR
    team: str = SUPPORT


PEOPLE = (
    Person("operator1", "Anna", "Kirillova", "en"),
    Person("operator2", "Павел", "Денисов", "ru"),
    Person("operator3", "Victor", "Sand", "en"),
    Person("operator4", "Татьяна", "Орлова", "ru"),
    Person("operator5", "Elena", "Shubina", "en"),
    Person("operator6", "Марат", "Исаев", "ru"),
    Person("operator7", "Daniel", "Fomin", "en"),
    Person("operator8", "Нина", "Белова", "ru"),
    Person("operator9", "Grace", "Rudd", "en", team=SALES),
    Person("operator10", "Рустам", "Ахметов", "ru", team=SALES),
    Person("operator11", "Olga", "Tishchenko", "en", team=SALES),
    Person("operator12", "Сергей", "Юдин", "ru", team=SALES),
    Person("senior1", "Марина", "Соколова", "ru", Role.SENIOR),
    Person("supervisor", "Igor", "Lapin", "en", Role.SUPERVISOR),
    Person("quality", "Олеся", "Ким", "ru", Role.QUALITY),
    Person("marketer", "Kate", "Morris", "en", Role.MARKETER, SALES),
    Person("admin", "Alexander", "Reed", "en", Role.ADMIN),
    Person("integrator", "Norda", "Dealer system", "en", Role.INTEGRATOR),
)


def plant() -> dict[str, User]:
    """Make the missing teams and users; return all demo users by name."""
    teams = {name: Team.objects.get_or_create(name=name)[0] for name in (SUPPORT, SALES)}
    present = {user.username: user for user in User.objects.filter(username__in=[p.username for p in PEOPLE])}
    # One hash for all: making it is slow on purpose, and everybody knows the password anyway.
    password = make_password(DEMO_PASSWORD) if len(present) < len(PEOPLE) else ""
    staff = {p.username: present.get(p.username) or _make(p, teams[p.team], password) for p in PEOPLE}
    if "supervisor" not in present:
        staff["supervisor"].supervised_teams.set(teams.values())
    return staff


def _make(person: Person, team: Team, password: str) -> User:
    is_admin = person.role == Role.ADMIN
    user = User.objects.create(
        username=person.username,
        password=password,
        first_name=person.first,
        last_name=person.last,
        email=f"{person.username}@norda.example",
        role=person.role,
        team=None if person.role in {Role.ADMIN, Role.INTEGRATOR} else team,
        language=person.language,
        is_staff=is_admin,
        is_superuser=is_admin,
    )
    if person.role in CAPACITY:
        Presence.objects.create(user=user, capacity=CAPACITY[person.role])  # type: ignore[index]
    return user

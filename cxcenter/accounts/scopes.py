"""Scopes of API tokens. docs/access.md shows the same as a table, and a test compares both.

A scope is a door: who has it may knock. What stands behind the door is decided by rights, for people and
programs alike, so that `visible_to` and the acts ask one question only: `user.may(right)`. A member of staff
has the rights of his role; an integrator has none of his own, his token's scopes give them to him.
"""

from collections.abc import Iterable

from django.db import models
from django.utils.translation import gettext_lazy as _

from cxcenter.accounts.roles import Right


class Scope(models.TextChoices):
    """One door of the API. "write" includes "read"."""

    CUSTOMERS_READ = "customers:read", _("read cards, profiles and masked identities")
    CUSTOMERS_CONTACTS = "customers:contacts", _("see phones and addresses unmasked")
    CUSTOMERS_WRITE = "customers:write", _("edit cards")
    CUSTOMERS_PERSONAL = "customers:personal", _("export and erase personal data")
    INTERACTIONS_READ = "interactions:read", _("read threads, sessions and messages")
    INTERACTIONS_WRITE = "interactions:write", _("write messages and notes")
    ROUTING_READ = "routing:read", _("read queues, work items, callbacks and operators' states")
    ROUTING_WRITE = (
        "routing:write",
        _("set operators' states, say what a contact asks for, ask for callbacks and cancel them"),
    )
    IVR_READ = "ivr:read", _("ask who is calling, what it is likely about and where the call would go")
    METRICS_READ = "metrics:read", _("read metrics and the contacts behind them")
    CASES_READ = "cases:read", _("read cases and tasks")
    CASES_WRITE = "cases:write", _("register and change cases and tasks")
    EVENTS_READ = "events:read", _("read timelines")
    EVENTS_WRITE = "events:write", _("report events from outside")
    WEBHOOKS_READ = "webhooks:read", _("see own webhook subscriptions and their log")
    WEBHOOKS_WRITE = "webhooks:write", _("make, change and delete own webhook subscriptions")


# The right that opens the door.
NEEDS: dict[str, Right] = {
    Scope.CUSTOMERS_READ: Right.VIEW_CUSTOMERS,
    Scope.CUSTOMERS_CONTACTS: Right.SEE_CONTACTS,
    Scope.CUSTOMERS_WRITE: Right.EDIT_CUSTOMERS,
    Scope.CUSTOMERS_PERSONAL: Right.PERSONAL,
    Scope.INTERACTIONS_READ: Right.VIEW_CUSTOMERS,
    Scope.INTERACTIONS_WRITE: Right.VIEW_CUSTOMERS,
    Scope.ROUTING_READ: Right.VIEW_CUSTOMERS,
    Scope.ROUTING_WRITE: Right.SERVE,
    Scope.IVR_READ: Right.INTEGRATE,
    Scope.METRICS_READ: Right.REPORTS,
    Scope.CASES_READ: Right.CASES,
    Scope.CASES_WRITE: Right.CASES,
    Scope.EVENTS_READ: Right.VIEW_CUSTOMERS,
    Scope.EVENTS_WRITE: Right.INTEGRATE,
    Scope.WEBHOOKS_READ: Right.INTEGRATE,
    Scope.WEBHOOKS_WRITE: Right.INTEGRATE,
}
# What the scope gives to an integrator besides: all rows of these objects in the installation.
_GIVES: dict[str, set[Right]] = {
    Scope.CUSTOMERS_PERSONAL: {Right.VIEW_CUSTOMERS},
    Scope.INTERACTIONS_READ: {Right.READ_ALL},
    Scope.ROUTING_READ: {Right.EVERY_TEAM},
    Scope.ROUTING_WRITE: {Right.CONTROL},
    Scope.IVR_READ: {Right.VIEW_CUSTOMERS},
    Scope.METRICS_READ: {Right.EVERY_TEAM},
    Scope.CASES_READ: {Right.VIEW_CUSTOMERS},
}


def with_reading(scopes: Iterable[str]) -> frozenset[str]:
    """Return known scopes with what they include: X:write includes X:read."""
    known = set(scopes) & set(Scope.values)
    return frozenset(known | {f"{scope.removesuffix(':write')}:read" for scope in known if scope.endswith(":write")})


def rights_of(scopes: Iterable[str]) -> frozenset[str]:
    """Return the rights that scopes give to an integrator. Only the doors tell reading from writing."""
    held = with_reading(scopes)
    return frozenset({NEEDS[scope] for scope in held}.union(*(_GIVES.get(scope, set()) for scope in held)))

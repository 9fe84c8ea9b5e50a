"""Roles and what they may do. docs/access.md shows the same as a table, and a test compares both."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a member of staff is here for."""

    OPERATOR = "operator", _("operator")
    SENIOR = "senior", _("senior operator")
    SUPERVISOR = "supervisor", _("supervisor")
    QUALITY = "quality", _("quality specialist")
    MARKETER = "marketer", _("marketer")
    ADMIN = "admin", _("administrator")
    INTEGRATOR = "integrator", _("integrator")


class Right(models.TextChoices):
    """One permission. Screens, API and sockets ask for these and for nothing else."""

    SERVE = "desk.serve", _("serve customers at the desk")
    VIEW_CUSTOMERS = "customers.view", _("see cards and timelines")
    EDIT_CUSTOMERS = "customers.edit", _("edit cards and links")
    PERSONAL = "customers.personal", _("export and erase personal data")
    SEE_CONTACTS = "customers.contacts", _("see phones and addresses unmasked")
    READ_ALL = "interactions.read_all", _("read every conversation")
    TAKE_RECORDINGS = "recordings.download", _("download recordings of calls")
    CASES = "cases.work", _("work on cases and tasks")
    BOARD = "board.view", _("see the live board")
    REPORTS = "reports.view", _("see metrics and reports")
    CONTROL = "routing.control", _("move contacts, states and queues of own teams")
    EVERY_TEAM = "routing.every_team", _("reach every team, not only own ones")
    SETTINGS = "settings.edit", _("change settings")
    INTEGRATE = "integrations.manage", _("report events from outside and manage webhooks")
    API = "api.use", _("use the API with a token")


_DESK = {Right.SERVE, Right.VIEW_CUSTOMERS, Right.EDIT_CUSTOMERS, Right.SEE_CONTACTS, Right.CASES}
RIGHTS: dict[str, frozenset[str]] = {
    Role.OPERATOR: frozenset(_DESK),
    Role.SENIOR: frozenset(_DESK),
    Role.SUPERVISOR: frozenset(
        _DESK | {Right.BOARD, Right.CONTROL, Right.PERSONAL, Right.REPORTS, Right.TAKE_RECORDINGS}
    ),
    Role.QUALITY: frozenset(
        {Right.VIEW_CUSTOMERS, Right.SEE_CONTACTS, Right.READ_ALL, Right.TAKE_RECORDINGS, Right.CASES, Right.REPORTS}
    ),
    Role.MARKETER: frozenset({Right.VIEW_CUSTOMERS}),
    Role.ADMIN: frozenset(set(Right.values)),
    Role.INTEGRATOR: frozenset({Right.API}),
}

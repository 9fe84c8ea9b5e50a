"""What `manage.py check --deploy` says about accounts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.utils.module_loading import import_string

from cxcenter.accounts.backends import NoDemoPasswords


@register(Tags.security, deploy=True)
def demo_is_shut_out(**_: Any) -> list[CheckMessage]:
    """Production starts without demo data, and its sign-in refuses demo passwords."""
    problems: list[CheckMessage] = []
    if settings.DEMO != "off":
        problems.append(Error("DEMO must be off in production.", hint="Unset DEMO.", id="accounts.E001"))
    if not all(issubclass(import_string(name), NoDemoPasswords) for name in settings.AUTHENTICATION_BACKENDS):
        problems.append(
            Error(
                "AUTHENTICATION_BACKENDS lets demo passwords in.",
                hint="Use cxcenter.accounts.backends.NoDemoPasswords or a subclass of it.",
                id="accounts.E002",
            )
        )
    return problems

"""`manage.py issue_token`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from cxcenter.accounts.models import ApiToken
from cxcenter.core.models import AuditEntry
from tests.api.callers import Caller


def issue(*arguments):
    out = StringIO()
    call_command("issue_token", *arguments, stdout=out)
    return out.getvalue().strip()


def test_a_token_is_printed_and_works(place):
    caller = Caller(token=issue("integrator", "--name", "CRM", "--scopes", "cases:read, events:write", "--days", "30"))
    assert caller.get("cases/").status_code == 200
    assert caller.get("events/").status_code == 200
    assert caller.get("customers/").status_code == 403
    row = ApiToken.objects.get(name="CRM")
    assert (row.expires_at - row.created_at).days in {29, 30}
    assert AuditEntry.objects.filter(act="token.issue", subject=f"token:{row.pk}").exists()
    assert (
        ApiToken.objects.get(
            digest=ApiToken.hash(issue("integrator", "--name", "x", "--scopes", "cases:read", "--days", "0"))
        ).expires_at
        is None
    )


@pytest.mark.parametrize(
    ("user", "scopes", "words"),
    [
        ("nobody", "cases:read", "no active user"),
        ("operator", "cases:read", "only integrators"),
        ("integrator", "cases:red", "unknown scope cases:red"),
        ("integrator", "", "Choose what the token may do"),
    ],
)
def test_a_mistake_is_told_in_one_line(place, user, scopes, words):
    with pytest.raises(CommandError, match=words):
        issue(user, "--name", "x", "--scopes", scopes)
    assert not ApiToken.objects.exists()


def test_days_that_have_passed_are_refused(place):
    with pytest.raises(CommandError):
        issue("integrator", "--name", "x", "--scopes", "cases:read", "--days", "-1")

"""`manage.py issue_token USER --name NAME --scopes A,B`: an API token for a program, shown once."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from cxcenter.accounts.actions import issue_token
from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Right
from cxcenter.accounts.scopes import Scope
from cxcenter.core.errors import CxError


class Command(BaseCommand):
    """Make a token and print its secret, and nothing else, so that a script can take it."""

    help = "Make an API token and print it. It is shown this once. Scopes: " + ", ".join(Scope.values)

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whose it is, what it may do, and how long."""
        parser.add_argument("user", help="the account in whose name the program acts")
        parser.add_argument("--name", required=True, help="what it is for")
        parser.add_argument("--scopes", required=True, help="what it may do, with commas between")
        parser.add_argument("--days", type=int, default=365, help="how long it lasts (365); 0: without end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it. Raises CommandError for an unknown user or scope, and for one who may not use the API."""
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"there is no active user {options['user']}")
        if not user.may(Right.API):
            raise CommandError(
                f"{user.username} is {user.get_role_display()}: only integrators and administrators have tokens"
            )
        scopes = [word.strip() for word in options["scopes"].split(",") if word.strip()]
        unknown = sorted(set(scopes) - set(Scope.values))
        if unknown:
            raise CommandError(f"unknown scope {unknown[0]}; there are: {', '.join(Scope.values)}")
        end = timezone.now() + timedelta(days=options["days"]) if options["days"] else None
        try:
            _token, secret = issue_token(user=user, name=options["name"], scopes=scopes, expires_at=end, actor=user)
        except CxError as error:
            raise CommandError(str(error.message)) from None
        self.stdout.write(secret)

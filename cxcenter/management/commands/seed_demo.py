"""`manage.py seed_demo`: the demo installation, which `make run` plants at the first start."""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cxcenter.management import demo


class Command(BaseCommand):
    """Plant the demo data; what is there already stays as it is."""

    help = "Make the demo users, queues, texts and history. A second run changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --force."""
        parser.add_argument("--force", action="store_true", help="also in production, where its users cannot sign in")

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse production, else plant and say how long it took."""
        if settings.PRODUCTION and not options["force"]:
            raise CommandError("demo data does not belong into production; --force makes it all the same")
        began = time.monotonic()
        made = demo.plant()
        what = "Demo data made" if made else "Demo data was there"
        self.stdout.write(f"{what} ({time.monotonic() - began:.1f} s).")

"""`manage.py up`: the whole product with one command."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from cxcenter.management.launch.launcher import Launcher
from cxcenter.management.launch.processes import LaunchError


class Command(BaseCommand):
    """Starts databases, web, workers and beat, and keeps them running until Ctrl-C."""

    help = "Run everything: databases, web, workers, beat and the demo shop, until Ctrl-C."
    # A broken installation is told in one line by the step that meets it.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped; end with one line and code 1 if something cannot be started."""
        try:
            Launcher(sys.stdout).run()
        except (LaunchError, OSError) as error:
            sys.exit(f"cxcenter: {error}")

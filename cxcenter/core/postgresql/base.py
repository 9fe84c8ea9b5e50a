"""The database backend of the product: Django's own, cheaper where every request and every message pass."""

import select
from collections.abc import Callable
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Looks at the line before it asks the server, and knows which statements the connection has planned.

    What several hooks of one commit leave to do can be done once, after the last of them (`after_hooks`).
    """

    prepared: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin without hooks that run."""
        super().__init__(*args, **kwargs)
        self._hooks_run = 0
        self._left: list[Callable[[], None]] = []

    def after_hooks(self, act: Callable[[], None]) -> None:
        """Do an act when the hooks of the commit have run, those of their own commits included; at once outside of them."""
        if not self._hooks_run:
            act()
        elif act not in self._left:
            self._left.append(act)

    def run_and_clear_commit_hooks(self) -> None:
        """Run what waited for the commit, and then what that has left."""
        self._hooks_run += 1
        try:
            super().run_and_clear_commit_hooks()
        finally:
            self._hooks_run -= 1
            if not self._hooks_run:
                left, self._left = self._left, []
                for act in left:
                    act()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open a connection; nothing is prepared on it yet (core/statements.py, core/planned.py)."""
        self.prepared = {}
        return super().get_new_connection(conn_params)

    def is_usable(self) -> bool:
        """Tell whether the connection can be used, at the start of each request (CONN_HEALTH_CHECKS).

        A server that has ended, or has cut us off, has closed its end of the line: there is something to read though
        nothing was asked. Only then it is asked, and after errors; a question at each request would cost more than
        many a request.
        """
        if self.connection is None or self.connection.closed:
            return False
        if self.errors_occurred:
            return super().is_usable()
        line = select.poll()
        line.register(self.connection.fileno(), select.POLLIN)
        return not line.poll(0) or super().is_usable()

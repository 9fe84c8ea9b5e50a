"""The database backend of the product: Django's own, cheaper where every request and every message pass."""

import select
from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Looks at the line before it asks the server, and knows which statements the connection has planned."""

    prepared: set[str]

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Open a connection; nothing is prepared on it yet (core/statements.py)."""
        self.prepared = set()
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

"""Sessions of the sign-in in the database: Django's own, whose row is read at every request and every socket."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from cxcenter.core.planned import Given, Planned

SESSION = Planned(
    "session",
    lambda: Session.objects.filter(session_key=Given("key", "text"), expire_date__gt=Given("now", "timestamptz")),
)


class SessionStore(db.SessionStore):
    """Reads its row by a query that is planned once."""

    def _get_session_from_db(self) -> Session | None:
        found = SESSION.first(key=self.session_key, now=timezone.now())
        if found is None:
            self._session_key = None
        return found

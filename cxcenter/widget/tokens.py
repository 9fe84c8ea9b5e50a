"""Who a visitor is: our own signed token, and the users that a site signs itself.

The token lives in the frame's storage and travels in a header or as a socket's first message, never in an
address. It is signed, not secret: it holds only what its owner may know of himself.
"""

import time
import uuid
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import jwt
from django.core import signing
from django.utils.translation import gettext as _

from customers.models import Identity
from cxcenter.core.errors import CxError, Forbidden
from interactions.models import Site, Thread

RENEW_S = 60 * 60
LIFE_S = {Identity.Kind.VISITOR.value: 30 * 24 * 60 * 60, Identity.Kind.EXTERNAL.value: 12 * 60 * 60}
# A site signs a user for one page, not for a day.
USER_LIFE_S = 300
LEEWAY_S = 10
TICKET_S = 120
_signer = signing.Signer(salt="cxcenter.widget.visitor")
_tickets = signing.TimestampSigner(salt="cxcenter.widget.ticket")


class BadToken(CxError):
    """The token is missing, forged, too old or another site's: the page starts a new session."""

    status = 401
    code = "bad_token"


@dataclass(frozen=True)
class Visitor:
    """What a token says: the site, the identity, and the thread (0 until the first message)."""

    site: int
    kind: str
    value: str
    thread: int = 0
    # Of a signed user: {"name", "email", "phone"}, as far as the site gave them.
    about: dict[str, str] = field(default_factory=dict)
    issued: int = 0
    # The call link that this browser has opened; such a visitor is of that link alone.
    link: int = 0

    @property
    def is_signed(self) -> bool:
        """Tell whether the site has vouched for him."""
        return self.kind == Identity.Kind.EXTERNAL

    def in_thread(self, thread_id: int) -> "Visitor":
        """Return the same visitor who now has a thread."""
        return replace(self, thread=thread_id)


def stranger(site: Site) -> Visitor:
    """Return a visitor nobody has seen before."""
    return Visitor(site=site.pk, kind=Identity.Kind.VISITOR, value=uuid.uuid4().hex)


def issue(visitor: Visitor) -> str:
    """Return a fresh token of the visitor."""
    return _signer.sign_object({**asdict(visitor), "issued": int(time.time())})


def read(token: str) -> Visitor:
    """Return the visitor of a token. Raises BadToken."""
    try:
        visitor = Visitor(**_signer.unsign_object(token))
    except (signing.BadSignature, TypeError, ValueError):
        raise BadToken(_("Open the chat again.")) from None
    if time.time() - visitor.issued > LIFE_S[visitor.kind]:
        raise BadToken(_("Open the chat again."))
    return visitor


def refuse_erased(thread: Thread) -> None:
    """Raise BadToken if a thread's customer was erased: the page begins anew, as a stranger's."""
    if thread.profile.customer.erased_at is not None:
        raise BadToken(_("Open the chat again."))


def ticket(visitor: Visitor) -> str:
    """Return what the page of calls is opened with: it holds for two minutes, and says who the visitor is."""
    return _tickets.sign_object(asdict(visitor))


def of_ticket(said: str) -> Visitor | None:
    """Return the visitor of a ticket; None for one that is forged or too old: he calls as a stranger."""
    try:
        return Visitor(**_tickets.unsign_object(said, max_age=TICKET_S))
    except (signing.BadSignature, TypeError, ValueError):
        return None


def is_due(visitor: Visitor) -> bool:
    """Tell whether the token is old enough to be renewed."""
    return time.time() - visitor.issued > RENEW_S


def signed_user(site: Site, user_jwt: str) -> Visitor:
    """Return the visitor whom the site itself has signed (JWT, HS256, five minutes at most).

    Raises Forbidden with the reason, in words for the site's developer.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            user_jwt, site.user_secret, algorithms=["HS256"], options={"require": ["exp", "sub"]}, leeway=LEEWAY_S
        )
    except jwt.InvalidTokenError as error:
        raise Forbidden(_("The signed user is refused: %(why)s.") % {"why": error}, code="bad_user") from None
    if claims["exp"] > time.time() + USER_LIFE_S + LEEWAY_S:
        raise Forbidden(_("The signed user is refused: it may live for five minutes at most."), code="bad_user")
    sub = claims["sub"]
    if not isinstance(sub, str) or not 0 < len(sub.strip()) <= 120:
        raise Forbidden(_("The signed user is refused: sub must have 1 to 120 characters."), code="bad_user")
    about = {key: str(claims[key])[:120] for key in ("name", "email", "phone") if claims.get(key)}
    return Visitor(site=site.pk, kind=Identity.Kind.EXTERNAL, value=f"{site.key}:{sub.strip()}", about=about)

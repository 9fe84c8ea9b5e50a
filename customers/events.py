"""Facts about customers."""

from dataclasses import dataclass
from typing import ClassVar

from cxcenter.core.events import Payload


@dataclass(frozen=True, kw_only=True)
class CustomerCreated(Payload):
    """A first contact made a new golden record."""

    topic: ClassVar[str] = "customer.created"
    customer: int


@dataclass(frozen=True, kw_only=True)
class CustomerEdited(Payload):
    """Golden fields changed; names of the fields only."""

    topic: ClassVar[str] = "customer.edited"
    customer: int
    fields: list[str]


@dataclass(frozen=True, kw_only=True)
class CustomerUpdated(Payload):
    """Golden fields have other values than before, whatever the cause; names of the fields only."""

    topic: ClassVar[str] = "customer.updated"
    customer: int
    fields: list[str]


@dataclass(frozen=True, kw_only=True)
class ConsentGiven(Payload):
    """A consent was given or withdrawn for an identity."""

    topic: ClassVar[str] = "customer.consent"
    identity: int
    purpose: str
    granted: bool
    channel: str = ""


@dataclass(frozen=True, kw_only=True)
class IdentityChanged(Payload):
    """An identity of a customer was changed by hand.

    `change` is "linked", "unlinked", "verified", "unverified", "primary" or "secondary"; `other` is the customer it
    was moved from or to.
    """

    topic: ClassVar[str] = "customer.identity"
    customer: int
    identity: int
    kind: str
    change: str
    other: int | None = None


@dataclass(frozen=True, kw_only=True)
class MembershipChanged(Payload):
    """A person joined a company ("joined"), left it ("left"), or has another role in it ("role").

    Both have the fact on their timelines: `of` tells whose it is, "company" or "person".
    """

    topic: ClassVar[str] = "customer.member"
    company: int
    person: int
    membership: int
    change: str
    of: str


@dataclass(frozen=True, kw_only=True)
class NoteAdded(Payload):
    """A colleague wrote a note of a customer. Its words stay in its row: they are for staff alone."""

    topic: ClassVar[str] = "customer.note"
    customer: int
    note: int


@dataclass(frozen=True, kw_only=True)
class NoteChanged(Payload):
    """A note was changed, taken back, or put back: what shows it shows it anew."""

    topic: ClassVar[str] = "note.changed"
    public: ClassVar[bool] = False
    note: int


@dataclass(frozen=True, kw_only=True)
class SiteEvent(Payload):
    """Something the site reported from the visitor's browser: a page view or an event of its own.

    `origin` is always "browser": anybody can forge it, so nothing may be decided by it alone.
    """

    topic: ClassVar[str] = "site.event"
    type: str
    origin: str
    data: dict[str, object]


@dataclass(frozen=True, kw_only=True)
class OutsideEvent(Payload):
    """Something another system reported: a purchase, a visit to an office. `source` is its account's name here."""

    topic: ClassVar[str] = "outside.event"
    type: str
    source: str
    data: dict[str, object]


@dataclass(frozen=True, kw_only=True)
class CustomersMerged(Payload):
    """Two golden records became one: `absorbed` leads to `customer` from now on."""

    topic: ClassVar[str] = "customer.merged"
    customer: int
    absorbed: int
    merge: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class CustomersUnmerged(Payload):
    """A merge was taken back: `absorbed` stands for himself again."""

    topic: ClassVar[str] = "customer.unmerged"
    customer: int
    absorbed: int
    merge: int


@dataclass(frozen=True, kw_only=True)
class CustomersImported(Payload):
    """A file of customers was imported: the one word about all its rows. `counts`: outcome → how many."""

    topic: ClassVar[str] = "customer.imported"
    run: int
    source: str
    counts: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class KeptApart(Payload):
    """Somebody decided that two customers are not the same person, or took that back."""

    topic: ClassVar[str] = "customer.apart"
    customer: int
    other: int
    apart: bool


@dataclass(frozen=True, kw_only=True)
class CustomerErased(Payload):
    """A customer was erased, with those whom he had absorbed: who keeps his data has to erase it, too."""

    topic: ClassVar[str] = "customer.erased"
    customer: int
    absorbed: list[int]


@dataclass(frozen=True, kw_only=True)
class ProfileSaid(Payload):
    """A source has said something of a profile that can be compared: he may be somebody we know."""

    topic: ClassVar[str] = "profile.said"
    public: ClassVar[bool] = False
    profile: int

"""Business customers of the demo, the people who speak for them, and what some owners permit."""

from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from customers.actions.records import project_many
from customers.choices import IdentityKind, Purpose
from customers.events import ConsentGiven, MembershipChanged
from customers.models import Comparable, Consent, Customer, Membership, Profile, ProfileIdentity, SourceRecord
from cxcenter.accounts.models import User
from cxcenter.management.demo.customers import DEALERS_SYSTEM, Person
from cxcenter.management.demo.record import Book


class Firm(NamedTuple):
    """A company: its people are (place among the owners, role)."""

    name: str
    city: str
    people: tuple[tuple[int, str], ...]


class Said(NamedTuple):
    """What an owner said: his place among the owners, days ago, the words."""

    owner: int
    days: int
    purpose: str
    channel: str
    granted: bool
    words: str


FIRMS = (
    Firm("Oakline Logistics LLC", "Moscow", ((2, "Head of the fleet"), (5, "Accountant"), (8, "Driver"))),
    Firm("ООО «Северный путь»", "Тверь", ((3, "Начальник гаража"), (4, "Бухгалтер"))),
    Firm("Bluebird Taxi", "Kazan", ((11, "Owner"), (14, "Dispatcher"))),
)
ADS, NEWS, DATA = Purpose.MARKETING, Purpose.SERVICE, Purpose.PERSONAL_DATA
FORM_EN, FORM_RU = "Signed form of the dealer, taken with the contract", "Анкета дилера, подписана вместе с договором"
SAID = (
    Said(0, 200, DATA, "", True, FORM_RU),
    Said(0, 200, ADS, "email", True, FORM_RU),
    Said(0, 12, ADS, "email", False, "«Не присылайте мне больше рекламу»"),
    Said(1, 190, ADS, "sms", True, FORM_RU),
    Said(2, 180, ADS, "", True, FORM_EN),
    Said(3, 170, NEWS, "sms", True, FORM_RU),
    Said(4, 160, ADS, "voice", False, "«Не звоните с предложениями, пишите»"),
    Said(5, 150, ADS, "email", True, FORM_EN),
    Said(5, 40, ADS, "sms", False, "“No messages on my phone, please”"),
    Said(6, 140, Purpose.SURVEYS, "", True, FORM_RU),
    Said(7, 130, ADS, "email", True, FORM_RU),
    Said(8, 120, DATA, "", True, FORM_EN),
    Said(9, 110, NEWS, "email", True, FORM_RU),
    Said(10, 100, ADS, "email", True, FORM_RU),
    Said(11, 90, Purpose.RECORDING, "voice", False, "“Please do not record our calls”"),
)


def plant(book: Book, people: list[Person], by: User, now: datetime) -> None:
    """Write companies with their people, and consents with their proofs; `by` has noted them."""
    _write_firms(book, people, now)
    _write_consents(book, people, by, now)


def _write_firms(book: Book, people: list[Person], now: datetime) -> None:
    since = [now - timedelta(days=400 - 30 * place) for place in range(len(FIRMS))]
    customers = Customer.objects.bulk_create([Customer(created_at=at) for at in since])
    profiles = Profile.objects.bulk_create(
        [Profile(customer=row, home=row, source=DEALERS_SYSTEM, created_at=row.created_at) for row in customers]
    )
    fields = [{"kind": "company", "name": firm.name, "city": firm.city} for firm in FIRMS]
    SourceRecord.objects.bulk_create(
        [
            SourceRecord(
                profile=profile,
                source=DEALERS_SYSTEM,
                external_id=f"FIRM-{place + 1}",
                fields=fields[place],
                raw=fields[place],
                at=profile.created_at,
            )
            for place, profile in enumerate(profiles)
        ]
    )
    project_many([row.pk for row in customers])
    Comparable.objects.bulk_create([Comparable(profile=profile) for profile in profiles])
    members = Membership.objects.bulk_create(
        [
            Membership(
                company=company,
                person=people[owner].profile,
                role=role,
                source=DEALERS_SYSTEM,
                since=company.created_at + timedelta(days=10 + owner),
            )
            for company, firm in zip(profiles, FIRMS, strict=True)
            for owner, role in firm.people
        ]
    )
    for member in members:
        for of, profile in (("company", member.company), ("person", member.person)):
            fact = partial(
                MembershipChanged,
                company=member.company.customer_id,
                person=member.person.customer_id,
                membership=member.pk,
                change="joined",
                of=of,
            )
            book.fact(member.since, profile, fact)


def _write_consents(book: Book, people: list[Person], by: User, now: datetime) -> None:
    owners = {people[said.owner].profile.pk for said in SAID}
    reached = {
        (link.profile_id, link.identity.kind): link.identity_id
        for link in ProfileIdentity.objects.filter(profile__in=owners).select_related("identity")
    }
    consents = []
    for said in SAID:
        profile, at = people[said.owner].profile, now - timedelta(days=said.days)
        kind = IdentityKind.PHONE if said.channel in {"sms", "voice"} else IdentityKind.EMAIL
        identity = reached[profile.pk, kind]
        consents.append(
            Consent(
                identity_id=identity,
                profile=profile,
                profiles=[profile.pk],
                purpose=said.purpose,
                channel=said.channel,
                granted=said.granted,
                proof={"words": said.words, "user": by.pk},
                at=at,
            )
        )
        fact = partial(
            ConsentGiven, identity=identity, purpose=said.purpose, granted=said.granted, channel=said.channel
        )
        book.fact(at, profile, fact, by)
    Consent.objects.bulk_create(consents)

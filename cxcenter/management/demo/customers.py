"""Customers of the demo: two hundred owners from the dealers' system, and strangers of the site."""

import random
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from customers.actions.records import project_many
from customers.models import Comparable, Customer, CustomField, Identity, Profile, ProfileIdentity, SourceRecord
from customers.projection import complete
from cxcenter.management.demo import names

OWNERS, STRANGERS, DOUBLES = 200, 24, 16
DEALERS_SYSTEM, LOYALTY, SITE, DEALER = "dms", "loyalty", "webchat", "dealer"


class Person(NamedTuple):
    """A customer as the talks need him."""

    profile: Profile
    visitor: Identity
    language: str
    first_name: str
    says: dict[str, str]
    car: str
    dealer: str


class Words(NamedTuple):
    """What a source says of an owner, and when."""

    at: datetime
    fields: dict[str, Any]


class Sketch(NamedTuple):
    """What is made up of a person before any row is written."""

    name: str
    first_name: str
    email: str
    phone: str
    language: str
    city: str
    company: str
    birthday: date
    car: str
    dealer: str
    since: datetime


def plant(chance: random.Random, now: datetime) -> list[Person]:
    """Write all customers with profiles, identities and source records; return them, owners first."""
    CustomField.objects.bulk_create(
        [
            CustomField(code="car", label="Car", label_ru="Автомобиль", place=1),
            CustomField(code="dealer", label="Dealer", label_ru="Дилер", place=2),
        ]
    )
    sketches = [_sketch(number, chance, now) for number in range(OWNERS)]
    owners = _write_owners(sketches, chance)
    _write_doubles(sketches, now)
    # The background compares them all: some become one by themselves, some wait for a person.
    profiles = Profile.objects.filter(records__isnull=False).distinct()
    Comparable.objects.bulk_create([Comparable(profile=profile) for profile in profiles.order_by("pk")])
    return owners + _write_strangers(chance, now)


def _sketch(number: int, chance: random.Random, now: datetime) -> Sketch:
    is_russian = number % 3 != 2
    if is_russian:
        given = names.GIVEN_RU[number % len(names.GIVEN_RU)]
        masculine, feminine, latin = names.SURNAMES_RU[number % len(names.SURNAMES_RU)]
        first, last, mailbox = given.name, feminine if given.is_female else masculine, f"{given.latin}.{latin}"
        city = chance.choice(names.CITIES_RU)
    else:
        first = names.GIVEN_EN[number % len(names.GIVEN_EN)]
        last = names.SURNAMES_EN[number % len(names.SURNAMES_EN)]
        mailbox, city = f"{first}.{last}".lower(), chance.choice(names.CITIES_EN)
    return Sketch(
        name=f"{first} {last}",
        first_name=first,
        email=f"{mailbox}.{number + 1}@example.com",
        phone=f"+7900555{(number * 37 + 184) % 10_000:04}",
        language="ru" if is_russian else "en",
        city=city,
        company=chance.choice(names.COMPANIES) if number % 13 == 3 else "",
        birthday=date(chance.randint(1956, 2003), chance.randint(1, 12), chance.randint(1, 28)),
        car=chance.choice(names.CARS),
        dealer=chance.choice(names.DEALERS),
        since=now - timedelta(days=chance.randint(100, 1500), minutes=chance.randint(0, 1439)),
    )


def _write_owners(sketches: list[Sketch], chance: random.Random) -> list[Person]:
    said = [_said(number, sketch) for number, sketch in enumerate(sketches)]
    customers = Customer.objects.bulk_create([Customer(created_at=sketch.since) for sketch in sketches])
    profiles = _profiles(customers, said)
    SourceRecord.objects.bulk_create(
        [
            SourceRecord(
                profile=profiles[number, source],
                source=source,
                external_id=f"{source.upper()}-{10_001 + number}",
                fields=complete(record.fields),
                raw=record.fields,
                at=record.at,
            )
            for number, records in enumerate(said)
            for source, record in records.items()
        ]
    )
    project_many([customer.pk for customer in customers])
    visitors = _link(sketches, profiles, chance)
    return [
        Person(
            profile=profiles[number, DEALERS_SYSTEM],
            visitor=visitors[number],
            language=sketch.language,
            first_name=sketch.first_name,
            says={"name": sketch.first_name, "contact": sketch.phone if number % 2 else sketch.email},
            car=sketch.car,
            dealer=sketch.dealer,
        )
        for number, sketch in enumerate(sketches)
    ]


def _said(number: int, sketch: Sketch) -> dict[str, Words]:
    """Return what each source says of an owner; every third is in the loyalty programme as well."""
    records = {
        DEALERS_SYSTEM: Words(
            at=sketch.since,
            fields={
                "name": sketch.name,
                "company": sketch.company,
                "city": sketch.city,
                "language": sketch.language,
                "birthday": sketch.birthday.isoformat(),
                "custom.car": f"{sketch.car}, {sketch.since.year}",
                "custom.dealer": sketch.dealer,
            },
        )
    }
    if number % 3 == 1:
        # A newer record of another city: sources differ, and the card shows it.
        cities = names.CITIES_RU if sketch.language == "ru" else names.CITIES_EN
        fields = {"name": sketch.name, "city": cities[number % len(cities)]}
        records[LOYALTY] = Words(at=sketch.since + timedelta(days=30), fields=fields)
    return records


def _profiles(customers: list[Customer], said: list[dict[str, Words]]) -> dict[tuple[int, str], Profile]:
    rows = {
        (number, source): Profile(
            customer=customers[number], home=customers[number], source=source, created_at=record.at
        )
        for number, records in enumerate(said)
        for source, record in records.items()
    }
    Profile.objects.bulk_create(rows.values())
    return rows


def _link(sketches: list[Sketch], profiles: dict[tuple[int, str], Profile], chance: random.Random) -> list[Identity]:
    """Give everybody a phone, an address and the browser he writes from; return the browsers."""
    identities: list[Identity] = []
    links: list[ProfileIdentity] = []

    def link(profile: Profile, kind: str, value: str, source: str, *, primary: bool = False) -> Identity:
        identity = Identity(kind=kind, value=value, created_at=profile.created_at)
        identities.append(identity)
        links.append(
            ProfileIdentity(
                profile=profile,
                identity=identity,
                verified=True,
                primary=primary,
                source=source,
                since=profile.created_at,
            )
        )
        return identity

    visitors = []
    for number, sketch in enumerate(sketches):
        owner = profiles[number, DEALERS_SYSTEM]
        link(owner, Identity.Kind.PHONE, sketch.phone, DEALERS_SYSTEM, primary=True)
        link(owner, Identity.Kind.EMAIL, sketch.email, DEALERS_SYSTEM, primary=True)
        visitors.append(link(owner, Identity.Kind.VISITOR, f"{chance.getrandbits(128):032x}", SITE))
        if (number, LOYALTY) in profiles:
            link(profiles[number, LOYALTY], Identity.Kind.CARD, f"2204{number:012}", LOYALTY, primary=True)
    Identity.objects.bulk_create(identities)
    ProfileIdentity.objects.bulk_create(links)
    return visitors


def _write_doubles(sketches: list[Sketch], now: datetime) -> None:
    """Write what a dealer noted on paper of owners we know: with a name, a birthday, a city or a phone that differs."""
    for place, number in enumerate(range(3, OWNERS, OWNERS // DOUBLES)):
        sketch = sketches[number]
        fields, phone = _noted(place, sketch)
        customer = Customer.objects.create(created_at=now - timedelta(days=place + 1))
        profile = Profile.objects.create(
            customer=customer, home=customer, source=DEALER, created_at=customer.created_at
        )
        SourceRecord.objects.create(
            profile=profile,
            source=DEALER,
            external_id=f"{DEALER.upper()}-{place + 1}",
            fields=complete(fields),
            raw=fields,
            at=customer.created_at,
        )
        if phone:
            identity, _made = Identity.objects.get_or_create(kind=Identity.Kind.PHONE, value=phone)
            ProfileIdentity.objects.create(profile=profile, identity=identity, source=DEALER, since=customer.created_at)
    project_many(Profile.objects.filter(source=DEALER).values_list("customer_id", flat=True))


def _noted(place: int, sketch: Sketch) -> tuple[dict[str, Any], str]:
    """Return the fields of a note of one of four kinds, and the phone in it."""
    said = {"name": sketch.name, "birthday": sketch.birthday.isoformat(), "city": sketch.city}
    first, last = sketch.name.split(" ", 1)
    kinds: tuple[tuple[dict[str, Any], str], ...] = (
        ({**said, "name": f"{last} {first[:1]}."}, sketch.phone),
        ({"name": sketch.name, "city": sketch.city}, ""),
        ({**said, "birthday": (sketch.birthday + timedelta(days=1)).isoformat(), "city": ""}, ""),
        ({"name": first, "city": sketch.city}, sketch.phone),
    )
    return kinds[place % len(kinds)]


def _write_strangers(chance: random.Random, now: datetime) -> list[Person]:
    """Write visitors of whom only the browser is known: what they typed is theirs to say."""
    people = []
    for number in range(STRANGERS):
        since = now - timedelta(days=chance.randint(91, 120))
        customer = Customer.objects.create(created_at=since, updated_at=since)
        profile = Profile.objects.create(customer=customer, home=customer, source=SITE, created_at=since)
        visitor = Identity.objects.create(kind="visitor", value=f"{chance.getrandbits(128):032x}", created_at=since)
        ProfileIdentity.objects.create(
            profile=profile, identity=visitor, verified=True, primary=True, source=SITE, since=since
        )
        is_russian = number % 2 == 0
        given = chance.choice(names.GIVEN_RU).name if is_russian else chance.choice(names.GIVEN_EN)
        phone = f"+7911555{number:04}" if number % 3 else ""
        people.append(
            Person(
                profile=profile,
                visitor=visitor,
                language="ru" if is_russian else "en",
                first_name=given,
                says={"name": given, "contact": phone} if phone else {"name": given},
                car=chance.choice(names.CARS),
                dealer=chance.choice(names.DEALERS),
            )
        )
    return people

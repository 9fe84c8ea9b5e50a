"""Consents: for whom a word counts wherever its identity goes; words that come late, with records, and twice."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from customers import actions
from customers.actions import OutsideRecord, Reach, StatedConsent
from customers.models import Consent, Customer, Identity, Merge, Profile, ProfileIdentity
from customers.queries import consents_of, permits, standing_for
from cxcenter.core.errors import Conflict, Invalid, NotFound
from cxcenter.core.models import Event
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)
PHONE, OTHER = "+79160000001", "+79160000002"


@pytest.fixture
def alice():
    return world.make_user("alice")


def put(number: str, *values: str, days: int = 0, verified: bool = False, **more) -> str:
    """Put a record with phones and addresses; returns what became of it."""
    reaches = [
        Reach(kind="email" if "@" in value else "phone", value=value, verified=verified) for value in sorted(values)
    ]
    said = OutsideRecord(
        source="crm", external_id=number, fields={"name": number}, reaches=reaches, at=day(days), **more
    )
    return actions.put_record(said=said)[1]


# Once: the same day has to be the same moment each time.
NOW = timezone.now().replace(microsecond=0)


def day(number: int):
    """A day of last year."""
    return NOW - timedelta(days=365 - number)


def customer_of(number: str) -> Customer:
    return Customer.objects.get(profiles__records__external_id=number)


def identity_of(value: str) -> Identity:
    return actions.find_identity(kind="email" if "@" in value else "phone", value=value)


def say(number: str, value: str, alice, *, granted: bool, channel: str = "sms", **more) -> Consent:
    return actions.record_consent_by_hand(
        customer=customer_of(number),
        identity_id=identity_of(value).pk,
        purpose="marketing",
        channel=channel,
        granted=granted,
        words="Said so",
        actor=alice,
        **more,
    )


def may(number: str, channel: str = "sms") -> bool | None:
    return permits(customer_of(number).pk, purpose="marketing", channel=channel)


# --- Where the identity goes ---


def test_a_withdrawal_stays_when_the_source_drops_the_phone(alice):
    put("A", PHONE, OTHER)
    say("A", OTHER, alice, granted=True)
    say("A", PHONE, alice, granted=False)
    put("A", OTHER, days=1)
    assert may("A") is False
    # Of the identity that he has lost he can permit it again, and of none that was never his.
    say("A", PHONE, alice, granted=True)
    assert may("A") is True
    put("B", "b@example.com")
    with pytest.raises(NotFound):
        say("A", "b@example.com", alice, granted=True)


def test_a_withdrawal_stays_when_a_person_unlinks_or_moves_the_phone(alice):
    for number in "ABC":
        put(number, PHONE if number < "C" else OTHER)
    say("A", PHONE, alice, granted=False)
    actions.unlink_identity(customer=customer_of("A"), identity=identity_of(PHONE), actor=alice)
    actions.move_identity(identity=identity_of(PHONE), to=customer_of("C"), actor=alice)
    # Who of the family has said it nobody knows, and the new owner's phone has said it.
    assert (may("A"), may("B"), may("C")) == (False, False, False)
    say("C", PHONE, alice, granted=True)
    assert (may("A"), may("B"), may("C")) == (False, False, True)
    actions.move_identity(identity=identity_of(PHONE), to=customer_of("A"), actor=alice)
    assert may("A") is False, "what another has permitted takes nothing back"


def test_a_new_owner_inherits_no_grant_and_the_old_one_permits_nothing_by_a_phone_he_has_lost(alice):
    put("A", PHONE)
    put("B", OTHER)
    say("A", PHONE, alice, granted=True)
    actions.move_identity(identity=identity_of(PHONE), to=customer_of("B"), actor=alice)
    assert (may("A"), may("B")) == (None, None)


def test_a_link_that_is_taken_back_leaves_no_withdrawal_of_a_stranger(alice):
    put("A", PHONE)
    put("B", OTHER)
    say("A", PHONE, alice, granted=False)
    link = actions.add_identity(
        customer=customer_of("B"), identity=identity_of(PHONE), verified=False, shared=True, actor=alice
    )
    assert may("B") is False
    actions.take_link_back(link_id=link.pk, actor=alice)
    assert may("B") is None


# --- Any sequence ---


class Paper:
    """What was said, kept on paper: (number of the record, value, channel, granted, when, who had the identity)."""

    def __init__(self) -> None:
        self.words: list[tuple] = []

    def note(self, number, value, channel, granted, at) -> None:
        profiles = ProfileIdentity.objects.filter(identity__value=value).values_list("profile", flat=True)
        had = {name_of(pk) for pk in profiles} | {number}
        self.words.append((number, value, channel, granted, at, had))

    def check(self, numbers: list[str]) -> None:
        roots = standing_for(Profile.objects.values_list("home_id", flat=True))
        home = {name: roots[Profile.objects.get(records__external_id=name).home_id] for name in numbers}
        for name in numbers:
            same = {other for other in numbers if home[other] == home[name]}
            held = {
                *ProfileIdentity.objects.filter(profile__customer=home[name]).values_list("identity__value", flat=True)
            }
            for channel in ("sms", "email"):
                found = permits(home[name], purpose="marketing", channel=channel)
                words = [word for word in self.words if word[2] in {"", channel}]
                self.nothing_lost(found, same, words)
                if found:
                    grants = [word for word in words if word[3] and word[0] in same and word[1] in held]
                    assert grants, "nobody permits for another"

    @staticmethod
    def nothing_lost(found, same, words) -> None:
        for _number, value, channel, granted, at, had in words:
            if granted or not had & same:
                continue
            later = [one for one in words if one[3] and one[0] in same and one[1:3] == (value, channel) and one[4] > at]
            assert later or found is False


def name_of(profile_id: int) -> str:
    return Profile.objects.get(pk=profile_id).records.exclude(external_id="").get().external_id


def move_about(chance, customer: Customer, identity: Identity, other: Customer, alice) -> None:
    """Whatever may become of an identity and its owners."""
    act = chance.choice(["link", "move", "unlink", "again", "merge", "unmerge"])
    if act == "link":
        actions.add_identity(customer=customer, identity=identity, verified=False, shared=True, actor=alice)
    elif act == "move":
        actions.move_identity(identity=identity, to=customer, actor=alice)
    elif act == "unlink":
        actions.unlink_identity(customer=customer, identity=identity, actor=alice)
    elif act == "again" and (taken := identity.unlinkings.first()):
        actions.link_again(unlinking_id=taken.pk, actor=alice)
    elif act == "merge":
        actions.merge_customers(survivor=customer.pk, others=[other.pk])
    elif act == "unmerge" and (standing := list(Merge.objects.standing().order_by("pk"))):
        actions.unmerge(merge_id=chance.choice(standing).pk)


@pytest.mark.parametrize("seed", range(25))
def test_no_sequence_of_links_words_and_merges_loses_a_withdrawal(alice, seed):
    chance = random.Random(seed)
    numbers = ["A", "B", "C", "D"]
    values = [PHONE, OTHER, "a@example.com", "b@example.com"]
    paper, minutes = Paper(), random.Random(seed).sample(range(10_000), 60)
    for number in numbers:
        put(number, *chance.sample(values, 2), verified=chance.random() < 0.3)
    for turn in range(40):
        number, value = chance.choice(numbers), chance.choice(values)
        try:
            if chance.random() < 0.5:
                channel, granted = chance.choice(["sms", "email", ""]), chance.random() < 0.5
                # Some words come late.
                at = timezone.now() - timedelta(minutes=minutes.pop()) if chance.random() < 0.3 else None
                made = say(number, value, alice, granted=granted, channel=channel, at=at)
                paper.note(name_of(made.profile_id), value, channel, granted, made.at)
            elif chance.random() < 0.2:
                put(number, *chance.sample(values, chance.randrange(1, 4)), days=turn + 1)
            else:
                move_about(chance, customer_of(number), identity_of(value), customer_of(chance.choice(numbers)), alice)
        except (NotFound, Conflict):
            continue
        paper.check(numbers)
    assert len(paper.words) > 5


# --- When it was said ---


def test_a_late_word_sorts_by_its_own_time_and_the_same_one_is_kept_once(alice):
    put("A", PHONE)
    say("A", PHONE, alice, granted=True, at=day(10))
    say("A", PHONE, alice, granted=False, at=day(5))
    assert may("A") is True
    for _time in range(2):
        say("A", PHONE, alice, granted=False, at=day(10))
    assert may("A") is False, "at one time a withdrawal is the newer"
    assert Consent.objects.count() == 3
    assert sorted(Event.objects.filter(kind="customer.consent").values_list("at", flat=True)) == sorted(
        Consent.objects.values_list("at", flat=True)
    )
    before = timezone.now()
    assert before <= say("A", PHONE, alice, granted=True, at=before + timedelta(days=1)).at <= timezone.now()


# --- What records state ---


def stated(*, granted: bool, channel: str = "sms", **more) -> list[StatedConsent]:
    return [StatedConsent(purpose="marketing", channel=channel, granted=granted, **more)]


def test_a_record_brings_consents_and_the_same_record_changes_nothing():
    yes = stated(granted=True)
    assert put("A", PHONE, "a@example.com", consents=yes) == "created"
    assert put("A", PHONE, "a@example.com", consents=yes) == "unchanged"
    word = Consent.objects.get()
    assert (word.identity.value, word.at, word.granted) == (PHONE, day(0), True)
    assert word.proof == {"source": "crm", "record": "A"}
    assert may("A") is True and may("A", "email") is None
    assert put("A", PHONE, "a@example.com", consents=stated(granted=False), days=1) == "changed"
    assert may("A") is False
    assert Event.objects.filter(kind="customer.consent").count() == 2


def test_a_flag_that_still_stands_lifts_no_withdrawal(alice):
    put("A", PHONE, consents=stated(granted=True))
    say("A", PHONE, alice, granted=False, at=day(5))
    put("A", PHONE, OTHER, consents=stated(granted=True), days=9)
    assert may("A") is False
    # It is a new word as soon as the record has said something else.
    put("A", PHONE, OTHER, consents=stated(granted=False), days=10)
    put("A", PHONE, OTHER, consents=stated(granted=True), days=11)
    assert may("A") is True


def test_a_late_record_loses_no_withdrawal_and_permits_nothing():
    put("A", PHONE, consents=stated(granted=False), days=9)
    assert put("A", PHONE, consents=stated(granted=True), days=5) == "late"
    assert may("A") is False and Consent.objects.count() == 1
    put("B", OTHER, days=9)
    for _time in range(2):
        assert put("B", OTHER, consents=stated(granted=False), days=5) == "late"
    assert may("B") is False and Consent.objects.count() == 2


def test_words_with_times_of_their_own_come_in_any_order():
    words = [*stated(granted=True, at=day(2), words="Form 12"), *stated(granted=False, at=day(3))]
    put("A", PHONE, consents=words[1:], days=9)
    assert put("A", PHONE, consents=words, days=1) == "late"
    assert may("A") is False
    assert put("A", PHONE, consents=[*words, *stated(granted=True, at=day(4))], days=9) == "changed"
    assert may("A") is True
    assert [one.proof.get("said") for one in Consent.objects.order_by("at")] == ["Form 12", None, None]


def test_a_word_for_every_channel_or_for_one_that_reaches_him_by_nothing_is_for_all_his_identities():
    put("A", PHONE, "a@example.com", consents=[*stated(granted=False, channel=""), *stated(granted=True, channel="vk")])
    assert Consent.objects.filter(channel="").count() == Consent.objects.filter(channel="vk").count() == 2
    # It is told once.
    assert Event.objects.filter(kind="customer.consent").count() == 2
    (word, _other) = consents_of(customer_of("A").pk)
    assert (word["channel"], word["granted"]) == ("", False)


def test_a_consent_of_nobody_or_of_no_time_is_refused():
    for reaches, at in (((), day(1)), ((Reach(kind="phone", value=PHONE),), None)):
        said = OutsideRecord(source="crm", external_id="A", reaches=reaches, at=at, consents=stated(granted=True))
        with pytest.raises(Invalid) as refused:
            actions.put_record(said=said)
        assert refused.value.detail["field"] == "consents"
    assert not Profile.objects.exists() and not Consent.objects.exists()

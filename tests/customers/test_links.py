"""Identities by hand: linked, taken off, moved, marked; each act taken back as if it had not been."""

from functools import partial

import pytest

from customers import actions
from customers.models import Customer, Identity, JunkValue, Profile, ProfileIdentity, Unlinking
from customers.queries import resolve
from cxcenter.core.errors import Conflict, Invalid, NotFound
from cxcenter.core.models import AuditEntry, Event
from interactions.actions import talk
from interactions.models import Interaction
from tests import world
from tests.interactions.test_talk import together

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = "+79161234567"


@pytest.fixture
def alice():
    return world.make_user("alice")


def somebody(name: str) -> Customer:
    return actions.create_profile(source="shop", fields={"name": name}).customer


@pytest.fixture
def kate():
    return somebody("Kate Orlova")


@pytest.fixture
def oleg():
    return somebody("Oleg Berg")


@pytest.fixture
def phone():
    return actions.find_identity(kind="phone", value=PHONE)


def links(customer: Customer | None = None) -> list[tuple]:
    rows = ProfileIdentity.objects.all()
    rows = rows.filter(profile__customer=customer) if customer else rows
    return sorted(rows.values_list("profile_id", "identity_id", "verified", "primary", "source", "since"))


def from_dms(*identities: tuple[str, str], number: str = "A-1", **fields) -> str:
    reaches = [actions.Reach(kind=kind, value=value, verified=True) for kind, value in identities]
    said = actions.OutsideRecord(source="dms", external_id=number, fields=fields, reaches=reaches)
    return actions.put_record(said=said)[1]


# --- Typed ---


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("phone", "8 (916) 123-45-67", PHONE),
        ("telegram", "@KVorontsova", "kvorontsova"),
        ("telegram", "https://t.me/kvorontsova", "kvorontsova"),
        ("vk", "vk.com/id48120553/", "id48120553"),
        ("card", "2204 1234 5678 6071", "2204123456786071"),
        ("email", " Kate@Example.COM ", "kate@example.com"),
    ],
)
def test_what_is_typed_has_one_spelling(kind, value, kept):
    assert actions.typed_identity(kind=kind, value=value).value == kept


@pytest.mark.parametrize(
    ("kind", "value", "field", "code"),
    [
        ("phone", "12", "value", "invalid"),
        ("email", "kate", "value", "invalid"),
        ("telegram", " @ ", "value", "invalid"),
        ("fax", "1", "kind", "invalid"),
        # Machines make these: nobody types one.
        ("visitor", "9f31", "kind", "invalid"),
        ("account", "x" * 255, "value", "invalid"),
        ("phone", "+7 999 999-99-99", "value", "junk"),
        ("card", "none", "value", "junk"),
    ],
)
def test_what_cannot_be_one_and_junk_are_refused_with_the_reason(kind, value, field, code):
    JunkValue.objects.get_or_create(kind="", pattern="none")
    with pytest.raises(Invalid) as refused:
        actions.typed_identity(kind=kind, value=value)
    assert (refused.value.detail["field"], refused.value.code) == (field, code)
    assert not Identity.objects.exists()


# --- Linked ---


def test_a_link_by_hand_is_kept_told_and_taken_back(kate, phone, alice):
    link = actions.add_identity(customer=kate, identity=phone, verified=True, actor=alice)
    assert (link.source, link.verified, link.primary) == ("operator", True, True)
    assert resolve(kind="phone", value=PHONE).customers == [kate.pk]
    fact = Event.objects.get(kind="customer.identity")
    assert fact.payload == {
        "customer": kate.pk, "identity": phone.pk, "kind": "phone", "change": "linked", "other": None
    }  # fmt: skip
    assert (fact.profile_id, fact.actor_id) == (kate.profiles.get().pk, alice.pk)
    with pytest.raises(Conflict) as refused:
        actions.add_identity(customer=kate, identity=phone, verified=True, actor=alice)
    assert refused.value.code == "linked"
    actions.take_link_back(link_id=link.pk, actor=alice)
    actions.take_link_back(link_id=link.pk, actor=alice)
    # As if it had never been: a source may bring it.
    assert not ProfileIdentity.objects.exists() and not Unlinking.objects.exists()
    acts = AuditEntry.objects.order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["identity.link", "identity.link.undo"]


def test_the_second_of_a_kind_is_not_the_main_one(kate, phone, alice):
    actions.add_identity(customer=kate, identity=phone, verified=True, actor=alice)
    other = actions.find_identity(kind="phone", value="+79161234568")
    assert not actions.add_identity(customer=kate, identity=other, verified=False, actor=alice).primary


def test_what_others_have_is_linked_only_when_that_is_said(kate, oleg, phone, alice):
    actions.add_identity(customer=kate, identity=phone, verified=True, actor=alice)
    with pytest.raises(Conflict) as refused:
        actions.add_identity(customer=oleg, identity=phone, verified=True, actor=alice)
    assert (refused.value.code, refused.value.detail["customers"]) == ("shared", [kate.pk])
    assert f"Kate Orlova (C-{kate.pk})" in str(refused.value.message)
    actions.add_identity(customer=oleg, identity=phone, verified=True, actor=alice, shared=True)
    assert resolve(kind="phone", value=PHONE).status == "ambiguous"


def test_two_who_link_at_once_see_each_other(kate, oleg, phone, alice):
    add = partial(actions.add_identity, identity=phone, verified=True, actor=alice)
    results = together([partial(add, customer=kate), partial(add, customer=oleg)])
    assert sorted(type(one).__name__ for one in results) == ["Conflict", "ProfileIdentity"]


# --- Taken off ---


def test_taken_off_all_profiles_and_put_back_as_it_was(kate, oleg, phone, alice):
    for customer, source in ((kate, "shop"), (oleg, "crm")):
        profile = customer.profiles.get()
        actions.link_identity(profile=profile, identity=phone, source=source, verified=source == "crm", primary=True)
    actions.merge_customers(survivor=kate.pk, others=[oleg.pk])
    before = links()
    assert len(before) == 2
    taken = actions.unlink_identity(customer=kate, identity=phone, actor=alice)
    assert links() == [] and Unlinking.objects.count() == 2
    with pytest.raises(NotFound):
        actions.unlink_identity(customer=kate, identity=phone, actor=alice)
    actions.link_again(unlinking_id=taken.pk, actor=alice)
    actions.link_again(unlinking_id=taken.pk, actor=alice)
    assert links() == before and not Unlinking.objects.exists()
    told = Event.objects.filter(kind="customer.identity").order_by("pk")
    assert [event.payload["change"] for event in told] == ["unlinked", "linked"]


def test_what_a_person_took_off_no_source_links_again(kate, alice):
    assert from_dms(("phone", PHONE), name="Kate") == "created"
    customer = Customer.objects.latest("pk")
    phone = Identity.objects.get()
    taken = actions.unlink_identity(customer=customer, identity=phone, actor=alice)
    assert from_dms(("phone", PHONE), name="Kate") == "unchanged"
    assert from_dms(("phone", PHONE), name="Katya") == "changed"
    assert links() == []
    # Nor does it lead the record to whoever has it now.
    actions.add_identity(customer=kate, identity=phone, verified=True, actor=alice)
    assert from_dms(("phone", PHONE), name="Katerina") == "changed"
    assert Profile.objects.get(source="dms").customer_id == customer.pk
    # By hand it may be linked all the same, and the undo gives it back to the sources.
    actions.unlink_identity(customer=kate, identity=phone, actor=alice)
    actions.link_again(unlinking_id=taken.pk, actor=alice)
    assert [row[4] for row in links(customer)] == ["dms"]


def test_an_unmerge_leaves_each_with_what_was_taken_off_him(kate, oleg, phone, alice):
    actions.link_identity(profile=oleg.profiles.get(), identity=phone, source="crm", verified=True)
    before = links()
    (made,) = actions.merge_customers(survivor=kate.pk, others=[oleg.pk])
    taken = actions.unlink_identity(customer=kate, identity=phone, actor=alice)
    actions.unmerge(merge_id=made.pk)
    assert links(oleg) == []
    actions.link_again(unlinking_id=taken.pk, actor=alice)
    assert links(oleg) == before
    assert Event.objects.filter(kind="customer.identity").latest("pk").profile_id == oleg.profiles.get().pk


def test_who_is_compared_is_compared_by_what_he_has(kate, phone, alice):
    profile = kate.profiles.get()
    actions.add_identity(customer=kate, identity=phone, verified=True, actor=alice)
    assert profile.comparable.person["phones"] == [PHONE]
    actions.unlink_identity(customer=kate, identity=phone, actor=alice)
    profile = Profile.objects.get(pk=profile.pk)
    assert "phones" not in profile.comparable.person


# --- Moved ---


def test_moved_to_another_and_back(kate, oleg, phone, alice):
    actions.link_identity(profile=kate.profiles.get(), identity=phone, source="crm", verified=True, primary=True)
    before = links()
    link, taken = actions.move_identity(identity=phone, to=oleg, off=kate, actor=alice)
    assert resolve(kind="phone", value=PHONE).customers == [oleg.pk]
    facts = Event.objects.filter(kind="customer.identity").order_by("pk")
    told = [(event.payload["customer"], event.payload["change"], event.payload["other"]) for event in facts]
    assert told == [(kate.pk, "unlinked", oleg.pk), (oleg.pk, "linked", kate.pk)]
    actions.take_link_back(link_id=link.pk, actor=alice)
    actions.link_again(unlinking_id=taken[0].pk, actor=alice)
    assert links() == before


def test_moved_from_all_who_have_it(kate, oleg, phone, alice):
    anna = somebody("Anna")
    for customer in (kate, oleg):
        actions.link_identity(profile=customer.profiles.get(), identity=phone, source="crm", verified=False)
    before = links()
    link, taken = actions.move_identity(identity=phone, to=anna, actor=alice, verified=True)
    assert link.verified and len(taken) == 2 and [row[0] for row in links()] == [anna.profiles.get().pk]
    actions.take_link_back(link_id=link.pk, actor=alice)
    for row in taken:
        actions.link_again(unlinking_id=row.pk, actor=alice)
    assert links() == before
    with pytest.raises(NotFound):
        actions.move_identity(identity=phone, to=kate, off=anna, actor=alice)


def test_moved_to_who_has_it_is_only_taken_off(kate, oleg, phone, alice):
    for customer in (kate, oleg):
        actions.link_identity(profile=customer.profiles.get(), identity=phone, source="crm", verified=False)
    link, taken = actions.move_identity(identity=phone, to=oleg, off=kate, actor=alice)
    assert link is None and len(taken) == 1 and len(links()) == 1


# --- Marked ---


def test_verified_and_main_by_hand(kate, phone, alice):
    other = actions.find_identity(kind="phone", value="+79161234568")
    for identity in (phone, other):
        actions.add_identity(customer=kate, identity=identity, verified=False, actor=alice)
    assert resolve(kind="phone", value=PHONE).status == "ambiguous"
    assert actions.verify_identity(customer=kate, identity=phone, verified=True, actor=alice)
    assert not actions.verify_identity(customer=kate, identity=phone, verified=True, actor=alice)
    assert resolve(kind="phone", value=PHONE).status == "found"
    assert actions.prefer_identity(customer=kate, identity=other, primary=True, actor=alice) == phone
    assert ProfileIdentity.objects.get(primary=True).identity == other
    assert actions.prefer_identity(customer=kate, identity=other, primary=False, actor=alice) is None
    assert not ProfileIdentity.objects.filter(primary=True).exists()
    told = Event.objects.filter(kind="customer.identity").order_by("pk").values_list("payload__change", flat=True)
    assert list(told)[2:] == ["verified", "primary", "secondary"]
    with pytest.raises(NotFound):
        actions.verify_identity(customer=somebody("Anna"), identity=phone, verified=True, actor=alice)


# --- Talks ---


@pytest.fixture
def chat(alice):
    return world.open_chat(world.make_site(world.make_queue(members=(alice,))), "Hello")


def again(chat: Interaction) -> Interaction:
    talk.close_interaction(interaction_id=chat.pk, reason="finished")
    return talk.open_interaction(thread=chat.thread)[0]


def test_replies_go_to_the_identity_that_wrote_whoever_has_it(chat, kate, alice):
    """Whatever is done to the identity: the answer takes the thread in which the customer wrote."""
    visitor, owner = chat.thread.identity, chat.profile.customer
    actions.move_identity(identity=visitor, to=kate, off=owner, actor=alice)
    actions.unlink_identity(customer=kate, identity=visitor, actor=alice)
    message = world.reply(chat, alice, "Good day")
    assert message.thread.identity == visitor and message.interaction == chat
    # The session stays on the card that it was on, until a person takes it off.
    chat.refresh_from_db()
    assert chat.profile.customer == owner


def test_who_writes_again_is_on_the_card_his_identity_leads_to_now(chat, kate, alice):
    visitor, owner = chat.thread.identity, chat.profile.customer
    actions.move_identity(identity=visitor, to=kate, off=owner, actor=alice)
    second = again(chat)
    assert second.profile.customer == kate and second.thread_id == chat.thread_id


def test_who_was_taken_off_and_writes_again_is_somebody_new(chat, alice):
    owner = chat.profile.customer
    actions.unlink_identity(customer=owner, identity=chat.thread.identity, actor=alice)
    second = again(chat)
    assert second.profile.customer not in {owner, None}
    assert again(second).profile == second.profile


def test_who_was_taken_off_and_is_shared_by_others_waits_for_a_choice(chat, kate, oleg, alice):
    visitor = chat.thread.identity
    actions.unlink_identity(customer=chat.profile.customer, identity=visitor, actor=alice)
    for customer in (kate, oleg):
        actions.add_identity(customer=customer, identity=visitor, verified=True, actor=alice, shared=True)
    assert again(chat).profile is None

"""The golden record at the desk: why a value stands, another one chosen, two cards merged and taken apart again."""

import html
import re

import pytest
from django.test import Client
from django.urls import reverse

from customers import actions
from customers.models import (
    Apart,
    Customer,
    CustomField,
    Likeness,
    MatchingRules,
    Merge,
    Profile,
    SourceRecord,
    SurvivorshipRule,
)
from customers.queries import apart_from
from cxcenter.accounts.models import User
from cxcenter.accounts.roles import Role
from cxcenter.core.models import AuditEntry
from cxcenter.desk import merges
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client():
    signed_in = Client()
    signed_in.force_login(world.make_user("alice"))
    return signed_in


@pytest.fixture
def kate():
    customer = actions.create_profile(source="shop", fields={"name": "Kate Orlova", "city": "Tula"}).customer
    actions.add_record(profile=customer.profiles.get(), source="crm", fields={"name": "Katya"}, verified=True)
    return Customer.objects.get(pk=customer.pk)


def address(name: str, *args: object) -> str:
    return reverse(f"desk:{name}", args=args)


def test_why_shows_the_rule_and_every_source(client, kate):
    page = client.get(address("why", kate.pk, "name")).content.decode()
    rows = re.findall(r'<tr (class="win")?><td>(.*?)</td><td>(\w+)', page)
    assert [(bool(win), value, source) for win, value, source in rows] == [
        (True, "Katya", "crm"),
        (False, "Kate Orlova", "shop"),
    ]
    assert "Rule: verified first, then the newest." in page and page.count("Choose") == 1
    SurvivorshipRule.objects.create(group="name", first="complete", second="")
    assert "Rule: the most complete." in client.get(address("why", kate.pk, "name")).content.decode()
    assert client.get(address("why", kate.pk, "shoe_size")).status_code == 404


def test_one_click_pins_another_and_one_gives_the_word_back(client, kate):
    shop = SourceRecord.objects.get(source="shop")
    pin = {"field": "name", "record": shop.pk, "version": kate.version}
    assert client.post(address("pin", kate.pk), pin).status_code == 204
    assert Customer.objects.get().name == "Kate Orlova"
    assert "Chosen by hand." in client.get(address("why", kate.pk, "name")).content.decode()
    # Somebody else looks at the card as it was.
    refused = client.post(address("pin", kate.pk), pin)
    assert (refused.status_code, refused.json()["code"]) == (409, "stale")
    version = Customer.objects.get().version
    client.post(address("pin", kate.pk), {"field": "name", "record": "", "version": version})
    assert Customer.objects.get().name == "Katya"
    assert AuditEntry.objects.filter(act="customer.edit").count() == 2


def test_a_value_of_somebody_else_cannot_be_chosen(client, kate):
    stranger = actions.create_profile(source="shop", fields={"name": "Oleg"})
    pin = {"field": "name", "record": stranger.records.get().pk, "version": kate.version}
    assert client.post(address("pin", kate.pk), pin).status_code == 404
    assert client.post(address("pin", kate.pk), {**pin, "field": "shoe_size"}).status_code == 400


def test_fields_of_the_house_are_checked_by_their_kind(client, kate):
    CustomField.objects.create(code="visits", label="Visits", kind="number")
    CustomField.objects.create(code="tariff", label="Tariff", kind="choice", options=["Gold", "Silver"])
    refused = client.post(address("edit-customer", kate.pk), {"custom.visits": "many"})
    assert (refused.status_code, refused.json()["field"]) == (400, "custom.visits")
    refused = client.post(address("edit-customer", kate.pk), {"custom.tariff": "Copper"})
    assert "Gold, Silver" in refused.json()["message"]
    said = {"custom.visits": "1 200,5", "custom.tariff": "Gold"}
    saved = client.post(address("edit-customer", kate.pk), said).json()
    assert saved["shown"]["custom.visits"] == {"value": "1200.5", "shown": "1200.5"}
    assert Customer.objects.get().custom == {"visits": 1200.5, "tariff": "Gold"}
    page = client.get(address("customer", kate.pk)).content.decode()
    assert 'data-edit="custom.tariff"' in page and 'data-options="Gold|Silver"' in page


def test_an_edit_of_one_part_keeps_the_others(client, kate):
    client.post(address("edit-customer", kate.pk), {"name": "Orlova Ekaterina Andreevna"})
    card = Customer.objects.get()
    assert (card.last_name, card.first_name, card.middle_name) == ("Orlova", "Ekaterina", "Andreevna")
    client.post(address("edit-customer", kate.pk), {"last_name": "Weber"})
    card = Customer.objects.get()
    assert card.name == "Ekaterina Andreevna Weber"
    client.post(address("edit-customer", kate.pk), {"street": "Lenina 5"})
    card = Customer.objects.get()
    assert (card.city, card.street) == ("Tula", "Lenina 5")
    # An emptied edit gives the word back, and the answer says what stands now.
    saved = client.post(address("edit-customer", kate.pk), {"name": ""}).json()
    assert saved["shown"]["name"]["shown"] == "Katya"


def test_two_cards_are_compared_merged_and_taken_apart(client, kate):
    oleg = actions.create_profile(source="shop", fields={"name": "Oleg", "city": "Tver"}).customer
    page = client.get(address("compare", kate.pk, oleg.pk)).content.decode()
    assert page.count('class="differs"') == 2
    answer = client.post(address("merge", kate.pk), {"other": oleg.pk}).json()
    assert answer["undo"] == [address("unmerge", Merge.objects.get().pk)]
    moved = client.get(address("customer", oleg.pk))
    assert (moved.status_code, moved["Location"]) == (302, address("customer", kate.pk))
    shown = client.get(address("customer", kate.pk)).content.decode()
    assert "2 profiles in one record" in shown and answer["undo"][0] in shown
    # What is done to the old number is done to whom it leads to.
    client.post(address("edit-customer", oleg.pk), {"about": "Two in one"})
    assert Customer.objects.get(pk=kate.pk).about == "Two in one"
    assert client.post(answer["undo"][0]).status_code == 204
    assert client.post(answer["undo"][0]).json()["code"] == "undone"
    assert client.get(address("customer", oleg.pk)).status_code == 200


def test_not_the_same_person_is_remembered_and_taken_back(client, kate):
    oleg = actions.create_profile(source="shop", fields={"name": "Oleg"}).customer
    undo = client.post(address("keep-apart", kate.pk), {"other": oleg.pk}).json()["undo"]
    refused = client.post(address("merge", kate.pk), {"other": oleg.pk})
    assert (refused.status_code, refused.json()["code"]) == (409, "apart")
    client.post(undo[0])
    assert not Apart.objects.exists()
    assert client.post(address("merge", kate.pk), {"other": oleg.pk}).status_code == 200


def section(page: str, title: str) -> str:
    """The panel of a card that has a heading; "" if there is none."""
    return next((one for one in page.split("<section")[1:] if title in one.partition("</h2>")[0]), "")


APART = "Not the same person as"


def test_who_is_kept_apart_stands_on_both_cards_with_who_decided_it(client, kate):
    oleg = actions.create_profile(source="shop", fields={"name": "Oleg"}).customer
    assert not section(client.get(address("customer", kate.pk)).content.decode(), APART)
    client.post(address("keep-apart", kate.pk), {"other": oleg.pk})
    kept = Apart.objects.get()
    Apart.objects.update(at="2026-05-03T10:00Z")
    for one, other in ((kate, oleg), (oleg, kate)):
        shown = section(client.get(address("customer", one.pk)).content.decode(), APART)
        assert f'href="{address("customer", other.pk)}"' in shown and other.name in shown and other.number in shown
        assert "Alice" in shown and "3 May 2026" in shown
        # The button takes it back, and its undo decides it again.
        assert f'data-post="{address("join-again", kept.pk)}"' in shown
        assert f'data-undo-url="{address("keep-apart", one.pk)}" data-undo="other={other.pk}"' in shown
    # Who may not change cards reads it.
    reader = Client()
    reader.force_login(world.make_user("mark", Role.MARKETER))
    shown = section(reader.get(address("customer", kate.pk)).content.decode(), APART)
    assert "Oleg" in shown and "<button" not in shown
    assert client.post(address("join-again", kept.pk)).status_code == 204
    assert not section(client.get(address("customer", kate.pk)).content.decode(), APART)
    assert AuditEntry.objects.filter(act="customer.apart.undo").exists()


def test_a_decision_is_one_line_whichever_profiles_keep_it(client, kate, django_assert_num_queries):
    oleg = actions.create_profile(source="shop", fields={"name": "Oleg"}).customer
    vera, nina = (actions.create_profile(source="shop", fields={"name": name}).customer for name in ("Vera", "Nina"))
    actions.merge_customers(survivor=kate.pk, others=[vera.pk])
    actions.merge_customers(survivor=oleg.pk, others=[nina.pk])
    alice, bob = User.objects.get(username="alice"), world.make_user("bob")
    pairs = [sorted([one.pk, other.pk]) for one in kate.profiles.all() for other in oleg.profiles.all()]
    Apart.objects.bulk_create(Apart(one_id=low, other_id=high, actor=alice) for low, high in pairs)
    Apart.objects.filter(one=pairs[0][0], other=pairs[0][1]).update(at="2027-05-03T10:00Z", actor=bob)
    # Two of one customer whom somebody has joined all the same are nobody else.
    low, high = sorted(kate.profiles.values_list("pk", flat=True))
    Apart.objects.create(one_id=low, other_id=high, actor=alice)
    last = actions.create_profile(source="shop", fields={"name": "Last"}).customer
    actions.keep_apart(one=last.pk, other=kate.pk, actor=alice)
    with django_assert_num_queries(2):
        kept = apart_from(kate)
        assert [(one.other, one.decision.actor.username) for one in kept] == [(oleg, "bob"), (last, "alice")]
    assert [one.other for one in apart_from(oleg)] == [kate]
    assert [one.other for one in apart_from(kate, other=last)] == [last] and not apart_from(oleg, other=last)
    assert section(client.get(address("customer", kate.pk)).content.decode(), APART).count("Take back") == 2


def test_the_comparison_of_two_who_are_kept_apart_says_so_instead_of_merging_them(client, kate):
    oleg = actions.create_profile(source="shop", fields={"name": "Oleg", "city": "Tver"}).customer
    client.post(address("keep-apart", kate.pk), {"other": oleg.pk})
    Apart.objects.update(at="2026-05-03T10:00Z")
    for one, other in ((kate, oleg), (oleg, kate)):
        page = client.get(address("compare", one.pk, other.pk)).content.decode()
        assert "Not the same person: Alice decided so on 3 May 2026." in page
        assert f'data-post="{address("join-again", Apart.objects.get().pk)}"' in page
        assert "pick." not in page and 'type="submit"' not in page and address("keep-apart", one.pk) in page
        assert page.count('class="differs"') == page.count(">differs<") == 2
    client.post(address("join-again", Apart.objects.get().pk))
    page = client.get(address("compare", kate.pk, oleg.pk)).content.decode()
    assert "decided so" not in page and 'type="submit"' in page and "pick.city" in page


# --- Which merges made a card, and why ---

MERGED = "Merged into this record"


def test_why_records_were_joined_can_be_read(client, kate):
    alice = User.objects.get(username="alice")
    names = ("By Hand", "By Phone", "By Score", "Of Old")
    hand, phone, score, old = (actions.create_profile(source="shop", fields={"name": name}) for name in names)
    identity = actions.find_identity(kind="phone", value="+79005550184")
    evidence = [["last", "exact", 8.13], ["birthday", "slip", 6.0], ["city", "differs", -2.0], ["household", "", -0.5]]
    for profile, reason, detail in (
        (phone, "identity", {"identity": identity.pk}),
        (score, "match", {"probability": 0.97, "evidence": evidence}),
        (old, "identity", {}),
    ):
        actions.merge_customers(survivor=kate.pk, others=[profile.customer_id], reason=reason, detail=detail)
    actions.merge_customers(survivor=kate.pk, others=[hand.customer_id], actor=alice)
    lines = section(client.get(address("customer", kate.pk)).content.decode(), MERGED).split("<li ")[1:]
    by_hand, of_old, by_score, by_phone = lines
    assert "By Hand" in by_hand and "by hand, Alice" in by_hand
    assert "By Phone" in by_phone and "by a verified identity ·" in by_phone and ">phone +79005550184<" in by_phone
    assert "Of Old" in of_old and "by a verified identity ·" in of_old and "phone" not in of_old
    assert re.search(r'<summary.*by comparison <b class="num">97 %</b>', by_score)
    told = re.findall(r'<span class="(for|against) num">\s*(\S+)</span> ([^<]+)<', by_score)
    assert told == [
        ("for", "+8.1", "last name: the same"),
        ("for", "+6.0", "birthday: one digit or two exchanged"),
        ("against", "-2.0", "city: different"),
        ("against", "-0.5", "relatives are alike in this"),
    ]
    # Who may not see contacts reads that it was a phone, and its end.
    reader = Client()
    reader.force_login(world.make_user("mark", Role.MARKETER))
    shown = section(reader.get(address("customer", kate.pk)).content.decode(), MERGED)
    assert "phone •••• 84" in shown and "555" not in shown and address("unmerge", 1)[:12] not in shown


def test_merges_that_lie_deeper_say_into_whom_and_are_undone_on_the_same_card(client, kate):
    names = ("Anna", "Boris", "Clara", "Dora")
    anna, boris, clara, dora = (actions.create_profile(source="shop", fields={"name": name}).customer for name in names)
    for survivor, absorbed in ((boris, clara), (anna, boris), (kate, anna), (kate, dora)):
        actions.merge_customers(survivor=survivor.pk, others=[absorbed.pk])

    def undone_by(customer: Customer) -> list[int]:
        shown = section(client.get(address("customer", customer.pk)).content.decode(), MERGED)
        return [int(pk) for pk in re.findall(r"/desk/merges/(\d+)/undo/", shown)]

    made = {one.absorbed_id: one.pk for one in Merge.objects.all()}
    assert undone_by(kate) == sorted(made.values(), reverse=True)
    shown = section(client.get(address("customer", kate.pk)).content.decode(), MERGED)
    assert re.findall(r"into \w+, (C-\d+)", shown) == [anna.number, boris.number]
    # Boris goes out of the middle, and takes along who was his.
    assert client.post(address("unmerge", made[boris.pk])).status_code == 204
    assert undone_by(kate) == [made[dora.pk], made[anna.pk]] and undone_by(boris) == [made[clara.pk]]
    assert client.get(address("customer", clara.pk))["Location"] == address("customer", boris.pk)


def test_merges_of_a_card_are_three_queries_and_have_an_end(client, kate, django_assert_num_queries, monkeypatch):
    alice = User.objects.get(username="alice")
    head = kate
    for n in range(6):
        card = actions.find_identity(kind="card", value=f"123456{n}")
        joined, above = (actions.create_profile(source="shop").customer for _ in range(2))
        actions.merge_customers(
            survivor=head.pk, others=[joined.pk], reason="identity", detail={"identity": card.pk}, actor=alice
        )
        actions.merge_customers(survivor=above.pk, others=[head.pk], actor=alice)
        head = above
    with django_assert_num_queries(3):
        made, more = merges.merges_of(head, alice)
        assert all(str(one.absorbed) for one in made)
    assert len(made) == 12 and not more
    assert sorted(one.identity for one in made) == [""] * 6 + [f"loyalty card 123456{n}" for n in range(6)]
    monkeypatch.setattr(merges, "SHOWN", 5)
    assert merges.merges_of(head, alice) == (made[:5], True)
    assert "5+" in section(client.get(address("customer", head.pk)).content.decode(), MERGED)


def test_a_search_to_merge_leaves_oneself_out(client, kate):
    actions.create_profile(source="shop", fields={"name": "Kate Weber"})
    page = client.get(address("search"), {"q": "Kate", "merge": kate.pk}).content.decode()
    assert address("compare", kate.pk, kate.pk) not in page and "Kate Weber" in page


# --- The same person? ---


def likely(
    one, other, probability=0.6, evidence=(("last", "exact", 8.1), ("birthday", "slip", 6.0), ("city", "differs", -2.0))
):
    low, high = sorted([one.profiles.get().pk, other.profiles.get().pk])
    return Likeness.objects.create(one_id=low, other_id=high, probability=probability, evidence=list(evidence))


@pytest.fixture
def twins(client):
    MatchingRules.objects.update_or_create(pk=1, defaults={"joins": False, "lower": 0.999, "upper": 1.0})
    return [
        actions.create_profile(source="shop", fields={"name": "Vera Orlova", "city": city}).customer
        for city in ("Tula", "Tver", "Omsk")
    ]


def test_the_queue_shows_the_likeliest_first_and_why(client, twins):
    likely(twins[0], twins[1])
    likely(twins[0], twins[2], probability=0.8)
    page = client.get(address("same")).content.decode()
    assert page.index("80 %") < page.index("60 %")
    assert "last name: the same, birthday: one digit or two exchanged" in page and "city" not in page
    listed = client.get(address("customers")).content.decode()
    assert re.search(r'/desk/customers/same/".*?<span class="cx-cnt">2</span>', listed, re.DOTALL)


def test_the_queue_is_read_page_by_page_in_a_few_queries(client, django_assert_max_num_queries):
    crowd = Customer.objects.bulk_create([Customer(name=f"P{n}") for n in range(75)])
    profiles = Profile.objects.bulk_create([Profile(customer=c, home=c, source="x") for c in crowd])
    Likeness.objects.bulk_create(
        [Likeness(one=profiles[0], other=p, probability=0.5 if n % 2 else 0.3) for n, p in enumerate(profiles[1:])]
    )
    seen, url = [], address("same")
    while url:
        with django_assert_max_num_queries(16):
            page = client.get(url).content.decode()
        seen += re.findall(rf"/desk/customers/{crowd[0].pk}/with/(\d+)/", page)
        more = re.search(r'href="(\?before=[^"]+)"', page)
        url = address("same") + html.unescape(more[1]) if more else ""
    assert len(seen) == len(set(seen)) == 74
    assert client.get(address("same") + "?before=x_y").status_code == 200


def test_the_banner_offers_the_likeliest_and_every_decision_takes_it_away(client, twins):
    likely(twins[0], twins[1])
    card = client.get(address("customer", twins[1].pk)).content.decode()
    banner = card[card.index('class="cx-banner') :]
    assert f"C-{twins[0].pk}" in banner and "60 %" in banner
    client.post(address("merge", twins[1].pk), {"other": twins[0].pk})
    assert 'class="cx-banner' not in client.get(address("customer", twins[1].pk)).content.decode()
    client.post(address("unmerge", Merge.objects.get().pk))
    client.post(address("keep-apart", twins[1].pk), {"other": twins[0].pk})
    assert 'class="cx-banner' not in client.get(address("customer", twins[1].pk)).content.decode()


def test_a_merge_may_choose_field_by_field(client, twins):
    tula = SourceRecord.objects.get(profile__customer=twins[0])
    page = client.get(address("compare", twins[1].pk, twins[0].pk)).content.decode()
    assert f'name="pick.city" value="{tula.pk}"' in page
    client.post(address("merge", twins[1].pk), {"other": twins[0].pk, "pick.city": tula.pk})
    card = Customer.objects.get(pk=twins[1].pk)
    assert (card.city, card.provenance["city"]["pinned"]) == ("Tula", True)
    # A choice that is not there merges nothing.
    refused = client.post(address("merge", twins[1].pk), {"other": twins[2].pk, "pick.city": 10**6})
    assert refused.status_code == 404 and Merge.objects.count() == 1


def test_the_comparison_says_why_field_by_field(client, twins):
    page = client.get(address("compare", twins[0].pk, twins[1].pk)).content.decode()
    assert re.search(r'<span class="for num">\+[\d.]+</span> last name: the same', page)
    assert re.search(r'<span class="against num">-[\d.]+</span> city: different', page)


# --- A shared identity ---


def test_a_session_of_a_shared_identity_shows_whose_it_may_be(client, kate):
    team = world.make_team()
    user = User.objects.get(username="alice")
    chat = world.open_chat(world.make_site(world.make_queue(team=team, members=(user,))), "Hello")
    oleg = actions.create_profile(source="shop", fields={"name": "Oleg Berg"})
    for profile in (kate.profiles.get(), oleg):
        actions.link_identity(profile=profile, identity=chat.thread.identity, source="shop", verified=True)
    client.post(address("link", chat.pk), {"profile": ""})
    side = client.get(address("side", chat.pk)).content.decode()
    assert "Several customers share this site visitor." in side
    offered = re.findall(r'data-values="customer=(\d+)"', side)
    assert {str(kate.pk), str(oleg.customer_id)} <= set(offered)
    client.post(address("link", chat.pk), {"customer": oleg.customer_id})
    chat.refresh_from_db()
    assert chat.profile == oleg

"""The search box: whom a text means, in both alphabets, with slips of the hand, by digits and addresses; cases; what was said."""

import pytest
from django.db import connection
from django.db.models import Func, TextField, Value
from django.test import Client
from django.test.utils import CaptureQueriesContext

from customers import actions, dictionary, search, words
from customers.actions import records
from customers.models import Customer, CustomField, SourceRecord, Word
from interactions import search as search_of_messages
from interactions.models import Case, Message
from interactions.search import newest_saying, quotes
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


def a_customer(**fields: str) -> Customer:
    return actions.create_profile(source="shop", fields=fields).customer


def with_identity(customer: Customer, kind: str, value: str) -> None:
    identity = actions.find_identity(kind=kind, value=value)
    actions.link_identity(profile=customer.profiles.get(), identity=identity, source="shop", verified=True)


def found(text: str, *, contacts: bool = True, limit: int = 8) -> list[str]:
    rows = search.best(Customer.objects.all(), text, contacts=contacts, limit=limit)
    # The condition of the API means the same customers.
    assert {row.pk for row in rows} <= set(
        Customer.objects.matching(text, contacts=contacts).values_list("pk", flat=True)
    )
    return [row.name for row in rows]


# --- Names ---


@pytest.mark.parametrize(
    "text",
    [
        "Щербаков",
        "щербаков",
        "Shcherbakov",
        "Scherbakoff",
        "Щербокав",
        "Щербков",
        "Щрербаков",
        "Щерб",
        "Александр Щербаков",
        "Щербаков Александр",
        "Саша Щербаков",
        "Sasha Shcherbakov",
        "Щербаков Александр Петрович",
        "Щербакв Алксандр",
    ],
)
def test_a_name_is_found_as_people_type_it(text):
    a_customer(name="Александр Щербаков")
    a_customer(name="Мария Климова")
    assert found(text) == ["Александр Щербаков"]


@pytest.mark.parametrize("text", ["Щукин", "Климов Щербаков", "Zinaida", "Алексей Щербаков"])
def test_others_are_not_found(text):
    a_customer(name="Александр Щербаков")
    assert found(text) == []


def test_who_is_called_so_stands_before_who_is_called_nearly_so():
    for name in ("Иван Ивонов", "Иван Иванов", "Ивана Ивановская"):
        a_customer(name=name)
    assert found("Иванов Иван")[0] == "Иван Иванов"
    assert set(found("Иванов")) == {"Иван Иванов", "Иван Ивонов", "Ивана Ивановская"}
    assert found("Иванов", limit=1) == ["Иван Иванов"]


@pytest.mark.parametrize("text", ["Ёлкин", "елкин", "Elkin", "Yolkin"])
def test_yo_is_written_in_two_ways(text):
    a_customer(name="Пётр Ёлкин")
    assert found(text) == ["Пётр Ёлкин"]


@pytest.mark.parametrize("name", ["李小龙", "Ελένη Παπαδοπούλου", "O’Connor", "Müller-Lüdenscheidt", "X Æ"])
def test_names_of_every_script_are_found(name):
    a_customer(name=name)
    assert found(name) == [name] and found(name.replace("’", "'")) == [name]


def test_companies_and_own_fields():
    CustomField.objects.create(code="contract", label="Contract")
    firm = a_customer(kind="company", name="ООО «Ромашка 24»")
    holder = a_customer(name="Kate Holder", **{"custom.contract": "AB-1204/7"})
    assert found("ромашка") == found("Romashka 24") == [firm.name]
    assert found("AB-1204/7") == found("ab12047") == [holder.name]


# --- Numbers and addresses ---


@pytest.mark.parametrize(
    "text",
    ["+7 900 555-01-84", "8 (900) 555-01-84", "89005550184", "9005550184", "0184", "555-01-84", "+79005550184"],
)
def test_a_phone_is_found_as_typed(text):
    kate = a_customer(name="Kate")
    with_identity(kate, "phone", "+79005550184")
    other = a_customer(name="Other")
    with_identity(other, "phone", "+79005550185")
    assert found(text) == ["Kate"]
    assert found(text, contacts=False) == [], "digits could be guessed one by one"


def test_a_phone_with_an_extension_by_its_own_last_digits():
    with_identity(a_customer(name="Kate"), "phone", "+74951234567;ext=12")
    assert found("4567") == ["Kate"]


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("email", "anna.petrova@example.com", "Anna.Petrova@example.com"),
        ("email", "anna.petrova@example.com", "anna.pet"),
        ("card", "2200123412341234", "2200 1234 1234 1234"),
        ("card", "2200123412341234", "1234 1234"),
        ("telegram", "Kate_B", "kate_b"),
        ("account", "AC-778", "ac-778"),
    ],
)
def test_addresses_cards_logins(kind, value, text):
    with_identity(a_customer(name="Zoe"), kind, value)
    assert found(text) == ["Zoe"] and found(text, contacts=False) == []


def test_a_number_is_a_customers_first():
    kate = a_customer(name="Kate")
    assert found(f"C-{kate.pk}") == found(f"c-{kate.pk}") == found(str(kate.pk)) == ["Kate"]


def test_an_old_number_means_the_living_customer():
    old, kate, third = a_customer(name="Old"), a_customer(name="Kate"), a_customer(name="Third")
    actions.merge_customers(survivor=kate.pk, others=[old.pk])
    assert found(f"C-{old.pk}") == found(str(old.pk)) == ["Kate"]
    actions.merge_customers(survivor=third.pk, others=[kate.pk])
    assert found(f"C-{old.pk}") == ["Third"] and found(f"C-{third.pk + 100}") == []


def test_a_name_and_the_last_digits():
    for name, phone in (("Anna One", "+79005550184"), ("Anna Two", "+79005550185")):
        with_identity(a_customer(name=name), "phone", phone)
    assert found("anna 0185") == ["Anna Two"]


@pytest.mark.parametrize(
    "text", ["'", "%", "\\", "_", "C-", "C-" + "9" * 30, "²", "٣", "a%b_c", "@", "x" * 100, "1" * 100, "&|!:*"]
)
def test_strange_texts_find_nothing_and_break_nothing(text):
    with_identity(a_customer(name="Kate"), "email", "kate@example.com")
    assert found(text) == []


def test_the_absorbed_and_those_who_may_not_be_seen_are_not_found():
    one, other = a_customer(name="Kate Brown"), a_customer(name="Kate Brownn")
    actions.merge_customers(survivor=one.pk, others=[other.pk])
    assert found("Kate") == [Customer.objects.get(pk=one.pk).name]
    hook = world.make_user("hook", "integrator")
    assert search.best(Customer.objects.visible_to(hook), "Kate", contacts=True, limit=8) == []


def test_queries_do_not_grow():
    for number in range(30):
        a_customer(name=f"Kate Bro{'w' * (number % 3)}n")
    with CaptureQueriesContext(connection) as asked:
        found_now = search.best(Customer.objects.all(), "Kaet Brown 0184", contacts=True, limit=50)
    assert not found_now and len(asked) <= 8
    with CaptureQueriesContext(connection) as asked:
        assert len(search.best(Customer.objects.all(), "Kate Brown", contacts=True, limit=50)) == 30
    assert len(asked) <= 8


# --- Words that are known ---


def test_words_that_nobody_has_any_more_are_forgotten_and_lost_ones_found():
    kate = a_customer(name="Kate Zimmermann")
    Word.objects.filter(word=words.spelt("Zimmermann")).delete()
    dictionary.sweep()
    assert found("Zimermen") == ["Kate Zimmermann"]
    actions.edit_customer(customer=kate, fields={"name": "Kate Brown"}, version=None, actor=world.make_user("alice"))
    assert not Word.objects.filter(word=words.spelt("Zimmermann")).exists()
    assert found("Zimmermann") == []


def test_what_many_lose_at_once_is_forgotten_at_night(monkeypatch):
    monkeypatch.setattr(records, "MANY", 2)
    rows = [a_customer(name=name) for name in ("Kate Zimmermann", "Ann Steinmann")]
    SourceRecord.objects.all().update(fields={"name": "Kate Brown"})
    records.project_many(row.pk for row in rows)
    assert found("Zimmermann") == [] and Word.objects.filter(word=words.spelt("Zimmermann")).exists()
    dictionary.sweep()
    assert not Word.objects.filter(word=words.spelt("Zimmermann")).exists()


def test_what_a_merge_puts_behind_another_name_is_forgotten_at_night():
    kate, katya = a_customer(name="Kate Zimmermann"), a_customer(name="Ann Steinmann")
    (made,) = actions.merge_customers(survivor=kate.pk, others=[katya.pk])
    assert found("Zimmermann") == [] and Word.objects.filter(word=words.spelt("Zimmermann")).exists()
    actions.unmerge(merge_id=made.pk)
    assert found("Zimermann") == ["Kate Zimmermann"] and found("Steinman") == ["Ann Steinmann"]
    actions.merge_customers(survivor=kate.pk, others=[katya.pk])
    dictionary.sweep()
    assert not Word.objects.filter(word=words.spelt("Zimmermann")).exists()


@pytest.fixture
def team():
    return world.make_team()


@pytest.fixture
def site(team):
    return world.make_site(world.make_queue(team=team))


@pytest.fixture
def boss(team):
    return world.make_user("marina", "supervisor", team)


# --- Cases ---


def shown(user, text: str) -> str:
    """What stands in the search box of the desk."""
    page = Client()
    page.force_login(user)
    answer = page.get("/desk/search/", {"q": text})
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def case(boss):
    kate = a_customer(name="Kate Orlova").profiles.get()
    return Case.objects.create(pk=90_417, subject="A broken mirror", profile=kate, owner=boss, opened_by=boss)


@pytest.mark.parametrize("text", ["CS-90417", "cs-90417", "  Cs-90417 ", "90417"])
def test_a_case_is_found_by_its_number(boss, case, text):
    found = shown(boss, text)
    assert f'href="/desk/cases/{case.pk}/"' in found and "CS-90417" in found and "A broken mirror" in found


@pytest.mark.parametrize("text", ["CS-9041", "CS-904170", "C-90417", "CS-", "CS-90417x", "CS-" + "9" * 30, "CS--90417"])
def test_another_number_finds_no_case(boss, case, text):
    assert "A broken mirror" not in shown(boss, text)


def test_a_case_is_found_by_who_works_on_cases_in_whatever_team(case):
    """Cases are common (docs/access.md): a customer who calls again may reach any team. A marketer does not see them."""
    stranger = world.make_user("stranger", team=world.make_team("Elsewhere"))
    assert "A broken mirror" in shown(stranger, "CS-90417")
    assert "Nothing found" in shown(world.make_user("mark", "marketer"), "CS-90417")


def test_who_links_or_merges_is_offered_customers_alone(boss, case):
    page = Client()
    page.force_login(boss)
    for what in ("merge", "link_case"):
        answer = page.get("/desk/search/", {"q": "CS-90417", what: "1"})
        assert answer.status_code == 200 and "A broken mirror" not in answer.content.decode()


# --- Messages ---


def said(user, text: str, limit: int = 8) -> list[str]:
    return [message.text for message in newest_saying(user, text, limit=limit).rows]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Где мой заказ?", "заказы"),
        ("Двух заказов нет", "заказ"),
        ("Счёт не пришёл", "счет"),
        ("Счета нет", "счёта"),
        ("My deliveries are late", "delivery"),
        ("Delivered to Тверь", "тверь delivers"),
        ("The parcel was lost", '"parcel was lost"'),
    ],
)
def test_messages_are_found_by_forms_of_their_words(site, boss, text, asked):
    world.open_chat(site, text)
    world.open_chat(site, "Something else, что-то другое")
    assert said(boss, asked) == [text]


def test_all_words_are_asked_for_and_none_that_is_excluded(site, boss):
    world.open_chat(site, "Red winter tyres")
    world.open_chat(site, "Red summer tyres")
    assert said(boss, "red tyres") == ["Red summer tyres", "Red winter tyres"]
    assert said(boss, "red tyres -summer") == ["Red winter tyres"]
    assert said(boss, "the") == said(boss, "и") == said(boss, "-") == said(boss, "&|!:*(") == []


def test_only_what_the_reader_may_read_is_searched(site, boss):
    chat = world.open_chat(site, "A secret word")
    stranger = world.make_user("stranger", team=world.make_team("Elsewhere"))
    assert said(boss, "secret") == ["A secret word"] and said(stranger, "secret") == []
    assert said(world.make_user("hook", "integrator"), "secret") == []
    world.say(chat, "another secret")
    assert said(boss, "secret", limit=1) == ["another secret"]


def test_what_was_taken_back_is_not_found(site, boss):
    chat = world.open_chat(site, "Hello")
    Message.objects.filter(interaction=chat).update(text="a secret", withdrawn_at=chat.opened_at)
    assert said(boss, "secret") == []


def test_behind_the_newest_the_rare_word_is_found_too(site, boss, monkeypatch):
    world.open_chat(site, "A rare zebra")
    for number in range(4):
        world.open_chat(site, f"Common {number}")
    monkeypatch.setattr(search_of_messages, "RECENT", 2)
    assert said(boss, "zebra") == ["A rare zebra"]
    assert said(boss, "common", limit=2) == ["Common 3", "Common 2"]
    assert len(said(boss, "common")) == 4


def test_a_search_among_too_many_is_given_up_and_says_so(site, boss, monkeypatch):
    for number in range(4):
        world.open_chat(site, f"Common {number}")
    monkeypatch.setattr(search_of_messages, "RECENT", 2)
    monkeypatch.setattr(search_of_messages, "PATIENCE_MS", 50)
    slowly = Func(Value(1), function="pg_sleep", output_field=TextField())
    monkeypatch.setattr(search_of_messages, "_whenever", lambda said: said.annotate(nap=slowly))
    found = newest_saying(boss, "common", limit=8)
    assert (len(found.rows), found.is_whole) == (2, False)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
    page = Client()
    page.force_login(boss)
    assert "Add another word" in page.get("/desk/search/?q=common").content.decode()
    assert "Add another word" in page.get("/desk/customers/?q=common").content.decode()


def test_the_index_answers(site, boss):
    world.open_chat(site, "A rare zebra")
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        plan = Message.objects.saying("zebra").explain()
        cursor.execute("RESET enable_seqscan")
    assert "message_words" in plan


def test_a_quote_is_cut_around_the_words(site, boss):
    long = "Совсем другое. " * 30 + "Мой счёт <b>не</b> пришёл " + "и ещё " * 60
    world.open_chat(site, long)
    [message] = newest_saying(boss, "счет пришел", limit=8).rows
    pieces = quotes([message], "счет пришел")[message.pk]
    assert [text for text, found in pieces if found] == ["счёт", "пришёл"]
    assert "".join(text for text, _found in pieces).strip("…") in long and sum(len(text) for text, _ in pieces) < 250

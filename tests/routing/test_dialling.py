"""Calls that an operator makes: by hand, from a card, a case, a task; whose they are, and how he is seen."""

import time

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from customers import actions as customers
from customers.actions.members import add_member
from customers.models import Identity
from cxcenter import phone
from cxcenter.accounts.roles import RIGHTS, Right, Role
from interactions.actions import cases, dialling
from interactions.models import Call, CallCommand, Dialled, Interaction
from routing.models import ExchangeQueue
from tests.ami_pbx import Pbx
from tests.exchange import Ear, make_exchange

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = "+79005550184"


@pytest.fixture
def hall(floor):
    floor.ready(floor.alice, floor.bob)
    floor.exchange = make_exchange("PBX", floor.queue, floor.alice, caller_id="88001")
    floor.ear = Ear(floor.exchange, Pbx(now=time.time()))
    floor.client = Client()
    floor.client.force_login(floor.alice)
    return floor


def card(name="Kate Larsen"):
    made = customers.create_profile(source="shop", fields={"name": name})
    identity = customers.find_identity(kind=Identity.Kind.PHONE, value=NUMBER)
    customers.link_identity(profile=made, identity=identity, source="shop", verified=True)
    return made


def company():
    firm = customers.create_profile(source="shop", fields={"name": "Norda"}).customer
    firm.kind = "company"
    firm.save(update_fields=["kind"])
    return firm


def goes(hall):
    """Let the exchange call the number from alice's phone."""
    pbx = hall.ear.pbx
    agent = pbx.open("PJSIP/1017", state="0", exten=NUMBER)
    pbx.dial(None, agent, "1017")
    pbx.dialled(None, agent, "ANSWER")
    customer = pbx.open("PJSIP/trunk", linked=agent.unique)
    pbx.dial(agent, customer, f"{NUMBER}@trunk")
    pbx.dialled(agent, customer, "ANSWER")
    pbx.enter("b1", agent, customer)
    hall.ear.hear()
    return Call.objects.get(key=agent.unique)


@pytest.mark.parametrize(
    "typed", ["+7 900 555-01-84", "8 (900) 555 01 84", "79005550184", " 8-900-555-0184\n", "tel:+79005550184"]
)
def test_a_number_is_read_however_it_is_typed(hall, typed):
    answer = hall.client.post("/desk/dial/", {"number": typed})
    assert answer.json() == {"number": NUMBER, "how": "asterisk"}, answer.content
    asked = CallCommand.objects.get()
    assert (asked.control, asked.value, asked.caller_id, asked.user) == ("originate", NUMBER, "88001", hall.alice)


@pytest.mark.parametrize("typed", ["", "call me", "12", "+7 900 555"])
def test_what_is_no_number_is_said_and_nobody_is_called(hall, typed):
    answer = hall.client.post("/desk/dial/", {"number": typed})
    assert answer.status_code == 400 and answer.json()["field"] == "number", answer.content
    assert not CallCommand.objects.exists() and not Dialled.objects.exists()


def test_without_a_phone_there_is_nothing_to_call_by(hall):
    hall.client.force_login(hall.bob)
    answer = hall.client.post("/desk/dial/", {"number": NUMBER})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_phone")
    assert phone.dials_of(hall.bob) is None
    assert b'id="dial"' not in hall.client.get("/desk/line/").content


def test_for_a_queue_one_is_seen_as_its_number(hall):
    ExchangeQueue.objects.update(caller_id="88002")
    hall.client.post("/desk/dial/", {"number": NUMBER, "queue": ExchangeQueue.objects.get().pk})
    assert CallCommand.objects.get().caller_id == "88002"
    assert b"<select" in hall.client.get("/desk/line/").content


def test_a_call_from_a_card_is_that_customers_whoever_else_has_the_number(hall):
    _mother, son = card(), card("Boris Petrov")
    hall.client.post("/desk/dial/", {"number": NUMBER, "customer": son.customer_id})
    call = goes(hall)
    assert call.direction == "out" and call.interaction.profile == son
    assert Dialled.objects.get().call == call


def test_dialled_by_hand_a_shared_number_is_on_nobodys_card(hall):
    card(), card("Boris Petrov")
    hall.client.post("/desk/dial/", {"number": NUMBER})
    assert goes(hall).interaction.profile is None


def test_a_call_from_a_case_belongs_to_it_and_from_a_task_to_its_customer(hall):
    whose = card()
    case = cases.register_case(subject="Gearbox", profile=whose, actor=hall.alice)
    hall.client.post("/desk/dial/", {"number": NUMBER, "case": case.pk})
    call = goes(hall)
    assert call.interaction.profile == whose and case.links.get().interaction == call.interaction


def test_a_call_from_a_task(hall):
    whose = card()
    task = cases.create_task(title="Call Kate", kind="callback", team=hall.team, profile=whose, contact=NUMBER)
    hall.client.post("/desk/dial/", {"number": NUMBER, "task": task.pk})
    assert goes(hall).interaction.profile == whose


def test_a_call_that_was_not_dialled_here_adopts_nothing(hall):
    whose = card()
    hall.client.post("/desk/dial/", {"number": NUMBER, "customer": whose.customer_id})
    Dialled.objects.update(at=Dialled.objects.get().at - dialling.RINGS)
    goes(hall)
    assert Dialled.objects.get().call is None


def test_in_a_call_nobody_else_is_called(hall):
    hall.client.post("/desk/dial/", {"number": NUMBER})
    goes(hall)
    answer = hall.client.post("/desk/dial/", {"number": NUMBER})
    assert (answer.status_code, answer.json()["code"]) == (409, "in_call")
    assert b'data-press="keypad"' in hall.client.get("/desk/line/").content


def test_the_last_numbers_are_offered_again_each_once(hall):
    numbers = [f"+7900555010{n}" for n in range(7)]
    for number in [*numbers, numbers[2]]:
        Dialled.objects.create(user=hall.alice, exchange=hall.exchange, number=number)
    assert [row.number for row in dialling.last_dialled(hall.alice)] == [numbers[2], *numbers[6:2:-1]]
    page = hall.client.get("/desk/line/").content.decode()
    assert f'data-dial="{numbers[2]}"' in page and page.count("<option") == 5


@pytest.fixture
def blind(monkeypatch):
    """Let operators see no phones."""
    monkeypatch.setitem(RIGHTS, Role.OPERATOR, RIGHTS[Role.OPERATOR] - {Right.SEE_CONTACTS})


def page_of(hall, address):
    answer = hall.client.get(address)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_on_the_page_of_a_case_its_customers_phones_are_called_for_it(hall):
    case = cases.register_case(subject="Gearbox", profile=card(), actor=hall.alice)
    dials = f'data-dial="{NUMBER}" data-case="{case.pk}"'
    with CaptureQueriesContext(connection) as few:
        assert page_of(hall, f"/desk/cases/{case.pk}/").count(dials) == 1
    for number in range(6):
        more = customers.find_identity(kind=Identity.Kind.PHONE, value=f"+7900555020{number}")
        customers.link_identity(profile=case.profile, identity=more, source="shop", verified=False)
    with CaptureQueriesContext(connection) as many:
        page = page_of(hall, f"/desk/cases/{case.pk}/")
    assert page.count("data-case=") == 5 and dials in page, "the sure one among the first five"
    assert len(many) == len(few)


def test_who_sees_no_phones_calls_none_on_the_page_of_a_case(hall, blind):
    case = cases.register_case(subject="Gearbox", profile=card(), actor=hall.alice)
    page = page_of(hall, f"/desk/cases/{case.pk}/")
    assert NUMBER not in page and "data-dial=" not in page and "cx-masked" in page


def test_people_of_a_company_are_called_from_its_card(hall):
    firm = company()
    person = card().customer
    add_member(company=firm, person=person, role="buyer", actor=hall.alice)
    assert f'data-dial="{NUMBER}" data-customer="{person.pk}"' in page_of(hall, f"/desk/customers/{firm.pk}/")


def test_who_sees_no_phones_calls_nobody_of_a_company(hall, blind):
    firm = company()
    add_member(company=firm, person=card().customer, role="buyer", actor=hall.alice)
    page = page_of(hall, f"/desk/customers/{firm.pk}/")
    assert "buyer" in page and NUMBER not in page and "data-dial=" not in page


@pytest.mark.parametrize(("contact", "phone"), [("8 900 555-01-84", NUMBER), ("kate@example.com", ""), ("", "")])
def test_a_task_is_called_where_its_contact_is_a_phone(hall, contact, phone):
    task = cases.create_task(title="Call Kate", kind="voicemail", team=hall.team, contact=contact)
    assert task.phone == phone
    assert (f'data-dial="{NUMBER}" data-task="{task.pk}"' in page_of(hall, "/desk/tasks/")) == bool(phone)


def test_what_a_visitor_typed_is_called_from_beside_his_talk(hall):
    talk = hall.chat(hall.alice)
    Interaction.objects.update(says={"name": "Kate", "contact": "8 900 555-01-84"})
    assert f'data-dial="{NUMBER}"' in page_of(hall, f"/desk/s/{talk.pk}/")
    Interaction.objects.update(says={"name": "Kate", "contact": "kate@example.com"})
    assert "data-dial=" not in page_of(hall, f"/desk/s/{talk.pk}/")


def test_what_a_visitor_typed_is_not_called_by_who_sees_no_phones(hall, blind):
    talk = hall.chat(hall.alice)
    Interaction.objects.update(says={"name": "Kate", "contact": NUMBER})
    page = page_of(hall, f"/desk/s/{talk.pk}/")
    assert "Kate" in page and NUMBER not in page and "data-dial=" not in page


def test_another_ones_card_and_case_cannot_be_named(hall):
    assert hall.client.post("/desk/dial/", {"number": NUMBER, "case": 10**6}).status_code == 404
    assert hall.client.post("/desk/dial/", {"number": NUMBER, "customer": 10**6}).status_code == 404
    assert not Dialled.objects.exists()

"""Call links: whose card a call by one is on, what the link proves, and by which nobody calls."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from customers import actions as customers
from customers.models import Consent, Customer, ProfileIdentity
from cxcenter.core.models import AuditEntry
from interactions.actions import call_links, cases
from interactions.models import CallLink, CaseLink, Channel, Interaction, Topic
from routing.actions import offers
from routing.models import Assignment, Entrance, WorkItem
from tests import world
from tests.widget.client import Visitor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place(place):
    """The site takes calls; its customer is Kate."""
    alice, queue, site = place
    site.voice = Channel.objects.create(name="Calls of the site", kind="voice")
    site.ask_consent = True
    site.save()
    Entrance.objects.create(channel=site.voice, queue=queue)
    _identity, kate = customers.find_or_create_by_identity(
        kind="phone", value="+79005550184", source="voice", name="Kate Larsen"
    )
    return alice, queue, site, kate


def desk_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def made(alice, site, kate, **said) -> str:
    """What the operator copies, without the way to the page: the secret of a link."""
    url = f"/desk/customers/{kate.customer_id}/call-link/"
    answer = desk_of(alice).post(url, {"site": site.pk, **said})
    assert answer.status_code == 200, answer.content
    address = answer.json()["url"]
    assert f"/widget/call/{site.key}/#link=" in address
    return address.partition("#link=")[2]


class Browser(Visitor):
    """A page of calls that was opened by a link, or without one."""

    def opens(self, link: str = ""):
        told = self.post("call/session", {"site": self.site.key, "token": self.token, "link": link})
        self.token = told.get("token", self.token)
        return told

    def calls(self, link: str = "", **said):
        assert "token" in self.opens(link), self.answer.content
        return self.post("call/start", {"key": str(uuid.uuid4()), "consent": True, **said})


def test_a_call_by_link_is_on_the_card_of_whom_it_was_made_for(place):
    alice, _queue, site, kate = place
    link, people = made(alice, site, kate), Customer.objects.count()
    caller = Browser(site)
    told = caller.opens(link)
    asked = {name: told["site"][name] for name in ("ask_name", "ask_contact", "need_contact", "ask_consent")}
    assert asked == {"ask_name": False, "ask_contact": False, "need_contact": False, "ask_consent": True}
    assert "Kate" not in caller.answer.content.decode(), "whoever it was handed on to learns nothing of her"
    assert caller.post("call/start", {"key": str(uuid.uuid4())})["field"] == "consent"
    assert caller.calls(link)["state"]["phase"] == "waiting"
    talk = Interaction.objects.get()
    assert (talk.profile_id, talk.says, talk.caller) == (kate.pk, {}, "Kate Larsen")
    assert Customer.objects.count() == people, "nobody else was made of it"
    assert Consent.objects.get().profile_id == kate.pk
    # A link can be handed on: the browser is no identity of hers, and what she is told says so.
    assert not ProfileIdentity.objects.filter(identity=talk.thread.identity).exists()
    offer = desk_of(alice).get("/desk/offers/").content.decode()
    assert "calls by the link that Alice made" in offer and "not verified" in offer
    offers.accept_offer(leg_id=Assignment.objects.get().pk, actor=alice)
    assert "calls by the link that Alice made" in desk_of(alice).get(f"/desk/s/{talk.pk}/").content.decode()


def test_the_browser_that_has_called_by_it_has_the_link(place):
    alice, _queue, site, kate = place
    link = made(alice, site, kate)
    first, other = Browser(site), Browser(site)
    assert other.opens(link)["token"], "looking at it uses nothing up: previews of messengers do"
    first.calls(link)
    assert other.post("call/start", {"key": str(uuid.uuid4()), "consent": True})["code"] == "link_used"
    other.token = ""
    assert other.opens(link)["code"] == "link_used"
    assert Interaction.objects.count() == 1
    first.post("end")
    assert first.calls(link)["state"]["phase"] == "waiting", "he may call again, as long as it holds"
    assert Interaction.objects.filter(profile=kate).count() == 2
    assert not Interaction.objects.exclude(profile=kate).exists()


def test_without_the_link_the_same_browser_is_a_stranger(place):
    alice, _queue, site, kate = place
    browser = Browser(site)
    browser.calls(made(alice, site, kate))
    browser.post("end")
    browser.calls(name="Kate")
    assert Interaction.objects.latest("pk").profile_id != kate.pk


def test_forged_cut_and_foreign_links_open_nothing(place):
    alice, queue, site, kate = place
    link = made(alice, site, kate)
    other = world.make_site(queue)
    other.voice = site.voice
    other.save()
    name, _dot, signature = link.partition(".")
    for said in (link[:-1], f"{uuid.uuid4().hex}.{signature}", name, "x", f"{name}.{signature[::-1]}"):
        assert Browser(site).opens(said)["code"] == "no_link", said
    assert Browser(other).opens(link)["code"] == "no_link"
    assert Browser(site).opens(link)["token"]


def test_a_link_holds_for_its_time_and_until_it_is_revoked(place):
    alice, queue, site, kate = place
    bob = world.make_user("bob", team=queue.team)
    link = made(alice, site, kate)
    row = CallLink.objects.get()
    assert timedelta(hours=23) < row.expires_at - timezone.now() < timedelta(hours=25)
    early = Browser(site)
    early.opens(link)
    CallLink.objects.update(expires_at=timezone.now())
    assert early.post("call/start", {"key": str(uuid.uuid4()), "consent": True})["code"] == "link_over"
    assert Browser(site).opens(link)["code"] == "link_over"
    CallLink.objects.update(expires_at=timezone.now() + timedelta(hours=1))
    url = f"/desk/call-links/{row.pk}/revoke/"
    assert desk_of(bob).post(url).status_code == 404, "it is its maker's"
    early.calls(link)
    assert desk_of(alice).post(url).status_code == 204 == desk_of(alice).post(url).status_code
    assert early.opens(link)["state"]["phase"] == "waiting", "a call that goes on goes on, after a reload too"
    early.post("end")
    assert early.opens(link)["code"] == "link_over"
    acts = AuditEntry.objects.filter(act__startswith="call_link.").order_by("pk")
    subject = f"customer:{kate.customer_id}"
    assert list(acts.values_list("act", "subject", "actor__username")) == [
        ("call_link.make", subject, "alice"), ("call_link.revoke", subject, "alice"),
    ]  # fmt: skip


def test_a_link_of_a_case_belongs_to_it_and_rings_first_at_whom_it_is_meant_for(place):
    alice, queue, site, kate = place
    repairs = Topic.objects.create(name="Repairs")
    site.topics.add(repairs)
    second = world.make_queue("Repairs", team=queue.team, members=(alice,))
    bob = world.make_user("bob", team=queue.team)
    second.members.add(bob)
    Entrance.objects.create(channel=site.voice, topic=repairs, queue=second)
    world.on_duty(bob, capacity=9)
    case = cases.register_case(actor=alice, profile=kate, subject="Dents", topic=repairs)
    for user in (alice, bob):
        Assignment.objects.all().delete()
        caller = Browser(site)
        link = made(user, site, kate, case=case.pk, me="1")
        assert caller.opens(link)["site"]["topics"] == []
        caller.calls(link)
        talk = Interaction.objects.latest("pk")
        assert (talk.topic_id, WorkItem.objects.get(interaction=talk).queue_id) == (repairs.pk, second.pk)
        assert CaseLink.objects.filter(case=case, interaction=talk, linked_by=user).exists()
        assert Assignment.objects.get(interaction=talk).operator_id == user.pk


def test_who_makes_too_many_is_refused_and_no_calls_means_no_links(place, monkeypatch):
    alice, _queue, site, kate = place
    monkeypatch.setattr(call_links, "PER_HOUR", 2)
    url, said = f"/desk/customers/{kate.customer_id}/call-link/", {"site": site.pk}
    client = desk_of(alice)
    assert [client.post(url, said).status_code for _ in range(3)] == [200, 200, 429]
    page = f"/desk/customers/{kate.customer_id}/"
    assert "Copy a call link" in client.get(page).content.decode()
    Channel.objects.filter(pk=site.voice_id).update(active=False)
    assert "Copy a call link" not in client.get(page).content.decode()
    assert client.post(url, said).json()["field"] == "site"


def test_of_who_was_erased_nobody_calls(place):
    alice, _queue, site, kate = place
    link = made(alice, site, kate)
    customers.erase_customer(customer=kate.customer, number=kate.customer.number, reason="request", actor=alice)
    assert Browser(site).opens(link)["code"] == "link_over"

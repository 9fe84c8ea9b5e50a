"""Users whom a site signs, and what their signature opens."""

import time
from datetime import timedelta

import jwt
import pytest

from customers import actions as customers
from customers.models import Identity
from interactions.models import Interaction, Thread
from tests import world
from tests.widget.client import Visitor

pytestmark = pytest.mark.django_db(transaction=True)


def sign(site, secret=None, **claims):
    """A site's signed word about its user. A `timedelta` is from now, None leaves a claim out."""
    claims = {"sub": "u-17", "exp": timedelta(seconds=200), **claims}
    return jwt.encode(
        {k: from_now(v) if isinstance(v, timedelta) else v for k, v in claims.items() if v is not None},
        secret or site.user_secret,
        algorithm="HS256",
    )


def from_now(span):
    return int(time.time() + span.total_seconds())


def test_a_signed_user_has_his_talks_everywhere(place):
    _alice, _queue, site = place
    about = {"name": "Kate", "email": "Kate@norda.example", "phone": "8 900 555-01-84"}
    one = Visitor(site)
    opened = one.session(user_jwt=sign(site, **about))
    assert opened["signed"] is True and opened["known"]["name"] == "Kate"
    one.start("From the first device")
    thread = Thread.objects.get()
    assert (thread.identity.kind, thread.identity.value) == ("external", f"{site.key}:u-17")
    links = {
        (link.identity.kind, link.identity.value, link.verified)
        for link in thread.profile.links.select_related("identity")
    }
    assert links == {
        ("external", f"{site.key}:u-17", True),
        ("email", "kate@norda.example", True),
        ("phone", "+79005550184", True),
    }
    assert thread.profile.customer.name == "Kate"
    two = Visitor(site)
    assert [m["text"] for m in two.session(user_jwt=sign(site))["messages"]] == ["From the first device"]
    other = Visitor(site)
    assert "messages" not in other.session(user_jwt=sign(site, sub="u-18"))


def test_a_signed_user_is_recognised_by_what_is_proven(place):
    _alice, _queue, site = place
    _identity, known = customers.find_or_create_by_identity(
        kind="email", value="kate@norda.example", source="crm", name="Kate"
    )
    visitor = Visitor(site)
    visitor.session(user_jwt=sign(site, email="kate@norda.example"))
    visitor.start()
    assert Thread.objects.get().profile == known


@pytest.mark.parametrize(
    ("about", "contact"),
    [
        ({"email": "not an address", "phone": "8 900 555-01-84"}, "+79005550184"),
        ({"email": "not an address", "phone": "12"}, None),
    ],
)
def test_what_cannot_be_read_of_a_signed_user_keeps_nobody_out(place, about, contact):
    _alice, _queue, site = place
    visitor = Visitor(site)
    visitor.session(user_jwt=sign(site, **about))
    assert "message" in visitor.start()
    assert Interaction.objects.get().says.get("contact") == contact


@pytest.mark.parametrize(
    "claims",
    [
        {"secret": "a wrong secret that is long enough"},
        {"exp": 1},
        {"exp": None},
        {"exp": timedelta(hours=1)},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 121},
        {"nbf": timedelta(hours=1)},
    ],
    ids=str,
)
def test_a_badly_signed_user_is_refused(place, claims):
    _alice, _queue, site = place
    visitor = Visitor(site)
    assert visitor.session(user_jwt=sign(site, **claims))["code"] == "bad_user"
    assert visitor.answer.status_code == 403


def test_an_unsigned_jwt_or_one_of_another_site_is_refused(place):
    _alice, queue, site = place
    other = world.make_site(queue)
    body = {"sub": "u-17", "exp": int(time.time()) + 100}
    for token in [jwt.encode(body, None, algorithm="none"), sign(other), "x.y.z"]:
        visitor = Visitor(site)
        assert visitor.session(user_jwt=token)["code"] == "bad_user"


def test_signing_in_does_not_take_an_open_talk_away(place):
    _alice, _queue, site = place
    visitor = Visitor(site)
    visitor.start("Not signed yet")
    opened = visitor.session(user_jwt=sign(site))
    assert opened["signed"] == "later" and [m["text"] for m in opened["messages"]] == ["Not signed yet"]
    visitor.post("end")
    opened = visitor.session(user_jwt=sign(site))
    assert opened["signed"] is True and "messages" not in opened
    assert Identity.objects.filter(kind="external").count() == 0  # not before he writes

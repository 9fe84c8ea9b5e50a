"""Telephone exchanges in the administration: what is asked for, what is never shown, and who hears of a change."""

import pytest

from cxcenter.accounts.models import User
from interactions.models import CallCommand, Channel, Exchange
from routing.models import Entrance, ExchangeQueue, Queue
from tests.admin.pages import address, save

pytestmark = pytest.mark.django_db
SECRET = "s3cret-of-the-line"


@pytest.fixture
def channel():
    channel = Channel.objects.create(name="Lines", kind="voice")
    Entrance.objects.create(channel=channel, queue=Queue.objects.first())
    return channel


def make(page, channel, **changes):
    operator = User.objects.get(username="operator1")
    said = {
        "name": "PBX", "kind": "asterisk", "channel": channel.pk, "active": "on", "host": "pbx.example", "username": "cx",
        "secret": SECRET, "extensions-TOTAL_FORMS": 1, "extensions-0-interface": "PJSIP/1017",
        "extensions-0-user": operator.pk, "queues-TOTAL_FORMS": 1, "queues-0-name": "sales",
        "queues-0-queue": Queue.objects.first().pk, "queues-0-number": "700",
    }  # fmt: skip
    return save(page, Exchange, **{**said, **changes})


def test_an_exchange_with_its_phones_and_queues(page, channel):
    make(page, channel)
    made = Exchange.objects.get()
    assert (made.port, made.secret, made.version) == (5038, SECRET, 1)
    assert made.extensions.get().number == "1017" and ExchangeQueue.objects.get().number == "700"
    shown = page.get(address(Exchange, "change", made.pk)).content.decode()
    assert SECRET not in shown and "not connected yet" in shown
    save(page, Exchange, made, host="other.example")
    made.refresh_from_db()
    assert (made.host, made.secret, made.version) == ("other.example", SECRET, 2), "left empty it stays"
    save(page, Exchange, made, secret="new")
    made.refresh_from_db()
    assert made.secret == "new"
    assert SECRET not in page.get(address(Exchange, "changelist")).content.decode()
    assert page.get(address(Exchange, "delete", made.pk)).status_code == 403
    assert page.get(address(CallCommand, "changelist")).status_code == 200


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"host": ""}, "by its host, user and secret"),
        ({"secret": ""}, "by its host, user and secret"),
        ({}, "entrance"),
    ],
)
def test_what_is_missing_is_said_at_once(page, channel, changes, words):
    if not changes:
        channel.entrance_set.all().delete()
    assert words in make(page, channel, **changes).content.decode()
    assert not Exchange.objects.exists()

"""The center and the shops around it: started once for all tests of the visitor's frame."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from cxcenter.core.models import Outbox
from interactions.models import Channel, Site
from routing.models import Entrance
from tests import world
from tests.browser.shop import Shop
from tests.browser.widget.people import ROW, SECRET, Place, wait_for
from tests.servers import Stack, session_stack

# Several browsers and servers on a busy machine take their time; a question that got no answer in ten seconds is asked
# again after five more.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="package")
def center(django_db_setup: None) -> Iterator[Stack]:
    with session_stack(web=2) as stack:
        yield stack


@pytest.fixture(scope="package")
def norda(center: Stack) -> Iterator[Shop]:
    with Shop(center.url) as running:
        yield running


@pytest.fixture(scope="package")
def stranger(center: Stack) -> Iterator[Shop]:
    """A page whose origin the site does not allow."""
    with Shop(center.url) as running:
        yield running


@pytest.fixture
def place(norda: Shop) -> Place:
    team = world.make_team()
    anna = world.make_user("anna", team=team)
    world.on_duty(anna)
    queue = world.make_queue(members=(anna,), team=team, offer_s=600)
    # The same rows for each test: the web processes keep a site for some seconds.
    channel = Channel.objects.create(pk=ROW, name="Shop", kind="webchat")
    site = Site.objects.create(
        pk=ROW, channel=channel, key="demo", title="Norda", origins=[norda.url], user_secret=SECRET, ask_consent=False
    )
    Entrance.objects.create(channel=channel, queue=queue)
    return Place(anna, queue, site)


@pytest.fixture(autouse=True)
def quiet(transactional_db: None) -> Iterator[None]:
    """The rows go only when the web processes have done with them, after all windows are closed."""
    yield
    wait_for(lambda: not Outbox.objects.exists(), "the end of all work")

"""A site with one queue and one operator on duty."""

import pytest
from django.core.cache import cache

from cxcenter.widget import limits, sites
from tests import world


@pytest.fixture(autouse=True)
def fresh():
    """Nothing kept in this process from the test before."""
    sites._kept.clear()
    limits._buckets.clear()
    cache.clear()


@pytest.fixture
def place():
    team = world.make_team()
    alice = world.make_user("alice", team=team)
    world.on_duty(alice)
    queue = world.make_queue(members=(alice,), team=team)
    return alice, queue, world.make_site(queue)

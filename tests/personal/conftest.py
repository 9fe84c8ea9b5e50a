"""Storage and Redis of the test's own, and a town."""

import pytest
import redis

from cxcenter.widget import limits, sites
from tests.personal.town import Town


@pytest.fixture(autouse=True)
def fresh(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    sites._kept.clear()
    limits._buckets.clear()
    with redis.from_url(settings.REDIS_URL) as line:
        line.flushall()


@pytest.fixture
def town() -> Town:
    return Town()

"""Values that link nobody."""

import pytest

from customers import actions
from customers.junk import JunkList
from customers.models import JunkValue, MatchingRules

pytestmark = pytest.mark.django_db


@pytest.fixture
def junk():
    JunkValue.objects.all().delete()
    JunkValue.objects.bulk_create(
        [JunkValue(kind="email", pattern="test@*"), JunkValue(pattern="null"), JunkValue(pattern="0000*")]
    )
    return JunkList()


@pytest.mark.parametrize(
    ("kind", "value", "is_junk"),
    [
        ("phone", "+79999999999", True),
        ("phone", "+70000000000", True),
        ("phone", "+79999999998", False),
        ("email", "test@example.com", True),
        ("email", "Test@Example.com", True),
        ("email", "contest@example.com", False),
        ("card", "test@example.com", False),
        ("card", "null", True),
        ("account", "00001234", True),
        ("account", "12340000", False),
        # Machines make these: one may well begin with zeros.
        ("visitor", "0000af17", False),
        ("device", "null", False),
    ],
)
def test_what_is_junk(junk, kind, value, is_junk):
    assert junk.has(kind, value) == is_junk


def test_an_identity_of_too_many_profiles_links_nobody():
    MatchingRules.objects.update_or_create(pk=1, defaults={"shared_by": 2})
    identity = actions.find_identity(kind="phone", value="+79161234567")
    for number in range(3):
        profile = actions.create_profile(source="shop")
        actions.link_identity(profile=profile, identity=identity, source="shop", verified=True)
        if number == 0:
            found = actions.find_or_create_by_identity(kind="phone", value="+79161234567", source="call")
            assert found == (identity, profile)
    assert actions.find_or_create_by_identity(kind="phone", value="+79161234567", source="call") == (identity, None)

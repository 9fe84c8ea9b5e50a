"""Rules of matching: whoever is concerned by a change is compared again in the background."""

import pytest

from customers.models import JunkValue, MatchingRules, Recall
from tests.admin.pages import act, address, save

pytestmark = pytest.mark.django_db
PAIRS, REACHED, ALL = Recall.Scope


def recalled() -> list[int]:
    scopes = list(Recall.objects.order_by("pk").values_list("pk", flat=True))
    Recall.objects.all().delete()
    return scopes


@pytest.mark.parametrize(
    ("changes", "scopes"),
    [
        ({}, []),
        ({"joins": ""}, [PAIRS]),
        ({"upper": "0.95"}, [PAIRS]),
        ({"lower": "0.3"}, [PAIRS]),
        # What was not worth a look before, no pair tells of.
        ({"lower": "0.05"}, [PAIRS, ALL]),
        ({"shared_by": "5"}, [REACHED]),
    ],
)
def test_a_change_of_the_rules_has_those_compared_again_whom_it_concerns(page, changes, scopes):
    assert "errornote" not in save(page, MatchingRules, MatchingRules.objects.get(), **changes).content.decode()
    assert recalled() == scopes


def test_a_change_of_the_junk_has_those_compared_again_who_have_such_values(page):
    JunkValue.objects.all().delete()
    save(page, JunkValue, kind="phone", pattern="+79161234567")
    junk = JunkValue.objects.get()
    assert recalled() == [REACHED]
    save(page, JunkValue, junk, note="of the shop itself")
    assert recalled() == []
    save(page, JunkValue, junk, pattern="+7916123*")
    assert recalled() == [REACHED]
    page.post(address(JunkValue, "delete", junk.pk), {"post": "yes"})
    assert recalled() == [REACHED] and not JunkValue.objects.exists()
    act(page, JunkValue, "delete_selected", JunkValue.objects.create(pattern="null"), post="yes")
    assert recalled() == [REACHED] and not JunkValue.objects.exists()


def test_a_change_while_all_are_gone_through_begins_anew(page):
    Recall.objects.create(pk=REACHED, after=500)
    save(page, MatchingRules, MatchingRules.objects.get(), shared_by="5")
    assert Recall.objects.get().after == 0

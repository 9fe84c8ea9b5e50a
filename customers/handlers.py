"""Reactions of the golden record to facts: each is safe to run twice."""

from customers.actions.matching import compare_profile
from customers.events import ProfileSaid
from cxcenter.core.events import handles


@handles(ProfileSaid)
def look_for_him(fact: ProfileSaid) -> None:
    """Compare a profile with all others at once."""
    compare_profile(profile_id=fact.profile)

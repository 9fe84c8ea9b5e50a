"""Rows of the golden record, by subject."""

from customers.models.consents import Consent
from customers.models.golden import Apart, Customer, Membership, Merge
from customers.models.rules import CustomField, JunkValue, MatchingRules, Rebuild, SurvivorshipRule
from customers.models.sources import Identity, Profile, ProfileIdentity, SourceRecord

__all__ = [
    "Apart",
    "Consent",
    "CustomField",
    "Customer",
    "Identity",
    "JunkValue",
    "MatchingRules",
    "Membership",
    "Merge",
    "Profile",
    "ProfileIdentity",
    "Rebuild",
    "SourceRecord",
    "SurvivorshipRule",
]

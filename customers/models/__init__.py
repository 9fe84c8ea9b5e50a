"""Rows of the golden record, by subject."""

from customers.models.consents import Consent
from customers.models.golden import Apart, Customer, Membership, Merge
from customers.models.imports import ImportRun, ImportTemplate
from customers.models.matching import Comparable, Likeness, MatchKey, MatchModel
from customers.models.rules import CustomField, JunkValue, MatchingRules, Rebuild, SurvivorshipRule
from customers.models.sources import Identity, Profile, ProfileIdentity, SourceRecord

__all__ = [
    "Apart",
    "Comparable",
    "Consent",
    "CustomField",
    "Customer",
    "Identity",
    "ImportRun",
    "ImportTemplate",
    "JunkValue",
    "Likeness",
    "MatchKey",
    "MatchModel",
    "MatchingRules",
    "Membership",
    "Merge",
    "Profile",
    "ProfileIdentity",
    "Rebuild",
    "SourceRecord",
    "SurvivorshipRule",
]

"""Rows of the golden record, by subject."""

from customers.models.consents import Consent
from customers.models.erasures import ErasedKey, Erasure
from customers.models.golden import Apart, Customer, Membership, Merge, Word
from customers.models.imports import ImportRun, ImportTemplate
from customers.models.matching import Comparable, Likeness, MatchKey, MatchModel, Recall
from customers.models.notes import Note
from customers.models.rules import CustomField, JunkValue, MatchingRules, Rebuild, SurvivorshipRule
from customers.models.segments import Segment, SegmentCondition
from customers.models.sources import LAST_DIGITS, Identity, Profile, ProfileIdentity, SourceRecord, Unlinking

__all__ = [
    "LAST_DIGITS",
    "Apart",
    "Comparable",
    "Consent",
    "CustomField",
    "Customer",
    "ErasedKey",
    "Erasure",
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
    "Note",
    "Profile",
    "ProfileIdentity",
    "Rebuild",
    "Recall",
    "Segment",
    "SegmentCondition",
    "SourceRecord",
    "SurvivorshipRule",
    "Unlinking",
    "Word",
]

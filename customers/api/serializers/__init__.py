"""Bodies of customers and what belongs to them."""

from customers.api.serializers.consents import ConsentForm, StandingConsents
from customers.api.serializers.facts import EventRow, OutsideEventResults, OutsideEventsForm
from customers.api.serializers.golden import (
    CustomerDetail,
    CustomerEdit,
    CustomerIdentity,
    CustomerRow,
    ProfileRow,
    Resolved,
)
from customers.api.serializers.identities import IdentityForm, IdentityMarks, IdentityRow
from customers.api.serializers.members import MembershipForm, MembershipRow, RoleForm
from customers.api.serializers.merges import ApartForm, ApartRow, ApartRows, MergeForm, MergeRow, Merges
from customers.api.serializers.personal import ErasureForm, ErasureRow
from customers.api.serializers.records import RecordForm, RecordResult

__all__ = [
    "ApartForm",
    "ApartRow",
    "ApartRows",
    "ConsentForm",
    "CustomerDetail",
    "CustomerEdit",
    "CustomerIdentity",
    "CustomerRow",
    "ErasureForm",
    "ErasureRow",
    "EventRow",
    "IdentityForm",
    "IdentityMarks",
    "IdentityRow",
    "MembershipForm",
    "MembershipRow",
    "MergeForm",
    "MergeRow",
    "Merges",
    "OutsideEventResults",
    "OutsideEventsForm",
    "ProfileRow",
    "RecordForm",
    "RecordResult",
    "Resolved",
    "RoleForm",
    "StandingConsents",
]

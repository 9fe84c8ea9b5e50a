"""Business acts on customers, by subject."""

from customers.actions.consents import record_consent
from customers.actions.edits import edit_customer, pin_value
from customers.actions.facts import OutsideFact, record_outside_events, record_site_event
from customers.actions.identities import find_identity, find_or_create_by_identity, link_identity, recognise
from customers.actions.matching import compare_profile, compare_some, train_weights
from customers.actions.merges import keep_apart, merge_customers, take_apart_back, unmerge
from customers.actions.personal import clear_tables, erase_customer, export_customer, lift_key, obstacles_of
from customers.actions.records import add_record, create_profile
from customers.actions.sources import OutsideRecord, Reach, put_record

__all__ = [
    "OutsideFact",
    "OutsideRecord",
    "Reach",
    "add_record",
    "clear_tables",
    "compare_profile",
    "compare_some",
    "create_profile",
    "edit_customer",
    "erase_customer",
    "export_customer",
    "find_identity",
    "find_or_create_by_identity",
    "keep_apart",
    "lift_key",
    "link_identity",
    "merge_customers",
    "obstacles_of",
    "pin_value",
    "put_record",
    "recognise",
    "record_consent",
    "record_outside_events",
    "record_site_event",
    "take_apart_back",
    "train_weights",
    "unmerge",
]

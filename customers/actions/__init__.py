"""Business acts on customers, by subject."""

from customers.actions.consents import StatedConsent, record_consent, record_consent_by_hand
from customers.actions.edits import edit_customer, pin_value
from customers.actions.facts import OutsideFact, record_outside_events, record_site_event
from customers.actions.identities import find_identity, find_or_create_by_identity, link_identity, recognise
from customers.actions.links import (
    add_identity,
    link_again,
    move_identity,
    prefer_identity,
    read_typed,
    take_link_back,
    typed_identity,
    unlink_identity,
    verify_identity,
)
from customers.actions.matching import compare_profile, compare_some, train_weights
from customers.actions.members import (
    add_member,
    add_new_member,
    change_role,
    end_membership,
    resume_membership,
)
from customers.actions.merges import keep_apart, merge_customers, take_apart_back, unmerge
from customers.actions.notes import add_note, edit_note, put_note_back, withdraw_note
from customers.actions.personal import clear_tables, erase_customer, export_customer, lift_key, obstacles_of
from customers.actions.records import add_record, create_profile
from customers.actions.sources import OutsideRecord, Reach, Workplace, put_record

__all__ = [
    "OutsideFact",
    "OutsideRecord",
    "Reach",
    "StatedConsent",
    "Workplace",
    "add_identity",
    "add_member",
    "add_new_member",
    "add_note",
    "add_record",
    "change_role",
    "clear_tables",
    "compare_profile",
    "compare_some",
    "create_profile",
    "edit_customer",
    "edit_note",
    "end_membership",
    "erase_customer",
    "export_customer",
    "find_identity",
    "find_or_create_by_identity",
    "keep_apart",
    "lift_key",
    "link_again",
    "link_identity",
    "merge_customers",
    "move_identity",
    "obstacles_of",
    "pin_value",
    "prefer_identity",
    "put_note_back",
    "put_record",
    "read_typed",
    "recognise",
    "record_consent",
    "record_consent_by_hand",
    "record_outside_events",
    "record_site_event",
    "resume_membership",
    "take_apart_back",
    "take_link_back",
    "train_weights",
    "typed_identity",
    "unlink_identity",
    "unmerge",
    "verify_identity",
    "withdraw_note",
]

"""Customers, profiles, identities and events by REST."""

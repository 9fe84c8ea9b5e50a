"""The golden record: profiles, identities, customers, consents."""

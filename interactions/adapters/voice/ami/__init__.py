"""Asterisk by its manager interface. `client` holds the line; all else here is pure."""

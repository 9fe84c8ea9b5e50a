"""Business acts of the interactions app, by subject."""

"""Business acts of routing, by subject: queueing, offers, legs, presence, control."""

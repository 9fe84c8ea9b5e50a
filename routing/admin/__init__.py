"""Pages of queues, operators and routing's work."""

from routing.admin import exchanges, hours, journal, people, queues, skills

__all__ = ["exchanges", "hours", "journal", "people", "queues", "skills"]

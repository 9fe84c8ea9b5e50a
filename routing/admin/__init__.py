"""Pages of queues, operators and routing's work."""

from routing.admin import hours, journal, people, queues, skills

__all__ = ["hours", "journal", "people", "queues", "skills"]

"""Pages of queues, operators and routing's work."""

from routing.admin import journal, people, queues, skills

__all__ = ["journal", "people", "queues", "skills"]

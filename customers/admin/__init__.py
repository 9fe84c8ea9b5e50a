"""Pages of customers: rows that work has left, and the rules an administrator sets."""

from customers.admin import erasures, journal, rules

__all__ = ["erasures", "journal", "rules"]

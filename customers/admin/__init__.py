"""Pages of customers: rows that work has left, and the rules an administrator sets."""

from customers.admin import journal, rules

__all__ = ["journal", "rules"]

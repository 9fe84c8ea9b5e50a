"""Pages of customers: rows that work has left, the rules an administrator sets, imports."""

from customers.admin import imports, journal, rules

__all__ = ["imports", "journal", "rules"]

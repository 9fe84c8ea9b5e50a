"""Pages of customers: rows that work has left, the rules an administrator sets, imports."""

from customers.admin import erasures, imports, journal, rules, segments

__all__ = ["erasures", "imports", "journal", "rules", "segments"]

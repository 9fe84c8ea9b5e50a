"""The figures of the golden record."""

"""Record matching, without a database."""

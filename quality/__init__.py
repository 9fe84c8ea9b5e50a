"""How well we serve: surveys, and later evaluations, metrics and reports."""

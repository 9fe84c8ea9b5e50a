"""Metrics by REST."""

"""Threads, sessions, messages, cases and tasks by REST."""

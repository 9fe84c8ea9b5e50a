"""The ground: knows no app. Events, outbox, realtime, errors, API and screen helpers."""

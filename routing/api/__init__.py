"""Queues, work items and operators by REST."""

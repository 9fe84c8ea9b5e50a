"""Who serves what: queues, work items, assignments, presence."""

"""What is measured, under one name for every screen. `visits`: conditions; `registry`: the metrics; `reports`: their values."""

from quality.metrics.visits import (
    ABANDONED,
    ANSWERED,
    FLOWED_OUT,
    HANDLED,
    IN_WORK,
    REACTION_EDGES,
    REACTION_S,
    SECOND,
    WAIT_EDGES,
    WAIT_S,
    WAITING,
    Seconds,
    overdue,
    replied,
)

__all__ = [
    "ABANDONED",
    "ANSWERED",
    "FLOWED_OUT",
    "HANDLED",
    "IN_WORK",
    "REACTION_EDGES",
    "REACTION_S",
    "SECOND",
    "WAITING",
    "WAIT_EDGES",
    "WAIT_S",
    "Seconds",
    "overdue",
    "replied",
]

"""How much of an operator is taken: the columns of each kind of work, and strategies.has_room in the database's words."""

from collections.abc import Mapping

from routing.choices import Work

# How many of a kind fill an operator, and how many he has. `load` counts all; what has no count of its own are chats.
LIMITS = {Work.CALL: "calls", Work.CHAT: "capacity", Work.CALLBACK: "callbacks"}
LOADS = {Work.CALL: "call_load", Work.CHAT: "(load - call_load - callback_load)", Work.CALLBACK: "callback_load"}


def room_sql(gives_way: str = "") -> str:
    """Return the condition that an operator takes one more of some kind of work, over the columns of his presence.

    `gives_way` is a condition on {kind} and {asked}: work of the first takes no room from the second. Empty: all of it does.
    """
    return " OR ".join(f"({_room_for(asked, gives_way)})" for asked in Work.values)


def fullest(limits: Mapping[str, int], loads: Mapping[str, int], kind: str) -> tuple[int, int]:
    """Return how many an operator has of how many that fill him: of the work that takes the most of him; of none, of `kind`."""
    # What he has without serving it takes all.
    taken = {one: loads[one] / limits[one] if limits[one] else loads[one] for one in limits if loads.get(one)}
    most = max(taken, key=lambda one: taken[one], default=kind)
    return loads.get(most, 0), limits[most]


def _room_for(asked: str, gives_way: str) -> str:
    taken = " + ".join(_part(kind, asked, gives_way) for kind in Work.values)
    limit = LIMITS[Work(asked)]
    return f"'{asked}' <> ALL(off) AND {limit} > 0 AND {taken} + 1.0::float8 / nullif({limit}, 0) < 1.00001"


def _part(kind: str, asked: str, gives_way: str) -> str:
    """Return which part of him work of a kind takes. What he has without serving it takes all."""
    limit, load = LIMITS[Work(kind)], LOADS[Work(kind)]
    part = f"coalesce({load}::float8 / nullif({limit}, 0), ({load} > 0)::int)"
    if kind == asked or not gives_way:
        return part
    return f"CASE WHEN {gives_way.format(kind=kind, asked=asked)} THEN 0 ELSE {part} END"

"""The one place where the simulator names the routing engine that works live."""

from routing.strategies import CHOICES, Decision, Free, Needs, Rules, Steps, Waiting, decide, filled, has_room

__all__ = ["CHOICES", "Decision", "Free", "Needs", "Rules", "Steps", "Waiting", "decide", "filled", "has_room"]

"""Queues, skills, work, operators."""

from routing.choices import (
    AlertKind,
    CallbackEnd,
    CallbackState,
    GuestEnd,
    GuestRole,
    GuestState,
    Leg,
    LegEnd,
    Mode,
    Outcome,
    State,
    Visit,
    Work,
)
from routing.models.callbacks import Callback
from routing.models.exchanges import ExchangeQueue
from routing.models.guests import Guest
from routing.models.overflow import Backtest, Overflow
from routing.models.people import (
    Attendance,
    CapacityProfile,
    GivesWay,
    PauseReason,
    Presence,
    PresenceInterval,
    Reservation,
)
from routing.models.preferences import FrequentRule, PriorityStep
from routing.models.queues import (
    BusinessHours,
    Entrance,
    Holiday,
    MemberPeriod,
    OpeningInterval,
    Policy,
    Queue,
    QueueMember,
)
from routing.models.rules import RuleVersion
from routing.models.skills import ANYONE, OperatorSkill, Requirement, RequirementStep, Skill, SkillPath
from routing.models.work import Alert, Assignment, Threshold, WorkItem

__all__ = [
    "ANYONE",
    "Alert",
    "AlertKind",
    "Assignment",
    "Attendance",
    "Backtest",
    "BusinessHours",
    "Callback",
    "CallbackEnd",
    "CallbackState",
    "CapacityProfile",
    "Entrance",
    "ExchangeQueue",
    "FrequentRule",
    "GivesWay",
    "Guest",
    "GuestEnd",
    "GuestRole",
    "GuestState",
    "Holiday",
    "Leg",
    "LegEnd",
    "MemberPeriod",
    "Mode",
    "OpeningInterval",
    "OperatorSkill",
    "Outcome",
    "Overflow",
    "PauseReason",
    "Policy",
    "Presence",
    "PresenceInterval",
    "PriorityStep",
    "Queue",
    "QueueMember",
    "Requirement",
    "RequirementStep",
    "Reservation",
    "RuleVersion",
    "Skill",
    "SkillPath",
    "State",
    "Threshold",
    "Visit",
    "Work",
    "WorkItem",
]

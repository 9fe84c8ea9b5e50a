"""Queues, skills, work, operators."""

from routing.choices import AlertKind, Leg, LegEnd, Mode, Outcome, State, Visit, Work
from routing.models.people import (
    Attendance,
    CapacityProfile,
    GivesWay,
    PauseReason,
    Presence,
    PresenceInterval,
    Reservation,
)
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
from routing.models.skills import ANYONE, OperatorSkill, Requirement, RequirementStep, Skill, SkillPath
from routing.models.work import Alert, Assignment, WorkItem

__all__ = [
    "ANYONE",
    "Alert",
    "AlertKind",
    "Assignment",
    "Attendance",
    "BusinessHours",
    "CapacityProfile",
    "Entrance",
    "GivesWay",
    "Holiday",
    "Leg",
    "LegEnd",
    "MemberPeriod",
    "Mode",
    "OpeningInterval",
    "OperatorSkill",
    "Outcome",
    "PauseReason",
    "Policy",
    "Presence",
    "PresenceInterval",
    "Queue",
    "QueueMember",
    "Requirement",
    "RequirementStep",
    "Reservation",
    "Skill",
    "SkillPath",
    "State",
    "Visit",
    "Work",
    "WorkItem",
]

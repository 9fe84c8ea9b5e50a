"""Queues, skills, work, operators."""

from routing.choices import AlertKind, Leg, LegEnd, Mode, Outcome, State, Visit
from routing.models.people import PauseReason, Presence, PresenceInterval
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
from routing.models.skills import ANYONE, OperatorSkill, Requirement, RequirementStep, Skill, SkillPath
from routing.models.work import Alert, Assignment, WorkItem

__all__ = [
    "ANYONE",
    "Alert",
    "AlertKind",
    "Assignment",
    "BusinessHours",
    "Entrance",
    "FrequentRule",
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
    "PriorityStep",
    "Queue",
    "QueueMember",
    "Requirement",
    "RequirementStep",
    "Skill",
    "SkillPath",
    "State",
    "Visit",
    "WorkItem",
]

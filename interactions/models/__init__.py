"""The rows of the interactions app, by subject."""

from interactions.models.bridge import BridgeEvent
from interactions.models.calls import Call, CallFact, CallLink
from interactions.models.cases import Case, CaseLink, MissedCall, Task
from interactions.models.channels import Block, Channel, Site, Topic
from interactions.models.exchanges import CallCommand, Dialled, Exchange, Extension
from interactions.models.knowledge import Article, QuickReply
from interactions.models.outages import Outage
from interactions.models.recordings import Recording, RecordingMark, RecordingPiece
from interactions.models.talk import Attachment, Disposition, DoomedFile, Draft, Interaction, Message, Thread

__all__ = [
    "Article",
    "Attachment",
    "Block",
    "BridgeEvent",
    "Call",
    "CallCommand",
    "CallFact",
    "CallLink",
    "Case",
    "CaseLink",
    "Channel",
    "Dialled",
    "Disposition",
    "DoomedFile",
    "Draft",
    "Exchange",
    "Extension",
    "Interaction",
    "Message",
    "MissedCall",
    "Outage",
    "QuickReply",
    "Recording",
    "RecordingMark",
    "RecordingPiece",
    "Site",
    "Task",
    "Thread",
    "Topic",
]

"""What an Asterisk 18 tells while calls go on, event by event, as its documentation has it."""

from dataclasses import dataclass, field

from interactions.adapters.voice.ami.teller import Event
from interactions.adapters.voice.ami.wire import Message, Reader

STATES = {"0": "Down", "4": "Ring", "5": "Ringing", "6": "Up"}


@dataclass
class Line:
    """A channel of the switch."""

    name: str
    unique: str
    linked: str
    number: str = "<unknown>"
    exten: str = "s"
    state: str = "0"
    bridge: str = ""

    def snapshot(self, prefix: str = "") -> list[tuple[str, str]]:
        """Return the block of fields that all events tell of a channel."""
        return [
            (f"{prefix}Channel", self.name),
            (f"{prefix}ChannelState", self.state),
            (f"{prefix}ChannelStateDesc", STATES[self.state]),
            (f"{prefix}CallerIDNum", self.number),
            (f"{prefix}CallerIDName", "<unknown>"),
            (f"{prefix}ConnectedLineNum", "<unknown>"),
            (f"{prefix}ConnectedLineName", "<unknown>"),
            (f"{prefix}Language", "ru"),
            (f"{prefix}AccountCode", ""),
            (f"{prefix}Context", "from-trunk"),
            (f"{prefix}Exten", self.exten),
            (f"{prefix}Priority", "1"),
            (f"{prefix}Uniqueid", self.unique),
            (f"{prefix}Linkedid", self.linked),
        ]


@dataclass
class Pbx:
    """A switch whose clock we turn. `said` are its events as blocks of fields; `lines` its channels that live."""

    now: float = 1_700_000_000.0
    said: list[list[tuple[str, str]]] = field(default_factory=list)
    lines: dict[str, Line] = field(default_factory=dict)
    stamps: bool = True
    _count: int = 0

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def say(self, event: str, *blocks: list[tuple[str, str]], **more: object) -> None:
        """Tell an event. Each takes a millisecond."""
        self.now += 0.001
        fields = [("Event", event), ("Privilege", "call,all")]
        if self.stamps:
            fields.append(("Timestamp", f"{self.now:.6f}"))
        self.said.append(
            [*fields, *(pair for block in blocks for pair in block), *((k, str(v)) for k, v in more.items())]
        )

    def open(
        self, interface: str, *, linked: str = "", state: str = "0", number: str = "<unknown>", exten: str = "s"
    ) -> Line:
        """Make a channel: state 4 calls the switch, state 0 is called by it."""
        self._count += 1
        unique = f"{int(self.now)}.{self._count}"
        line = Line(f"{interface}-{self._count:08x}", unique, linked or unique, number, exten, state)
        self.lines[unique] = line
        self.say("Newchannel", line.snapshot())
        return line

    def dial(self, caller: Line | None, line: Line, to: str) -> None:
        """Begin to ring at a channel."""
        line.state = "5"
        self.say("DialBegin", caller.snapshot() if caller else [], line.snapshot("Dest"), DialString=to)

    def dialled(self, caller: Line | None, line: Line, status: str) -> None:
        """Tell what came of the ringing."""
        if status == "ANSWER":
            line.state = "6"
        self.say("DialEnd", caller.snapshot() if caller else [], line.snapshot("Dest"), DialStatus=status)

    def enter(self, bridge: str, *lines: Line) -> None:
        """Put channels into a bridge, out of the one in which they are."""
        for line in lines:
            self.leave(line)
            line.bridge, line.state = bridge, "6"
            self.say("BridgeEnter", self._bridge(bridge), line.snapshot())

    def swap(self, new: Line, old: Line) -> None:
        """Put a channel into the place of another: it enters before that one leaves."""
        bridge = old.bridge
        self.leave(new)
        new.bridge = bridge
        self.say("BridgeEnter", self._bridge(bridge), new.snapshot(), SwapUniqueid=old.unique)
        self.leave(old)

    def leave(self, *lines: Line) -> None:
        """Take channels out of their bridges."""
        for line in lines:
            if line.bridge:
                bridge, line.bridge = line.bridge, ""
                self.say("BridgeLeave", self._bridge(bridge), line.snapshot())

    def hang_up(self, *lines: Line, cause: int = 16) -> None:
        """End channels."""
        for line in lines:
            self.leave(line)
            del self.lines[line.unique]
            self.say("Hangup", line.snapshot(), Cause=cause)

    def _bridge(self, bridge: str) -> list[tuple[str, str]]:
        inside = sum(line.bridge == bridge for line in self.lines.values())
        return [("BridgeUniqueid", bridge), ("BridgeType", "basic"), ("BridgeNumChannels", str(inside))]

    # Queues.

    def queue(self, caller: Line, queue: str = "sales") -> None:
        """Let a caller wait in a queue."""
        self.say("QueueCallerJoin", caller.snapshot(), Queue=queue, Position=1, Count=1)
        self.say("MusicOnHoldStart", caller.snapshot(), Class="default")

    def call_agent(self, caller: Line, interface: str, queue: str = "sales") -> Line:
        """Ring at a member of the queue."""
        line = self.open(interface, linked=caller.linked)
        self.say(
            "AgentCalled",
            caller.snapshot(),
            line.snapshot("Dest"),
            Queue=queue,
            MemberName=interface,
            Interface=interface,
        )
        self.dial(caller, line, interface.partition("/")[2])
        return line

    def connect(
        self, caller: Line, line: Line, interface: str, *, ring_s: int, bridge: str, queue: str = "sales"
    ) -> None:
        """Let a member answer."""
        self.dialled(caller, line, "ANSWER")
        self.say("MusicOnHoldStop", caller.snapshot())
        self.say("QueueCallerLeave", caller.snapshot(), Queue=queue, Count=0, Position=1)
        member = {"Queue": queue, "MemberName": interface, "Interface": interface}
        self.say("AgentConnect", caller.snapshot(), line.snapshot("Dest"), **member, RingTime=ring_s, HoldTime=ring_s)
        self.enter(bridge, line, caller)

    def no_answer(self, caller: Line, line: Line, interface: str, *, ring_ms: int, queue: str = "sales") -> None:
        """Let a member not answer in time."""
        member = {"Queue": queue, "MemberName": interface, "Interface": interface}
        self.say("AgentRingNoAnswer", caller.snapshot(), line.snapshot("Dest"), **member, RingTime=ring_ms)
        self.dialled(caller, line, "NOANSWER")
        self.hang_up(line, cause=0)

    def complete(
        self, caller: Line, line: Line, interface: str, *, why: str, talk_s: int, queue: str = "sales"
    ) -> None:
        """End a call of the queue: the switch hangs up the member first, whoever has ended it."""
        self.leave(line, caller)
        member = {"Queue": queue, "MemberName": interface, "Interface": interface}
        self.say(
            "AgentComplete", caller.snapshot(), line.snapshot("Dest"), **member, HoldTime=3, TalkTime=talk_s, Reason=why
        )
        self.hang_up(line, caller)

    def member(self, event: str, interface: str, queue: str = "sales", **more: object) -> None:
        """Tell of a member of a queue."""
        self.say(event, [("Queue", queue), ("MemberName", interface), ("Interface", interface)], **more)

    # For those who read.

    def take(self) -> list[list[tuple[str, str]]]:
        """Return what was said since the last time."""
        said, self.said = self.said, []
        return said

    def events(self) -> list[Event]:
        """Return what was said, as read from the wire."""
        reader = Reader()
        reader.feed(b"Asterisk Call Manager/5.0.2\r\n")
        messages = reader.feed(b"".join(map(block, self.said)))
        assert not reader.errors and len(messages) == len(self.said)
        return [Event(message, _stamp(message), order) for order, message in enumerate(messages)]


def block(fields: list[tuple[str, str]]) -> bytes:
    """Return fields as they go over the wire."""
    return "\r\n".join([*(f"{key}: {value}" for key, value in fields), "", ""]).encode()


def _stamp(message: Message) -> float:
    return float(message.get("timestamp") or 0)


def a_call(pbx: Pbx, interface: str = "PJSIP/1017", *, hold: bool = True) -> str:
    """Let one whole call go by: queue, answer, perhaps hold, the customer hangs up. Return its id."""
    customer = pbx.open("PJSIP/trunk", state="4", number="+79001234567", exten="800")
    pbx.queue(customer)
    pbx.wait(2)
    agent = pbx.call_agent(customer, interface)
    pbx.wait(3)
    pbx.connect(customer, agent, interface, ring_s=3, bridge=f"b{customer.unique}")
    pbx.wait(20)
    if hold:
        pbx.say("Hold", agent.snapshot())
        pbx.say("MusicOnHoldStart", customer.snapshot(), Class="default")
        pbx.wait(5)
        pbx.say("MusicOnHoldStop", customer.snapshot())
        pbx.say("Unhold", agent.snapshot())
        pbx.wait(10)
    pbx.complete(customer, agent, interface, why="caller", talk_s=35)
    return customer.unique

"""A log of Asterisk through the pure core: bytes to messages, messages to facts, facts to calls."""

import random
import time
from collections import defaultdict
from collections.abc import Iterable
from operator import itemgetter

from interactions.adapters.voice.ami.states import AgentState
from interactions.adapters.voice.ami.teller import Event, Heard, event_of
from interactions.adapters.voice.ami.translate import Translator, replay
from interactions.adapters.voice.ami.wire import Reader
from interactions.calls.facts import Fact
from interactions.calls.reducer import Reducer, reduce
from interactions.calls.view import CallView
from tests.ami_pbx import Pbx, a_call, block
from tests.bench.center import main
from tests.bench.report import Figure, middle

EVENTS, OPERATORS, RUNS = 100_000, 300, 3
USERS = {f"PJSIP/{number}": number for number in range(1000, 1000 + OPERATORS)}
PIECE = 65536
END = 1_700_100_000.0


def measure() -> Iterable[Figure]:
    data, count = a_log(random.Random(1))
    took, floors = [], []
    for _run in range(RUNS):
        began = time.perf_counter()
        views = live(data)
        took.append(time.perf_counter() - began)
        floors.append(plainly(data))
    check(data, views)
    rate, floor = count / middle(took), count / middle(floors)
    yield Figure(
        "voice.ami_replay_per_s", rate, floor, f"{count:,} events, {len(views):,} calls, {OPERATORS} operators"
    )


def a_log(chance: random.Random) -> tuple[bytes, int]:
    """Return what a busy switch says: calls begin within an hour, and lie over each other."""
    pbx = Pbx()
    begin, interfaces = pbx.now, list(USERS)
    while len(pbx.said) < EVENTS:
        pbx.now = begin + chance.random() * 3600
        chance.choice((a_call, a_passed_call, a_transferred_call))(pbx, chance.choice(interfaces))
    stamped = sorted(
        ((dict(fields)["Timestamp"], number, fields) for number, fields in enumerate(pbx.said)), key=itemgetter(0, 1)
    )
    blocks = [block(fields) for _, _, fields in stamped]
    return b"Asterisk Call Manager/5.0.2\r\n" + b"".join(blocks), len(blocks)


def a_passed_call(pbx: Pbx, interface: str) -> None:
    """The first does not answer in time, the second does."""
    customer = pbx.open("PJSIP/trunk", state="4", number="+79001234567")
    pbx.queue(customer)
    first = pbx.call_agent(customer, "PJSIP/1000")
    pbx.wait(15)
    pbx.no_answer(customer, first, "PJSIP/1000", ring_ms=15000)
    second = pbx.call_agent(customer, interface)
    pbx.wait(3)
    pbx.connect(customer, second, interface, ring_s=3, bridge=f"b{customer.unique}")
    pbx.wait(60)
    pbx.complete(customer, second, interface, why="agent", talk_s=60)


def a_transferred_call(pbx: Pbx, interface: str) -> None:
    """An operator hands over blindly to another."""
    customer = pbx.open("PJSIP/trunk", state="4", number="+79001234567")
    pbx.queue(customer)
    first = pbx.call_agent(customer, interface)
    pbx.wait(2)
    pbx.connect(customer, first, interface, ring_s=2, bridge=f"b{customer.unique}")
    pbx.wait(30)
    pbx.say(
        "BlindTransfer",
        first.snapshot("Transferer"),
        customer.snapshot("Transferee"),
        Result="Success",
        Extension="1001",
    )
    pbx.hang_up(first)
    pbx.leave(customer)
    other = pbx.open("PJSIP/1001", linked=customer.linked)
    pbx.dial(customer, other, "1001")
    pbx.wait(4)
    pbx.dialled(customer, other, "ANSWER")
    pbx.enter(f"c{customer.unique}", other, customer)
    pbx.wait(45)
    pbx.hang_up(other, customer)


def live(data: bytes) -> dict[str, CallView]:
    """Take the log as it comes over the line."""
    translator, reducers = Translator(USERS), defaultdict[str, Reducer](Reducer)
    for event in read(data):
        for one in translator.feed(event):
            if isinstance(one, Heard):
                reducers[one.call].feed(one.fact)
    return {call: reducer.view(END) for call, reducer in reducers.items()}


def read(data: bytes) -> Iterable[Event]:
    reader, order = Reader(), 0
    for start in range(0, len(data), PIECE):
        for message in reader.feed(data[start : start + PIECE]):
            order += 1
            yield event_of(message, END, order)


def check(data: bytes, views: dict[str, CallView]) -> None:
    """The same intervals: from the log shuffled and doubled, and from the facts shuffled and doubled."""
    chance, events = random.Random(2), list(read(data))
    chance.shuffle(mixed := events * 2)
    told = [one for one in replay(mixed, USERS) if not isinstance(one, AgentState)]
    chance.shuffle(mixed_facts := told * 2)
    by_call = defaultdict[str, list[Fact]](list)
    for one in mixed_facts:
        by_call[one.call].append(one.fact)
    again = {call: reduce(facts, END) for call, facts in by_call.items()}
    assert again == views, "shuffled events tell another story"
    assert all(view.ended for view in views.values())


def plainly(data: bytes) -> float:
    """The floor: the same bytes cut into keys and values, and nothing made of them."""
    began = time.perf_counter()
    for text in data.decode().split("\r\n\r\n"):
        dict(line.split(": ", 1) for line in text.split("\r\n") if ": " in line)
    return time.perf_counter() - began


if __name__ == "__main__":
    main(measure)

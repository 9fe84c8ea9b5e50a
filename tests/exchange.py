"""A telephone exchange of the tests: an Asterisk whose events go the whole way, but for the socket."""

import random
from dataclasses import dataclass, field

from cxcenter.accounts.models import User
from cxcenter.exchanges.asterisk import told_of
from interactions.adapters.voice.ami.states import AgentState
from interactions.adapters.voice.ami.translate import Translator
from interactions.models import Call, CallFact, Exchange, Extension
from routing.actions import exchange as acts
from routing.actions.exchange import Told
from routing.models import Assignment, ExchangeQueue, Queue, WorkItem
from tests import world
from tests.ami_pbx import Pbx


def make_exchange(name: str, queue: Queue, *people: User, **fields) -> Exchange:
    """An exchange whose channel leads to a queue; its queue "sales" is that one, its phones are PJSIP/1017, 1018 …"""
    channel = world.make_line(queue, f"Line of {name}")
    exchange = Exchange.objects.create(name=name, channel=channel, **fields)
    for number, user in enumerate(people, 1017):
        Extension.objects.create(exchange=exchange, interface=f"PJSIP/{number}", user=user)
    ExchangeQueue.objects.create(exchange=exchange, name="sales", queue=queue)
    return exchange


@dataclass
class Ear:
    """Hears what a switch says, as the product does."""

    exchange: Exchange
    pbx: Pbx = field(default_factory=Pbx)
    left: list[Told] = field(default_factory=list)

    def __post_init__(self) -> None:
        phones = self.exchange.extensions.values_list("interface", "user_id")
        self.translator = Translator(dict(phones))
        self.inner = {one.number for one in self.exchange.extensions.all()}

    def told(self) -> list[Told]:
        """Return what the switch has said since the last time."""
        heard = [one for event in self.pbx.events() for one in self.translator.feed(event)]
        self.pbx.take()
        return [told_of(one, self.inner) for one in heard if not isinstance(one, AgentState)]

    def hear(self) -> None:
        self.left = acts.hear(exchange=self.exchange, told=[*self.left, *self.told()])

    def mixed(self, chance: random.Random, *, most: int = 5) -> None:
        """Hear all that was said doubled, shuffled and in batches."""
        told = self.told() * 2
        chance.shuffle(told)
        left: list[Told] = []
        while told:
            size = chance.randint(1, most)
            batch, told = told[:size], told[size:]
            left = acts.hear(exchange=self.exchange, told=[*left, *batch])


def rows_of(call: Call) -> tuple:
    """What is kept of a call: facts, columns, visits and legs, without ids and what is counted from now on."""
    facts = CallFact.objects.filter(call=call).exclude(key__startswith="wrapped").exclude(key__startswith="leg:")
    visits = WorkItem.objects.filter(interaction=call.pk).order_by("entered_at")
    legs = Assignment.objects.filter(interaction=call.pk).order_by("offered_at", "operator")
    call.refresh_from_db()
    return (
        (call.began_at, call.answered_at, call.ended_at, round(call.talk_s, 3), round(call.hold_s, 3), call.direction),
        call.interaction.close_reason,
        set(facts.values_list("key", "kind", "party")),
        list(visits.values_list("queue", "visit", "entered_at", "left_at", "outcome", "waits_since")),
        list(
            legs.values_list(
                "operator",
                "leg",
                "end",
                "offered_at",
                "accepted_at",
                "ended_at",
                "wrapped_at",
                "holds",
                "item__entered_at",
            )
        ),
    )

"""How one fact after another moves the parties of a call. No Django here.

Each party stands somewhere by itself (it rings, it is connected, it has left); who holds, consults and confers lies over
that. A party's phase follows from both, so that no fact that is missing leaves one of them behind.
"""

from collections.abc import Callable, Mapping
from enum import Enum, auto

from interactions.calls.facts import CUSTOMER, Fact, Kind, is_operator
from interactions.calls.table import Phase


class Stands(Enum):
    """Where a party stands by itself."""

    RINGING = auto()
    OFFERED = auto()
    CONNECTED = auto()
    TRANSFERRING = auto()
    WRAPUP = auto()
    OVER = auto()


GONE = (Stands.WRAPUP, Stands.OVER)
_PHASES: Mapping[Stands, Phase] = {
    Stands.RINGING: Phase.RINGING,
    Stands.OFFERED: Phase.OFFERED,
    Stands.TRANSFERRING: Phase.TRANSFERRING,
    Stands.WRAPUP: Phase.WRAPUP,
    Stands.OVER: Phase.ENDED,
}
# Only who talks can do these: done by another, they prove that he has answered, or come back.
_BEGINNINGS = frozenset({Kind.HELD, Kind.MUTED, Kind.CONSULTED, Kind.MERGED, Kind.RETURNED})
# These prove it as well, but of one who has left they are late news of what he did before.
_ENDINGS = frozenset({Kind.RESUMED, Kind.UNMUTED, Kind.TRANSFERRED})
# These may concern the whole call. Others without a party say nothing.
_OF_ALL = frozenset({Kind.QUEUED, Kind.MERGED, Kind.WRAPPED_UP, Kind.ENDED})


class Legs:
    """The parties of a call at one moment."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.stands: dict[str, Stands] = {}
        self.holding: set[str] = set()
        self.muted: set[str] = set()
        self.consults: dict[str, str] = {}
        self.members: set[str] = set()
        self._worked: set[str] = set()

    def phase(self, party: str) -> Phase:
        """Return a party's phase."""
        stands = self.stands[party]
        if stands is not Stands.CONNECTED:
            return _PHASES[stands]
        if party in self.consults:
            return Phase.CONSULTING
        if party in self.holding or self._is_put_on_hold(party):
            return Phase.HELD
        return Phase.CONFERENCED if party in self.members else Phase.TALKING

    def _is_put_on_hold(self, party: str) -> bool:
        """Tell whether an operator holds this party, or consults another. Members of a conference talk on."""
        if is_operator(party) or party in self.members:
            return False
        if any(is_operator(one) for one in self.holding):
            return True
        return any(other != party for other in self.consults.values())

    def take(self, fact: Fact) -> None:
        """Move the parties by one fact."""
        if not fact.party and fact.kind not in _OF_ALL:
            return
        if fact.party:
            self._infer(fact)
        act: Callable[[Fact], None] | None = getattr(self, f"_{fact.kind}", None)
        if act is not None:
            act(fact)

    def _infer(self, fact: Fact) -> None:
        """Connect a party of which the fact says that it talks, if no fact has said so before."""
        stands = self.stands.get(fact.party)
        if stands is Stands.CONNECTED:
            return
        late = fact.kind in _ENDINGS and stands not in GONE and stands is not Stands.TRANSFERRING
        if fact.kind not in _BEGINNINGS and not late:
            return
        called = [party for party, at in self.stands.items() if at is Stands.OFFERED]
        if stands is Stands.RINGING and len(called) == 1:
            # The caller talks: so the one whom he called has answered.
            self._meet(called[0])
        self._answer(fact.party)

    def _live(self) -> list[str]:
        return [party for party, stands in self.stands.items() if stands not in GONE]

    def _connected(self) -> list[str]:
        return [party for party, stands in self.stands.items() if stands is Stands.CONNECTED]

    def _began(self, fact: Fact) -> None:
        if fact.party not in self.stands:
            self.stands[fact.party] = Stands.RINGING
            self._worked.add(fact.party)

    def _queued(self, fact: Fact) -> None:
        party = fact.party or CUSTOMER
        if self.stands.get(party) is Stands.CONNECTED and party not in self.members:
            # Nobody said so, but he was handed over: he waits again.
            for one in filter(is_operator, self._connected()):
                self._hand_over(one)
        self._part(party)
        self.stands[party] = Stands.RINGING

    def _offered(self, fact: Fact) -> None:
        if self.stands.get(fact.party) not in (Stands.CONNECTED, Stands.RINGING):
            self.stands[fact.party] = Stands.OFFERED
            self._name_consulted(fact.party)

    def _name_consulted(self, party: str) -> None:
        """Who is called during a consultation is the one that is consulted, if the fact of it has named nobody."""
        for one, other in self.consults.items():
            if not other and party not in (one, CUSTOMER):
                self.consults[one] = party

    def _answered(self, fact: Fact) -> None:
        if self.stands.get(fact.party) is not Stands.CONNECTED:
            self._answer(fact.party)

    def _answer(self, party: str) -> None:
        self._name_consulted(party)
        if self.members:
            self._connect(party)
            self.members.add(party)
        else:
            self._meet(party)

    def _connect(self, party: str) -> None:
        self.stands[party] = Stands.CONNECTED
        self._worked.add(party)

    def _meet(self, party: str) -> None:
        """Let an answer reach who rang for it. An offer is answered once: it ends at all other operators."""
        self._connect(party)
        for one, stands in list(self.stands.items()):
            if stands is Stands.RINGING:
                self._connect(one)
            elif stands is Stands.TRANSFERRING or (
                stands is Stands.OFFERED and is_operator(one) and is_operator(party)
            ):
                self._go(one)

    def _refused(self, fact: Fact) -> None:
        if self.stands.get(fact.party) not in (Stands.CONNECTED, *GONE):
            self._leave(fact.party)

    def _held(self, fact: Fact) -> None:
        self.consults.pop(fact.party, None)
        self.holding.add(fact.party)

    def _resumed(self, fact: Fact) -> None:
        self.consults.pop(fact.party, None)
        self.holding.discard(fact.party)

    def _consulted(self, fact: Fact) -> None:
        self.holding.discard(fact.party)
        other = str(fact.data.get("party", ""))
        known = self.consults.get(fact.party, "")
        self.consults[fact.party] = known if other in ("", fact.party, CUSTOMER) else other

    def _merged(self, fact: Fact) -> None:
        self.members = set(self._connected())
        self.holding.clear()
        self.consults.clear()

    def _returned(self, fact: Fact) -> None:
        self.consults.clear()
        self.members.clear()
        self.holding.discard(fact.party)
        for one in self._live():
            if one not in (fact.party, CUSTOMER):
                self._go(one)
        if self.stands.get(CUSTOMER) is Stands.RINGING:
            self._connect(CUSTOMER)

    def _transferred(self, fact: Fact) -> None:
        party = fact.party
        if self.stands.get(party) is not Stands.CONNECTED:
            return
        if party in self.members:
            self._leave(party)
        elif fact.data.get("how") == "consult":
            self._go(party)
            if not any(one != CUSTOMER for one in self._connected()):
                self._wait()
        else:
            self._hand_over(party)
            self._wait()

    def _hand_over(self, party: str) -> None:
        self.consults.pop(party, None)
        self.holding.discard(party)
        self.stands[party] = Stands.TRANSFERRING

    def _wait(self) -> None:
        """Let the customer's call ring again, at whom it was handed to."""
        if self.stands.get(CUSTOMER) is Stands.CONNECTED:
            self.holding.discard(CUSTOMER)
            self.stands[CUSTOMER] = Stands.RINGING

    def _left(self, fact: Fact) -> None:
        if self.stands.get(fact.party) not in GONE:
            self._leave(fact.party)

    def _leave(self, party: str) -> None:
        """Let a party go, and then the one that it leaves alone: a customer alone waits, anybody else goes as well."""
        refuses = self.stands.get(party) is Stands.OFFERED and is_operator(party)
        self._go(party)
        live = self._live()
        if refuses or len(live) != 1:
            return
        if live[0] != CUSTOMER or self.stands[CUSTOMER] is Stands.OFFERED:
            self._go(live[0])
        else:
            self._wait()

    def _go(self, party: str) -> None:
        """Let a party go: an operator who worked wraps up."""
        self.consults.pop(party, None)
        self.muted.discard(party)
        self.holding.discard(party)
        self._part(party)
        if party == CUSTOMER:
            self.consults.clear()  # there is nothing to return to
        for one in [one for one, other in self.consults.items() if other == party]:
            # The customer is on hold until the operator takes him back.
            del self.consults[one]
            self.holding.add(one)
        wraps_up = is_operator(party) and party in self._worked
        self.stands[party] = Stands.WRAPUP if wraps_up else Stands.OVER

    def _part(self, party: str) -> None:
        """Take a party out of the conference: two who are left talk to each other."""
        self.members.discard(party)
        if len(self.members) <= 2:
            self.members.clear()

    def _wrapped_up(self, fact: Fact) -> None:
        done = [fact.party] if fact.party else [one for one, at in self.stands.items() if at is Stands.WRAPUP]
        for party in done:
            if self.stands.get(party) not in GONE:
                self._leave(party)
            self.stands[party] = Stands.OVER
            self._worked.discard(party)

    def _muted(self, fact: Fact) -> None:
        self.muted.add(fact.party)

    def _unmuted(self, fact: Fact) -> None:
        self.muted.discard(fact.party)

    def _ended(self, fact: Fact) -> None:
        for party in self._live():
            self._go(party)

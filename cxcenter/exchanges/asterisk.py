"""What an Asterisk tells, as routing takes it. Pure."""

from collections.abc import Container

from interactions.adapters.voice.ami.teller import Heard
from interactions.calls.facts import CUSTOMER, Kind, is_operator
from routing.actions.exchange import Told

# What Asterisk says where there is no number.
_NOBODY = frozenset({"<unknown>", "s", "anonymous", "unknown"})


def told_of(heard: Heard, inner: Container[str]) -> Told:
    """Return a fact with the customer's number: who calls us, or whom an operator calls, if that is no colleague (`inner`)."""
    fact = heard.fact
    if fact.kind != Kind.BEGAN or not (fact.party == CUSTOMER or is_operator(fact.party)):
        return Told(heard.call, fact)
    said = str(fact.data.get("from" if fact.party == CUSTOMER else "to") or "")
    return Told(heard.call, fact, "" if said in _NOBODY or said in inner else said)

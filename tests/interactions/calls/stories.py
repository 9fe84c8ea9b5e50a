"""Random calls: facts of any kind, in any order, and such as a real call might have."""

from hypothesis import strategies as st

from interactions.calls.facts import Fact, Kind

PARTIES = ("customer", "op:1", "op:2", "ext:+79001234567")


def facts(*words: str) -> list[Fact]:
    """Return facts from words like `3 answered op:1 reason=busy`, numbered as they stand."""
    return [_fact(number, word.split()) for number, word in enumerate(words)]


def _fact(number: int, words: list[str]) -> Fact:
    at, kind, *rest = words
    data = dict(word.split("=") for word in rest if "=" in word)
    party = next((word for word in rest if "=" not in word), "")
    return Fact(f"k{number}", float(at), number, Kind(kind), party, data)


@st.composite
def logs(draw: st.DrawFn) -> list[Fact]:
    """Return facts in order, any after any, some in the same moment."""
    found, at = [], 1_700_000_000_000_000
    for number in range(draw(st.integers(0, 25))):
        at += draw(st.sampled_from((0, 1, 999_999, 7_000_001)))
        kind = draw(st.sampled_from(Kind))
        party = draw(st.sampled_from((*PARTIES, "")))
        data = {}
        if kind == Kind.TRANSFERRED:
            data["how"] = draw(st.sampled_from(("blind", "consult")))
        if kind == Kind.CONSULTED:
            data["party"] = draw(st.sampled_from((*PARTIES, "")))
        # The whole call ends seldom, that something comes before it.
        if kind == Kind.ENDED and draw(st.booleans()):
            kind = Kind.LEFT
        found.append(Fact(f"k{number}", at / 1e6, number, kind, party, data))
    return found

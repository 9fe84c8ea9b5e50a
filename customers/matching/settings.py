"""Everything that can be set: keys, levels, priors, thresholds.

The numbers were chosen on the generated set of `tests/bench/golden/people.py`, seeds 1, 3 and 4; `tests/bench/golden`
judges them on another.
"""

from typing import NamedTuple

# Each key joins parts of a record (see `keys.PARTS`); a part with several values makes several keys.
# A pair of records is looked at if it shares a key. The first are the surest: a record keeps MAX_KEYS of them.
KEYS = (
    ("phone",),
    ("email",),
    ("born", "initial"),
    ("names",),
    ("initials", "year", "month"),
    ("initials", "year", "day"),
    ("initials", "month", "day"),
    ("line", "house"),
    ("name", "postcode"),
    ("postcode", "house"),
    ("lines",),
    ("line", "postcode"),
    ("initials", "line"),
    ("mailbox",),
    ("name", "house"),
    ("name", "year"),
)
MAX_KEYS, MAX_KEY = 24, 80
# Letters of a code of a name or a street that a key takes, and full names that a short form stands for in keys.
MAX_CODE, MAX_MEANINGS = 6, 2
# A key that more records share says too little: its block is skipped, finer keys find its pairs.
MAX_BLOCK = 60
# Of a list of phones or addresses so many are compared.
MAX_VALUES = 3

# Similarity of Jaro–Winkler (0…1) from which two words are near, and akin.
NEAR, AKIN = 0.92, 0.84
# Words of so many letters are near with one letter wrong, missing, added or exchanged with its neighbour.
NEAR_LENGTH = 3

# Field → level → (m, u, k): how often the level is met among pairs of records of one person, of strangers, of
# people of one household. From the best level to the worst. What EM starts from and is held by where data are few.
LEVELS: dict[str, dict[str, tuple[float, float, float]]] = {
    "first": {
        "exact": (0.80, 0.01, 0.01),
        "alike": (0.05, 0.003, 0.003),
        "near": (0.06, 0.003, 0.003),
        "akin": (0.01, 0.01, 0.01),
        "initial": (0.01, 0.001, 0.001),
        "crossed": (0.04, 0.0005, 0.0005),
        "differs": (0.03, 0.9725, 0.9725),
    },
    "last": {
        "exact": (0.80, 0.003, 0.60),
        "alike": (0.03, 0.0005, 0.02),
        "near": (0.07, 0.002, 0.20),
        "akin": (0.02, 0.015, 0.03),
        "initial": (0.01, 0.001, 0.01),
        "crossed": (0.04, 0.0005, 0.01),
        "differs": (0.03, 0.978, 0.13),
    },
    "middle": {
        "exact": (0.83, 0.02, 0.25),
        "alike": (0.03, 0.001, 0.02),
        "near": (0.08, 0.01, 0.10),
        "akin": (0.01, 0.02, 0.05),
        "initial": (0.03, 0.001, 0.01),
        "differs": (0.02, 0.948, 0.57),
    },
    "birthday": {
        "exact": (0.88, 0.0001, 0.02),
        "slip": (0.08, 0.0015, 0.0015),
        "partial": (0.02, 0.001, 0.001),
        "parts": (0.01, 0.006, 0.006),
        "differs": (0.01, 0.9914, 0.9714),
    },
    "phone": {"exact": (0.70, 0.0001, 0.40), "near": (0.04, 0.0001, 0.01), "differs": (0.26, 0.9998, 0.59)},
    "email": {
        "exact": (0.70, 0.0001, 0.05),
        "near": (0.08, 0.0001, 0.02),
        "mailbox": (0.05, 0.0001, 0.005),
        "differs": (0.17, 0.9997, 0.925),
    },
    "postcode": {"exact": (0.85, 0.002, 0.95), "near": (0.06, 0.01, 0.02), "differs": (0.09, 0.988, 0.03)},
    "region": {"exact": (0.93, 0.15, 0.98), "near": (0.02, 0.01, 0.01), "differs": (0.05, 0.84, 0.01)},
    "city": {
        "exact": (0.82, 0.03, 0.95),
        "near": (0.08, 0.003, 0.02),
        "akin": (0.02, 0.02, 0.01),
        "differs": (0.08, 0.947, 0.02),
    },
    "street": {
        "exact": (0.75, 0.003, 0.93),
        "near": (0.10, 0.003, 0.03),
        "akin": (0.02, 0.02, 0.01),
        "crossed": (0.04, 0.0005, 0.01),
        "differs": (0.09, 0.9735, 0.02),
    },
    "district": {
        "exact": (0.75, 0.01, 0.93),
        "near": (0.10, 0.003, 0.03),
        "akin": (0.02, 0.02, 0.01),
        "crossed": (0.04, 0.0005, 0.01),
        "differs": (0.09, 0.9665, 0.02),
    },
    "house": {"exact": (0.85, 0.015, 0.95), "near": (0.06, 0.05, 0.02), "differs": (0.09, 0.935, 0.03)},
}
# Fields whose values stand in each other's place when a form was filled wrongly.
CROSSED = (("last", "first"), ("street", "district"))
# Who agrees on the first agrees on the second: a postcode lies in a town, a town in a region.
IMPLIED = (("city", "region"), ("postcode", "city"), ("postcode", "region"))


class Own(NamedTuple):
    """How often relatives agree on what is one's own: so many times as often as strangers, and so much besides."""

    factor: float
    added: float


# The rest is shared by a household. A name is given to one child of a family, and not to a couple; twins share a birthday.
OWN = {"first": Own(0.25, 0.0), "birthday": Own(1.0, 0.02)}
# Of one person what is his own differs so often at the most: badly damaged sets have a sixth.
MAX_DIFFERS = 0.25

# Chance that two records drawn at random are of one person, and of one household.
PRIOR, KIN_PRIOR = 1e-5, 1e-5
# The same where there are no households: not 0, of which there is no logarithm.
NO_KIN = 1e-30
# Weight of the priors above in training: so many pairs of records are imagined beside the real ones.
IMAGINED = 20.0
# No level is rarer: what was never met may be met yet.
RAREST_LEVEL = 1e-5
MIN_RECORDS = 200
RANDOM_PAIRS = 200_000
MAX_ROUNDS, TOLERANCE = 100, 1e-4
# Values of a field whose frequency is kept with the model.
MAX_FREQUENCIES = 5_000

# Bits (log2 of the odds) from which a pair is one person, and from which a steward should look at it.
LINK, REVIEW = 3.0, -3.0
# A group is joined to another if all pairs between them have so many bits on average, each counted up to CLIP.
GUARD, CLIP = 2.0, 15.0
# No two records of a cluster may have fewer bits.
VETO = -10.0
# A cluster of more records is held for the steward; groups of more are not compared pair by pair.
MAX_CLUSTER, MAX_COMPLETE = 20, 200

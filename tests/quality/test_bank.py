"""The bank's log: what the product tells of it is what plain csv tells of it, to the last digit."""

import csv
import io
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import transaction

from quality import rollups
from quality.metrics.reports import Asked, report
from quality.metrics.spans import Interval
from quality.service_level import Policy
from routing.logs.mapping import read_mapping
from routing.models import Queue
from tests import bank

pytestmark = [pytest.mark.django_db, bank.needs_bank]
ZONE = ZoneInfo("Asia/Jerusalem")
SINCE, UNTIL = datetime(1999, 2, 1, tzinfo=ZONE), datetime(1999, 2, 15, tzinfo=ZONE)
QUARTER = timedelta(minutes=15)


def levels(answered, lost, within_s, short_s):
    """V1–V10 of the definitions, of waits in seconds. The log knows neither callbacks (C) nor flow-outs (F) nor blocked calls (B)."""
    in_time, lost_in_time = (sum(wait <= within_s for wait in waits) for waits in (answered, lost))
    a, lost_n, c_in_time, f, b = len(answered), len(lost), 0, 0, 0
    short = sum(wait <= short_s for wait in lost) if short_s is not None else 0
    shares = {
        "V1": (in_time, a),
        "V2": (in_time, a + lost_n),
        "V3": (in_time, a + lost_n - lost_in_time),
        "V4": (in_time + lost_in_time, a + lost_n),
        "V5": (in_time, a + lost_n - short),
        "V6": (in_time + short, a + lost_n),
        "V7": (in_time, a + lost_n - short + f),
        "V8": (in_time + lost_in_time + c_in_time, a + lost_n),
        "V9": (in_time, a + lost_n + b),
        "V10": (in_time, a + lost_n - short + b),
    }
    return {formula: above / below if below else None for formula, (above, below) in shares.items()}


def test_the_plain_formulas_are_those_of_the_definitions():
    """The example of the definitions: A 1000, L 60, A_T 860, L_T 20, L_S 10."""
    found = levels([20] * 860 + [21] * 140, [5] * 10 + [20] * 10 + [40] * 40, 20, 5)
    told = {formula: round(100 * found[formula], 2) for formula in ("V1", "V2", "V3", "V4", "V5", "V6")}
    assert told == {"V1": 86.00, "V2": 81.13, "V3": 82.69, "V4": 83.02, "V5": 81.90, "V6": 82.08}


class Plain:
    """The calls of one group, counted by hand."""

    def __init__(self, rows):
        self.answered = [row for row in rows if bank.part(row) == "agents"]
        self.lost = [row for row in rows if bank.part(row) == "queue"]
        self.menu = [row for row in rows if bank.part(row) == "bot"]

    def values(self, policy):
        waits = [int(row["q_time"]) for row in self.answered]
        lost = [int(row["q_time"]) for row in self.lost]
        served = [int(row["ser_time"]) for row in self.answered if row["server"] != "NO_SERVER"]
        level = levels(waits, lost, policy.within_s, policy.short_s)
        return {
            "offered": len(waits) + len(lost),
            "answered": len(waits),
            "abandoned": len(lost),
            "asa": sum(waits) / len(waits) if waits else None,
            "abandon_wait": sum(lost) / len(lost) if lost else None,
            "longest_wait": max(waits + lost, default=None),
            "abandonment": len(lost) / (len(waits) + len(lost)) if waits or lost else None,
            "handled": len(waits),
            "aht": sum(served) / len(served) if served else None,
            "service_level": level[policy.formula],
            **{f"level_{formula.lower()}": value for formula, value in level.items()},
            "agents": len(waits),
            "queue": len(lost),
            "bot": len(self.menu),
            "contacts": len(waits) + len(lost) + len(self.menu),
        }


def groups(key, rows=None):
    found = defaultdict(list)
    for row in rows or bank.rows():
        found[key(row)].append(row)
    return {name: Plain(rows) for name, rows in found.items()}


def told(*by, interval=Interval.WHOLE, **asked):
    return report(Asked(SINCE, UNTIL, by=by, interval=interval, zone=ZONE, **asked))


def check(found, expected, policy, key):
    """Compare a report with groups of rows: the same groups, and in each the same numbers."""
    assert {key(row) for row in found.rows} == set(expected)
    for row in found.rows:
        values = expected[key(row)].values(policy)
        assert {code: row.values[code] for code in values} == values, key(row)


@pytest.fixture(scope="module")
def names():
    return read_mapping(type(bank.BANK)("bank_calls")).names


def test_the_numbers_of_the_log_are_those_of_plain_csv_raw_and_summed_up(names):
    call_command("import_calls", str(bank.BANK), stdout=io.StringIO(), stderr=io.StringIO())
    Queue.objects.update(target_s=20)
    queues = {queue.pk: code for code, name in names.items() for queue in Queue.objects.filter(name=name)}
    policy = Policy("V5", 30, 10)

    def by_all(row):
        if bank.part(row) == "bot":
            return at(row), None, None
        return at(row), row["type"], int(row["priority"])

    def at(row):
        return bank.arrival(row) - (bank.arrival(row) - datetime(1999, 1, 1, tzinfo=UTC)) % QUARTER

    def key(row):
        return row.at, queues.get(row.keys["queue"]), row.keys["priority"]

    expected = groups(by_all)
    whole = Plain(list(bank.rows())).values(policy)
    for summed in (False, True):
        if summed:
            assert rollups.rebuild() == 14
        found = told("queue", "priority", interval=Interval.QUARTER, policy=policy)
        check(found, expected, policy, key)
        assert {code: found.whole[code] for code in whole} == whole
        # By default a queue is counted by V2 with the time that its settings promise.
        usual = told("queue", metrics=("service_level", "level_v2"))
        by_type = groups(lambda row: row["type"] if bank.part(row) != "bot" else None)
        for row in usual.rows:
            plain = by_type[queues.get(row.keys["queue"])].values(Policy("V2", 20))
            assert row.values["service_level"] == row.values["level_v2"] == plain["level_v2"]
    assert whole["agents"] + whole["bot"] + whole["queue"] == whole["contacts"] == 17313
    assert (whole["agents"], whole["bot"], whole["queue"]) == (14405, 1023, 1885)


def test_a_day_of_the_log_shuffled_and_told_twice_has_the_same_numbers(tmp_path):
    head, every = bank.lines()
    place = head.split("\t").index("date")
    lines = [line for line in every if line.split("\t")[place] == "990205"]
    rows = list(csv.DictReader([head, *lines], delimiter="\t"))
    expected = Plain([row for row in rows if row["outcome"] != "PHANTOM"]).values(Policy("V5", 30, 10))
    told = []
    for times, seed in ((1, None), (2, 1)):
        with transaction.atomic():
            given = lines * times
            if seed is not None:
                random.Random(seed).shuffle(given)
            path = tmp_path / f"{times}.tsv"
            path.write_text(head + "".join(given))
            call_command("import_calls", str(path), stdout=io.StringIO(), stderr=io.StringIO())
            assert not path.with_name(f"{path.name}.rejects.csv").exists()
            asked = {
                "zone": ZONE,
                "policy": Policy("V5", 30, 10),
                "interval": Interval.QUARTER,
                "by": ("channel", "priority"),
            }
            found = report(Asked(SINCE, UNTIL, **asked))
            assert {code: found.whole[code] for code in expected} == expected
            told.append((found.rows, found.whole))
            transaction.set_rollback(True)
    assert told[0] == told[1] and expected["answered"] > 300

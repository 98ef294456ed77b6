"""Reads a tariff (format 2), its series, and contracts.  Scalars stay texts until they become exact.

A tariff is taken to be valid: `sealgrid-bill lint` is what finds faults in one.
"""

import datetime
import hashlib
import os
from dataclasses import dataclass, field
from fractions import Fraction

import yaml

from exact import Refused, kilo
from localtime import Calendar


def load_yaml(path):
    with open(path, "rb") as file:
        return yaml.load(file, Loader=yaml.BaseLoader)


def parse_instant(text):
    """RFC 3339 in UTC, or unix seconds."""
    if text.lstrip("-").isdigit():
        return int(text)
    return int(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


def month_number(text):
    """A month as a count, so that months can be subtracted."""
    year, month = text.split("-")[:2]
    return int(year) * 12 + int(month) - 1


def month_of(day):
    return day.strftime("%Y-%m")


class Dated:
    """A list of pieces, dates rising; each holds until the day before the next one begins."""

    def __init__(self, pieces):
        self.pieces = [(datetime.date.fromisoformat(p["from"]) if "from" in p else datetime.date.min, p)
                       for p in pieces]

    def covers(self, day):
        return self.pieces[0][0] <= day

    def on(self, day):
        """The piece in force on a day."""
        if not self.covers(day):
            raise Refused("tariff.no_rate")
        return [piece for begin, piece in self.pieces if begin <= day][-1]

    def parts(self, days):
        """[(piece, its days)] for the pieces that hold on some of the days."""
        begins = [begin for begin, _ in self.pieces] + [datetime.date.max]
        parts = [(piece, [d for d in days if begins[i] <= d < begins[i + 1]])
                 for i, (_, piece) in enumerate(self.pieces)]
        return [(piece, held) for piece, held in parts if held]


class Series:
    """A value for each step of time: prices or posts."""

    def __init__(self, folder, told, parse):
        with open(os.path.join(folder, told["file"]), "rb") as file:
            octets = file.read()
        if hashlib.sha256(octets).hexdigest() != told["sha256"]:
            raise ValueError(f"{told['file']}: another SHA-256 than the tariff says")
        self.step = int(told["step_minutes"]) * 60
        lines = (line.split(",") for line in octets.decode("ascii").splitlines())
        self.values = {parse_instant(instant): parse(value) for instant, value in lines}

    def at(self, instant):
        """The value in force, or None."""
        return self.values.get(instant - instant % self.step)


class Tariff:
    def __init__(self, path):
        self.path = path
        folder = os.path.dirname(os.path.abspath(path))
        self.head = load_yaml(path)
        self.id = self.head["id"]
        self.decimals = int(self.head["decimals"])
        self.rounding = self.head["rounding"]
        self.interval = int(self.head["interval_minutes"]) * 60
        self.calendar = Calendar(self.head)
        self.posts = self.calendar.post_names
        self.charges = self.head["charges"]
        self.taxes = self.head.get("taxes", [])
        self.lighting = self.head.get("lighting")
        self.schedule = None
        if "schedule" in self.head:
            self.schedule = Series(folder, self.head["schedule"], str)
        self.prices = {charge["name"]: Series(folder, charge["prices"], Fraction)
                       for charge in self.charges if charge["kind"] == "dynamic"}

    def charge(self, name):
        return next(charge for charge in self.charges if charge["name"] == name)

    def post_at(self, instant, day, minute):
        """The post of an interval, or None where the schedule has none."""
        return self.schedule.at(instant) if self.schedule else self.calendar.post(day, minute)


def dated(charge):
    """The pieces of a charge; one without dates where `rates` may be left out."""
    return Dated(charge.get("rates", [{}]))


PHASES = {1: "one", 2: "two", 3: "three"}


@dataclass
class Contract:
    begin: datetime.date
    until: datetime.date
    tariff: str = None                               # id of the only one that may bill it
    phases: int = 0
    demand_w: dict = field(default_factory=dict)
    history: list = field(default_factory=list)      # [(month number, {post: W})]
    credits: list = field(default_factory=list)      # [(month, post, Wh)]
    exempt: frozenset = frozenset()

    @staticmethod
    def of(record):
        until = record["until"]
        return Contract(
            begin=datetime.date.fromisoformat(record["from"]),
            until=datetime.date.max if until in ("null", "~", "") else datetime.date.fromisoformat(until),
            tariff=None if record.get("tariff", "null") == "null" else record["tariff"],
            phases=int(record.get("phases", 0)),
            demand_w={post: kilo(kw) for post, kw in record.get("demand_kw", {}).items()},
            history=[(month_number(h["month"]), {post: kilo(kw) for post, kw in h["kw"].items()})
                     for h in record.get("demand_history", [])],
            credits=[(c["month"], c["post"], kilo(c["kwh"])) for c in record.get("credits", [])],
            exempt=frozenset(record.get("exempt", [])))


def read_contracts(path, client):
    return [Contract.of(record) for record in load_yaml(path) if int(record["client"]) == client]


def contract_for(contracts, days):
    """The contract that holds on every day, None if none holds on any."""
    touching = [c for c in contracts if any(c.begin <= day < c.until for day in days)]
    return touching[0] if touching else None


def contract_changes(contracts, days):
    """Whether several hold in the period, or one on a part of it only."""
    touching = [c for c in contracts if any(c.begin <= day < c.until for day in days)]
    return len(touching) > 1 or any(not c.begin <= day < c.until for c in touching for day in days)

"""The period, the meters in it and their readings, as a bill sees them (docs/billing.md, What goes in)."""

import csv
import datetime
import json
from dataclasses import dataclass
from fractions import Fraction

from exact import Refused, rounded
from tariff import parse_instant

FOREVER = 1 << 62
MOST_DAYS, MOST_METERS = 800, 16


@dataclass
class Row:
    """One row of the readings file."""
    end: int
    serial: str
    wh: int
    varh: int
    register: int = None
    reactive_register: int = None
    rule: str = None


@dataclass
class Meter:
    """An installation record, cut to the period."""
    serial: str
    begin: int
    until: int
    ratio: Fraction
    ratio_as_told: tuple


@dataclass
class Reading:
    """A reading with energy, or an estimate, placed in time."""
    begin: int
    day: datetime.date
    post: str
    meter: int
    wh: int
    varh: int
    rule: str = None        # that made it; None: measured


def number_or_none(text):
    return None if text == "" else int(text)


def read_rows(path):
    """Client and rows of a file of readings; a row without energy has wh None."""
    with open(path, newline="", encoding="ascii") as file:
        records = list(csv.DictReader(file))
    def column(record, name):
        return number_or_none(record.get(name) or "")
    rows = [Row(parse_instant(r["ts"]), r["serial"], column(r, "energy_wh"), column(r, "reactive_varh"),
                column(r, "register_wh"), column(r, "reactive_register_varh"))
            for r in records if r.get("estimated") != "1"]
    return int(records[0]["client"]), rows


def read_installations(path, client):
    with open(path, encoding="utf-8") as file:
        records = [r for r in json.load(file) if r["client_id"] == client]
    def instant(value):
        return FOREVER if value is None else parse_instant(str(value))
    return [Meter(r["meter_serial"], instant(r["from"]), instant(r["until"]),
                  Fraction(r["ratio_num"], r["ratio_den"]), (r["ratio_num"], r["ratio_den"]))
            for r in records]


class Period:
    """(from, until]: the intervals whose end is in it, and the local days in which they begin."""

    def __init__(self, tariff, begin, until):
        self.begin, self.until = begin, until
        step = tariff.interval
        ends = range((begin // step + 1) * step, until // step * step + 1, step)
        if not ends:
            raise Refused("period.empty")
        self.local = {end - step: tariff.calendar.local(end - step) for end in ends}
        self.days = sorted({day for day, _ in self.local.values()})
        if len(self.days) > MOST_DAYS:
            raise Refused("period.too_long")

    @property
    def first_day(self):
        return self.days[0]

    @property
    def last_day(self):
        return self.days[-1]


def meters_of(period, records):
    """The records that have a part of the period, cut to it, in the order of their begin."""
    parts = [Meter(m.serial, max(period.begin, m.begin), min(period.until, m.until), m.ratio, m.ratio_as_told)
             for m in records]
    return sorted((m for m in parts if m.begin < m.until), key=lambda m: m.begin)


class Load:
    """Readings with energy in the period, and energies of sets of them.  `problems` refuse the bill."""

    def __init__(self, tariff, period, meters, rows, estimates=(), blocks=()):
        self.tariff, self.period, self.meters = tariff, period, meters
        self.readings, self.problems = {}, set()        # by begin
        if any(earlier.until > later.begin for earlier, later in zip(meters, meters[1:])):
            self.problems.add("installation.bad")
        if not meters:
            self.problems.add("installation.none")
        if len(meters) > MOST_METERS:
            self.problems.add("period.too_long")
        for row in [*rows, *estimates]:
            if period.begin < row.end <= period.until and row.wh is not None:
                self._place(row)
        signed = {row.end - tariff.interval: leaf for b in blocks for row, leaf in zip(b.rows, b.leaves)}
        self.leaves = {begin: leaf for begin, leaf in signed.items() if begin in self.readings
                       and self.readings[begin].rule is None}
        self.cells = self._cells()

    def leaves_in_order(self):
        return [leaf for _, leaf in sorted(self.leaves.items())]

    def _place(self, row):
        """Takes a row of the period that has an energy; one without counts as missing."""
        begin = row.end - self.tariff.interval
        meter = next((index for index, meter in enumerate(self.meters)
                      if meter.serial == row.serial and meter.begin < row.end <= meter.until), None)
        if begin not in self.period.local:
            self.problems.add("reading.outside")
        elif begin in self.readings:
            self.problems.add("reading.duplicated")
        elif meter is None:
            self.problems.add("reading.foreign")
        else:
            day, minute = self.period.local[begin]
            post = self.tariff.post_at(begin, day, minute)
            self.readings[begin] = Reading(begin, day, post, meter, row.wh, row.varh, row.rule)

    def _cells(self):
        """Import, export and net of each day, post and meter, before the ratio."""
        cells = {}
        for r in self.readings.values():
            cell = cells.setdefault((r.day, r.post, r.meter), {"import": 0, "export": 0, "net": 0})
            cell["import"] += max(r.wh, 0)
            cell["export"] += max(-r.wh, 0)
            cell["net"] += r.wh
        return cells

    def after_ratio(self, by_meter):
        """Per meter the exact sum x ratio, rounded; then the meters are added."""
        return sum(rounded(total * self.meters[meter].ratio, self.tariff.rounding)
                   for meter, total in by_meter.items())

    def energy(self, of, days=None, post=None):
        """Wh of the readings in a set of local days (all if None) and a post (all if None)."""
        wanted = None if days is None else set(days)
        by_meter = {}
        for (day, cell_post, meter), cell in self.cells.items():
            if (wanted is None or day in wanted) and post in (None, cell_post):
                by_meter[meter] = by_meter.get(meter, 0) + cell[of]
        return self.after_ratio(by_meter)

    def by_meter(self, of, days=None, post=None):
        """The same, meter by meter in their order."""
        wanted = None if days is None else set(days)
        return [self.after_ratio({meter: sum(cell[of] for (day, at, whose), cell in self.cells.items()
                                             if whose == meter and post in (None, at)
                                             and (wanted is None or day in wanted))})
                for meter in range(len(self.meters))]

    def windows(self, seconds, with_reactive=False):
        """(first reading, net Wh, net varh) of each whole window, aligned to UTC, in order of time."""
        step = self.tariff.interval
        for first in sorted(self.readings):
            if first % seconds:
                continue
            inside = [self.readings.get(begin) for begin in range(first, first + seconds, step)]
            if None in inside or (with_reactive and any(r.varh is None for r in inside)):
                continue
            active, reactive = {}, {}
            for r in inside:
                active[r.meter] = active.get(r.meter, 0) + r.wh
                if with_reactive:
                    reactive[r.meter] = reactive.get(r.meter, 0) + r.varh
            yield inside[0], self.after_ratio(active), self.after_ratio(reactive)

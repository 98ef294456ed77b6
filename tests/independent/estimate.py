"""Estimates of intervals that lack a reading, from docs/vee.md alone."""

import datetime
from dataclasses import dataclass
from fractions import Fraction
from zoneinfo import ZoneInfo

from exact import rounded
from load import Row
from localtime import is_holiday
from octets import cbor, sha256
from tariff import load_yaml

MOST = 10 ** 7          # Wh or varh of one interval


class Rules:
    """A rule file, taken to be valid: its chain, its profiles, its days."""

    def __init__(self, path):
        head = load_yaml(path)
        told = head.get("estimate", {"chain": [], "adjust_to_register": "false"})
        self.zone = ZoneInfo(head["zone"])
        self.rounding = head["rounding"]
        self.holidays = head.get("holidays", [])
        self.chain = told["chain"]
        self.adjust = told["adjust_to_register"] == "true"
        self.adjust_reactive = told.get("adjust_reactive_to_register") == "true"
        self.profiles = {p["name"]: p for p in head.get("profiles", [])}
        with open(path, "rb") as file:
            self.sha256 = sha256(file.read())

    def kind(self, day):
        if is_holiday(day, self.holidays):
            return "holiday"
        return {5: "saturday", 6: "sunday"}.get(day.weekday(), "working")


@dataclass
class Slot:
    """An interval of the period."""
    end: int
    day: datetime.date
    minute: int


@dataclass
class Gap:
    """Intervals in a run of one meter, by number."""
    first: int
    count: int
    serial: str

    def numbers(self):
        return range(self.first, self.first + self.count)


class Unfit(Exception):
    """The inputs of a method are not there."""


class Estimation:
    """The intervals of a period, the readings in them, and what stands for those that lack."""

    def __init__(self, rules, begin, until, step, records, rows):
        self.rules, self.step = rules, step
        self.slots = [self._slot(end) for end in range((begin // step + 1) * step, until // step * step + 1, step)]
        self.records = records
        ends = {slot.end: number for number, slot in enumerate(self.slots)}
        self.genuine = {ends[row.end]: row for row in rows if row.end in ends and row.wh is not None}
        self.by_minute = {}         # {(day, minute): number}, of a time told twice the first
        for number, slot in enumerate(self.slots):
            self.by_minute.setdefault((slot.day, slot.minute), number)
        self.days = sorted({slot.day for slot in self.slots})
        self.unfilled = 0
        self.estimates = [row for gap in self._gaps() for row in self._fill(gap)]

    def _slot(self, end):
        then = datetime.datetime.fromtimestamp(end - self.step, self.rules.zone)
        return Slot(end, then.date(), then.hour * 60 + then.minute)

    def _meter_at(self, end):
        return next((m.serial for m in self.records if m.begin < end <= m.until), None)

    def _gaps(self):
        gap = None
        for number, slot in enumerate(self.slots):
            serial = None if number in self.genuine else self._meter_at(slot.end)
            if gap and serial == gap.serial:
                gap.count += 1
                continue
            if gap:
                yield gap
            gap = Gap(number, 1, serial) if serial else None
        if gap:
            yield gap

    def _reading(self, gap, number):
        """The gap's meter's own reading of that interval, or None."""
        row = self.genuine.get(number)
        return row if row and row.serial == gap.serial else None

    # Methods: (Wh, varh or None) of each interval

    def _fill(self, gap):
        methods = {"linear": self._linear, "history": self._history, "proxy_day": self._proxy_day,
                   "profile": self._profile}
        for told in self.rules.chain:
            if gap.count * self.step > int(told["up_to_minutes"]) * 60:
                continue
            try:
                values = self._adjusted(gap, methods[told["method"]](gap, told))
            except Unfit:
                continue
            return [Row(self.slots[number].end, gap.serial, wh, varh, rule=told["rule"])
                    for number, (wh, varh) in zip(gap.numbers(), values)]
        self.unfilled += gap.count
        return []

    def _linear(self, gap, _):
        before, behind = self._neighbours(gap)
        if before is None or behind is None:
            raise Unfit
        def between(a, b, k):
            if a is None or b is None:
                return None
            return self._divided(a * (gap.count + 1 - k) + b * k, gap.count + 1)
        return [(between(before.wh, behind.wh, k), between(before.varh, behind.varh, k))
                for k in range(1, gap.count + 1)]

    def _neighbours(self, gap):
        return self._reading(gap, gap.first - 1), self._reading(gap, gap.first + gap.count)

    def _divided(self, dividend, divisor):
        return rounded(Fraction(dividend, divisor), self.rules.rounding)

    def _other_days(self, day):
        """Days of the same kind, nearest first, of two equally far the earlier."""
        kind = self.rules.kind(day)
        return sorted((d for d in self.days if d != day and self.rules.kind(d) == kind),
                      key=lambda d: (abs((d - day).days), d))

    def _at(self, gap, day, minute):
        return self._reading(gap, self.by_minute.get((day, minute)))

    def _history(self, gap, told):
        values = []
        for number in gap.numbers():
            slot = self.slots[number]
            alike = [self._at(gap, day, slot.minute) for day in self._other_days(slot.day)]
            alike = [row for row in alike if row][:int(told["days"])]
            if len(alike) < int(told["least"]):
                raise Unfit
            varhs = [row.varh for row in alike]
            values.append((self._divided(sum(row.wh for row in alike), len(alike)),
                           None if None in varhs else self._divided(sum(varhs), len(varhs))))
        return values

    def _proxy_day(self, gap, _):
        values = []
        for day in sorted({self.slots[number].day for number in gap.numbers()}):
            minutes = [self.slots[n].minute for n in gap.numbers() if self.slots[n].day == day]
            for other in self._other_days(day):
                rows = [self._at(gap, other, minute) for minute in minutes]
                if None not in rows:
                    values += [(row.wh, row.varh) for row in rows]
                    break
            else:
                raise Unfit
        return values

    def _profile(self, gap, told):
        profile = self.rules.profiles[told["profile"]]
        def weight(number):
            slot = self.slots[number]
            return int(profile[self.rules.kind(slot.day)][slot.minute // 60])
        own = [number for number in self.genuine if self._reading(gap, number)]
        energy, weights = sum(self.genuine[n].wh for n in own), sum(weight(n) for n in own)
        if not own:
            energy = int(profile["day_wh"])
            weights = sum(int(w) for w in profile["working"]) * (3600 // self.step)
        if weights == 0 or energy < 0:
            raise Unfit
        values = [(self._divided(weight(number) * energy, weights), None) for number in gap.numbers()]
        if max(wh for wh, _ in values) > MOST:
            raise Unfit
        return values

    # Registers

    def _adjusted(self, gap, values):
        before, behind = self._neighbours(gap)
        if not self.rules.adjust or None in (before, behind) or None in (before.register, behind.register):
            return values
        total = behind.register - behind.wh - before.register
        whs = spread([max(wh, 0) for wh, _ in values], total) if total >= 0 else None
        if whs is None:
            return values
        varhs = [varh for _, varh in values]
        if (self.rules.adjust_reactive and None not in varhs and None not in
                (before.reactive_register, behind.reactive_register, behind.varh)):
            total = behind.reactive_register - behind.varh - before.reactive_register
            varhs = spread(varhs, total) or varhs
        return list(zip(whs, varhs))

    # On the bill and in the evidence

    def section(self):
        """The octets of the evidence file's section."""
        return cbor(["sealgrid-estimates-v1", self.rules.sha256,
                     [[row.end, row.wh, row.varh, row.rule] for row in self.estimates]])


def spread(values, total):
    """Values that add up to a total, each moved in proportion to its size; None if one were too large."""
    lacking, size = total - sum(values), sum(abs(v) for v in values)
    exact = [v + Fraction(lacking * abs(v), size) if size else Fraction(total, len(values)) for v in values]
    whole = [e.numerator // e.denominator for e in exact]
    by_cut = sorted(range(len(values)), key=lambda k: (whole[k] - exact[k], k))
    for k in by_cut[:total - sum(whole)]:
        whole[k] += 1
    return None if any(abs(w) > MOST for w in whole) else whole

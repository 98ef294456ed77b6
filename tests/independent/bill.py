#!/usr/bin/env python3
"""A second opinion on a bill: docs/tariff.md and docs/billing.md worked out again, in integers and fractions.

Written from these two documents alone.  Prints what a bill says about energy, lines, taxes, totals and
credits, in the members and forms of the bill file; or, on stderr, why there is none.
"""

import argparse
import calendar
import datetime
import json
import sys
from dataclasses import dataclass
from fractions import Fraction
from math import floor, isqrt

from estimate import Estimation, Rules
from exact import Refused, fixed_point, kilo, rounded, rounded_to, shortest
from load import Load, Meter, Period, meters_of, read_installations, read_rows
from localtime import hour_ranges, in_ranges
from octets import bucket_root, sha256, tree
from tariff import (PHASES, Dated, Tariff, contract_changes, contract_for, dated, month_number, month_of,
                    parse_instant, read_contracts)

HOUR = 3600
RATE_DECIMALS, PERCENT_DECIMALS, PRICE_DECIMALS = 9, 4, 12
MOST_LINES, LARGEST = 4096, 10 ** 15
UNITS_IN_THOUSANDTHS = ("kWh", "kW")


@dataclass
class Line:
    """One line.  `quantity` is in Wh, W, days, months or cycles; `amount` in the minor unit."""
    charge: str
    code: str
    days: list
    quantity: int
    unit: str
    rate: Fraction = None
    weight: tuple = None
    amount: int = 0
    credits_charge: str = None      # net metering: the charge that this line credits
    trace: dict = None


@dataclass
class Tax:
    name: str
    rate: Fraction
    percent: Fraction
    excludes: list
    on_top: bool
    base: int = 0
    amount: int = 0


def by_post(value):
    """A rate as [(post, rate)]; all posts together are the post None."""
    return list(value.items()) if isinstance(value, dict) else [(None, value)]


def code_of(name, post):
    return name if post is None else f"{name}.{post}"


def days_of_month(month):
    year, number = (int(part) for part in month.split("-"))
    return calendar.monthrange(year, number)[1]


def months_of(days):
    """[(month, its days)] of a rising list of days."""
    months = {}
    for day in days:
        months.setdefault(month_of(day), []).append(day)
    return list(months.items())


def instant_text(instant):
    if instant is None:
        return None
    return datetime.datetime.fromtimestamp(instant, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def one_more(so_far, watts, begin):
    """(highest, its begin, how many): of equal ones the first."""
    if so_far is None:
        return watts, begin, 1
    most, at, count = so_far
    return (watts, begin, count + 1) if watts > most else (most, at, count + 1)


class Bill:
    """One client, one period."""

    def __init__(self, tariff, period, load, contracts, estimation=None):
        self.tariff, self.period, self.load, self.estimation = tariff, period, load, estimation
        self.days = period.days
        self.contracts, self.contract = contracts, contract_for(contracts, self.days)
        self.lines, self.credits = [], []
        self.billed_demand = {}         # {charge: {post: W}}
        self._refuse_if_needed()
        self.import_wh = load.energy("import")
        self.export_wh = load.energy("export")
        self._make_lines()
        self.net = sum(line.amount for line in self.lines)
        self._make_taxes()
        self._check_limits()

    # What refuses the bill

    def _refuse_if_needed(self):
        words = set(self._problems())
        if words:
            raise Refused(words)

    def _problems(self):
        yield from self.load.problems
        if contract_changes(self.contracts, self.days):
            yield "contract.changed"
        if self.contract is not None and self.contract.tariff not in (None, self.tariff.id):
            yield "contract.tariff"
        for charge in self.tariff.charges:
            if charge["kind"] == "flag":
                if any(month not in charge["months"] for month, _ in months_of(self.days)):
                    yield "tariff.no_flag"
            elif not dated(charge).covers(self.period.first_day):
                yield "tariff.no_rate"
            yield from self._contract_problems(charge)
        ends = [Dated(tax["rates"]) for tax in self.tariff.taxes]
        if self.tariff.lighting:
            ends.append(Dated(self.tariff.lighting["rates"]))
        if not all(pieces.covers(self.period.last_day) for pieces in ends):
            yield "tariff.no_rate"
        if any(r.post is None for r in self.load.readings.values()):
            yield "tariff.no_schedule"
        for series in self.tariff.prices.values():
            if any(series.at(begin) is None for begin in self.load.readings):
                yield "tariff.no_price"

    def _contract_problems(self, charge):
        if charge["kind"] == "demand":
            contracted = charge.get("contracted") == "true"
            if (contracted or "ratchet" in charge) and self.contract is None:
                yield "contract.missing"
            elif contracted:
                posts = {post or "all" for post, _ in by_post(charge["rates"][0]["rate"])}
                if not posts <= set(self.contract.demand_w):
                    yield "contract.missing"
        if self._by_phases(charge) and (self.contract is None or self.contract.phases == 0):
            yield "contract.missing"
        if charge["kind"] == "net_metering" and self.contract is not None:
            if any(post not in self.tariff.posts for _, post, _ in self._live_credits(charge)):
                yield "contract.post"

    def _by_phases(self, charge):
        if charge["kind"] == "minimum":
            return isinstance(charge["kwh"], dict)
        if charge["kind"] == "fixed":
            return any(isinstance(piece["amount"], dict) for piece in charge["rates"])
        return False

    def _check_limits(self):
        numbers = [n for line in self.lines for n in (line.quantity, line.amount)]
        if any(abs(n) > LARGEST for n in numbers + [self.net, self.gross, self.total]):
            raise Refused("quantity.too_large")
        if len(self.lines) > MOST_LINES:
            raise Refused("period.too_long")

    # Rounding, weights, phases

    def round(self, value):
        return rounded(value, self.tariff.rounding)

    def money(self, value):
        """Currency, exact, as minor units, rounded once."""
        return self.round(value * 10 ** self.tariff.decimals)

    def round_rate(self, value):
        return rounded_to(value, RATE_DECIMALS, self.tariff.rounding)

    def weight(self, days):
        return (len(days), len(self.days))

    def of_phases(self, value):
        return value[PHASES[self.contract.phases]] if isinstance(value, dict) else value

    def phases_trace(self, value):
        return {"phases": self.contract.phases} if isinstance(value, dict) else {}

    # Lines

    def _make_lines(self):
        makers = {"energy": self.energy, "tiers": self.tiers, "dynamic": self.dynamic, "demand": self.demand,
                  "reactive_energy": self.reactive_energy, "reactive_demand": self.reactive_demand,
                  "fixed": self.fixed, "flag": self.flag, "net_metering": self.net_metering,
                  "minimum": self.minimum}
        for charge in self.tariff.charges:
            makers[charge["kind"]](charge)

    def add(self, charge, code, days, quantity, unit, rate, weight=None, credits_charge=None, trace=None):
        """A line whose amount is quantity x rate x weight."""
        share = Fraction(*weight) if weight else 1
        thousand = 1000 if unit in UNITS_IN_THOUSANDTHS else 1
        amount = self.money(quantity * Fraction(rate) / thousand * share)
        self.lines.append(Line(charge["name"], code, days, quantity, unit, Fraction(rate), weight, amount,
                               credits_charge, {"kind": charge["kind"], **(trace or {})}))

    def parts_by_post(self, charge):
        """(days of the piece, post, rate), posts in the order of the tariff."""
        for piece, days in dated(charge).parts(self.days):
            rates = dict(by_post(piece["rate"]))
            for post in [None] + self.tariff.posts:
                if post in rates:
                    yield days, post, Fraction(rates[post])

    def energy(self, charge):
        for days, post, rate in self.parts_by_post(charge):
            of = charge.get("of", "import")
            self.add(charge, code_of(charge["name"], post), days, self.load.energy(of, days, post), "kWh", rate,
                     trace={"wh_by_meter": self.load.by_meter(of, days, post)})

    def tiers(self, charge):
        for piece, days in dated(charge).parts(self.days):
            energy = self.load.energy("import", days)
            per_days = int(charge.get("per_days", len(self.days)))
            below = 0
            for number, tier in enumerate(piece["tiers"], start=1):
                above = energy
                if "up_to_kwh" in tier:
                    above = self.round(Fraction(kilo(tier["up_to_kwh"]) * len(days), per_days))
                wh = max(0, min(energy, above) - below)
                if number == 1 or wh > 0:
                    limits = {"above_wh": below, **({"up_to_wh": above} if "up_to_kwh" in tier else {})}
                    self.add(charge, f"{charge['name']}.tier{number}", days, wh, "kWh", tier["rate"],
                             trace={**limits, "wh_by_meter": self.load.by_meter("import", days)})
                below = above

    def dynamic(self, charge):
        series, of = self.tariff.prices[charge["name"]], charge.get("of", "import")
        for piece, days in dated(charge).parts(self.days):
            adder = Fraction(piece.get("adder", 0))
            held, by_meter, prices = set(days), {}, []
            for r in self.load.readings.values():
                if r.day in held:
                    price = series.at(r.begin) + adder
                    if "cap" in piece:
                        price = min(price, Fraction(piece["cap"]))
                    if "floor" in piece:
                        price = max(price, Fraction(piece["floor"]))
                    prices.append(price)
                    wh = {"import": max(r.wh, 0), "export": max(-r.wh, 0), "net": r.wh}[of]
                    by_meter[r.meter] = by_meter.get(r.meter, 0) + wh * price / 1000
            value = sum(rounded_to(v * self.load.meters[meter].ratio, PRICE_DECIMALS, self.tariff.rounding)
                        for meter, v in by_meter.items())
            seen = {"lowest": shortest(min(prices), RATE_DECIMALS),
                    "highest": shortest(max(prices), RATE_DECIMALS)} if prices else {}
            trace = {"kind": "dynamic", "intervals": len(prices), **seen,
                     "wh_by_meter": self.load.by_meter(of, days)}
            self.lines.append(Line(charge["name"], charge["name"], days, self.load.energy(of, days), "kWh",
                                   amount=self.money(value), trace=trace))

    # Demand

    def demand(self, charge):
        measured = self._measured(charge)
        self.billed_demand[charge["name"]] = {}
        for days, post, rate in self.parts_by_post(charge):
            code, weight = code_of(charge["name"], post), self.weight(days)
            highest, at, windows = measured.get(post, (0, None, 0))
            contracted = self.contract.demand_w[post or "all"] if charge.get("contracted") == "true" else 0
            billed = max(highest, contracted, self._ratchet(charge, post))
            trace = {"measured_w": highest, "at": instant_text(at), "windows": windows}
            if charge.get("contracted") == "true":
                trace["contracted_w"] = contracted
            if "ratchet" in charge:
                trace["ratchet_w"] = self._ratchet(charge, post)
            self.billed_demand[charge["name"]][post] = billed
            self.add(charge, code, days, billed, "kW", rate, weight, trace=trace)
            excess = charge.get("excess")
            if excess and highest * 100 > contracted * (100 + Fraction(excess["tolerance_percent"])):
                excess_rate = self.round_rate(rate * Fraction(excess["factor"]))
                self.add(charge, code + ".excess", days, highest - contracted, "kW", excess_rate, weight,
                         trace=trace)

    def _measured(self, charge):
        """{post: (highest W, begin of that window, windows)}; the post None has all windows."""
        minutes = int(charge["integration_minutes"])
        measured = {}
        for first, wh, _ in self.load.windows(minutes * 60):
            watts = max(wh, 0) * 60 // minutes
            for post in (None, first.post):
                measured[post] = one_more(measured.get(post), watts, first.begin)
        return measured

    def _ratchet(self, charge, post):
        if "ratchet" not in charge:
            return 0
        this_month = month_number(month_of(self.period.last_day))
        first = this_month - int(charge["ratchet"]["months"])
        seen = [kw[post or "all"] for month, kw in self.contract.history
                if first <= month < this_month and (post or "all") in kw]
        return self.round(max(seen, default=0) * Fraction(charge["ratchet"]["percent"]) / 100)

    # Reactive energy, by the clock hour

    def _reactive_hours(self, charge):
        """(first reading, W, X) of each hour that counts; both in 1/1000 Wh."""
        factor = Fraction(charge["power_factor"])
        capacitive = hour_ranges(charge.get("capacitive_hours", []))
        for first, active, reactive in self.load.windows(HOUR, with_reactive=True):
            _, minute = self.period.local[first.begin]
            counts = reactive < 0 if in_ranges(minute, capacitive) else reactive > 0
            if active < 0 or not counts:
                continue
            apparent = isqrt((active ** 2 + reactive ** 2) * 10 ** 6)
            due = floor(apparent * factor)
            yield first, due, max(0, due - 1000 * active)

    def reactive_energy(self, charge):
        hours = list(self._reactive_hours(charge))
        for days, post, rate in self.parts_by_post(charge):
            held = set(days)
            counted = [x for first, _, x in hours if first.day in held and post in (None, first.post)]
            self.add(charge, code_of(charge["name"], post), days, self.round(Fraction(sum(counted), 1000)), "kWh",
                     rate, trace={"hours": len(counted)})

    def reactive_demand(self, charge):
        highest = {}
        for first, due, _ in self._reactive_hours(charge):
            for post in (None, first.post):
                highest[post] = one_more(highest.get(post), self.round(Fraction(due, 1000)), first.begin)
        billed = self.billed_demand[charge["demand"]]
        for days, post, rate in self.parts_by_post(charge):
            most, at, _ = highest.get(post, (0, None, 0))
            self.add(charge, code_of(charge["name"], post), days, max(0, most - billed[post]), "kW", rate,
                     self.weight(days),
                     trace={"highest_w": most, "at": instant_text(at), "billed_w": billed[post]})

    # Fixed amounts and flags

    def fixed(self, charge):
        name, pieces = charge["name"], dated(charge)
        if charge["per"] == "month":
            for month, month_days in months_of(self.days):
                for piece, days in pieces.parts(month_days):
                    self.add(charge, name, days, 1, "month", self.of_phases(piece["amount"]),
                             (len(days), days_of_month(month)), trace=self.phases_trace(piece["amount"]))
            return
        for piece, days in pieces.parts(self.days):
            amount, trace = self.of_phases(piece["amount"]), self.phases_trace(piece["amount"])
            if charge["per"] == "day":
                self.add(charge, name, days, len(days), "day", amount, trace=trace)
            else:
                self.add(charge, name, days, 1, "cycle", amount, self.weight(days), trace=trace)

    def flag(self, charge):
        months = months_of(self.days)
        left = self.import_wh
        for number, (month, days) in enumerate(months, start=1):
            flag = charge["months"][month]
            if charge["split"] == "interval":
                wh = self.load.energy("import", days)
            elif number == len(months):
                wh = left
            else:
                wh = self.round(Fraction(self.import_wh * len(days), len(self.days)))
                left -= wh
            self.add(charge, f"{charge['name']}.{month}.{flag['name']}", self.days, wh, "kWh", flag["adder"],
                     trace={"split": charge["split"], "days": len(days)})

    # Net metering and the minimum

    def _live_credits(self, charge):
        """The contract's credits that have not lapsed, in their order."""
        this_month = month_number(month_of(self.period.last_day))
        return [c for c in (self.contract.credits if self.contract else [])
                if month_number(c[0]) + int(charge["carry_months"]) >= this_month]

    def net_metering(self, charge):
        credits = self._live_credits(charge)
        compensated, own_left, traces = {}, {}, {}
        for post in self.tariff.posts:
            taken, given = self.load.energy("import", post=post), self.load.energy("export", post=post)
            carried = sum(wh for _, at, wh in credits if at == post)
            compensated[post] = min(taken, given + carried)
            traces[post] = {"import_wh": taken, "export_wh": given, "carried_wh": carried,
                            "used_wh": compensated[post]}
            own_left[post] = max(0, given - compensated[post])
            credits = self._use(credits, post, max(0, compensated[post] - given))
        this_month = month_of(self.period.last_day)
        self.credits += credits
        self.credits += [(this_month, post, wh) for post, wh in own_left.items()]
        self.credits = [c for c in self.credits if c[2] != 0]
        for name in charge["rates"][0]["percent"]:
            percent = Fraction(dated(charge).on(self.period.last_day)["percent"][name])
            self._credit_lines(charge, self.tariff.charge(name), percent, compensated, traces)

    @staticmethod
    def _use(credits, post, wh):
        """Credits after wh of those at a post were used, oldest first."""
        left = []
        for month, at, amount in credits:
            used = min(amount, wh) if at == post else 0
            wh -= used
            left.append((month, at, amount - used))
        return left

    def _credit_lines(self, charge, credited, percent, compensated, traces):
        parts = dated(credited).parts(self.days)
        whole = {post: sum(self.load.energy("import", days, post) for _, days in parts)
                 for post in self.tariff.posts}
        left = dict(compensated)
        for number, (piece, days) in enumerate(parts, start=1):
            rates = dict(by_post(piece["rate"]))
            for post in self.tariff.posts:
                wh = left[post]
                if number < len(parts):
                    part = self.load.energy("import", days, post)
                    wh = compensated[post] * part // whole[post] if whole[post] else 0
                left[post] -= wh
                rate = -self.round_rate(Fraction(rates.get(post, rates.get(None))) * percent / 100)
                self.add(charge, f"{charge['name']}.{credited['name']}.{post}", days, wh, "kWh", rate,
                         credits_charge=credited["name"], trace=traces[post])

    def minimum(self, charge):
        kwh = Fraction(self.of_phases(charge["kwh"]))
        least = Fraction(0)
        for name in charge["charges"]:
            for piece, days in dated(self.tariff.charge(name)).parts(self.days):
                rates = dict(by_post(piece["rate"]))
                rate = Fraction(rates.get(charge.get("post"), rates.get(None)))
                least += kwh * rate * Fraction(*self.weight(days))
        charged = sum(line.amount for line in self.lines
                      if line.charge in charge["charges"] or line.credits_charge in charge["charges"])
        lacking = self.money(least) - charged
        if lacking > 0:
            trace = {"kind": "minimum", "least_wh": self.round(kwh * 1000),
                     "least": self.amount_text(self.money(least)), "charged": self.amount_text(charged)}
            self.lines.append(Line(charge["name"], charge["name"], self.days, 1, "cycle", amount=lacking,
                                   trace=trace))

    # Taxes, lighting, total

    def _step(self, steps):
        """The first step or band whose limit is not below the bill's import."""
        return next(s for s in steps
                    if "up_to_kwh" not in s or kilo(s["up_to_kwh"]) >= self.import_wh)

    def _tax(self, tax):
        piece = Dated(tax["rates"]).on(self.period.last_day)
        percent = Fraction(self._step(piece["bands"])["percent"] if "bands" in piece else piece["percent"])
        if self.contract and tax["name"] in self.contract.exempt:
            percent = Fraction(0)
        return Tax(tax["name"], percent / 100, percent, tax.get("excludes", []), tax.get("on_top") == "true")

    def _make_taxes(self):
        self.taxes = [self._tax(tax) for tax in self.tariff.taxes]
        by_name = {tax.name: tax for tax in self.taxes}
        inside = [tax for tax in self.taxes if not tax.on_top]
        shares = sum(tax.rate * (1 - sum(by_name[name].rate for name in tax.excludes)) for tax in inside)
        self.gross = self.round(self.net / (1 - Fraction(shares)))
        for tax in self.taxes:
            excluded = 0 if tax.on_top else sum(by_name[name].amount for name in tax.excludes)
            tax.base = self.gross - excluded
            tax.amount = self.round(tax.base * tax.rate)
        self.lighting = 0
        if self.tariff.lighting:
            steps = Dated(self.tariff.lighting["rates"]).on(self.period.last_day)["steps"]
            self.lighting = self.money(Fraction(self._step(steps)["amount"]))
        self.total = self.gross + sum(tax.amount for tax in self.taxes if tax.on_top) + self.lighting

    # In the forms of the bill file

    def amount_text(self, amount):
        return fixed_point(amount, self.tariff.decimals)

    def _line_object(self, line):
        whole = line.days == self.days
        after = line.days[-1] + datetime.timedelta(days=1)
        quantity = (fixed_point(line.quantity, 3) if line.unit in UNITS_IN_THOUSANDTHS
                    else str(line.quantity))
        return {"code": line.code,
                "from": None if whole else line.days[0].isoformat(),
                "until": None if whole else after.isoformat(),
                "quantity": quantity, "unit": line.unit,
                "rate": None if line.rate is None else shortest(line.rate, RATE_DECIMALS),
                "weight": None if line.weight is None else list(line.weight),
                "amount": self.amount_text(line.amount)}

    def _meter_objects(self):
        def of(number, meter):
            measured = [r for r in self.load.readings.values() if r.meter == number and r.rule is None]
            return {"serial": meter.serial, "from": instant_text(meter.begin), "until": instant_text(meter.until),
                    "ratio_num": meter.ratio_as_told[0], "ratio_den": meter.ratio_as_told[1],
                    "readings": len(measured)}
        return [of(number, meter) for number, meter in enumerate(self.load.meters)]

    def _runs(self):
        """Runs of neighbouring estimates of one meter by one rule."""
        step, run = self.tariff.interval, []
        estimates = [r for _, r in sorted(self.load.readings.items()) if r.rule is not None]
        for r in estimates + [None]:
            if run and (r is None or (r.meter, r.rule, r.begin) != (run[-1].meter, run[-1].rule,
                                                                   run[-1].begin + step)):
                yield {"meter": run[0].meter, "from": instant_text(run[0].begin),
                       "until": instant_text(run[-1].begin + step), "rule": run[0].rule, "intervals": len(run),
                       "import_wh": sum(max(e.wh, 0) for e in run), "export_wh": sum(max(-e.wh, 0) for e in run)}
                run = []
            run.append(r)

    # Buckets (ADR 9, ADR 10)

    def _cuts(self):
        """Days on which a price per interval may change."""
        for charge in self.tariff.charges:
            if charge["kind"] in ("energy", "tiers", "reactive_energy"):
                yield from (day for day, _ in dated(charge).pieces)
            if charge["kind"] == "flag" and charge["split"] == "interval":
                yield from (day for day in self.days if day.day == 1)

    def _buckets(self):
        cuts = [day for day in sorted(set(self._cuts())) if self.days[0] < day <= self.days[-1]]
        edges = [self.days[0], *cuts, self.days[-1] + datetime.timedelta(days=1)]
        for first, after in zip(edges, edges[1:]):
            for number, meter in enumerate(self.load.meters):
                for post in self.tariff.posts:
                    bucket = self._bucket(number, meter, post, first, after)
                    if bucket["readings"]:
                        yield bucket

    def _bucket(self, number, meter, post, first, after):
        contents, signed = [], []
        for begin, (day, minute) in sorted(self.period.local.items()):
            if (not first <= day < after or not meter.begin < begin + self.tariff.interval <= meter.until or
                    self.tariff.post_at(begin, day, minute) != post):
                continue
            reading = self.load.readings.get(begin)
            measured = reading is not None and reading.rule is None
            signed += [reading.wh] if measured else []
            contents.append((self.load.leaves[begin], reading.wh) if measured else (None, 0))
        return {"meter": number, "post": post, "from": first.isoformat(), "until": after.isoformat(),
                "readings": len(signed), "import_wh": sum(max(wh, 0) for wh in signed),
                "export_wh": sum(max(-wh, 0) for wh in signed), "root": bucket_root(contents).hex()}

    def trace(self):
        """One object a line, in the order of lines."""
        def of(line):
            begin = {} if line.days == self.days else {"from": line.days[0].isoformat()}
            return {"code": line.code, **begin, **line.trace}
        return [of(line) for line in self.lines]

    def _tax_object(self, tax):
        return {"name": tax.name, "percent": shortest(tax.percent, PERCENT_DECIMALS),
                "excludes": tax.excludes, "on_top": tax.on_top,
                "base": self.amount_text(tax.base), "amount": self.amount_text(tax.amount)}

    def as_object(self):
        expected = sum((m.until // self.tariff.interval) - (m.begin // self.tariff.interval)
                       for m in self.load.meters)
        estimated = sum(r.rule is not None for r in self.load.readings.values())
        section = self.estimation.section() if estimated else None
        return {"days": len(self.days),
                "meters": self._meter_objects(),
                "readings": {"interval_s": self.tariff.interval, "expected": expected,
                             "billed": len(self.load.readings) - estimated, "estimated": estimated,
                             "missing": expected - len(self.load.readings),
                             "merkle_root": tree(self.load.leaves_in_order()).hex(),
                             "estimates_sha256": sha256(section).hex() if estimated else None},
                "buckets": list(self._buckets()) if self.load.leaves else [],
                "estimates": list(self._runs()),
                "energy": {"import_wh": self.import_wh, "export_wh": self.export_wh},
                "lines": [self._line_object(line) for line in self.lines],
                "net": self.amount_text(self.net),
                "taxes": [self._tax_object(tax) for tax in self.taxes],
                "gross": self.amount_text(self.gross),
                "lighting": self.amount_text(self.lighting),
                "total": self.amount_text(self.total),
                "credits": [{"month": month, "post": post, "kwh": fixed_point(wh, 3)}
                            for month, post, wh in self.credits]}


def period_bounds(tariff, rows, month=None, begin=None, until=None):
    """Given bounds; or a month of the tariff's zone; or from the first to the last interval of the file."""
    if month:
        first = datetime.date.fromisoformat(month + "-01")
        following = first + datetime.timedelta(days=days_of_month(month))
        return tariff.calendar.begin_of(first), tariff.calendar.begin_of(following)
    if begin:
        return parse_instant(begin), parse_instant(until)
    ends = [row.end for row in rows]
    return min(ends) - tariff.interval, max(ends)


def make_bill(tariff_path, input_path, contracts=None, installations=None, month=None, begin=None, until=None,
              vee=None, blocks=None):
    """The bill and its trace as objects; raises Refused.  `blocks` signed the rows of the input."""
    tariff = Tariff(tariff_path)
    client, rows = read_rows(input_path)
    period = Period(tariff, *period_bounds(tariff, rows, month, begin, until))
    if installations:
        records = read_installations(installations, client)
    else:
        records = [Meter(rows[0].serial, period.begin, period.until, Fraction(1), (1, 1))]
    meters = meters_of(period, records)
    estimation = None
    if vee:
        inside = [row for row in rows if period.begin < row.end <= period.until]
        estimation = Estimation(Rules(vee), period.begin, period.until, tariff.interval, records, inside)
    load = Load(tariff, period, meters, rows, estimation.estimates if estimation else [], blocks or [])
    bill = Bill(tariff, period, load, read_contracts(contracts, client) if contracts else [], estimation)
    return bill.as_object(), bill.trace()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tariff", required=True)
    parser.add_argument("--input", required=True)
    parser.add_argument("--contracts")
    parser.add_argument("--installations")
    parser.add_argument("--vee", help="rule file")
    parser.add_argument("--period", help="month of the tariff's zone, 2026-09")
    parser.add_argument("--from", dest="begin", help="RFC 3339")
    parser.add_argument("--until", help="RFC 3339")
    told = parser.parse_args()
    try:
        bill, trace = make_bill(told.tariff, told.input, told.contracts, told.installations, told.period,
                                told.begin, told.until, told.vee)
    except Refused as refused:
        print(f"no bill: {refused}", file=sys.stderr)
        return 1
    print(json.dumps({"bill": bill, "trace": trace}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Random cases: tariff, series, contracts, installation records and readings, all from one seed."""

import datetime
import hashlib
import json
import os
import random
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from evidence import blocks_of, evidence_file
from load import read_rows

# Zones and days on which something happens to their clocks (or nothing, as in Nepal, 5 h 45 min east).
ZONES = {
    "America/Sao_Paulo": ["2018-11-04", "2019-02-16", "2017-10-15", "2018-02-17", "2026-09-01"],
    "Europe/London": ["2013-03-31", "2013-10-27", "2026-10-25", "2026-03-29"],
    "America/Los_Angeles": ["2026-03-08", "2026-11-01", "2025-11-02"],
    "Asia/Kathmandu": ["2026-01-31", "2024-02-29"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],     # half an hour of summer time
    "Pacific/Chatham": ["2026-04-05", "2026-09-27"],         # 12 h 45 min east
    "America/Havana": ["2025-11-02", "2025-03-09"],          # clocks change at midnight
    "Africa/Cairo": ["2025-04-25", "2025-10-30"],            # 24:00 goes back to 23:00
    "UTC": ["2025-12-31"],
}
HOLIDAYS = ["01-01", "easter-47", "easter-2", "easter", "easter+60", "09-07", "11-02", "12-25", "02-29",
            "2026-09-07", "2018-11-05", "2013-04-01"]
KIND_PARTITIONS = [["every"], ["working", "rest"], ["working", "weekend", "holiday"],
                   ["working", ["saturday", "holiday"], "sunday"],
                   ["working", "saturday", "sunday", "holiday"]]
RATIOS = [(1, 1), (1, 1), (1, 2), (40, 1), (3, 7), (1, 1000), (120, 7)]
# Anybody's certificate: a record of a meter must have one, and a bill of unsigned readings never uses it.
CERTIFICATE = (
    "MIIBeDCCAR2gAwIBAgIUcWmq9VNzn9uSxbuD6Vi2+W9hXnswCgYIKoZIzj0EAwIwEDEOMAwGA1UEAwwFbWV0ZXIwIBcNMjYx"
    "MTIyMjIzNjAyWhgPMjEyNjEwMjkyMjM2MDJaMBAxDjAMBgNVBAMMBW1ldGVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"
    "7cak9tXV/BpPuEUyzlUdl/9kUP+5PrWjkwjOGv2Q2P6bC7hWRLHAgsAWGBYFwEQ6icTSLQ0YrQBcGyEHDf48HqNTMFEwHQYD"
    "VR0OBBYEFPxDASWL9I8zwTquvgCzqCMdNk3nMB8GA1UdIwQYMBaAFPxDASWL9I8zwTquvgCzqCMdNk3nMA8GA1UdEwEB/wQF"
    "MAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAIK18p2UBChnQxoaO4ii88NCUFZN53zWb+IYLNxB/ZTtAiEAzeiMRIh3YyVSaE5/"
    "oOOGjYSr88xC+ZiOD4qDeouTd5w=")


def plain(value):
    """YAML in flow style, scalars as they are."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {plain(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(plain(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def block(head):
    """YAML: one member a line, lists of mappings one item a line."""
    lines = []
    for key, value in head.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [f"{key}:"] + [f"  - {plain(item)}" for item in value]
        else:
            lines.append(f"{key}: {plain(value)}")
    return "\n".join(lines) + "\n"


@dataclass
class Case:
    """Files and bounds of one bill."""
    tariff: str
    input: str
    contracts: str = None
    installations: str = None
    month: str = None
    begin: str = None
    until: str = None
    vee: str = None
    rows: str = None        # the same rows as CSV, if the input is an evidence file ...
    blocks: list = None     # ... and what signed them

    def arguments(self):
        told = {"--tariff": self.tariff, "--input": self.input, "--contracts": self.contracts,
                "--installations": self.installations, "--period": self.month, "--from": self.begin,
                "--until": self.until, "--vee": self.vee}
        return [text for key, value in told.items() if value for text in (key, value)]


def utc(instant):
    return datetime.datetime.fromtimestamp(instant, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Generator:
    """One random case; `refusals` says how often something is made for which there is no bill."""

    def __init__(self, seed, folder, refusals=0.03):
        self.random = random.Random(seed)
        self.folder, self.refusals = folder, refusals

    def chance(self, share):
        return self.random.random() < share

    def number(self, low, high, decimals):
        """Text of a number with up to so many decimals; few decimals make ties likely."""
        decimals = self.random.choice([0, 1, 2, decimals, decimals])
        scaled = self.random.randint(int(low * 10 ** decimals), int(high * 10 ** decimals))
        whole, rest = divmod(abs(scaled), 10 ** decimals)
        fraction = f".{rest:0{decimals}d}" if decimals else ""
        return ("-" if scaled < 0 else "") + str(whole) + fraction

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text)
        return self.path(name)

    # Time

    def choose_time(self):
        self.zone = self.random.choice(list(ZONES))
        self.minutes = self.random.choice([15, 15, 15, 30, 60, 5])
        self.step = self.minutes * 60
        day = datetime.date.fromisoformat(self.random.choice(ZONES[self.zone]))
        if self.chance(0.3):
            day = datetime.date(self.random.randint(2012, 2027), 1, 1)
            day += datetime.timedelta(days=self.random.randrange(365))
        most = {5: 5, 15: 12, 30: 20, 60: 95}[self.minutes]
        self.length = self.random.randint(1, most)
        self.first = day - datetime.timedelta(days=self.random.randrange(self.length))
        self.after = self.first + datetime.timedelta(days=self.length)
        self.begin, self.until = self.midnight(self.first), self.midnight(self.after)
        if self.chance(0.15):
            self.begin += self.random.randrange(0, 7200)
            self.until -= self.random.randrange(0, 7200)

    def midnight(self, day):
        return int(datetime.datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone)).timestamp())

    def some_day(self):
        return self.first + datetime.timedelta(days=self.random.randrange(-1, self.length + 1))

    def day_after(self, begin):
        return max(self.some_day(), begin + datetime.timedelta(days=1))

    def pieces(self, make, most=4):
        """Dated pieces; the first holds from before the period but for a few."""
        count = self.random.choice([1, 1, 2, 2, 3, most])
        early = self.first - datetime.timedelta(days=self.random.randint(0, 400))
        if self.chance(self.refusals / 3):
            early = self.some_day()
        days = sorted({early} | {max(self.some_day(), early) for _ in range(count - 1)})
        if len(days) == 1 and self.chance(0.7):
            return [make()]
        return [{"from": day.isoformat(), **make()} for day in days]

    # Days, seasons, posts

    def seasons(self):
        count = self.random.choice([0, 0, 2, 3])
        days = sorted({f"{self.random.randint(1, 12):02d}-{self.random.randint(1, 28):02d}" for _ in range(count)})
        return [{"name": f"s{i}", "from": day} for i, day in enumerate(days)] if len(days) > 1 else []

    def posts(self, seasons):
        names = ["peak", "high", "mid", "low", "night", "rest"][self.random.choice([0, 2, 3, 4, 4, 5]):]
        rules = {name: [] for name in names[:-1]}
        all_of = [s["name"] for s in seasons]
        cells = [None]
        if seasons and self.chance(0.8):
            cells = self.random.choice([[[name] for name in all_of], [all_of[:-1], all_of[-1]]])
        partition = self.random.choice(KIND_PARTITIONS)
        for season in cells:
            for kinds in partition:
                self._fill_day(names, rules, {} if season is None else {"seasons": season}, kinds)
        posts = [{"name": name, "when": rules[name]} for name in names[:-1] if rules[name]]
        posts.insert(self.random.randint(0, len(posts)), {"name": names[-1]})
        return posts

    def _fill_day(self, names, rules, rule, kinds):
        if kinds != "every" or self.chance(0.5):
            rule = {"days": kinds, **rule}
        cuts = sorted({0, 1440} | {self.random.randrange(5, 1440, 5) for _ in range(self.random.randint(0, 4))})
        hours = {}
        for first, end in zip(cuts, cuts[1:]):
            text = f'"{first // 60:02d}:{first % 60:02d}-{end // 60:02d}:{end % 60:02d}"'
            hours.setdefault(self.random.choice(names), []).append(text)
        for name, ranges in hours.items():
            if name in rules:
                rules[name].append({**rule, "hours": ranges if len(ranges) > 1 else ranges[0]})

    def series(self, name, value):
        """A file of steps round the period, now and then with a hole."""
        step = self.random.choice([s for s in (15, 30, 60, 180) if s % self.minutes == 0])
        first = (self.begin - 7200) // (step * 60) * step * 60
        instants = list(range(first, self.until + 7200, step * 60))
        if self.chance(self.refusals):
            del instants[self.random.randrange(len(instants))]
        text = "".join(f"{utc(i)},{value()}\n" for i in instants)
        self.write(name, text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        return {"file": name, "sha256": digest, "step_minutes": step}

    # Charges

    def rate(self):
        return self.number(-1 if self.chance(0.1) else 0, self.random.choice([1, 3, 200]), 9)

    def rates_by_post(self, every, make=None):
        """Pieces whose `rate` is one for all posts, or a mapping with the same posts in all."""
        make = make or self.rate
        names = [post["name"] for post in self.head["posts"]]
        if not every:
            names = self.random.sample(names, self.random.randint(1, len(names)))
        mapped = self.chance(0.6)
        def piece():
            self.random.shuffle(names)
            return {"rate": {name: make() for name in names} if mapped else make()}
        return self.pieces(piece), mapped

    def charge_energy(self, name):
        of = self.random.choice(["import", "import", "import", "export", "net"])
        return {"name": name, "kind": "energy", "of": of, "rates": self.rates_by_post(True)[0]}

    def charge_tiers(self, name):
        def piece():
            limits = sorted({self.random.randint(1, 60000) for _ in range(self.random.randint(1, 5))})
            tiers = [{"up_to_kwh": f"{wh // 1000}.{wh % 1000:03d}", "rate": self.rate()} for wh in limits]
            return {"tiers": tiers + [{"rate": self.rate()}]}
        charge = {"name": name, "kind": "tiers", "rates": self.pieces(piece)}
        if self.chance(0.6):
            charge["per_days"] = self.random.choice([1, 1, 7, 30])
        return charge

    def charge_dynamic(self, name):
        def piece():
            low = self.number(-1, 0, 9)
            told = {"adder": self.number(-1, 1, 9), "cap": self.number(0.25, 1, 9), "floor": low}
            return {key: value for key, value in told.items() if self.chance(0.6)} or {"adder": "0.01"}
        charge = {"name": name, "kind": "dynamic", "of": self.random.choice(["import", "export", "net"]),
                  "prices": self.series(f"{name}.csv", lambda: self.number(-1, 1, 9))}
        if self.chance(0.8):
            charge["rates"] = self.pieces(piece)
        return charge

    def charge_demand(self, name):
        minutes = self.random.choice([m for m in (15, 30, 60) if m % self.minutes == 0])
        charge = {"name": name, "kind": "demand", "integration_minutes": minutes}
        rates, _ = self.rates_by_post(False)
        if self.chance(0.5):
            charge["contracted"] = True
            if self.chance(0.7):
                charge["excess"] = {"tolerance_percent": self.number(0, 10, 4),
                                    "factor": self.number(0.5, 3, 6)}
        if self.chance(0.6):
            charge["ratchet"] = {"percent": self.number(10, 99, 4), "months": self.random.randint(1, 12)}
        charge["rates"] = rates
        return charge

    def reactive_members(self):
        fine = f"0.{self.random.randint(500000, 999999)}"
        told = {"power_factor": self.random.choice(["0.92", "0.95", "1", fine])}
        if self.chance(0.7):
            told["capacitive_hours"] = self.random.choice(
                ['"00:30-06:30"', ['"00:00-05:00"', '"22:00-24:00"'], '"23:15-24:00"'])
        return told

    def charge_reactive_energy(self, name):
        return {"name": name, "kind": "reactive_energy", **self.reactive_members(),
                "rates": self.rates_by_post(False)[0]}

    def charge_reactive_demand(self, name):
        demand = self.random.choice([c for c in self.charges if c["kind"] == "demand"])
        def alike():
            rate = demand["rates"][0]["rate"]
            return {"rate": {post: self.rate() for post in rate} if isinstance(rate, dict) else self.rate()}
        return {"name": name, "kind": "reactive_demand", "demand": demand["name"], **self.reactive_members(),
                "rates": self.pieces(alike)}

    def charge_fixed(self, name):
        mapped = self.chance(0.3)
        def piece():
            if mapped:
                return {"amount": {phases: self.number(0, 60, 9) for phases in ("one", "two", "three")}}
            return {"amount": self.number(-5, 60, 9)}
        return {"name": name, "kind": "fixed", "per": self.random.choice(["cycle", "day", "month"]),
                "rates": self.pieces(piece)}

    def charge_flag(self, name):
        month, months = self.first - datetime.timedelta(days=40), {}
        while month < self.after + datetime.timedelta(days=40):
            if not self.chance(self.refusals / 2):
                flag = self.random.choice(["green", "yellow", "red-1", "red-2"])
                months[month.strftime("%Y-%m")] = {"name": flag, "adder": self.number(0, 1, 9)}
            month = (month.replace(day=28) + datetime.timedelta(days=4)).replace(day=1)
        if not months:
            months["2030-01"] = {"name": "green", "adder": 0}
        return {"name": name, "kind": "flag", "split": self.random.choice(["days", "interval"]), "months": months}

    def import_charges(self):
        names = [c["name"] for c in self.charges if c["kind"] == "energy" and c["of"] == "import"]
        return self.random.sample(names, self.random.randint(1, len(names)))

    def charge_net_metering(self, name):
        names = self.import_charges()
        pieces = self.pieces(lambda: {"percent": {n: self.number(0, 100, 4) for n in names}}, most=3)
        return {"name": name, "kind": "net_metering", "carry_months": self.random.choice([1, 3, 60]),
                "rates": pieces}

    def charge_minimum(self, name):
        kwh = self.number(0, self.random.choice([400, 40000]), 3)
        if self.chance(0.5):
            kwh = {phases: self.number(0, 400, 3) for phases in ("one", "two", "three")}
        post = self.random.choice(self.head["posts"])["name"]
        return {"name": name, "kind": "minimum", "kwh": kwh, "charges": self.import_charges(), "post": post}

    def make_charges(self):
        self.charges = []
        kinds = ["energy", "energy", "tiers", "dynamic", "demand", "reactive_energy", "reactive_demand",
                 "reactive_energy", "reactive_demand", "reactive_demand", "fixed", "flag", "flag", "net_metering",
                 "net_metering", "minimum", "minimum", "minimum"]
        for number in range(self.random.randint(1, 12)):
            kind = self.random.choice(kinds)
            have = {c["kind"] for c in self.charges}
            imports = [c for c in self.charges if c["kind"] == "energy" and c["of"] == "import"]
            if (kind == "net_metering" and kind in have) or (kind == "reactive_demand" and "demand" not in have):
                continue
            if kind == "net_metering" and "minimum" in have:
                continue
            if kind in ("net_metering", "minimum") and not imports:
                kind = "energy"
            self.charges.append(getattr(self, "charge_" + kind)(f"c{number}-{kind}"))
        if not self.charges:
            self.charges.append(self.charge_energy("c-energy"))
        return self.charges

    # Taxes and lighting

    def kwh_steps(self, make):
        limits = sorted({self.random.randint(1, 900000) for _ in range(self.random.randint(1, 4))})
        return [{"up_to_kwh": f"{wh // 1000}.{wh % 1000:03d}", **make()} for wh in limits] + [make()]

    def make_taxes(self):
        taxes = []
        for number in range(self.random.choice([0, 1, 2, 3, 4])):
            def piece():
                if self.chance(0.3):
                    return {"bands": self.kwh_steps(lambda: {"percent": self.number(0, 20, 4)})}
                return {"percent": self.number(0, 20, 4)}
            tax = {"name": f"tax{number}", "rates": self.pieces(piece, most=3)}
            plain_ones = [t["name"] for t in taxes if "excludes" not in t and "on_top" not in t]
            if self.chance(0.3):
                tax["on_top"] = True
            elif plain_ones and self.chance(0.5):
                chosen = self.random.sample(plain_ones, self.random.randint(1, len(plain_ones)))
                tax["excludes"] = sorted(chosen)
            taxes.append(tax)
        return taxes

    def make_lighting(self):
        decimals = self.head["decimals"]
        def amount():
            scaled = self.random.randrange(50 * 10 ** decimals)
            whole, rest = divmod(scaled, 10 ** decimals)
            return {"amount": f"{whole}.{rest:0{decimals}d}" if decimals else str(whole)}
        return {"rates": self.pieces(lambda: {"steps": self.kwh_steps(amount)}, most=2)}

    def make_tariff(self):
        self.head = {"format": 2, "id": "random", "title": '"a random tariff"', "source": '"none"',
                     "currency": "BRL", "decimals": self.random.choice([2, 2, 2, 0, 3, 4]), "zone": self.zone,
                     "interval_minutes": self.minutes,
                     "rounding": self.random.choice(["half-even", "half-up"])}
        if self.chance(0.2):
            self.head["posts"] = [{"name": name} for name in ("normal", "low", "high")]
            names = [post["name"] for post in self.head["posts"]]
            self.head["schedule"] = self.series("schedule.csv", lambda: self.random.choice(names))
        else:
            if self.chance(0.7):
                self.head["holidays"] = self.random.sample(HOLIDAYS, self.random.randint(1, 6))
                self.head["holidays"].append(self.some_day().isoformat())
            seasons = self.seasons()
            if seasons:
                self.head["seasons"] = seasons
            self.head["posts"] = self.posts(seasons)
        self.head["charges"] = self.make_charges()
        taxes = self.make_taxes()
        if taxes:
            self.head["taxes"] = taxes
        if self.chance(0.4):
            self.head["lighting"] = self.make_lighting()
        return self.write("tariff.yaml", block(self.head))

    # Contract

    def months_before(self, count, most=4):
        """Some months before the period's last one, that one, the next; rising."""
        base = self.after.year * 12 + self.after.month - 1
        months = range(base - count, base + 2)
        chosen = sorted(self.random.sample(months, self.random.randint(0, min(most, len(months)))))
        return [f"{month // 12}-{month % 12 + 1:02d}" for month in chosen]

    def contract(self, client, begin, until):
        posts = [post["name"] for post in self.head["posts"]]
        demanded = ["all"] + posts
        def demands():
            scale = self.random.choice([1, 60, 600, 6000])
            return {post: self.number(0, scale, 3) for post in demanded}
        record = {"client": client, "from": begin, "until": until, "phases": self.random.randint(1, 3)}
        if self.chance(0.3):
            record["tariff"] = "another" if self.chance(self.refusals) else "random"
        record["demand_kw"] = demands()
        if self.chance(0.7):
            record["demand_history"] = [{"month": m, "kw": demands()} for m in self.months_before(14, 16)]
        if self.chance(0.7):
            record["credits"] = [{"month": m, "post": self.random.choice(posts), "kwh": self.number(1, 30, 3)}
                                 for m in self.months_before(self.random.choice([4, 70]))]
            if self.chance(self.refusals) and record["credits"]:
                record["credits"][0]["post"] = "no-such-post"
        if self.chance(0.2) and "taxes" in self.head:
            record["exempt"] = [self.random.choice(self.head["taxes"])["name"]]
        for member, share in (("phases", 0.3), ("demand_kw", 0.3)):
            if self.chance(self.refusals * share):
                del record[member]
        return record

    def make_contracts(self):
        if self.chance(0.1):
            return None
        begin = self.first - datetime.timedelta(days=self.random.choice([0, 40, 300, 900]))
        last = self.after + datetime.timedelta(days=self.random.randint(0, 3))
        until = "null" if self.chance(0.7) else last.isoformat()
        if self.chance(self.refusals):
            until = self.day_after(begin).isoformat()
        records = [self.contract(7, begin.isoformat(), until), self.contract(8, "2000-01-01", "null")]
        if self.chance(0.3):
            records.insert(0, self.contract(7, "1990-01-01", begin.isoformat()))
        if self.chance(self.refusals):
            cut = self.day_after(begin).isoformat()
            records = [self.contract(7, begin.isoformat(), cut), self.contract(7, cut, "null")]
        text = "".join(f"- {plain(record)}\n" for record in records)
        if self.chance(0.3):
            text = json.dumps(records, indent=1).replace('"null"', "null")
        return self.write("contracts.yaml", text)

    # Meters and load

    def make_installations(self):
        """1 to 3 meters, one after the other, now and then apart."""
        edges = sorted({self.begin, self.until} |
                       {self.random.randrange(self.begin, self.until) // self.step * self.step
                        for _ in range(self.random.choice([0, 1, 1, 2]))})
        self.meters = []
        for number, (begin, until) in enumerate(zip(edges, edges[1:])):
            later = begin + (self.random.randrange(1, 20) * self.step if self.chance(0.2) else 0)
            if later < until:
                self.meters.append((f"M{number}", later, until))
        if not self.meters:
            self.meters = [("M0", self.begin, self.until)]
        records = []
        for number, (serial, begin, until) in enumerate(self.meters):
            ratio = self.random.choice(RATIOS)
            if number == 0:
                begin -= self.random.choice([0, 86400 * 40])
            if number == len(self.meters) - 1:
                until = None if self.chance(0.5) else until + 86400
            elif self.chance(self.refusals / 2):
                until += self.step
            records.append({"client_id": 7, "meter_serial": serial, "metrology_cert": CERTIFICATE,
                            "from": utc(begin), "until": until and utc(until),
                            "ratio_num": ratio[0], "ratio_den": ratio[1]})
        if self.chance(self.refusals / 3):
            for record in records:
                record["client_id"] = 8
        return self.write("installations.json", json.dumps(records, indent=1))

    def energies(self, count):
        """Wh of the intervals; None is a missing one."""
        scale = self.random.choice([3, 200, 5000, 60000])
        low = -scale if self.chance(0.4) else 0
        values = [self.random.randint(low, scale) for _ in range(count)]
        if self.chance(0.2):
            values = [self.random.randint(0, scale)] * count
        for _ in range(self.random.choice([0, 0, 1, 3, 6])):
            at = self.random.randrange(count)
            after = min(count, at + self.random.randint(1, 50))
            values[at:after] = [None] * (after - at)
        return values

    def make_readings(self):
        ends = range((self.begin // self.step + 1) * self.step, self.until + 1, self.step)
        values = self.energies(len(ends))
        reactive = self.chance(0.85)
        spread = max([abs(v) for v in values if v is not None] or [1]) * self.random.choice([1, 4])
        unix = self.chance(0.3)
        columns = [c for c, there in (("reactive_varh", reactive), ("register_wh", self.chance(0.6)),
                                      ("reactive_register_varh", reactive and self.chance(0.6))) if there]
        rows, registers = [], {}
        for number, (end, wh) in enumerate(zip(ends, values), start=1):
            serial = next((s for s, begin, until in self.meters if begin < end <= until), None)
            varh = self.random.randint(-spread, spread) if self.chance(0.998) else ""
            told = self.registers(registers, serial, wh, varh, spread)
            if serial is None or (wh is None and self.chance(0.9)):
                continue
            told["reactive_varh"] = varh
            energy = "" if wh is None else wh
            rows.append(",".join(["7", str(end) if unix else utc(end), serial, str(number), str(energy),
                                  *(str(told[c]) for c in columns)]) + "\n")
        if not rows:
            rows.append(",".join(["7", utc(ends[0]), self.meters[0][0], "1", "1", *("0" for _ in columns)]) + "\n")
        if self.chance(0.2):
            self.random.shuffle(rows)
        if self.chance(self.refusals * 2):
            self.spoil(rows)
        return self.write("load.csv", ",".join(["client,ts,serial,seq,energy_wh", *columns]) + "\n" + "".join(rows))

    def registers(self, registers, serial, wh, varh, spread):
        """What a meter's registers show at the interval's end; what is not reported they counted, too."""
        energy, reactive = registers.get(serial, (10 ** 9, 10 ** 9))
        if self.chance(0.003):
            energy = reactive = 10 ** 8         # another device, or its memory was lost
        energy += self.random.randint(0, spread) if wh is None else wh
        reactive += self.random.randint(-spread, spread) if varh == "" else varh
        registers[serial] = energy, reactive
        known = self.chance(0.98)
        return {"register_wh": energy if known else "", "reactive_register_varh": reactive if known else ""}

    # Validation's rule file, and signed blocks

    def make_rules(self):
        profiles = [{"name": f"p{i}", "day_wh": self.random.randint(1, 200000),
                     **{kind: [self.random.randint(0, 90) for _ in range(23)] + [1]
                        for kind in ("working", "saturday", "sunday", "holiday")}} for i in range(2)]
        chain = [self.step_of_chain(number) for number in range(self.random.randint(1, 5))]
        adjust = self.chance(0.7)
        head = {"format": 1, "id": "random", "zone": self.zone if self.chance(0.7) else
                self.random.choice(list(ZONES)), "rounding": self.random.choice(["half-even", "half-up"]),
                "holidays": self.random.sample(HOLIDAYS, self.random.randint(1, 6)), "checks": {}}
        text = block(head) + f"estimate:\n  adjust_to_register: {plain(adjust)}\n"
        if self.chance(0.7):
            text += f"  adjust_reactive_to_register: {plain(adjust and self.chance(0.8))}\n"
        text += "  chain:\n" + "".join(f"    - {plain(step)}\n" for step in chain)
        return self.write("rules.yaml", text + block({"profiles": profiles}))

    def step_of_chain(self, number):
        method = self.random.choice(["linear", "linear", "history", "history", "history", "proxy_day", "proxy_day",
                                     "profile"])
        longest = [self.minutes, 120, 720] if method in ("linear", "profile") else [720, 2880, 44640]
        step = {"rule": f"r{number}", "method": method, "up_to_minutes": self.random.choice(longest)}
        if method == "history":
            step["days"] = self.random.randint(1, 6)
            step["least"] = self.random.randint(1, step["days"])
        if method == "profile":
            step["profile"] = self.random.choice(["p0", "p1"])
        return step

    def sign(self, path):
        """The rows as an evidence file; None if they cannot be told so (twice, or not on the grid)."""
        client, rows = read_rows(path)
        ends = {row.end for row in rows}
        if len(ends) < len(rows) or any(end % self.step for end in ends):
            return None, None
        blocks = blocks_of(rows, self.step)
        with open(self.path("evidence.cbor"), "wb") as file:
            file.write(evidence_file(client, self.begin, self.until, blocks))
        return self.path("evidence.cbor"), blocks

    def spoil(self, rows):
        """A row twice, of a meter that is not here, or not at an interval's end."""
        fields = self.random.choice(rows).split(",")
        fault = self.random.choice(["twice", "foreign", "outside"])
        if fault == "foreign":
            rows.remove(",".join(fields))
            fields[2] = "M9"
        if fault == "outside":
            fields[1] = utc(self.begin // self.step * self.step + self.step + 60)
        rows.append(",".join(fields))

    def bounds(self):
        """As options: both ends, a month, or none (first to last interval of the file)."""
        way = self.random.choice(["ends"] * 7 + ["month", "none"])
        if way == "month":
            return {"month": self.first.strftime("%Y-%m")}
        return {"begin": utc(self.begin), "until": utc(self.until)} if way == "ends" else {}

    def make(self):
        self.choose_time()
        tariff = self.make_tariff()
        contracts = self.make_contracts()
        installations = self.make_installations()
        readings = self.make_readings()
        rules = self.make_rules() if self.chance(0.5) else None
        evidence, blocks = self.sign(readings) if self.chance(0.4) else (None, None)
        if evidence is None:
            return Case(tariff, readings, contracts, installations, vee=rules, **self.bounds())
        return Case(tariff, evidence, contracts, installations, begin=utc(self.begin), until=utc(self.until),
                    vee=rules, rows=readings, blocks=blocks)

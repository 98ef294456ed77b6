"""Bills on the published tariffs and loads of ../shared/data, which is no part of the source tree.

Tariff files are written from the published rows here; loads come from the sites and the house there, or,
where only rates were published, from a seeded house.
"""

import csv
import datetime
import gzip
import hashlib
import os
import random
import subprocess
from fractions import Fraction

from generate import Case, utc
from tariff import Tariff, parse_instant

STEEL_MONTHS = [f"2018-{month:02d}" for month in range(1, 7)]
HUE_FIRST, HUE_MONTHS = 2012 * 12 + 5, 40        # June 2012 to September 2015


def per_kwh(text):
    """R$/MWh as R$/kWh, exact."""
    return decimal(Fraction(text) / 1000)


def decimal(value):
    """Text of a fraction with at most nine decimals."""
    scaled = value * 10 ** 9
    assert scaled.denominator == 1, value
    whole, rest = divmod(abs(scaled.numerator), 10 ** 9)
    return ("-" if value < 0 else "") + f"{whole}.{rest:09d}".rstrip("0").rstrip(".")


class Folder:
    """Where tariffs and loads of these cases are written."""

    def __init__(self, path, data, root, program):
        self.path, self.data, self.root, self.program = path, data, root, program

    def write(self, name, text):
        path = os.path.join(self.path, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def rows(self, name):
        """Rows of a data file, its header first."""
        path = os.path.join(self.data, name)
        opened = gzip.open(path, "rt", encoding="utf-8") if name.endswith(".gz") else open(path, encoding="utf-8")
        with opened as file:
            return list(csv.reader(file))

    def tariff(self, name, zone, minutes, currency, rest):
        return self.write(f"{name}.yaml", f"format: 2\nid: {name}\ncurrency: {currency}\ndecimals: 2\nzone: {zone}\n"
                          f"interval_minutes: {minutes}\nrounding: half-even\n{rest}")

    def load(self, name, begin, until, step, seed, low=0, high=1200):
        """A seeded house; one interval in 500 lacks."""
        chance = random.Random(seed)
        lines = ["client,ts,serial,seq,energy_wh"]
        for number, end in enumerate(range(begin + step, until + 1, step), start=1):
            if chance.random() >= 0.002:
                lines.append(f"7,{utc(end)},M0,{number},{chance.randint(low, high)}")
        return self.write(f"{name}.csv", "\n".join(lines) + "\n")

    def series(self, name, lines):
        text = "".join(f"{line}\n" for line in lines)
        self.write(name, text)
        return f"{{file: {name}, sha256: {hashlib.sha256(text.encode()).hexdigest()}"


def flat(te, tusd, begin=None):
    dated = f"from: {begin}, " if begin else ""
    return ("posts: [{name: all}]\ncharges:\n"
            f"  - {{name: te, kind: energy, rates: [{{{dated}rate: {per_kwh(te)}}}]}}\n"
            f"  - {{name: tusd, kind: energy, rates: [{{{dated}rate: {per_kwh(tusd)}}}]}}\n"
            "  - {name: minimum, kind: minimum, kwh: 100, charges: [te, tusd], post: all}\n")


def brazilian_month(folder, name, path, first):
    """A bill of 30 days from a date, by the hour."""
    calendar = Tariff(path).calendar
    begin = calendar.begin_of(first)
    until = calendar.begin_of(first + datetime.timedelta(days=30))
    load = folder.load(name, begin, until, 3600, name, high=random.Random(name).choice([200, 1200, 3000]))
    return name, Case(path, load, begin=utc(begin), until=utc(until))


def ceee_history(folder):
    """Each dated piece by itself, and all as one tariff with bills over each change."""
    rows = sorted(folder.rows("aneel_ceee_d_b1_history.csv")[1:])
    for number, (begin, _, te, tusd, *_) in enumerate(rows):
        path = folder.tariff(f"ceee-{number}", "America/Sao_Paulo", 60, "BRL", flat(te, tusd, begin))
        yield brazilian_month(folder, f"ceee-{number}", path, datetime.date.fromisoformat(begin))
    pieces = {name: ", ".join(f"{{from: {row[0]}, rate: {per_kwh(row[column])}}}" for row in rows)
              for name, column in (("te", 2), ("tusd", 3))}
    charges = "".join(f"  - {{name: {name}, kind: energy, rates: [{rates}]}}\n" for name, rates in pieces.items())
    path = folder.tariff("ceee-all", "America/Sao_Paulo", 60, "BRL", "posts: [{name: all}]\ncharges:\n" + charges)
    for begin, *_ in rows[1:]:
        first = datetime.date.fromisoformat(begin) - datetime.timedelta(days=11)
        yield brazilian_month(folder, f"ceee-change-{begin}", path, first)


def aneel_residential(folder):
    """One flat tariff a row.  A comma in an unquoted column shifts the rest: count from the end."""
    for row in folder.rows("aneel_tarifafornecimentoresidencial.csv")[1:]:
        name = f"aneel-{row[0]}"
        path = folder.tariff(name, "America/Sao_Paulo", 60, "BRL", flat(row[-10], row[-9]))
        first = datetime.datetime.strptime(row[7].split()[0], "%d/%m/%Y").date()
        yield brazilian_month(folder, name, path, first)


def london(folder):
    """The published schedule of 2013: the year as one bill, and each month."""
    rows = folder.rows("lcl_dtou_tariff_2013_halfhourly.csv.gz")[1:]
    told = folder.series("lcl.csv", (f"{when.replace(' ', 'T')}Z,{post.lower()}" for when, post in rows))
    path = folder.tariff("lcl-dtou", "Europe/London", 30, "GBP",
                         "posts: [{name: normal}, {name: low}, {name: high}]\n"
                         f"schedule: {told}, step_minutes: 30}}\n"
                         "charges:\n  - {name: energy, kind: energy, rates: "
                         "[{rate: {normal: 0.1176, low: 0.0399, high: 0.6720}}]}\n"
                         "taxes: [{name: vat, on_top: true, rates: [{percent: 5}]}]\n")
    begin, until = parse_instant("2013-01-01T00:00:00Z"), parse_instant("2014-01-01T00:00:00Z")
    load = folder.load("lcl-load", begin, until, 1800, "london")
    yield "lcl 2013", Case(path, load, begin=utc(begin), until=utc(until))
    for month in range(1, 13):
        yield f"lcl 2013-{month:02d}", Case(path, load, month=f"2013-{month:02d}")


def agile(folder):
    """Hourly prices of five years, negative ones too: a bill a year, bought and sold."""
    rows = folder.rows("agile_octopus_import_regA_hourly_2019_2023.csv.gz")[1:]
    told = folder.series("agile.csv", (f"{when.replace(' ', 'T')}Z,{decimal(Fraction(price))}"
                                       for when, price in rows))
    charges = "".join(f"  - {{name: {name}, kind: dynamic, of: {of}, prices: {told}, step_minutes: 60}}{rates}}}\n"
                      for name, of, rates in (("bought", "import", ""), ("sold", "export", ", rates: [{cap: 0.1}]"),
                                              ("net", "net", ", rates: [{floor: 0, adder: 0.0123}]")))
    path = folder.tariff("agile", "Europe/London", 60, "GBP", f"posts: [{{name: all}}]\ncharges:\n{charges}"
                         "taxes: [{name: vat, on_top: true, rates: [{percent: 5}]}]\n")
    for year in range(2019, 2024):
        begin, until = (parse_instant(f"{y}-01-01T00:00:00Z") for y in (year, year + 1))
        load = folder.load(f"agile-{year}", begin, until, 3600, f"agile {year}", low=-900)
        yield f"agile {year}", Case(path, load, begin=utc(begin), until=utc(until))


def imported(folder, kind, name, client, serial, *options):
    path = os.path.join(folder.path, f"{kind}.csv")
    subprocess.run([folder.program, "import", "--format", kind, "--input", os.path.join(folder.data, name),
                    "--client", client, "--serial", serial, "--out", path, *options],
                   capture_output=True, check=False)
    return path


def lose(path):
    """The file without a run of rows now and then, from one to two days' quarter-hours long."""
    chance = random.Random("lost")
    with open(path, encoding="ascii") as file:
        header, *rows = file.readlines()
    at = 0
    while (at := at + chance.randint(50, 900)) < len(rows):
        del rows[at:at + chance.choice([1, 1, 4, 7, 12, 40, 150, 192])]
    return header + "".join(rows)


def steel(folder):
    """The plant under the green and the blue tariff, in its own zone, with the rates' dates moved to 2018:
    as published, and with readings lost and estimated."""
    load = imported(folder, "steel", "steel_15min_2018H1.csv.gz", "78", "STEEL")
    lossy = folder.write("steel-lossy.csv", lose(load))
    contract = folder.write("steel-contract.yaml", "- {client: 78, from: 2018-01-01, until: null, "
                            "demand_kw: {all: 550, peak: 520, off_peak: 560}}\n")
    for name in ("a4-green", "a4-blue"):
        with open(os.path.join(folder.root, "apps/bill/tariffs", f"{name}.yaml"), encoding="utf-8") as file:
            text = file.read()
        for old, new in (("2025-07-01", "2017-07-01"), ("2026-09-16", "2018-03-16"),
                         ("America/Sao_Paulo", "Asia/Seoul")):
            text = text.replace(old, new)
        path = folder.write(f"steel-{name}.yaml", text)
        for month in STEEL_MONTHS:
            yield f"steel {name} {month}", Case(path, load, contracts=contract, month=month)
            yield (f"steel {name} {month}, hours lost",
                   Case(path, lossy, contracts=contract, month=month,
                        vee=os.path.join(folder.root, "apps/bill/vee/plant-kr.yaml")))


def house(folder):
    """The house's forty months: hours that lack, and the same hours estimated."""
    load = imported(folder, "hue", "hue_residential1_hourly.csv.gz", "77", "HUE-1", "--repeats", "once")
    rules = os.path.join(folder.root, "apps/bill/vee/house-bc.yaml")
    path = os.path.join(folder.root, "tests/vee/house-bc.yaml")
    for month in range(HUE_FIRST, HUE_FIRST + HUE_MONTHS):
        text = f"{month // 12}-{month % 12 + 1:02d}"
        yield f"hue {text}", Case(path, load, month=text)
        yield f"hue estimated {text}", Case(path, load, month=text, vee=rules)


def shared_cases(path, data, root, program):
    folder = Folder(path, data, root, program)
    for make in (ceee_history, aneel_residential, london, agile, steel, house):
        yield make.__name__, make(folder)

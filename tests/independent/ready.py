"""Loads and contracts for the ready tariffs in apps/bill/tariffs."""

import datetime
import os
import random

from generate import Case, utc
from tariff import Tariff, dated, parse_instant

A_MONTH = 31


def periods(tariff):
    """Begins and ends of bills: a month, days round each change of rates or clocks, or a series' days."""
    series = [tariff.schedule] if tariff.schedule else list(tariff.prices.values())
    if series:
        steps = sorted(series[0].values)
        yield steps[0], steps[-1] + series[0].step
        return
    begins = sorted({day for charge in tariff.charges if charge["kind"] != "flag"
                     for day, _ in dated(charge).pieces if day != datetime.date.min})
    flags = [m for charge in tariff.charges if charge["kind"] == "flag" for m in charge["months"]]
    if flags:
        first = datetime.date.fromisoformat(flags[0] + "-10")
        begins = [first + datetime.timedelta(days=40 * i) for i in range(4)]
    begin_of = tariff.calendar.begin_of
    for day in begins[-1:] or [datetime.date(2026, 6, 1), datetime.date(2026, 9, 1)]:
        yield begin_of(day), begin_of(day + datetime.timedelta(days=A_MONTH))
    for day in begins[1:]:
        yield begin_of(day - datetime.timedelta(days=5)), begin_of(day + datetime.timedelta(days=7))
    year = begins[-1].year + 1 if begins and not flags else 2026
    for change in (datetime.date(year, 3, 7), datetime.date(year, 10, 24)):
        if not flags:
            yield begin_of(change), begin_of(change + datetime.timedelta(days=25))


def write_load(path, tariff, begin, until, chance):
    """A load with days and nights, some export at noon, reactive energy both ways, and a few gaps."""
    step = tariff.interval
    peak = chance.choice([40, 700, 25000])
    with open(path, "w", encoding="ascii") as file:
        file.write("client,ts,serial,seq,energy_wh,reactive_varh\n")
        for number, end in enumerate(range((begin // step + 1) * step, until + 1, step), start=1):
            if chance.random() < 0.002:
                continue
            _, minute = tariff.calendar.local(end - step)
            wh = chance.randint(0, peak) + (peak if 17 * 60 <= minute < 22 * 60 else 0)
            if 10 * 60 <= minute < 14 * 60 and chance.random() < 0.5:
                wh -= 3 * peak
            file.write(f"7,{utc(end)},M0,{number},{wh},{chance.randint(-peak, peak)}\n")


def write_contract(path, tariff):
    posts = sorted({*tariff.posts, "all"})
    demand = ", ".join(f"{post}: {20 + 7.5 * i}" for i, post in enumerate(posts))
    history = ", ".join(f"{{month: 2026-{m:02d}, kw: {{{demand}}}}}" for m in range(1, 9))
    with open(path, "w", encoding="ascii") as file:
        file.write(f"- {{client: 7, from: 2000-01-01, until: null, phases: 2, demand_kw: {{{demand}}},\n"
                   f"   demand_history: [{history}],\n"
                   f"   credits: [{{month: 2025-11, post: {tariff.posts[0]}, kwh: 12.345}}]}}\n")


def ready_cases(path, folder):
    """[(name, case)]: each of several periods."""
    tariff = Tariff(path)
    stem = os.path.splitext(os.path.basename(path))[0]
    contract = os.path.join(folder, f"{stem}-contract.yaml")
    write_contract(contract, tariff)
    chance = random.Random(stem)
    for number, (begin, until) in enumerate(periods(tariff)):
        load = os.path.join(folder, f"{stem}-{number}.csv")
        write_load(load, tariff, begin, until, chance)
        yield f"{stem} {utc(begin)}", Case(path, load, contracts=contract, begin=utc(begin), until=utc(until))

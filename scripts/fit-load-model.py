#!/usr/bin/env python3
"""Fits the built-in load model (libs/meter/load-model.c) on public hourly data.

  fit-load-model.py cambridge_hourly.csv.gz citylearn_homes.csv.gz

Prints the C tables and the figures that docs/load-model.md quotes.  Standard library only.
Groups: homes (CityLearn), and the Cambridge buildings in three equal parts by their ratio of
mean load 9-17 h to mean load 0-5 h on working days.
"""
import collections
import csv
import datetime
import gzip
import math
import statistics
import sys


def cambridge(path):
    out = collections.defaultdict(list)
    with gzip.open(path, "rt") as f:
        rows = csv.reader(f)
        next(rows)
        for r in rows:
            hours = [float(x or 0) for x in r[2:]]
            if sum(1 for x in hours if x == 0) <= 2 and sum(hours) > 0:
                out[r[0]].append((datetime.date.fromisoformat(r[1]), hours))
    return {b: d for b, d in out.items() if len(d) >= 500}


def citylearn(path):
    """Hour 24 of a step row is the hour that ended at midnight; day types 1..5 working, 6, 7 weekend."""
    out = collections.defaultdict(list)
    day = collections.defaultdict(list)
    first = datetime.date(2018, 7, 31)  # year is not given; months and day types follow each other
    with gzip.open(path, "rt") as f:
        for r in csv.DictReader(f):
            b = r["building"]
            if int(r["hour"]) == 24:
                day[b] = []
                continue
            day[b].append(float(r["non_shiftable_load"]))
            if int(r["hour"]) == 23 and len(day[b]) == 23:
                n = len(out[b])
                kind = int(r["day_type"])
                d = first + datetime.timedelta(days=n)
                d += datetime.timedelta(days=(kind - 1 if kind < 8 else 6) - d.weekday())
                out[b].append((d, [day[b][0]] + day[b]))
    return out


def profile(days, weekend):
    acc, n = [0.0] * 24, 0
    for d, h in days:
        if (d.weekday() >= 5) == weekend:
            mean = sum(h) / 24
            if mean > 0:
                acc = [a + x / mean for a, x in zip(acc, h)]
                n += 1
    return [a / max(n, 1) for a in acc]


def describe(days):
    work, rest = profile(days, False), profile(days, True)
    totals = [sum(h) for _, h in days]
    mean = statistics.fmean(totals)
    week = [statistics.fmean([t for (d, _), t in zip(days, totals) if (d.weekday() >= 5) == w] or [mean])
            for w in (False, True)]
    season = 2 * statistics.fmean([t / mean * math.cos(2 * math.pi * (d.timetuple().tm_yday - 15) / 365)
                                   for (d, _), t in zip(days, totals)])
    logs = [math.log(max(t / week[d.weekday() >= 5], 0.05)) for (d, _), t in zip(days, totals)]
    steps = [b - a for a, b in zip(logs, logs[1:])]
    day_sigma = statistics.pstdev([max(-1, min(1, s)) for s in steps]) / math.sqrt(2)
    hour = []
    for d, h in days:
        p, m = (rest if d.weekday() >= 5 else work), sum(h) / 24
        if m > 0:
            hour += [max(-1.5, min(1.5, math.log(max(x / m, 0.02) / max(q, 0.02)))) for x, q in zip(h, p)]
    return {"work": work, "rest": rest, "mean": mean, "weekend": week[1] / week[0], "season": season,
            "day_sigma": day_sigma, "hour_sigma": statistics.pstdev(hour)}


def table(name, group):
    med = lambda k: statistics.median(g[k] for g in group)
    col = lambda k: [statistics.fmean(g[k][h] for g in group) for h in range(24)]
    print(f"/* {name}: {len(group)} */ weekend {med('weekend'):.2f} season {med('season'):.2f} "
          f"day_sigma {med('day_sigma'):.3f} hour_sigma {med('hour_sigma'):.3f} "
          f"daily kWh median {statistics.median(g['mean'] for g in group):.1f} "
          f"log sd {statistics.pstdev([math.log(g['mean']) for g in group]):.2f}")
    for k in ("work", "rest"):
        print("    {" + ", ".join(f"{x:.3f}" for x in col(k)) + "},")


def main():
    buildings = [describe(d) for d in cambridge(sys.argv[1]).values()]
    ratio = lambda g: statistics.fmean(g["work"][9:17]) / statistics.fmean(g["work"][0:5])
    buildings.sort(key=ratio)
    third = len(buildings) // 3
    table("home", [describe(d) for d in citylearn(sys.argv[2]).values()])
    table("round the clock", buildings[:third])
    table("shop", buildings[third:2 * third])
    table("office", buildings[2 * third:])
    peaks = sorted(max(g["work"]) for g in buildings)
    print("highest hour over mean:", peaks[0], peaks[len(peaks) // 2], peaks[-1])


if __name__ == "__main__":
    main()

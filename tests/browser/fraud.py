#!/usr/bin/env python3
"""fraud.py BIN: the pages of a ranking and of simulated inspections in headless Chromium: three
widths, light and dark, both languages, paper.  The fleet is made here: 120 customers, 12 thieves,
a vacant house, one without readings.  Figures are those of the files.  Then pages with one fault
each, all of which must be found.  Exit 77: no browser.
"""
import csv
import json
import math
import os
import random
import re
import shutil
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import checks
from driver import Browser

LANGUAGES = {"en": "#language-en", "pt-BR": "#language-pt"}
ATTACK = "<script>alert(1)<:script>'&"
DAYS, START, CUSTOMERS, THIEVES = 120, 97, 120, 12
SHOWN = 12


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit("FAILED: %s\n%s" % (" ".join(command), done.stdout[-3000:]))


def name_of(i):
    return ATTACK if i == 0 else "c%03d" % i


def day_of(chance, i, day):
    """24 hours in kWh; thieves lose half, or the hours from 9 to 17; c020 moves out."""
    size, rest = 0.3 + (i % 7) * 0.4, 0.8 if day % 7 >= 5 else 1
    load = [size * rest * (1 + 0.6 * math.sin((h - 7 - i % 5) / 24 * 2 * math.pi)) *
            math.exp(chance.gauss(0, 0.12)) for h in range(24)]
    if i < THIEVES and day >= START:
        return [v * 0.4 for v in load] if i % 2 else [0 if 9 <= h < 17 else v
                                                      for h, v in enumerate(load)]
    if i == 20 and day >= START:
        return [size * 0.3 * math.exp(chance.gauss(0, 0.03)) for _ in range(24)]
    return load


def fleet(work):
    chance = random.Random(5)
    days, labels = os.path.join(work, "days.csv"), os.path.join(work, "labels.csv")
    with open(days, "w") as f, open(labels, "w") as g:
        f.write("customer,day,weekday,%s\n" % ",".join("h%02d" % h for h in range(24)))
        g.write("customer,label,start_day,true_kwh,reported_kwh\n")
        for i in range(CUSTOMERS):
            g.write("%s,%d,%d,%d,0\n" % (name_of(i), i < THIEVES, START if i < THIEVES else -1,
                                         100 + 10 * i if i < THIEVES else 0))
            for day in range(DAYS if i != 30 else 60):
                f.write("%s,%d,%d,%s\n" % (name_of(i), day, day % 7, ",".join(
                    "%.4f" % v for v in day_of(chance, i, day))))
    facts = os.path.join(work, "facts.csv")
    with open(facts, "w") as f:
        f.write("customer,class,activity,region,contracted_kw,vacant_since\n"
                "%s,commercial,bakery,north,75,\nc020,residential,,south,,%d\n" % (ATTACK, START))
    return days, labels, facts


def pages(bin_folder, work):
    days, labels, facts = fleet(work)
    fraud = os.path.join(bin_folder, "sealgrid-fraud")
    path = {n: os.path.join(work, n) for n in ("ranking.csv", "drop.csv", "page.html", "sim.html",
                                               "sim.json", "outcomes.csv")}
    run(fraud, "--input", days, "--mode", "full", "--out", path["ranking.csv"], "--drop-out",
        path["drop.csv"], "--page", path["page.html"], "--capacity", str(SHOWN), "--context", facts,
        "--reference-days", "0..89", "--test-days", "90..119")
    run(os.path.join(bin_folder, "sealgrid"), "fraud", "simulate-inspections", "--ranking",
        path["ranking.csv"], "--labels", labels, "--drop", path["drop.csv"], "--end-day", str(DAYS),
        "--capacity", "3", "--rounds", "50", "--page", path["sim.html"], "--json", path["sim.json"],
        "--outcomes-out", path["outcomes.csv"])
    return path


def owners_only(path):
    return ["%s: others may read it" % n for n in ("page.html", "sim.html", "outcomes.csv")
            if stat.S_IMODE(os.stat(path[n]).st_mode) != 0o600]


def outcomes_are_told(path):
    with open(path["outcomes.csv"]) as f:
        rows = list(csv.DictReader(f))
    words = {r["outcome"] for r in rows}
    bad = [] if 12 <= len(rows) <= 13 else ["%d visits instead of 12" % len(rows)]
    if not words <= {"fraud", "nothing", "no-access"} or "fraud" not in words:
        bad.append("outcomes: %s" % words)
    if any(float(r["kwh"]) <= 0 for r in rows if r["outcome"] == "fraud"):
        bad.append("a fraud without energy")
    return bad


class Ranking:
    """The page of the ranking against the ranking's file."""

    def __init__(self, path):
        with open(path["ranking.csv"]) as f:
            self.rows = list(csv.DictReader(f))

    def look(self, browser, look, language):
        lists = browser.run(
            "const m = [...document.querySelectorAll('main')].find(m => m.getBoundingClientRect()"
            ".height); return {list: [...m.querySelectorAll('details[open] a')].map(a => a.textContent),"
            "folded: [...m.querySelectorAll('details:not([open]) a')].map(a => a.textContent),"
            "excused: [...m.querySelectorAll('section table tbody th')].map(a => a.textContent),"
            "cards: [...m.querySelectorAll('.suspect strong')].map(a => a.textContent),"
            "text: m.textContent, svg: [...m.querySelectorAll('.suspect svg')].filter(e => "
            "e.getBoundingClientRect().height > 60).length}")
        first = [r["customer"] for r in self.rows[:SHOWN]]
        bad = [] if lists["list"] == first else ["the list is %s" % lists["list"][:3]]
        if sorted(lists["folded"]) != sorted(first):
            bad.append("by energy the list is %s" % lists["folded"][:3])
        if [re.sub(r"^\d+\. (Customer|UC) ", "", c) for c in lists["cards"]] != first:
            bad.append("the cards are %s" % lists["cards"][:3])
        if "c020" not in lists["excused"]:
            bad.append("the vacant house is not told of: %s" % lists["excused"])
        if lists["svg"] != 2 * SHOWN:
            bad.append("%d pictures of %d suspects" % (lists["svg"], SHOWN))
        for word in {"en": ("commercial", "bakery", "75 kW", "c030", "A rank is a reason"),
                     "pt-BR": ("comercial", "bakery", "75 kW", "c030", "motivo para olhar")}[language]:
            if word not in lists["text"].replace("\u00a0", " "):
                bad.append("does not say %r" % word)
        return bad

    FAULTS = [
        ("another customer", lambda t: t.replace(">c001</a>", ">c999</a>"), "the list is"),
        ("a card is gone", lambda t: re.sub(r'<li class="card suspect".*?</li></[uo]l></li>', "", t, 1,
                                            re.S), "the cards are|pictures of|link to nowhere"),
        ("the vacant house is gone", lambda t: t.replace(">c020</th>", ">c021</th>"),
         "vacant house is not told of"),
        ("facts are gone", lambda t: t.replace("bakery", "bakehouse"), "does not say 'bakery'"),
    ]


class Simulation:
    """The page of simulated inspections against its JSON."""

    def __init__(self, path):
        with open(path["sim.json"]) as f:
            self.data = json.load(f)

    def look(self, browser, look, language):
        needed = {"orders.%s.asked.%s.mean" % (o, f) for o in self.data["orders"]
                  for f in ("visits", "found", "hit_rate", "lift", "kwh", "money")}
        # What is written has units; checks.py reads energy in Wh.
        for f in look["figures"]:
            if ".kwh." in f["figure"]:
                f["value"] = repr(1000 * float(f["value"]))
        return checks.figures(look, self.lookup, needed)

    def lookup(self, name):
        return checks.at(self.data, name) * (1000 if ".kwh." in name else 1)

    FAULTS = [
        ("a figure shows another number",
         lambda t: re.sub(r'(data-figure="orders.ranking.asked.hit_rate.mean"[^>]*>)(\d)',
                          lambda m: m[1] + str(9 - int(m[2])), t), "hit_rate.mean .*: shows"),
        ("a figure is gone",
         lambda t: t.replace('data-figure="orders.drop.asked.kwh.mean"', 'data-figurine="x"'),
         "drop.asked.kwh.mean: not on the page"),
    ]


def check(browser, page, what, quick=False):
    browser.entries("performance")
    browser.entries("browser")
    browser.go(page)
    bad = checks.quiet(browser) + checks.named(browser)
    for width in (360,) if quick else (360, 820, 1280):
        for scheme in ("light",) if quick else ("light", "dark"):
            for language, selector in LANGUAGES.items():
                browser.show(width, scheme=scheme)
                browser.click(selector)
                look = browser.run(checks.LOOK)
                found = checks.layout(look, language) + checks.colours(look)
                found += what.look(browser, look, language)
                bad += ["%d px, %s, %s: %s" % (width, scheme, language, b) for b in found]
    return bad + checks.requests(browser, "file://" + page)


def on_paper(browser, page, work, most):
    browser.go(page)
    browser.show(820, scheme="dark", media="print")
    look = browser.run(checks.LOOK)
    bad = ["paper: " + b for b in checks.colours(look)]
    if any(checks.luminance(t["ground"]) < 0.5 for t in look["texts"]):
        bad.append("paper: dark")
    browser.show(820)
    pdf = os.path.join(work, "page.pdf")
    browser.paper(pdf)
    with open(pdf, "rb") as f:
        sheets = len(re.findall(rb"/Type\s*/Page\b", f.read()))
    return bad + ["paper: %d sheets" % sheets] * (not 1 <= sheets <= most)


COMMON = [
    ("a script", lambda t: t.replace("<h1>", "<script></script><h1>"), "never has|console"),
    ("too wide", lambda t: t.replace("</style>", "table{min-width:900px}</style>"),
     "wider than the window|outside the window"),
    ("grey on white", lambda t: t.replace("</style>", ".soft{color:#999!important}</style>"),
     "text .* contrast 2"),
    ("a picture without a name", lambda t: t.replace('"img" aria-label=', '"img" data-x=', 1),
     "without a label"),
]


def faults_are_found(browser, page, what, work):
    bad = []
    with open(page, encoding="utf-8") as f:
        text = f.read()
    spoilt = os.path.join(work, "spoilt.html")
    for name, spoil, complaint in COMMON + what.FAULTS:
        other = spoil(text)
        with open(spoilt, "w", encoding="utf-8") as f:
            f.write(other)
        found = check(browser, spoilt, what, quick=True)
        if other == text or not any(re.search(complaint, line) for line in found):
            bad.append("not found: %s; said: %s" % (name, found[:3]))
    return bad


def main():
    if not shutil.which("chromedriver") or not shutil.which("chromium"):
        print("skipped: no chromium or chromedriver (scripts/deps.sh test installs them)")
        return 77
    work = tempfile.mkdtemp(prefix="sealgrid-browser-fraud.")
    try:
        path = pages(os.path.abspath(sys.argv[1]), work)
        bad = owners_only(path) + outcomes_are_told(path)
        both = (("page.html", Ranking(path), 16), ("sim.html", Simulation(path), 4))
        with Browser() as browser:
            for name, what, sheets in both:
                bad += ["%s: %s" % (name, b) for b in check(browser, path[name], what)]
                bad += on_paper(browser, path[name], work, sheets)
            for name, what, _ in both if not bad else ():
                bad += faults_are_found(browser, path[name], what, work)
        for b in bad:
            print("FAILED:", b)
        if not bad:
            print("two pages in two languages, three widths, two schemes; %d faults found" %
                  (2 * len(COMMON) + len(Ranking.FAULTS) + len(Simulation.FAULTS)))
        return 1 if bad else 0
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

"""check.py FEED BILL TABLE: does a Green Button feed have the structure that NAESB REQ.21 ESPI 3.3
publishes, do its links lead somewhere, and does it say what the bill and the table of intervals say?
Prints one line for each fault; exit 1 if there is any.  Standard library only."""
import csv
import json
import re
import sys
import xml.etree.ElementTree as ET
from decimal import Decimal

sys.dont_write_bytecode = True
from structure import ATOM, ESPI, faults_of     # noqa: E402

UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
CURRENCIES = {"BRL": 986, "GBP": 826, "USD": 840, "EUR": 978}
faults = []         # of the feed in hand


def fault(what):
    faults.append(what)


def value(element, path):
    found = element.find("/".join(ESPI + p for p in path.split("/")))
    return None if found is None else int(found.text)


def check_entry(entry, resources):
    if not UUID.match(entry.find(ATOM + "id").text):
        fault("entry: id " + entry.find(ATOM + "id").text)
    own = {"self": [], "up": [], "related": []}
    for link in entry.findall(ATOM + "link"):
        own[link.get("rel")].append(link.get("href"))
        if not re.match(r"espi-(entry|feed)/[A-Z]", link.get("type") or ""):
            fault("link: type")
    if len(own["self"]) != 1 or len(own["up"]) != 1:
        fault("entry: self and up once each")
        return
    content = entry.find(ATOM + "content")
    name = content[0].tag.removeprefix(ESPI)
    if not own["self"][0].startswith(own["up"][0] + "/"):
        fault(f"{name}: self is not below up")
    resources.append((name, own, content[0]))


def check_links(resources):
    selves, ups = [o["self"][0] for _, o, _ in resources], {o["up"][0] for _, o, _ in resources}
    related = {h for _, o, _ in resources for h in o["related"]}
    if len(set(selves)) != len(selves):
        fault("links: two resources with one self")
    for href in related:
        if href not in selves and href not in ups:
            fault("links: leads nowhere: " + href)
    for name, own, _ in resources:
        if name in ("ReadingType", "LocalTimeParameters"):
            if own["self"][0] not in related:
                fault(f"links: nobody refers to {name}")
        elif name != "UsagePoint" and own["up"][0] not in related:
            fault(f"links: nobody refers to {own['up'][0]}")


def readings_of(resources, kind):
    """{start: (value, quality, tou)} of the direction; its block's interval must hold them."""
    types = {o["self"][0]: r for n, o, r in resources if n == "ReadingType"}
    parent = None
    for name, own, _ in resources:
        if name == "MeterReading":
            t = [types[h] for h in own["related"] if h in types]
            if len(t) != 1:
                fault("MeterReading: one ReadingType expected")
            elif value(t[0], "flowDirection") == kind:
                parent = own["self"][0] + "/IntervalBlock"
    found = {}
    for name, own, block in resources:
        if name != "IntervalBlock" or own["up"][0] != parent:
            continue
        begin = value(block, "interval/start")
        end = begin + value(block, "interval/duration")
        for r in block.findall(ESPI + "IntervalReading"):
            start = value(r, "timePeriod/start")
            if start in found:
                fault(f"IntervalReading: {start} twice")
            if start < begin or start + value(r, "timePeriod/duration") > end:
                fault(f"IntervalReading: {start} outside its block")
            found[start] = (value(r, "value"), value(r, "ReadingQuality/quality"), value(r, "tou"))
    return found


def check_table(resources, bill, rows):
    from datetime import datetime
    posts = bill["tariff"]["posts"]
    want = {1: {}, 19: {}, 2: {}, 3: {}}
    for row in rows:
        utc = datetime.fromisoformat(row["start_utc"].replace("Z", "+00:00"))
        if utc != datetime.fromisoformat(row["start_local"]):
            fault("table: local time of " + row["start_utc"])
        start = int(utc.timestamp())
        tou = posts.index(row["post"]) + 1 if len(posts) > 1 else None
        flagged = row["origin"] == "estimated"
        if flagged != bool(row["rule"]):
            fault("table: rule of " + row["start_utc"])
        want[1][start] = (int(row["import_wh"]), flagged, tou)
        want[19][start] = (int(row["export_wh"]), flagged, tou)
        if row["reactive_varh"]:
            varh = int(row["reactive_varh"])
            want[2][start] = (max(varh, 0), flagged, tou)
            want[3][start] = (max(-varh, 0), flagged, tou)
    for kind, expected in want.items():
        got = {s: (v, q is not None, t) for s, (v, q, t) in readings_of(resources, kind).items()}
        if kind in (19, 3) and not any(v for v, _, _ in expected.values()):
            expected = {}
        if got != expected:
            fault(f"intervals of flow {kind}: {len(got)} differ from the table's {len(expected)}")
    energy = bill["energy"]
    if all(m["ratio_den"] == 1 for m in bill["meters"]):
        for kind, name in ((1, "import_wh"), (19, "export_wh")):
            if sum(v for v, _, _ in want[kind].values()) != energy[name]:
                fault(f"table: {name} is not the bill's")
    estimated = sum(1 for r in rows if r["origin"] == "estimated")
    if (len(rows), estimated) != (bill["readings"]["billed"] + bill["readings"]["estimated"],
                                  bill["readings"]["estimated"]):
        fault("table: number of rows or of estimates")


def check_summary(summary, bill):
    def amount(t):
        return int(Decimal(t) * 100000)
    items = summary.findall(ESPI + "costAdditionalDetailLastPeriod")
    notes = [(i.find(ESPI + "note").text, value(i, "amount")) for i in items]
    want = [(l["code"], amount(l["amount"])) for l in bill["lines"]]
    want += [(t["name"], amount(t["amount"])) for t in bill["taxes"]]
    if notes[:len(want)] != want:
        fault("summary: lines and taxes differ from the bill's")
    if sum(a for _, a in notes) != value(summary, "costAdditionalLastPeriod"):
        fault("summary: the items do not add up")
    if value(summary, "billLastPeriod") != amount(bill["total"]):
        fault("summary: billLastPeriod")
    if value(summary, "overallConsumptionLastPeriod/value") != bill["energy"]["import_wh"]:
        fault("summary: energy")
    if value(summary, "currency") != CURRENCIES[bill["tariff"]["currency"]]:
        fault("summary: currency")
    for line, item in zip(bill["lines"], items):
        if line["unit"] in ("kWh", "kW") and \
                value(item, "measurement/value") != int(Decimal(line["quantity"]) * 1000):
            fault("summary: quantity of " + line["code"])
        cost = value(item, "unitCost")
        if cost is not None and Decimal(line["rate"]) * 100000 != cost:
            fault("summary: price of " + line["code"])
        if (value(item, "itemPeriod/start") is None) != (line["from"] is None):
            fault("summary: period of " + line["code"])


def judge(feed, bill, rows):
    """The faults of a feed, given as its root element."""
    faults.clear()
    faults.extend(faults_of(feed))
    if faults:
        return list(faults)
    if not UUID.match(feed.findtext(ATOM + "id")):
        fault("feed: id")
    resources = []
    for entry in feed.findall(ATOM + "entry"):
        check_entry(entry, resources)
    ids = [e.find(ATOM + "id").text for e in feed.findall(ATOM + "entry")]
    if len(set(ids)) != len(ids):
        fault("entries: an id twice")
    check_links(resources)
    for name, often in (("UsagePoint", 1), ("LocalTimeParameters", 1), ("UsageSummary", 1)):
        if sum(1 for n, _, _ in resources if n == name) != often:
            fault(f"feed: {name} not {often} times")
            return list(faults)
    check_table(resources, bill, rows)
    check_summary([r for n, _, r in resources if n == "UsageSummary"][0], bill)
    return list(faults)


def read(bill_path, table_path):
    with open(bill_path, encoding="utf-8") as bill, open(table_path, newline="", encoding="utf-8") as table:
        return json.load(bill)["bill"], list(csv.DictReader(table))


def main(feed_path, bill_path, table_path):
    found = judge(ET.parse(feed_path).getroot(), *read(bill_path, table_path))
    print(*found[:20], sep="\n", end="\n" if found else "")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))

#!/usr/bin/env python3
"""report.py BIN [SOURCE]: the page of a small real demo in headless Chromium: three widths, light and
dark, both languages, paper.  Every figure is that of the run's files and is written as people of the
language write it.  Then pages with one fault each, all of which must be found.  Exit 77: no browser.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import checks
from driver import Browser

LANGUAGES = {"en": "#language-en", "pt-BR": "#language-pt"}
ATTACK = "<script>alert(1)</script>\"'&"


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit("FAILED: %s\n%s" % (" ".join(command), done.stdout[-3000:]))


def demo(bin_folder, work):
    folder = os.path.join(work, "platform")
    summary = os.path.join(work, "demo.json")
    run(os.path.join(bin_folder, "sealgrid"), "demo", "--dir", folder, "--json", summary,
        "--meters", "40", "--days", "14", "--flips", "2")
    return folder, summary


def ranking(folder):
    """The demo's own, the name of its first suspect made an attack."""
    path = os.path.join(folder, "out", "fraud.json")
    with open(path) as f:
        fraud = json.load(f)
    if not fraud["ran"]:
        sys.exit("FAILED: no ranking to look at: " + fraud["why"])
    fraud["suspects"][0]["customer"] = ATTACK
    with open(path, "w") as f:
        json.dump(fraud, f)
    return fraud


class Run:
    """The files of one run, and what stands in them under a figure's name."""

    def __init__(self, folder, summary, fraud):
        with open(summary) as f:
            self.summary = json.load(f)
        self.fraud = fraud
        with open(os.path.join(folder, "out", "report.json")) as f:
            client = json.load(f)["bill"]["client"]
        (bill,) = glob.glob(os.path.join(folder, "out", "bill", str(client), "*.json"))
        with open(bill) as f:
            self.bill = json.load(f)["bill"]

    def lookup(self, name):
        if name == "derived.tamper_detected":
            return sum(self.summary["tamper"].values())
        if name == "derived.seconds":
            return sum(self.summary["seconds"].values())
        if name.startswith("fraud."):
            return checks.at(self.fraud, name[6:])
        if name == "bill.due":
            return self.bill["total"]
        if name.startswith("bill."):
            return checks.at(self.bill, name[5:])
        return checks.at(self.summary, name)

    def needed(self):
        names = {"readings_per_s", "peak_rss_bytes", "audit.ok", "audit.bills", "fraud.auc",
                 "fraud.average_precision", "bill.total", "bill.net"}
        for block in ("counts", "seconds", "tamper"):
            names |= {"%s.%s" % (block, n) for n in self.summary[block]}
        return names | {"fraud.precision_at_k." + k for k in self.fraud["precision_at_k"]}


def look_once(browser, data, width, scheme, language):
    browser.show(width, scheme=scheme)
    browser.click(LANGUAGES[language])
    look = browser.run(checks.LOOK)
    bad = checks.layout(look, language) + checks.colours(look)
    bad += checks.figures(look, data.lookup, data.needed())
    drawn = browser.run("return [...document.querySelectorAll('main .suspect svg')]"
                        ".filter(e => e.getBoundingClientRect().height > 20).length")
    wanted = min(24, len(data.fraud["suspects"]))
    if drawn != wanted:
        bad.append("%d pictures of %d suspects" % (drawn, wanted))
    return ["%d px, %s, %s: %s" % (width, scheme, language, b) for b in bad]


def on_paper(browser, work):
    """Printed from a dark screen: white, without the switch, whole sheets."""
    browser.show(820, scheme="dark", media="print")
    look = browser.run(checks.LOOK)
    bad = ["paper: " + b for b in checks.colours(look)]
    if any(checks.luminance(t["ground"]) < 0.5 for t in look["texts"]):
        bad.append("paper: dark")
    if browser.run("return document.querySelector('label.language').getBoundingClientRect().height"):
        bad.append("paper: the language switch is printed")
    browser.show(820)
    path = os.path.join(work, "page.pdf")
    browser.paper(path)
    with open(path, "rb") as f:
        sheets = len(re.findall(rb"/Type\s*/Page\b", f.read()))
    if not 3 <= sheets <= 14:
        bad.append("paper: %d sheets" % sheets)
    return bad


def whole_check(browser, page, data, work, quick=False):
    browser.entries("performance")
    browser.entries("browser")
    browser.go(page)
    bad = checks.quiet(browser) + checks.named(browser)
    for width in (360,) if quick else (360, 820, 1280):
        for scheme in ("light",) if quick else ("light", "dark"):
            for language in LANGUAGES:
                bad += look_once(browser, data, width, scheme, language)
    if not quick:
        bad += on_paper(browser, work)
    return bad + checks.requests(browser, "file://" + os.path.abspath(page))


def style(css):
    return lambda t: t.replace("</style>", css + "</style>")


# What is wrong, how the page is spoilt, what the complaint must say.
FAULTS = [
    ("a figure shows another number",
     lambda t: re.sub(r'(data-figure="counts.stored"[^>]*>)(\d)',
                      lambda m: m[1] + str(9 - int(m[2])), t), "counts.stored .*: shows"),
    ("a figure's value is another",
     lambda t: re.sub(r'(data-figure="counts.billed" data-value=")', r"\g<1>1", t),
     "counts.billed .*: data-value"),
    ("a figure is gone", lambda t: t.replace('data-figure="seconds.audit"', 'data-figurine="x"'),
     "seconds.audit: not on the page"),
    ("an English number on the Portuguese page",
     lambda t: re.sub(r'(data-figure="counts.sent"[^>]*>\d+)\.', r"\1,", t),
     r"counts.sent \(pt-BR\)"),
    ("a tampering that was seen is shown as not seen",
     lambda t: re.sub(r'(data-figure="tamper.replayed_frame" data-value="true">)✓ yes', r"\1✗ NO", t),
     "tamper.replayed_frame"),
    ("a script", lambda t: t.replace("<h1>", "<script></script><h1>"), "never has|console"),
    ("an event handler", lambda t: t.replace("<h1>", '<h1 onclick="x()">'), "event handler"),
    ("a request", lambda t: style("body{background-image:url(http://127.0.0.1:9/x)}")(t).replace(
        "img-src data:", "img-src *"), "asks for http://127.0.0.1:9/x"),
    ("a forbidden request", style("body{background:url(http://127.0.0.1:9/x)}"), "console: "),
    ("too wide", style("table{min-width:900px}"), "wider than the window|outside the window"),
    ("letters on letters", style(".chart .x span{left:40%!important}"), "letters on letters"),
    ("grey on white", style(".soft{color:#999!important}"), "text .* contrast 2"),
    ("pale bars", style(".fill.s1{fill:#9cf!important}"), "chart .* contrast 1"),
    ("both languages at once", style("main{display:block}"), "languages to be seen"),
    ("a picture is missing",
     lambda t: t.replace('<li class="card suspect">', '<li class="card">', 1), "pictures of"),
    ("a picture without a name", lambda t: t.replace('"img" aria-label=', '"img" data-x=', 1),
     "without a label"),
    ("a link to nowhere", lambda t: t.replace('id="flow-pt"', 'id="flaw-pt"'), "link to nowhere"),
]


def faults_are_found(browser, page, data, work):
    bad = []
    with open(page, encoding="utf-8") as f:
        text = f.read()
    spoilt = os.path.join(work, "spoilt.html")
    for what, spoil, complaint in FAULTS:
        other = spoil(text)
        with open(spoilt, "w", encoding="utf-8") as f:
            f.write(other)
        found = whole_check(browser, spoilt, data, work, quick=True)
        if other == text or not any(re.search(complaint, line) for line in found):
            bad.append("not found: %s; said: %s" % (what, found[:3]))
    return bad


def names_are_only_names(browser, page):
    browser.go(page)
    seen = browser.run("return document.querySelector('main .suspect').textContent")
    return [] if ATTACK in seen else ["a name with markup is shown as %r" % seen]


def one_bill(bin_folder, source, folder, work):
    """sealgrid-bill --page, under the tariff that has everything."""
    with open(os.path.join(folder, "out", "report.json")) as f:
        client = json.load(f)["bill"]["client"]
    (evidence,) = glob.glob(os.path.join(folder, "out", "evidence", str(client), "*.cbor"))
    page = os.path.join(work, "bill.html")
    run(os.path.join(bin_folder, "sealgrid-bill"), "--tariff",
        os.path.join(source, "apps/bill/tariffs/b1-taxed.yaml"), "--input", evidence,
        "--installations", os.path.join(folder, "fleet", "installations.json"), "--page", page)
    return page


def bill_is_fit(browser, page):
    bad = []
    browser.entries("performance")
    browser.go(page)
    bad += checks.quiet(browser) + checks.named(browser)
    for width in (360, 820):
        for scheme in ("light", "dark"):
            for language, selector in LANGUAGES.items():
                browser.show(width, scheme=scheme)
                browser.click(selector)
                look = browser.run(checks.LOOK)
                bad += checks.layout(look, language) + checks.colours(look)
    bad += checks.requests(browser, "file://" + page)
    return ["bill: " + b for b in bad]


def main():
    bin_folder = os.path.abspath(sys.argv[1])
    source = sys.argv[2] if len(sys.argv) > 2 else "."
    if not shutil.which("chromedriver") or not shutil.which("chromium"):
        print("skipped: no chromium or chromedriver (scripts/deps.sh test installs them)")
        return 77
    work = tempfile.mkdtemp(prefix="sealgrid-browser-test.")
    try:
        folder, summary = demo(bin_folder, work)
        fraud = ranking(folder)
        page = os.path.join(work, "page.html")
        run(os.path.join(bin_folder, "sealgrid"), "report", "--dir", folder, "--json", summary,
            "--out", page)
        data = Run(folder, summary, fraud)
        with Browser() as browser:
            bad = whole_check(browser, page, data, work)
            bad += names_are_only_names(browser, page)
            bad += bill_is_fit(browser, one_bill(bin_folder, source, folder, work))
            if not bad:
                print("%d figures in two languages, three widths, two schemes" % len(data.needed()))
                bad = faults_are_found(browser, page, data, work)
        for b in bad:
            print("FAILED:", b)
        if not bad:
            print("%d faults put in, all found" % len(FAULTS))
        return 1 if bad else 0
    finally:
        subprocess.run([os.path.join(bin_folder, "sealgrid"), "down", "--dir",
                        os.path.join(work, "platform")], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

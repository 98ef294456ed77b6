#!/usr/bin/env python3
"""Makes bills with the program under test and with bill.py, and compares them to the cent.

    compare.py --bin PATH/sealgrid-bill [--cases 200] [--seed 1] [--only N] [--keep FOLDER]
    compare.py --bin PATH/sealgrid-bill --shared ../shared/data

Compared: every line (code, dates, quantity, unit, rate, weight, amount), net, taxes, gross, lighting, total,
credits, energies and counts.  A refusal on one side must be one on the other, with a reason that holds there.
"""

import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
try:
    import yaml     # noqa: F401  (bill.py needs it)
except ImportError:
    print("skipped: python3-yaml is not installed (scripts/deps.sh test)")
    sys.exit(77)

from bill import make_bill                  # noqa: E402
from exact import Refused                   # noqa: E402
from generate import Generator              # noqa: E402
from ready import ready_cases               # noqa: E402
from shared import shared_cases             # noqa: E402
from tariff import load_yaml                # noqa: E402

COMPARED = ("days", "energy", "lines", "net", "taxes", "gross", "lighting", "total", "credits")
COUNTED = ("expected", "billed", "missing")


def by_program(program, case):
    """(bill, None), (None, word of refusal) or (None, what it said)."""
    done = subprocess.run([program, *case.arguments(), "--json"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return json.loads(done.stdout)["bill"], None
    said = done.stderr.strip()
    return None, said.split("no bill: ")[1].split()[0] if "no bill: " in said else f"exit {done.returncode}: {said}"


def by_documents(case):
    try:
        return make_bill(case.tariff, case.input, case.contracts, case.installations, case.month, case.begin,
                         case.until), None
    except Refused as refused:
        return None, refused.words


def differences(program, own):
    """Texts, one for each member that differs."""
    for member in COMPARED:
        theirs, ours = program[member], own[member]
        if theirs == ours:
            continue
        if member != "lines" or len(theirs) != len(ours):
            yield f"{member}: program {json.dumps(theirs)}, documents {json.dumps(ours)}"
            continue
        for number, (one, other) in enumerate(zip(theirs, ours)):
            if one != other:
                yield f"line {number}: program {json.dumps(one)}, documents {json.dumps(other)}"
    for member in COUNTED:
        if program["readings"][member] != own["readings"][member]:
            yield f"readings.{member}: program {program['readings'][member]}, documents {own['readings'][member]}"


class Tally:
    def __init__(self):
        self.bills = self.differing = 0
        self.refused, self.kinds = {}, {}

    def count(self, case, bill):
        """Lines by kind of charge; charges' names have no dot."""
        kinds = {charge["name"]: charge["kind"] for charge in load_yaml(case.tariff)["charges"]}
        for line in bill["lines"]:
            kind = kinds[line["code"].split(".")[0]]
            self.kinds[kind] = self.kinds.get(kind, 0) + 1

    def add(self, case, name, program):
        theirs, word = by_program(program, case)
        ours, words = by_documents(case)
        found = []
        if theirs and ours:
            found = list(differences(theirs, ours))
            self.bills += 1
            self.count(case, theirs)
        elif theirs or ours:
            found = [f"program {word or 'makes a bill'}, documents {sorted(words) if words else 'make a bill'}"]
        elif word not in words:
            found = [f"program refuses: {word}, documents: {sorted(words)}"]
        else:
            self.refused[word] = self.refused.get(word, 0) + 1
        if found:
            self.differing += 1
            print(f"{name}:", *found[:6], sep="\n  ")
        return not found

    def report(self, title):
        refused = ", ".join(f"{word} {count}" for word, count in sorted(self.refused.items()))
        lines = ", ".join(f"{kind} {count}" for kind, count in sorted(self.kinds.items()))
        print(f"{title}: {self.bills} bills with {sum(self.kinds.values())} lines ({lines}); "
              f"{sum(self.refused.values())} refused alike ({refused or 'none'}); {self.differing} differ")


def run_random(program, seed, numbers, keep):
    tally = Tally()
    for number in numbers:
        with tempfile.TemporaryDirectory(prefix="sealgrid-independent-") as folder:
            if keep:
                folder = os.path.join(keep, f"{seed}-{number}")
                os.makedirs(folder, exist_ok=True)
            tally.add(Generator(f"{seed}/{number}", folder).make(), f"seed {seed} case {number}", program)
    tally.report("random tariffs")
    return tally.differing


def run_ready(program, root):
    tally = Tally()
    tariffs = sorted(glob.glob(os.path.join(root, "apps/bill/tariffs/*.yaml")))
    with tempfile.TemporaryDirectory(prefix="sealgrid-independent-") as folder:
        for path in tariffs:
            for name, case in ready_cases(path, folder):
                tally.add(case, name, program)
    tally.report(f"{len(tariffs)} ready tariffs")
    return tally.differing or not tariffs


def run_shared(program, root, data):
    differing = 0
    with tempfile.TemporaryDirectory(prefix="sealgrid-independent-") as folder:
        for title, cases in shared_cases(folder, data, root, program):
            tally = Tally()
            for name, case in cases:
                tally.add(case, name, program)
            tally.report(title)
            differing += tally.differing
    return differing


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", required=True, help="sealgrid-bill")
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", type=int, help="one random case")
    parser.add_argument("--keep", help="folder that keeps the files of random cases")
    parser.add_argument("--shared", help="folder of published tariffs and loads: bills on these instead")
    told = parser.parse_args()
    if told.only is not None:
        return int(run_random(told.bin, told.seed, [told.only], told.keep) > 0)
    root = os.path.dirname(os.path.dirname(here))
    if told.shared:
        if not os.path.isdir(told.shared):
            print(f"skipped: no folder {told.shared}")
            return 77
        return int(run_shared(told.bin, root, told.shared) > 0)
    differing = run_ready(told.bin, root)
    differing += run_random(told.bin, told.seed, range(told.cases), told.keep)
    return int(differing > 0)


if __name__ == "__main__":
    sys.exit(main())

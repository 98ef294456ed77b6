#!/usr/bin/env python3
"""Makes bills with the program under test and with bill.py, and compares them to the cent.

    compare.py --bin PATH/sealgrid-bill [--cases 200] [--seed 1] [--only N] [--keep FOLDER]
    compare.py --bin PATH/sealgrid-bill --shared ../shared/data

Compared: every line (code, dates, quantity, unit, rate, weight, amount) and its trace, net, taxes, gross,
lighting, total, credits, meters, energies, counts, runs of estimates and their hash, buckets and roots.  A refusal on one side must be one on the other, with a reason that holds there.
"""

import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

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

COMPARED = ("days", "readings", "buckets", "estimates", "energy", "lines", "net", "taxes", "gross", "lighting", "total", "credits")


def by_program(program, case):
    """(file, None), (None, word of refusal) or (None, what it said)."""
    done = subprocess.run([program, *case.arguments(), "--json"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return json.loads(done.stdout), None
    said = done.stderr.strip()
    return None, said.split("no bill: ")[1].split()[0] if "no bill: " in said else f"exit {done.returncode}: {said}"


def by_documents(case):
    try:
        bill, trace = make_bill(case.tariff, case.rows or case.input, case.contracts, case.installations,
                                case.month, case.begin, case.until, case.vee, case.blocks)
        return {"bill": bill, "trace": trace}, None
    except Refused as refused:
        return None, refused.words


def pick(objects, members):
    return [{key: o[key] for key in members} for o in objects]


def differences(program, own):
    """Texts, one for each member that differs."""
    for number, (one, other) in enumerate(zip(program["trace"], own["trace"])):
        if one != other or list(one) != list(other):
            yield f"trace {number}: program {json.dumps(one)}, documents {json.dumps(other)}"
    program, own = program["bill"], own["bill"]
    members = list(own["meters"][0])
    if pick(program["meters"], members) != own["meters"]:
        yield f"meters: program {json.dumps(program['meters'])}, documents {json.dumps(own['meters'])}"
    for member in COMPARED:
        theirs, ours = program[member], own[member]
        if theirs == ours:
            continue
        if member not in ("lines", "buckets", "estimates") or len(theirs) != len(ours):
            yield f"{member}: program {json.dumps(theirs)[:2000]}, documents {json.dumps(ours)[:2000]}"
            continue
        for number, (one, other) in enumerate(zip(theirs, ours)):
            if one != other:
                yield f"{member} {number}: program {json.dumps(one)}, documents {json.dumps(other)}"

@dataclass
class Judgement:
    """Of one case: what differs, and what was in it."""
    name: str
    differs: list
    refused: str = None
    signed: int = 0
    buckets: int = 0
    kinds: Counter = field(default_factory=Counter)         # lines by kind of charge
    methods: Counter = field(default_factory=Counter)       # intervals by method of estimation


def describe(judgement, case, bill):
    """Charges' names have no dot."""
    kinds = {charge["name"]: charge["kind"] for charge in load_yaml(case.tariff)["charges"]}
    judgement.kinds.update(kinds[line["code"].split(".")[0]] for line in bill["lines"])
    judgement.signed, judgement.buckets = int(bill["buckets"] != []), len(bill["buckets"])
    if case.vee:
        methods = {step["rule"]: step["method"] for step in load_yaml(case.vee)["estimate"]["chain"]}
        for run in bill["estimates"]:
            judgement.methods[methods[run["rule"]]] += run["intervals"]


def judge(program, name, case):
    theirs, word = by_program(program, case)
    ours, words = by_documents(case)
    if theirs and ours:
        judgement = Judgement(name, list(differences(theirs, ours)))
        describe(judgement, case, theirs["bill"])
        return judgement
    if theirs or ours:
        return Judgement(name, [f"program {word or 'makes a bill'}, "
                                f"documents {sorted(words) if words else 'make a bill'}"])
    if word not in words:
        return Judgement(name, [f"program refuses: {word}, documents: {sorted(words)}"])
    return Judgement(name, [], word)


def judge_random(program, seed, number, keep):
    name = f"seed {seed} case {number}"
    with tempfile.TemporaryDirectory(prefix="sealgrid-independent-") as folder:
        if keep:
            folder = os.path.join(keep, f"{seed}-{number}")
            os.makedirs(folder, exist_ok=True)
        return judge(program, name, Generator(f"{seed}/{number}", folder).make())


def listed(counter):
    return ", ".join(f"{word} {count}" for word, count in sorted(counter.items())) or "none"


def report(title, judgements):
    """The number of cases that differ."""
    differing = [j for j in judgements if j.differs]
    refused = Counter(j.refused for j in judgements if j.refused)
    kinds = sum((j.kinds for j in judgements), Counter())
    methods = sum((j.methods for j in judgements), Counter())
    for j in differing:
        print(f"{j.name}:", *j.differs[:6], sep="\n  ")
    print(f"{title}: {sum(bool(j.kinds) for j in judgements)} bills with {kinds.total()} lines ({listed(kinds)}); "
          f"{sum(j.signed for j in judgements)} of signed readings with {sum(j.buckets for j in judgements)} buckets; "
          f"{methods.total()} intervals estimated ({listed(methods)}); "
          f"{refused.total()} refused alike ({listed(refused)}); {len(differing)} differ")
    return len(differing)


def run_random(program, seed, numbers, keep):
    with ProcessPoolExecutor() as pool:
        judgements = list(pool.map(judge_random, *zip(*((program, seed, n, keep) for n in numbers)), chunksize=4))
    return report("random tariffs", judgements)


def run_ready(program, root):
    tariffs = sorted(glob.glob(os.path.join(root, "apps/bill/tariffs/*.yaml")))
    with tempfile.TemporaryDirectory(prefix="sealgrid-independent-") as folder, ProcessPoolExecutor() as pool:
        cases = [case for path in tariffs for case in ready_cases(path, folder)]
        judgements = list(pool.map(judge, [program] * len(cases), *zip(*cases), chunksize=4))
    return report(f"{len(tariffs)} ready tariffs", judgements) or not tariffs


def run_shared(program, root, data):
    differing = 0
    with tempfile.TemporaryDirectory(prefix="sealgrid-independent-") as folder:
        for title, cases in shared_cases(folder, data, root, program):
            cases = list(cases)
            with ProcessPoolExecutor() as pool:
                judgements = list(pool.map(judge, [program] * len(cases), *zip(*cases)))
            differing += report(title, judgements)
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

#!/usr/bin/env python3
"""run.py [LIST]: every check of the list is taken out of a copy of the sources, and each test that
is named for it must then fail.  Says what survives; exit status 1 if anything does.

The copy and its build lie in $SG_MUTANTS (default: build/mutants) and are kept for the next run."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLACE = os.environ.get("SG_MUTANTS", os.path.join(ROOT, "build", "mutants"))
SOURCE, BUILD = os.path.join(PLACE, "source"), os.path.join(PLACE, "build")


def read_list(path):
    entries = []
    for number, line in enumerate(open(path), 1):
        line = line.rstrip("\n")
        word, _, rest = line.partition(" ")
        if not line or word == "#":
            continue
        if word == "##":
            entries.append({"title": rest, "file": None, "from": [], "to": [], "tests": []})
        elif word == "file":
            entries[-1]["file"] = rest
        elif word == "-":
            entries[-1]["from"].append(rest)
        elif word == "+":
            entries[-1]["to"].append(rest)
        elif word == "test":
            program, _, test = rest.partition(" ")
            entries[-1]["tests"].append((program, test))
        else:
            sys.exit("%s:%d: not understood: %s" % (path, number, line))
    return entries


def run(command, **more):
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          errors="replace", **more)


def must(command, **more):
    done = run(command, **more)
    if done.returncode:
        sys.exit("%s\n%s" % (" ".join(command), done.stdout[-4000:]))


def prepare(targets):
    """A copy of what git knows, as it lies in the work tree; built once as it is."""
    os.makedirs(SOURCE, exist_ok=True)
    files = run(["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z"])
    names = [n for n in files.stdout.split("\0") if n and os.path.isfile(os.path.join(ROOT, n))]
    for name in names:
        data = open(os.path.join(ROOT, name), "rb").read()
        copy = os.path.join(SOURCE, name)
        if os.path.isfile(copy) and open(copy, "rb").read() == data:
            continue
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        open(copy, "wb").write(data)
    if not os.path.exists(os.path.join(BUILD, "build.ninja")):
        must(["cmake", "-S", SOURCE, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug"])
    must(["ninja", "-C", BUILD] + targets)


def failed_tests(program):
    path = os.path.join(BUILD, "tests", "unit", program)
    try:
        done = run([path], cwd=SOURCE, timeout=300)
    except subprocess.TimeoutExpired:
        return {"*"}
    failed = set(re.findall(r"^\[  FAILED  \] (.*?)\s*$", done.stdout, re.M))
    return failed | ({"*"} if done.returncode < 0 else set())


def try_out(entry):
    """What is wrong with an entry, or None."""
    path = os.path.join(SOURCE, entry["file"])
    whole = open(path).read()
    old, new = "\n".join(entry["from"]), "\n".join(entry["to"])
    if whole.count(old) != 1:
        return "its text stands there %d times" % whole.count(old)
    programs = sorted({program for program, _ in entry["tests"]})
    try:
        open(path, "w").write(whole.replace(old, new))
        done = run(["ninja", "-C", BUILD] + programs)
        if done.returncode:
            return "does not build\n" + done.stdout[-2000:]
        failed = {program: failed_tests(program) for program in programs}
    finally:
        open(path, "w").write(whole)
    alive = ["%s %s" % (p, t) for p, t in entry["tests"] if not failed[p] & {t, "*"}]
    return "survives " + ", ".join(alive) if alive else None


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    entries = read_list(sys.argv[1] if len(sys.argv) > 1 else
                        os.path.join(here, "forgotten-checks.list"))
    programs = sorted({p for e in entries for p, _ in e["tests"]})
    prepare(programs)
    for program in programs:
        if failed_tests(program):
            sys.exit("%s fails as it is" % program)
    bad = 0
    for entry in entries:
        wrong = try_out(entry)
        bad += wrong is not None
        print("%-8s %s%s" % ("WRONG" if wrong else "dies", entry["title"],
                             ": " + wrong if wrong else ""), flush=True)
    print("%d checks taken away, %d not noticed" % (len(entries), bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

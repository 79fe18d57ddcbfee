#!/usr/bin/env python3
"""Mutation testing: changes an operator or a bound in a source, and looks whether a test notices.

  mutate.py engine/plan --count 150 --work /tmp/mutants     by test_engine, and what it lets pass by test_verify
  mutate.py kernels --count 150 --work /tmp/mutants         scalar and AVX2 kernels, by test_kernels
  mutate.py --table --work /tmp/mutants

All mutants of a folder are compiled at once, into a copy of what is committed, and the environment says which of them a
program is (mutation.hpp): a mutant costs a run of the tests, and no build. The tests are first run without a mutant,
each with the mutants that it comes by; of each mutant, those tests alone are run, the quickest first, until one fails.
A mutant is killed if a test fails, the program dies, or it is not through in ten times its usual time. One that no test
comes by survives.

Places are drawn at random, by --seed. Comments, texts, messages, assertions, declarations, and what the compiler
computes have none; one that does not compile, has no meaning for the types of its operands, or is of code that the
build's instruction sets have not, is none. Results are kept in --work, in a file a folder: places that were tried are
not tried again.
"""
import argparse
import array
import io
import json
import os
import pathlib
import random
import re
import resource
import subprocess
import sys
import tarfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
NO_MUTANT = 77  # mutation.hpp
BUILD = "build/release"  # as deep as the preset's, so that ccache knows its files again
# Programs, which of their tests, and the source that gets the listener. What tests threads and the system's failures
# takes long and computes nothing; of random graphs there are some hundred.
PROGRAMS = {"kernels": [("test_kernels", "*", "kernels/pool/pool_test.cpp")],
            "engine/plan": [("test_engine", "*-*Failing*:Host*:Workers*", "engine/plan/plan_test.cpp"),
                            ("test_verify", "Regressions*:Seeds/*/3:Seeds/*/7", "verify/verify_test.cpp")]}
# engine/plan with the options of the preset `release`: ccache has what is not mutated.
OPTIONS = {"kernels": ["-DRIFFLE_ISAS=avx2", "-DCMAKE_CXX_FLAGS_RELEASE=-O1", "-DRIFFLE_KERNEL_OPTIONS=-O1",
                       "-DRIFFLE_SHARED=OFF", "-DRIFFLE_TRAINER=OFF"],
           "engine/plan": []}

# A pattern, and what stands in its place. Spaces around keep templates, pointers and signs out of it.
TAGS = {"<": "less", "<=": "at_most", ">": "more", ">=": "at_least", "==": "same", "!=": "other", "+": "plus",
        "-": "minus", "*": "times", "/": "by", "%": "modulo"}
CHANGES = [(rf" {re.escape(op)} ", f" {op} mutation::{tag}<@>{{}} {op} ") for op, tag in TAGS.items()] + [
    (r" && ", " && !mutation::is<@>() && "), (r" \|\| ", " || mutation::is<@>() || "),
    (r" \+= ", " += mutation::negated<@>{} += "),
    (r"std::min(?=\()", "mutation::extreme<@, false>{}"), (r"std::max(?=\()", "mutation::extreme<@, true>{}"),
    (r"\b(true|false)\b", r"mutation::flip<@>(\1)"), (r"(?<![\w.:{<'-])(\d)(?![\w.':>}])", r"mutation::next<@>(\1)")]
PASSED_BY = re.compile(r"^\s*(//|/?\*|#|template|static_assert|using|case\b|struct|enum|class|RIFFLE_|throw|fail\()"
                       r"|fail\(|Error|assert|EXPECT|reserve\(|operator|requires|sizeof|alignas|constexpr .*=|if constexpr|<=>"
                       r"|^\s*[\w:<>]+ \w+\[\d\]")
HEAD = '#include "tests/mutation/mutation.hpp"\n'


def places(folder):
    found = []
    for path in sorted((SOURCE / folder).rglob("*")):
        name = path.relative_to(SOURCE).as_posix()
        if path.suffix not in (".cpp", ".hpp") or "test" in path.name or "/isa/" in name or "neon" in name:
            continue
        if "avx512" in name or "sse2" in name or path.name in ("print.cpp", "contracts.cpp", "reference.hpp"):
            continue  # not built, words for people, checks, and what tests compare with
        declaration = False  # a constant's, of several lines
        for number, line in enumerate(path.read_text().splitlines()):
            declaration = declaration or bool(re.search(r"constexpr [^(]*=|static_assert", line))
            passed_by = declaration or PASSED_BY.search(line)
            declaration = declaration and not line.rstrip().endswith(";")
            if passed_by:
                continue
            is_member = "///<" in line  # whose first value is another's to set
            code = re.sub(r'"[^"]*"', lambda text: " " * len(text[0]), line.split("//")[0])
            for pattern, by in CHANGES[:-1] if is_member else CHANGES:
                for match in re.finditer(pattern, code):
                    found.append({"file": name, "line": number + 1, "column": match.start(), "end": match.end(),
                                  "new": match.expand(by), "was": line.strip(), "old": match[0]})
    return found


def copy(tree):
    """What is committed; files that are there already keep their time."""
    archive = subprocess.run(["git", "-C", SOURCE, "archive", "HEAD"], capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        for member in files:
            path = tree / member.name
            if member.isdir():
                path.mkdir(parents=True, exist_ok=True)
            elif member.isfile():
                content = files.extractfile(member).read()
                if not path.exists() or path.read_bytes() != content:
                    path.write_bytes(content)
                    path.chmod(member.mode)


def write(tree, chosen):
    """The copy's sources with these mutants."""
    by_file = {}
    for mutant in chosen:
        by_file.setdefault(mutant["file"], []).append(mutant)
    for name, mutants in by_file.items():
        lines = (SOURCE / name).read_text().splitlines(keepends=True)
        for mutant in sorted(mutants, key=lambda m: (m["line"], -m["column"])):  # the last of a line first
            line = lines[mutant["line"] - 1]
            new = mutant["new"].replace("@", str(mutant["number"]))
            lines[mutant["line"] - 1] = line[:mutant["column"]] + new + line[mutant["end"]:]
        first = next((i for i, line in enumerate(lines) if line.startswith(("#pragma once", "#include"))), 0)
        lines[first] = lines[first] + HEAD if lines[first].startswith("#pragma") else HEAD + lines[first]
        replace(tree / name, "".join(lines))
    return by_file


def replace(path, text):
    if path.read_text() != text:
        path.write_text(text)


def build(tree, folder, chosen, jobs):
    """Builds the programs; leaves out mutants that do not compile."""
    for program, _, source in PROGRAMS[folder]:
        replace(tree / source, '#include "tests/mutation/reached.hpp"\n' + (SOURCE / source).read_text())
    while True:
        by_file = write(tree, chosen)
        # A line is told by its place in the copy, where the head's has been added.
        done = subprocess.run(["ninja", "-C", tree / BUILD, "-k0", f"-j{jobs}", *(p for p, _, _ in PROGRAMS[folder])],
                              capture_output=True, text=True, errors="replace")
        if done.returncode == 0:
            return chosen
        wrong = set()
        for block in re.split(r"(?m)^(?=\S+:\d+:\d+: error: )", done.stdout)[1:]:
            here = [(name, int(line) - 1) for name, line in re.findall(r"(?:^|[ /])((?:engine|kernels)/[\w/.]+):(\d+)[:,]",
                                                                      block.replace(f"{tree}/", ""))]
            hit = next((at for at in here if any(m["line"] == at[1] for m in by_file.get(at[0], []))), None)
            if hit:
                wrong.add(hit)
        if not wrong:
            sys.exit(f"the copy does not build:\n{done.stdout[-5000:]}")
        print(f"{len(wrong)} lines do not compile", flush=True)
        chosen = [m for m in chosen if (m["file"], m["line"]) not in wrong]


def compiled(tree, folder):
    """The mutants that the programs have code of."""
    found = set()
    for program, _, _ in PROGRAMS[folder]:
        section = tree / f"{program}.mutants"
        subprocess.run(["objcopy", "-O", "binary", "--only-section=.mutants", tree / BUILD / "bin" / program, section],
                       check=True)
        found |= set(array.array("I", section.read_bytes()))
    return found


def run(tree, program, tests, environment, seconds):
    """The exit code and what was printed; no code where it took too long."""
    command = [tree / BUILD / "bin" / program, "--gtest_fail_fast", "--gtest_brief=1", f"--gtest_filter={tests}"]
    limit = 8 << 30  # a loop without end may fill the memory
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds,
                              env=os.environ | environment,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        return None, ""


def who_reaches(tree, folder):
    """Of each program the tests, the quickest first: name, seconds, mutants that it comes by."""
    found = {}
    for program, tests, _ in PROGRAMS[folder]:
        log = tree / f"{program}.reached"
        log.unlink(missing_ok=True)
        code, text = run(tree, program, tests, {"RIFFLE_REACHED": str(log)}, 3600)
        if code != 0:
            sys.exit(f"without a mutant {program} fails:\n{text[-3000:]}")
        rows = []
        for line in log.read_text().splitlines():
            name, milliseconds, *numbers = line.split(" ")
            rows.append((name, int(milliseconds) / 1000, {int(n) for n in numbers}))
        found[program] = sorted(rows, key=lambda row: row[1])
    return found


def killed_by(tree, reaching, number):
    """What notices the mutant; nothing where nothing does; no mutant at all where it has no meaning."""
    for program, tests in reaching.items():
        reached = [(name, seconds) for name, seconds, numbers in tests if number in numbers]
        quick = sum(seconds < 0.5 for _, seconds in reached)
        for group in (reached[:12], reached[12:quick], reached[max(12, quick):]):
            if not group:
                continue
            seconds = 10 * sum(seconds for _, seconds in group) + 30
            code, text = run(tree, program, ":".join(name for name, _ in group), {"RIFFLE_MUTANT": str(number)}, seconds)
            if code == NO_MUTANT:
                return None
            if code is None:
                return f"{program} is not through in time"
            if code != 0:
                failed = re.findall(r"\[  FAILED  \] ([\w/.]+)", text)
                return failed[0] if failed else f"{program} ends with {code}"
    return ""


def ledgers(work):
    for path in sorted(work.glob("*.jsonl")):
        yield path.stem.replace("-", "/"), [json.loads(line) for line in path.read_text().splitlines()]


def table(work):
    print("| folder | mutants | killed | | of those that live, run by no test |\n|---|---|---|---|---|")
    survivors, sums = [], [0, 0, 0]
    for folder, results in ledgers(work):
        lived = [one for one in results if not one["killed"]]
        unreached = sum(not one["reached"] for one in lived)
        survivors += lived
        row = [len(results), len(results) - len(lived), unreached]
        sums = [a + b for a, b in zip(sums, row)]
        print(f"| `{folder}` | {row[0]} | {row[1]} | {100 * row[1] / row[0]:.1f} % | {row[2]} |")
    print(f"| all | {sums[0]} | {sums[1]} | {100 * sums[1] / max(sums[0], 1):.1f} % | {sums[2]} |")
    for one in survivors:
        print(f"survived{'' if one['reached'] else ', run by no test'}: {one['file']}:{one['line']}:{one['column'] + 1}: "
              f"'{one['old'].strip()}' in {one['was']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", choices=PROGRAMS)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="of the build")
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if options.table or options.folder is None:
        return table(options.work)

    work = options.work.resolve()
    tree = work / options.folder.replace("/", "-")
    ledger = work / (options.folder.replace("/", "-") + ".jsonl")
    copy(tree)
    subprocess.run(["cmake", "-S", tree, "-B", tree / BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                    "-DRIFFLE_BENCH=OFF", *OPTIONS[options.folder]], check=True, stdout=subprocess.DEVNULL)

    results = [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []
    tried = {(r["file"], r["line"], r["column"]) for r in results}
    everything = places(options.folder)
    random.Random(options.seed).shuffle(everything)
    chosen = [m for m in everything if (m["file"], m["line"], m["column"]) not in tried][:options.count]
    for number, mutant in enumerate(chosen, 1):
        mutant["number"] = number
    chosen = build(tree, options.folder, chosen, options.jobs)
    numbers = compiled(tree, options.folder)
    chosen = [mutant for mutant in chosen if mutant["number"] in numbers]
    begin = time.monotonic()
    reaching = who_reaches(tree, options.folder)
    print(f"{len(everything)} places; {len(chosen)} mutants; tests take {time.monotonic() - begin:.0f} s", flush=True)
    for mutant in chosen:
        reached = any(mutant["number"] in numbers for tests in reaching.values() for _, _, numbers in tests)
        killed = killed_by(tree, reaching, mutant["number"])
        if killed is None:
            continue
        one = {key: mutant[key] for key in ("file", "line", "column", "old", "was")} | {"killed": killed, "reached": reached}
        with ledger.open("a") as file:
            file.write(json.dumps(one) + "\n")
        print(f"{mutant['file']}:{mutant['line']}: '{mutant['old'].strip()}' in {mutant['was']}: {killed or 'SURVIVED'}",
              flush=True)


if __name__ == "__main__":
    sys.exit(main())

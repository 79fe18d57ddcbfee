#!/usr/bin/env python3
"""Mutation testing: changes an operator or a bound in a source, builds, and runs the tests of its folder.

  mutate.py kernels --count 100 --work /tmp/mutants         scalar and AVX2 kernels, by test_kernels
  mutate.py engine/plan --count 100 --work /tmp/mutants     by test_engine, and what it lets pass by test_verify
  mutate.py --table --work /tmp/mutants

Works on a copy of what is committed, in the folder --work, where the build is kept between mutants and results.jsonl
between calls: places that were tried are not tried again. A mutant that does not compile is none. One is killed if a
test fails, the program dies, or it is not through in ten times its usual time. Places are drawn at random, by --seed;
comments, texts, assertions and declarations have none.
"""
import argparse
import json
import pathlib
import random
import re
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
# Programs, and which of their tests.
PROGRAMS = {"kernels": [("test_kernels", "*")],
            "engine/plan": [("test_engine", "*-*Failing*:Host*"), ("test_verify", "*-*Integers*")]}

# A pattern, and what stands in its place. Spaces around keep templates, pointers and signs out of it.
CHANGES = [(r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "), (r" == ", " != "), (r" != ", " == "),
           (r" \+ ", " - "), (r" - ", " + "), (r" \* ", " + "), (r" / ", " * "), (r" % ", " / "), (r" && ", " || "),
           (r" \|\| ", " && "), (r" \+= ", " -= "), (r"std::min\b", "std::max"), (r"std::max\b", "std::min"),
           (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"(?<![\w.:{<'-])(\d)(?![\w.':>}])", None)]
PASSED_BY = re.compile(r"^\s*(//|/?\*|#|template|static_assert|using|case\b|struct|enum|class|RIFFLE_|throw|fail\()"
                       r"|fail\(|Error|assert|EXPECT|reserve\(|operator|requires|sizeof|alignas")


def places(folder):
    found = []
    for path in sorted((SOURCE / folder).rglob("*")):
        name = path.relative_to(SOURCE).as_posix()
        if path.suffix not in (".cpp", ".hpp") or "test" in path.name or "/isa/" in name or "neon" in name:
            continue
        if "avx512" in name or "sse2" in name or path.name in ("print.cpp", "contracts.cpp"):
            continue  # not built, or words for people
        for number, line in enumerate(path.read_text().splitlines()):
            if PASSED_BY.search(line):
                continue
            is_member = "///<" in line  # whose first value is another's to set
            code = re.sub(r'"[^"]*"', lambda text: " " * len(text[0]), line.split("//")[0])
            for pattern, by in CHANGES[:-1] if is_member else CHANGES:
                for match in re.finditer(pattern, code):
                    new = by if by is not None else str(int(match[1]) + 1)
                    found.append((name, number, match.start(), match.end(), new))
    return found


def builds(build, program):
    return subprocess.run(["ninja", "-C", build, program], capture_output=True).returncode == 0


def killed_by(build, programs, seconds):
    """What notices the change; nothing where nothing does."""
    for program, tests in programs:
        if not builds(build, program):
            return None
        command = [build / "bin" / program, f"--gtest_filter={tests}", "--gtest_fail_fast", "--gtest_brief=1"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds)
        except subprocess.TimeoutExpired:
            return f"{program} is not through in time"
        failed = re.findall(r"\[  FAILED  \] ([\w/.]+)", done.stdout)
        if done.returncode != 0:
            return failed[0] if failed else f"{program} ends with {done.returncode}"
    return ""


def table(results):
    sums = {}
    for one in results:
        total = sums.setdefault(one["folder"], [0, 0])
        total[0] += 1
        total[1] += one["killed"] != ""
    print("| folder | mutants | killed | |\n|---|---|---|---|")
    for folder, (count, killed) in sorted(sums.items()):
        print(f"| `{folder}` | {count} | {killed} | {100 * killed / count:.1f} % |")
    for one in results:
        if not one["killed"]:
            print(f"survived: {one['file']}:{one['line']}: {one['now'].strip()}    was: {one['was'].strip()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", choices=PROGRAMS)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    ledger = options.work / "results.jsonl"
    results = [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []
    if options.table or options.folder is None:
        return table(results)

    tree = options.work.resolve() / "tree"
    build = tree / "build"
    tree.mkdir(parents=True, exist_ok=True)
    archive = subprocess.run(["git", "-C", SOURCE, "archive", "HEAD"], capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", tree, "--skip-old-files"], input=archive.stdout, check=True)
    subprocess.run(["cmake", "-S", tree, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DRIFFLE_ISAS=avx2",
                    "-DCMAKE_CXX_FLAGS_RELEASE=-O1", "-DRIFFLE_KERNEL_OPTIONS=-O1", "-DRIFFLE_SHARED=OFF",
                    "-DRIFFLE_BENCH=OFF", "-DRIFFLE_TRAINER=OFF", "-DRIFFLE_WERROR=OFF"], check=True,
                   stdout=subprocess.DEVNULL)
    programs = PROGRAMS[options.folder]
    assert all(builds(build, program) for program, _ in programs), "what is committed does not build"
    begin = time.monotonic()
    assert killed_by(build, programs, 3600) == "", "a test of what is committed fails"
    usual = time.monotonic() - begin

    all_places = places(options.folder)
    print(f"{len(all_places)} places, tests take {usual:.0f} s", flush=True)
    random.Random(options.seed).shuffle(all_places)
    tried = {(r["file"], r["line"], r["column"]) for r in results}
    done = 0
    for name, number, start, end, new in all_places:
        if done == options.count:
            break
        if (name, number + 1, start) in tried:
            continue
        path = tree / name
        original = (SOURCE / name).read_text()
        lines = original.splitlines(keepends=True)
        was = lines[number]
        lines[number] = was[:start] + new + was[end:]
        path.write_text("".join(lines))
        try:
            killed = killed_by(build, programs, 10 * usual + 60)
        finally:
            path.write_text(original)
        if killed is None:
            continue
        done += 1
        one = {"folder": options.folder, "file": name, "line": number + 1, "column": start, "was": was.rstrip("\n"),
               "now": lines[number].rstrip("\n"), "killed": killed}
        with ledger.open("a") as file:
            file.write(json.dumps(one) + "\n")
        print(f"{done}: {name}:{number + 1}: {lines[number].strip()}: {killed or 'SURVIVED'}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

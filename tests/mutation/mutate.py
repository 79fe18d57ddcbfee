#!/usr/bin/env python3
"""Mutation testing: changes an operator or a bound in a source, and looks whether a test notices.

  mutate.py engine/plan --count 150 --work /tmp/mutants     by test_engine, and what it lets pass by test_verify
  mutate.py kernels --count 150 --work /tmp/mutants         scalar, AVX2 and AVX-512 kernels, by test_kernels
  mutate.py engine/plan --again --work /tmp/mutants         those that lived, after tests have been added
  mutate.py --table --work /tmp/mutants

All mutants of a folder are compiled at once, into a copy of what is committed, and the environment says which of them a
program is (mutation.hpp): a mutant costs a run of the tests, and no build. The tests are first run without a mutant,
each with the mutants that it comes by; of each mutant, those tests alone are run, the quickest first, until one fails.
A mutant is killed if a test fails, the program dies, or it is not through in ten times its usual time. One that no test
comes by survives.

Places are drawn at random, by --seed. Comments, texts, messages, assertions, declarations (members with their first
values among them), and what the compiler computes have none; one that does not compile, has no meaning for the types of
its operands, or is of code that the build's instruction sets have not, is none. Results are kept in --work, in a file a
folder: places that were tried are not tried again.

What lives may be the same program. It is if it compiles to the same object code, in every source that includes it
(Papadakis et al., Trivial Compiler Equivalence, 2015), or if equivalents.txt says why. An entry there has three lines:
the file; the line, the changed part in brackets as [[0]]; the reason, which begins with "same:" or, where what is
computed is the same and only how long it takes or what stays in memory is not, "speed:". An entry without its line in
the file is an error.
"""
import argparse
import array
import concurrent.futures
import hashlib
import io
import json
import os
import pathlib
import re
import resource
import shlex
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
OPTIONS = {"kernels": ["-DRIFFLE_ISAS=avx2;avxvnni;avx512vnni;avx512bf16", "-DCMAKE_CXX_FLAGS_RELEASE=-O1", "-DRIFFLE_KERNEL_OPTIONS=-O1",
                       "-DRIFFLE_SHARED=OFF", "-DRIFFLE_TRAINER=OFF"],
           "engine/plan": []}

# A pattern, what stands in its place where the environment chooses, and what the mutant alone is. Spaces around keep
# templates, pointers and signs out of it.
OPERATORS = {"<": ("less", "<="), "<=": ("at_most", "<"), ">": ("more", ">="), ">=": ("at_least", ">"),
             "==": ("same", "!="), "!=": ("other", "=="), "+": ("plus", "-"), "-": ("minus", "+"),
             "*": ("times", "+"), "/": ("by", "*"), "%": ("modulo", "/")}
CHANGES = [(rf" {re.escape(op)} ", f" {op} mutation::{tag}<@>{{}} {op} ", f" {other} ")
           for op, (tag, other) in OPERATORS.items()] + [
    (r" && ", " && !mutation::is<@>() && ", " && false && "), (r" \|\| ", " || mutation::is<@>() || ", " || true || "),
    (r" \+= ", " += mutation::negated<@>{} += ", " -= "),
    (r"std::min(?=\()", "mutation::extreme<@, false>{}", "std::max"),
    (r"std::max(?=\()", "mutation::extreme<@, true>{}", "std::min"),
    (r"\b(true|false)\b", r"mutation::flip<@>(\1)", r"!\1"),
    (r"(?<![\w.:{<'-])(\d)(?![\w.':>}])", r"mutation::next<@>(\1)", r"(\1 + 1)")]
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
        if path.name in ("print.cpp", "contracts.cpp", "reference.hpp"):
            continue  # words for people, checks, and what tests compare with
        declaration = False  # a constant's, of several lines
        members = []  # how far in those of the types stand that a line is within
        for number, line in enumerate(path.read_text().splitlines()):
            depth = len(line) - len(line.lstrip())
            while members and line.strip() and depth < members[-1]:
                members.pop()
            is_member = members and depth == members[-1] and "(" not in line
            if re.match(r"\s*(struct|class|union)\b.*\{$", line):
                members.append(depth + 2)
            declaration = declaration or bool(re.search(r"constexpr [^(]*=|static_assert", line))
            passed_by = declaration or is_member or PASSED_BY.search(line)
            declaration = declaration and not line.rstrip().endswith(";")
            if passed_by:
                continue
            code = re.sub(r'"[^"]*"', lambda text: " " * len(text[0]), line.split("//")[0])
            for pattern, by, alone in CHANGES:
                for match in re.finditer(pattern, code):
                    place = {"file": name, "line": number + 1, "column": match.start(), "end": match.end(),
                             "new": match.expand(by), "alone": match.expand(alone)}
                    part = match[0].strip()
                    first = match.start() + match[0].index(part)
                    place["text"] = f"{line[:first]}[[{part}]]{line[first + len(part):]}".strip()
                    while any(one["file"] == name and one["text"] == place["text"] for one in found):
                        place["text"] += " again"  # a line that is there more than once
                    found.append(place)
    return found


def equivalents():
    """The reasons of equivalents.txt by file and text."""
    listed = {}
    lines = (pathlib.Path(__file__).parent / "equivalents.txt").read_text().splitlines()
    lines = [line for line in lines if line and not line.startswith("#")]
    for file, text, reason in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
        if not reason.startswith(("same: ", "speed: ")):
            sys.exit(f"equivalents.txt: '{reason}' begins with neither 'same: ' nor 'speed: '")
        listed[file, text] = reason
    there = {(place["file"], place["text"]) for folder in PROGRAMS for place in places(folder)}
    for file, text in listed:
        if (file, text) not in there:
            sys.exit(f"equivalents.txt: {file} has no place '{text}' any more")
    return listed


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


class Compiler:
    """Compiles what is committed, and each mutant by itself, to compare their object code."""

    def __init__(self, tree):
        self.tree, self.plain = tree, tree.with_name(tree.name + "-plain")
        self.originals = {}
        copy(self.plain)
        run = ["ninja", "-C", tree / BUILD, "-t"]
        commands = json.loads(subprocess.run([*run, "compdb"], capture_output=True, check=True).stdout)
        self.commands = {one["output"]: self.command(one["command"]) for one in commands
                         if re.search(r"riffle_(objects|kernels)\.dir/.*\.cpp\.o$", one["output"])}
        self.users = {}  # objects by what they are made of
        for block in subprocess.run([*run, "deps"], capture_output=True, text=True, check=True).stdout.split("\n\n"):
            built, *files = block.strip().splitlines() or [""]
            if (built := built.split(":")[0]) in self.commands:
                for file in files:
                    name = os.path.relpath(os.path.join(tree / BUILD, file.strip()), tree)
                    self.users.setdefault(name, []).append(built)
        for objects in self.users.values():
            objects.sort(key=lambda built: (tree / BUILD / built).stat().st_size)  # a difference is soon found

    def command(self, text):
        text = text.replace(str(self.tree), str(self.plain)).replace(f"{self.plain}/{BUILD}", f"{self.tree}/{BUILD}")
        words = [word for word in shlex.split(text) if not word.endswith("ccache")]
        first = words.index("-MD")  # from here on: what it depends on, its object, its source
        return [*words[:first], "-O2", "-w", "-S", "-o", "-", words[-1]]

    def compile(self, built):
        return subprocess.run(self.commands[built], cwd=self.tree / BUILD, capture_output=True).stdout

    def is_same(self, mutant):
        """Do all objects stay as they are?"""
        path = self.plain / mutant["file"]
        text = path.read_text()
        lines = text.splitlines(keepends=True)
        line = lines[mutant["line"] - 1]
        lines[mutant["line"] - 1] = line[:mutant["column"]] + mutant["alone"] + line[mutant["end"]:]
        for built in self.users[mutant["file"]]:
            if built not in self.originals:
                self.originals[built] = self.compile(built)
            path.write_text("".join(lines))
            code = self.compile(built)
            path.write_text(text)
            if not code or code != self.originals[built]:
                return False
        return True


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


def read(ledger):
    return [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []


def write_ledger(ledger, results):
    ledger.write_text("".join(json.dumps(one) + "\n" for one in results.values()))


def table(work):
    listed = equivalents()
    there = {(place["file"], place["text"]) for folder in PROGRAMS for place in places(folder)}
    print("| folder | mutants | killed | same object code | listed: same | listed: speed | lives | killed of all | "
          "of those that are not the same |\n|---|---|---|---|---|---|---|---|---|")
    survivors, sums = [], [0] * 6
    for path in sorted(work.glob("*.jsonl")):
        counts = [0] * 6
        for one in read(path):
            if (one["file"], one["text"]) not in there:
                continue  # the line is gone
            reason = listed.get((one["file"], one["text"]), "")
            if one["killed"] and reason:
                print(f"equivalents.txt has what {one['killed']} kills: {one['file']}: {one['text']}", file=sys.stderr)
            kind = (1 if one["killed"] else 2 if one["same"] else 3 if reason.startswith("same") else 4 if reason else 5)
            counts[0] += 1
            counts[kind] += 1
            survivors += [one] if kind == 5 else []
        sums = [a + b for a, b in zip(sums, counts)]
        print(row(f"`{path.stem.replace('-', '/')}`", counts))
    print(row("all", sums))
    for one in survivors:
        print(f"lives{'' if one['reached'] else ', run by no test'}: {one['file']}:{one['line']}: {one['text']}")


def row(name, counts):
    all_of_them, killed, *same, lives = counts
    return (f"| {name} | {' | '.join(map(str, counts))} | {100 * killed / max(all_of_them, 1):.1f} % | "
            f"{100 * killed / max(killed + lives, 1):.1f} % |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", choices=PROGRAMS)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--again", action="store_true", help="try what lived once more, and nothing new")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if options.table or options.folder is None:
        return table(options.work)

    equivalents()
    work = options.work.resolve()
    tree = work / options.folder.replace("/", "-")
    ledger = work / (options.folder.replace("/", "-") + ".jsonl")
    copy(tree)
    subprocess.run(["cmake", "-S", tree, "-B", tree / BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                    "-DRIFFLE_BENCH=OFF", *OPTIONS[options.folder]], check=True, stdout=subprocess.DEVNULL)

    # By a hash of the line, so that a change elsewhere draws no others.
    drawn = sorted(places(options.folder), key=lambda m: hashlib.sha1(
        f"{options.seed} {m['file']} {m['text']}".encode()).digest())
    chosen = drawn[:options.count]
    for number, mutant in enumerate(chosen, 1):
        mutant["number"] = number
    chosen = build(tree, options.folder, chosen, options.jobs)
    numbers = compiled(tree, options.folder)
    results = {(one["file"], one["text"]): one for one in read(ledger)}
    lived = {place for place, one in results.items() if not one["killed"] and not one["same"]}
    chosen = [mutant for mutant in chosen if mutant["number"] in numbers and (
        (mutant["file"], mutant["text"]) in lived if options.again else (mutant["file"], mutant["text"]) not in results)]
    begin = time.monotonic()
    reaching = who_reaches(tree, options.folder)
    print(f"{len(drawn)} places; {len(chosen)} mutants; tests take {time.monotonic() - begin:.0f} s", flush=True)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        tried = pool.map(lambda mutant: killed_by(tree, reaching, mutant["number"]), chosen)
        for mutant, killed in zip(chosen, tried):
            if killed is None:
                continue
            one = {key: mutant[key] for key in ("file", "line", "text")} | {"killed": killed, "same": False}
            one["reached"] = any(mutant["number"] in numbers for tests in reaching.values() for _, _, numbers in tests)
            results[one["file"], one["text"]] = one
            write_ledger(ledger, results)
            print(f"{one['file']}:{one['line']}: {one['text']}: {killed or 'LIVES'}", flush=True)
    compiler = Compiler(tree)
    for mutant in chosen:
        one = results.get((mutant["file"], mutant["text"]))
        if one and not one["killed"] and compiler.is_same(mutant):
            one["same"] = True
            write_ledger(ledger, results)
            print(f"{one['file']}:{one['line']}: {one['text']}: the same object code", flush=True)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Runs the fuzzers of a build in turn, for hours, and counts what they executed.

  campaign.py build/fuzz --turn 120 --hours 2    run every target for two minutes, again and again
  campaign.py build/fuzz --table                 what all campaigns in this build tree have executed so far

The targets, and the corpora that they begin with, are those that CTest runs; those of model files have a second turn, in
which a model is read alone and not run in every way there is, which is hundreds of times as fast. What they find to be new is kept in the
build tree and is where the next turn begins. Each turn adds a line to campaign.jsonl there, with the executions that
libFuzzer itself counted and the CPU time that they took: on a machine that others use as well, time by the clock says
nothing of a target. A target that finds something leaves its input beside it and is not run again; the exit code is
then 1.

AddressSanitizer keeps no stack of each allocation here, and little of what is freed: with both, a parser of small files
takes twice as long. What is found is run again with its usual options. Nor does libFuzzer weigh inputs by how rare is
what they come by (-entropic): of a large program that takes longer than what is tested.
"""
import argparse
import json
import pathlib
import re
import resource
import subprocess
import sys
import time


COMPARING = ("fuzz_onnx", "fuzz_riffle")
SANITIZER = {"ASAN_OPTIONS": "malloc_context_size=0:quarantine_size_mb=4"}


def commands(build):
    """Of each target, what CTest runs, without the limit of time."""
    listing = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], capture_output=True, check=True)
    found, comparing = {}, {}
    for test in json.loads(listing.stdout)["tests"]:
        command = test.get("command", [""])
        name = pathlib.Path(command[0]).name
        if name.startswith("fuzz_"):
            environment = dict(SANITIZER)
            for entry in test["properties"]:
                if entry["name"] == "ENVIRONMENT":
                    environment |= dict(pair.split("=", 1) for pair in entry["value"])
            command = [c for c in command if not c.startswith(("-max_total_time", "-timeout"))]
            (comparing if name in COMPARING else found)[name] = (command, environment)
            if name in COMPARING:
                found[name + " (read alone)"] = (command, environment | {"RIFFLE_FUZZ_COMPARE": "0"})
    return found | comparing  # the slowest last


def table(ledger):
    totals = {}
    for line in ledger.read_text().splitlines():
        turn = json.loads(line)
        total = totals.setdefault(turn["target"], [0, 0, 0])
        total[0] += turn["executions"]
        total[1] += turn["cpu_seconds"]
        total[2] += turn["code"] != 0
    print("| target | executions | CPU seconds | executions in one | turns with a finding |\n|---|---|---|---|---|")
    for target, (executions, seconds, findings) in sorted(totals.items()):
        print(f"| {target} | {executions:,} | {seconds:,.0f} | {executions / max(seconds, 0.1):,.0f} | {findings} |")
    executions, seconds, findings = (sum(total[i] for total in totals.values()) for i in range(3))
    print(f"| all | {executions:,} | {seconds:,.0f} | | {findings} |")


def cpu_seconds():
    """Of all processes that this one has started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, help="a build tree with RIFFLE_FUZZ")
    parser.add_argument("--turn", type=int, default=120, help="seconds that a target runs at a time")
    parser.add_argument("--hours", type=float, default=1, help="of the whole campaign")
    parser.add_argument("--only", action="append", help="a target's name; may be given several times")
    parser.add_argument("--table", action="store_true", help="print the sums and run nothing")
    options = parser.parse_args()
    build = options.build.resolve()
    ledger = build / "campaign.jsonl"
    if options.table:
        return table(ledger)
    end = time.monotonic() + 3600 * options.hours
    failed = set()
    while time.monotonic() < end:
        ran = False
        for target, (command, environment) in commands(build).items():
            if target in failed or (options.only and target not in options.only) or time.monotonic() >= end:
                continue
            if not pathlib.Path(command[0]).exists():  # not built, or being linked
                continue
            begin = cpu_seconds()
            # By the clock: where others have the machine, an input waits longer than it takes.
            turn = ["-timeout=300", "-entropic=0", f"-max_total_time={options.turn}", f"-artifact_prefix={command[0]}-"]
            run = subprocess.run(["env", *(f"{k}={v}" for k, v in environment.items()), command[0], *turn, *command[1:]],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
            executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", run.stderr)
            entry = {"target": target, "executions": int(executed[1]) if executed else 0,
                     "cpu_seconds": round(cpu_seconds() - begin, 2), "code": run.returncode}
            with ledger.open("a") as file:
                file.write(json.dumps(entry) + "\n")
            print(entry, flush=True)
            ran = True
            if run.returncode != 0:
                failed.add(target)
                log = pathlib.Path(command[0] + ".log")
                log.write_text(run.stderr)
                print(f"{target} found something: {log}", flush=True)
        if not ran:
            break
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

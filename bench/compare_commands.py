#!/usr/bin/env python3
"""Time several ways of calling `riffle bench` in turn, such as two builds of it, or with and without --cores.

usage: compare_commands.py [--rounds 15] [--busy CPU] 'PROGRAM bench MODEL ARGUMENTS' ...

A round runs every command once (--json is added). A row holds the medians over the rounds of an inference's median and
of its 95th percentile in milliseconds, and the median of the rounds' own ratios to the first command (above 1: faster).
--busy: a loop that does nothing else keeps that core busy meanwhile, as another program might.
"""
import argparse, json, os, statistics, subprocess, sys

parser = argparse.ArgumentParser(usage=__doc__)
parser.add_argument("--rounds", type=int, default=15)
parser.add_argument("--busy", type=int)
parser.add_argument("commands", nargs="+")
args = parser.parse_args()


def measure(command):
    result = subprocess.run([*command.split(), "--json"], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(result.stdout)


def rounds():
    return [[measure(command) for command in args.commands] for _ in range(args.rounds)]


if args.busy is None:
    results = rounds()
else:
    loop = subprocess.Popen([sys.executable, "-c", "while True: pass"],
                            preexec_fn=lambda: os.sched_setaffinity(0, {args.busy}))
    try:
        results = rounds()
    finally:
        loop.kill()

print("| command | median, ms | p95, ms | ratio |")
print("|---|---|---|---|")
for c, command in enumerate(args.commands):
    mine = [one[c] for one in results]
    ratio = statistics.median(one[0]["median_ms"] / one[c]["median_ms"] for one in results)
    print(f"| `{command}` | {statistics.median(m['median_ms'] for m in mine):.3f} "
          f"| {statistics.median(m['p95_ms'] for m in mine):.3f} | {ratio:.2f} |")

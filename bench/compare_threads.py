#!/usr/bin/env python3
"""Time an image alone, on two threads, and in a batch of eight, in turn.

usage: compare_threads.py [--riffle PROGRAM] [--rounds 7] [--repeat 100] MODEL...

A round runs `riffle bench` once each way; a row holds the medians of the rounds in milliseconds an image, and the
medians of the rounds' own ratios to the image alone (above 1: faster).
"""
import argparse, json, pathlib, statistics, subprocess

root = pathlib.Path(__file__).resolve().parent.parent
parser = argparse.ArgumentParser(usage=__doc__)
parser.add_argument("--riffle", default=root / "build/release/bin/riffle")
parser.add_argument("--rounds", type=int, default=7)
parser.add_argument("--repeat", type=int, default=100)
parser.add_argument("models", nargs="+")
args = parser.parse_args()

WAYS = {"alone": (1, 1), "two threads": (2, 1), "batch of 8": (1, 8)}


def measure(model, threads, batch):
    command = [str(args.riffle), "bench", model, "--json", "--threads", str(threads), "--batch", str(batch),
               "--repeat", str(max(1, args.repeat // batch)), "--warmup", "5"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["median_ms"]


print("| network | alone, ms | two threads, ms | ratio | batch of 8, ms an image | ratio |")
print("|---|---|---|---|---|---|")
for model in args.models:
    times = {way: [] for way in WAYS}
    for _ in range(args.rounds):
        for way, (threads, batch) in WAYS.items():
            times[way].append(measure(model, threads, batch))
    row = [f"{statistics.median(times['alone']):.3f}"]
    for way in ("two threads", "batch of 8"):
        row.append(f"{statistics.median(times[way]):.3f}")
        row.append(f"{statistics.median(a / b for a, b in zip(times['alone'], times[way])):.2f}")
    print(f"| {pathlib.Path(model).stem} | {' | '.join(row)} |", flush=True)

#!/usr/bin/env python3
"""riffle's trainer against PyTorch: images a second of whole training steps (forward, backward, Adam), in turn on the same
cores. Quote the ratios: a machine's speed drifts.

    /usr/bin/python3 compare_torch.py                          # Debian: python3-torch
    /usr/bin/python3 compare_torch.py --threads 2 --only v2_x0.5

Each round runs PyTorch in its default memory format, PyTorch with channels_last, and riffle, each in a process of its own.
A row holds the medians over the rounds; the ratio (above 1: riffle is faster) is the median of the rounds' own ratios to
PyTorch's faster format. Memory is the peak of a whole process; what PyTorch's process holds before it makes its network
(the libraries) is said beside it.
"""
import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BATCH, CLASSES = 64, 10

# Name: the arguments of riffle_train_bench. One channel, as in the note and Fashion-MNIST.
NETWORKS = {
    "v1_g2_note_224": ["v1", "--groups", "2", "--flavour", "note", "--size", "224x224"],
    "v2_x1_224": ["v2", "--width", "1.0", "--flavour", "note", "--size", "224x224"],
    "v2_x0.5_64": ["v2", "--width", "0.5", "--flavour", "paper", "--size", "64x64"],
}
FORMATS = ("default", "channels_last")


def make(arguments):
    sys.path.insert(0, str(ROOT / "tests/golden"))
    import networks
    options = dict(zip(arguments[1::2], arguments[2::2]))
    if arguments[0] == "v1":
        net = networks.shufflenet_v1(int(options["--groups"]), 1.0, options["--flavour"], 1, CLASSES)
    else:
        net = networks.shufflenet_v2(float(options["--width"]), options["--flavour"], False, 1, CLASSES)
    return net.train(), [int(extent) for extent in options["--size"].split("x")]


def peak_rss():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure_torch(name, memory_format, threads, steps, warmup):
    """Runs in a process of its own; prints what riffle_train_bench prints."""
    import torch
    torch.set_num_threads(threads)
    before = peak_rss()
    net, (h, w) = make(NETWORKS[name])
    images = torch.rand(BATCH, 1, h, w)
    if memory_format == "channels_last":
        net, images = (x.to(memory_format=torch.channels_last) for x in (net, images))
    labels = torch.arange(BATCH) % CLASSES
    optimizer = torch.optim.Adam(net.parameters(), lr=0.001)
    seconds = []
    for _ in range(warmup + steps):
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
        loss.item()
        seconds.append(time.perf_counter() - start)
    step = statistics.median(seconds[warmup:])
    print(json.dumps(dict(images_per_second=BATCH / step, peak_rss_bytes=peak_rss(), rss_before_bytes=before)))


def run(command, cores, threads):
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    out = subprocess.run(["taskset", "-c", cores, *command], check=True, text=True, stdout=subprocess.PIPE,
                         env=environment).stdout
    return json.loads(out)


def compare(name, args):
    cores = ",".join(str(core) for core in sorted(os.sched_getaffinity(0))[-args.threads:])
    counts = ["--threads", str(args.threads), "--steps", str(args.steps), "--warmup", str(args.warmup)]
    rounds = []
    for _ in range(args.rounds):
        found = {f: run([sys.executable, __file__, "--measure", name, f, *counts], cores, args.threads) for f in FORMATS}
        found["riffle"] = run([str(args.bench), *NETWORKS[name], "--batch", str(BATCH), "--classes", str(CLASSES),
                               *counts], cores, args.threads)
        rounds.append(found)
        print(f"  {name}: " + ", ".join(f"{k} {v['images_per_second']:.1f}" for k, v in found.items()), file=sys.stderr,
              flush=True)

    def median(which, key):
        return statistics.median(r[which][key] for r in rounds)

    faster = max(FORMATS, key=lambda f: median(f, "images_per_second"))
    ratio = statistics.median(r["riffle"]["images_per_second"] / r[faster]["images_per_second"] for r in rounds)
    mib = {which: median(which, "peak_rss_bytes") / 2**20 for which in ("riffle", *FORMATS)}
    before = median(faster, "rss_before_bytes") / 2**20
    print(f"{name:16} {args.threads} thread{'s' if args.threads > 1 else ' '}  images/s: "
          + "  ".join(f"PyTorch {f} {median(f, 'images_per_second'):.1f}" for f in FORMATS)
          + f"  riffle {median('riffle', 'images_per_second'):.1f}  ratio {ratio:.2f}"
          + f"  of the FMA peak {100 * median('riffle', 'share_of_peak'):.0f} %"
          + f"  peak MiB: PyTorch {mib['default']:.0f}, {mib['channels_last']:.0f} (libraries {before:.0f})"
          + f"  riffle {mib['riffle']:.0f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default=ROOT / "build/release/bin/riffle_train_bench", help="riffle_train_bench")
    parser.add_argument("--only", default="", help="networks whose name contains this")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--measure", nargs=2, metavar=("NETWORK", "FORMAT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure_torch(*args.measure, args.threads, args.steps, args.warmup)
        return
    for name in NETWORKS:
        if args.only in name:
            compare(name, args)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How training scales over ranks, by a model: a rank's step, a part of which hides the sums, and the messages.

  bench/scaling.py --step-ms 100 --backward 0.6 --megabytes 1.4 --latency-us 30 --gigabytes 1.1

docs/distributed.md says what is assumed. Prints ranks, milliseconds of a step, and the share of N times one rank's images
a second that N ranks have."""
import argparse

BUCKET = 0.5 * 2**20  # bytes, trainer/ranks/bucketed_sum.hpp


def sum_ms(ranks, megabytes, latency_us, gigabytes, message_us):
    """Milliseconds of the sums: two rounds a bucket, in which a rank sends a part to each other."""
    if ranks == 1:
        return 0.0
    buckets = max(1, round(megabytes * 1e6 / BUCKET + 0.5))
    sent = 2 * megabytes * (ranks - 1) / ranks
    return 2e-3 * buckets * (ranks - 1) * message_us + 2e-3 * latency_us + sent / gigabytes


def step_ms(ranks, options):
    """The last bucket waits for the first layer's gradients; the others may go while the backward pass goes on."""
    whole = sum_ms(ranks, options.megabytes, options.latency_us, options.gigabytes, options.message_us)
    last = sum_ms(ranks, min(options.megabytes, BUCKET / 1e6), options.latency_us, options.gigabytes, options.message_us)
    hidden = min(max(whole - last, 0), options.backward * options.step_ms) * options.hidden
    return options.step_ms + whole - hidden


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step-ms", type=float, required=True, help="a rank's step by itself")
    parser.add_argument("--backward", type=float, default=0.6, help="the backward pass's share of it")
    parser.add_argument("--megabytes", type=float, required=True, help="of gradients: 4e-6 times the parameters")
    parser.add_argument("--latency-us", type=float, required=True, help="of a message")
    parser.add_argument("--gigabytes", type=float, required=True, help="a second that a rank sends, and receives")
    parser.add_argument("--message-us", type=float, default=2, help="of a rank's CPU time for a message")
    parser.add_argument("--hidden", type=float, default=1, help="of what could be hidden, the share that is")
    options = parser.parse_args()
    print("ranks  step ms  efficiency")
    for ranks in (1, 2, 4, 8, 16, 32, 64):
        step = step_ms(ranks, options)
        print(f"{ranks:5}  {step:7.1f}  {options.step_ms / step:10.3f}")


if __name__ == "__main__":
    main()

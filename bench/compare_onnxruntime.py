#!/usr/bin/env python3
"""riffle against ONNX Runtime on the same .onnx, in turn on the same cores. Quote the ratios: a machine's speed drifts.

    npm install --ignore-scripts --prefix build/peers onnxruntime-node
    compare_onnxruntime.py --export build/peers                        # the spec's networks in PyTorch, as .onnx
    compare_onnxruntime.py build/peers/*.onnx

Needs node; --export needs Debian's python3-torch and python3-onnx. Each round runs ONNX Runtime, then `riffle bench`;
a row holds the medians over the rounds, the ratio (above 1: riffle is faster) that of the rounds' own ratios.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent

# Medians of single inferences, as `riffle bench` measures them.
PEER = """
const ort = require('onnxruntime-node');
const [model, size, threads, repeat, warmup] = process.argv.slice(1);
const open = size ? size.split('x').map(Number) : [];  // an open batch is 1; what else is open are height and width
(async () => {
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: +threads, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all' });
  const feeds = {};
  for (const input of session.inputMetadata) {
    let next = 0;
    const shape = input.shape.map((n, axis) => typeof n === 'number' ? n : axis === 0 ? 1 : open[next++]);
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(i));
    feeds[input.name] = new ort.Tensor('float32', values, shape);
  }
  const times = [];
  for (let i = 0; i < +warmup + +repeat; i++) {
    const start = process.hrtime.bigint();
    await session.run(feeds);
    if (i >= +warmup) times.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
  times.sort((a, b) => a - b);
  console.log(JSON.stringify({ median_ms: times[times.length >> 1] }));
})();
"""


def export(directory):
    sys.path.insert(0, str(root / "tests/golden"))
    import networks
    import torch
    nets = {f"v2_x{width}": networks.shufflenet_v2(width, "paper", False, 3, 1000) for width in (0.5, 1.0, 1.5, 2.0)}
    nets |= {f"v1_g{groups}": networks.shufflenet_v1(groups, 1.0, "paper", 3, 1000) for groups in (1, 2, 3, 4, 8)}
    directory.mkdir(parents=True, exist_ok=True)
    for name, net in nets.items():
        path = directory / f"{name}.onnx"
        with torch.no_grad():
            torch.onnx.export(networks.fill(net, 0), torch.zeros(1, 3, 224, 224), str(path), opset_version=13)
        print(path)


def measure(command, cores, **environment):
    out = subprocess.run(["taskset", "-c", cores, *command], check=True, text=True, stdout=subprocess.PIPE,
                         env={**os.environ, **environment}).stdout
    return json.loads(out[out.index("{"):])["median_ms"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--export", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--riffle", default=root / "build/release/bin/riffle")
    parser.add_argument("--node-path", default=root / "build/peers/node_modules")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=100)
    parser.add_argument("--warmup", type=int, default=20)
    parser.add_argument("--size", metavar="HxW", help="height and width of an input of which they are open")
    parser.add_argument("models", nargs="*")
    args = parser.parse_args()
    if args.export:
        export(args.export)
    cores = ",".join(str(core) for core in sorted(os.sched_getaffinity(0))[-args.threads:])
    numbers = [str(args.repeat), str(args.warmup)]
    for model in args.models:
        peer, mine = [], []
        for _ in range(args.rounds):
            peer.append(measure(["node", "-e", PEER, model, args.size or "", str(args.threads), *numbers], cores,
                                NODE_PATH=str(args.node_path)))
            mine.append(measure([str(args.riffle), "bench", model, "--threads", str(args.threads), "--repeat",
                                 numbers[0], "--warmup", numbers[1], "--json",
                                 *(["--size", args.size] if args.size else [])], cores))
        ratio = statistics.median(p / m for p, m in zip(peer, mine))
        print(f"{os.path.basename(model):24} {args.threads} thread{'s' if args.threads > 1 else ''}  "
              f"ONNX Runtime {statistics.median(peer):.3f} ms  riffle {statistics.median(mine):.3f} ms  "
              f"ratio {ratio:.2f}", flush=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The live comparison of the `riffle` program with PyTorch: more than the goldens hold, by hand, not in CI.

    check_torch.py --riffle build/release/bin/riffle
    check_torch.py --riffle build/aarch64/bin/riffle --emulator "qemu-aarch64 -L /usr/aarch64-linux-gnu" \\
        --isa neon64,scalar --sizes 64x64

Every network goes two ways into riffle: as PyTorch's default ONNX export of random PyTorch weights (`riffle convert`),
and, where riffle has a spec for it, as `riffle build --seed` against the same weights made in numpy. Both run on every
instruction set (RIFFLE_ISA) at every size, batches 1 and 3. A row is one network at one size: the largest difference to
PyTorch divided by the output's largest magnitude. Exit code 1 if one is above 1e-4.
"""
import argparse
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import warnings

import numpy
import torch
import torchvision

import networks
from make_goldens import V1_WIDTHS, V2_WIDTHS, channels_of

TOLERANCE = 1e-4
CLASSES = 10
SEED = 11


class Riffle:
    def __init__(self, path, emulator, directory):
        self.command = shlex.split(emulator) + [str(pathlib.Path(path).resolve())]
        self.directory = pathlib.Path(directory)

    def __call__(self, *arguments, isa=""):
        """Throws RuntimeError with the program's message."""
        words = [str(a) for a in arguments]
        environment = {**os.environ, "RIFFLE_ISA": isa}
        done = subprocess.run(self.command + words, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"riffle {' '.join(words)}: exit code {done.returncode}: {done.stderr.strip()}")

    def run(self, model, x, isa):
        numpy.save(self.directory / "x.npy", x.numpy())
        self("run", model, "--input", self.directory / "x.npy", "--output", self.directory / "y.npy", isa=isa)
        return numpy.load(self.directory / "y.npy")


def spec_networks():
    """Label, network, input channels, arguments of `riffle build`."""
    for flavour, by_groups in V1_WIDTHS.items():
        for groups, widths in by_groups.items():
            for width in widths:
                arguments = ["v1", "--groups", groups, "--width", width, "--flavour", flavour]
                net = networks.shufflenet_v1(groups, width, flavour, channels_of(flavour), CLASSES)
                yield f"v1 g={groups} x{width} {flavour}", net, channels_of(flavour), arguments
    for flavour, widths in V2_WIDTHS.items():
        for width in widths:
            for residual in (False, True):
                arguments = ["v2", "--width", width, "--flavour", flavour] + ["--residual"] * residual
                net = networks.shufflenet_v2(width, flavour, residual, channels_of(flavour), CLASSES)
                yield f"v2 x{width} {flavour}{' residual' * residual}", net, channels_of(flavour), arguments


def other_networks():
    """The same without arguments: these come as ONNX alone."""
    for name in ("shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0", "mobilenet_v2",
                 "resnext50_32x4d"):
        yield name, getattr(torchvision.models, name)(weights=None, num_classes=CLASSES), 3, None
    yield "xception", networks.Xception(24, CLASSES), 3, None


def randomise(net, channels):
    """PyTorch's own initialisation, with the statistics of batch norm measured on noise."""
    torch.manual_seed(SEED)
    for module in net.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            torch.nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.uniform_(-0.2, 0.2)
    with torch.no_grad():
        net.train()(torch.randn(8, channels, 96, 96))
    return net.eval()


def difference(actual, expected):
    expected = expected.numpy()
    if actual.shape != expected.shape:
        return float("inf")
    worst = numpy.abs(actual - expected).max() / numpy.abs(expected).max()
    return float("inf") if numpy.isnan(worst) else float(worst)


def compare(riffle, model, net, x, isas, label):
    """Of batch 3 and of its first image alone; by instruction set."""
    with torch.no_grad():
        y = net(x)
    worst = {isa: max(difference(riffle.run(model, x, isa), y), difference(riffle.run(model, x[:1], isa), y[:1]))
             for isa in isas}
    print(f"{label:52s}" + "".join(f"{worst[isa]:10.1e}" for isa in isas), flush=True)
    return worst


def exported(riffle, net, x, opset):
    onnx_path, model = riffle.directory / "net.onnx", riffle.directory / "net.riffle"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, x, onnx_path, opset_version=opset)
    riffle("convert", onnx_path, model)
    return model


def built(riffle, arguments, size):
    model = riffle.directory / "built.riffle"
    riffle("build", *arguments, "--classes", CLASSES, "--size", size, "--seed", SEED, model)
    return model


def usable(riffle, isas):
    """Those that the program runs here; it says itself why it refuses one."""
    net, model = networks.Separable(3, 4, 3), riffle.directory / "probe.onnx"
    torch.onnx.export(net, torch.zeros(1, 3, 8, 8), model)
    found = []
    for isa in isas:
        try:
            riffle.run(model, torch.zeros(1, 3, 8, 8), isa)
            found.append(isa)
        except RuntimeError as error:
            print(f"skipped: {error}", file=sys.stderr)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--riffle", required=True, metavar="PATH", help="the program")
    parser.add_argument("--emulator", default="", help='what runs it: "qemu-aarch64 -L /usr/aarch64-linux-gnu"')
    parser.add_argument("--isa", default="avx512f,avx2,sse2,scalar", help="instruction sets, by comma")
    parser.add_argument("--sizes", default="224x224,64x64,97x131", help="by comma")
    parser.add_argument("--only", default="", help="networks whose label contains this")
    parser.add_argument("--opset", type=int, default=13)
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as directory:
        riffle = Riffle(args.riffle, args.emulator, directory)
        isas = usable(riffle, args.isa.split(","))
        if not isas:
            sys.exit("no instruction set to compare on")
        rows = []
        print(" " * 52 + "".join(f"{isa:>10s}" for isa in isas))
        for label, net, channels, arguments in (*spec_networks(), *other_networks()):
            if args.only not in label:
                continue
            for size in args.sizes.split(","):
                x = networks.make_input(3, channels, *map(int, size.split("x")))
                model = exported(riffle, randomise(net, channels), x[:1], args.opset)
                rows.append(compare(riffle, model, net, x, isas, f"{label} {size} onnx"))
                if arguments is not None:
                    model = built(riffle, arguments, size)
                    rows.append(compare(riffle, model, networks.fill(net, SEED), x, isas, f"{label} {size} build"))
    if not rows:
        sys.exit(f"no network's label contains {args.only!r}")
    worst = {isa: max(row[isa] for row in rows) for isa in isas}
    print(f"{f'worst of {len(rows)} comparisons':52s}" + "".join(f"{worst[isa]:10.1e}" for isa in isas))
    sys.exit(any(value > TOLERANCE for value in worst.values()))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes the goldens of tests/golden: PyTorch's outputs (goldens.txt) and PyTorch's ONNX exports (onnx/).

    make_goldens.py            # needs torch 1.13, torchvision 0.14, onnx 1.12 (Debian 12: python3-torch and so on)

Weights and inputs are not stored: both are functions of their names (networks.py), which C++ makes anew. goldens.txt
holds a line a case: `key value` pairs, a colon, and the output. Images are a batch of three unless said.

An ONNX file comes in one of two kinds:
- skeleton: exported with batch norm unfused and parameters under PyTorch's names, and then emptied of the parameters'
  data, so that a large network takes some ten kilobytes. The test puts the data back before it imports the file.
- complete: a narrow network in the exporter's default mode, which folds batch norm; the weights are in the file.
"""
import io
import pathlib
import sys

import numpy
import onnx
import onnx.numpy_helper
import torch
import torchvision

import networks

HERE = pathlib.Path(__file__).resolve().parent
SEED = 1
SIZES = ((224, 224), (64, 64), (97, 131))
CLASSES = 10

# Widths whose channels divide by the groups in every layer.
V1_WIDTHS = {"paper": {1: (0.25, 0.5, 1.0), 2: (0.52, 1.0, 1.48), 3: (0.25, 0.5, 1.5), 4: (0.53, 1.0, 1.53),
                       8: (0.25, 0.5, 1.0)},
             "note": {1: (0.25, 0.5, 1.0), 2: (0.36, 1.0, 1.52), 3: (0.25, 0.5, 1.5), 4: (0.53, 1.0, 1.53),
                      8: (0.3334, 1.0, 2.0)}}
V2_WIDTHS = {"paper": (0.5, 1.0, 1.5, 2.0), "note": (0.5, 0.76, 2.0)}


def channels_of(flavour):
    return 1 if flavour == "note" else 3


def run(net, x):
    """The output in float32, having checked that the case itself is well conditioned."""
    with torch.no_grad():
        y = net(x)
        exact = net.double()(x.double())
    net.float()
    difference = ((y - exact).abs().max() / exact.abs().max()).item()
    assert difference < 1e-5, f"float32 and float64 differ by {difference}"
    spread = (y.amax(0) - y.amin(0)).max() / y.abs().max() if len(y) > 1 else 1
    assert spread > 1e-3, "the images' outputs are too much alike for a test"
    return y


def line(kind, fields, y):
    words = " ".join(f"{key} {value}" for key, value in fields.items())
    return f"{kind} {words} : " + " ".join(f"{value:.7g}" for value in y.flatten().tolist())


def spec_cases():
    for flavour, by_groups in V1_WIDTHS.items():
        for groups, widths in by_groups.items():
            for width in widths:
                net = networks.fill(networks.shufflenet_v1(groups, width, flavour, channels_of(flavour), CLASSES), SEED)
                for h, w in SIZES:
                    fields = dict(groups=groups, width=width, flavour=flavour, height=h, width_px=w)
                    yield line("v1", fields, run(net, networks.make_input(3, channels_of(flavour), h, w)))
    for flavour, widths in V2_WIDTHS.items():
        for width in widths:
            for residual in (False, True):
                net = networks.shufflenet_v2(width, flavour, residual, channels_of(flavour), CLASSES)
                networks.fill(net, SEED)
                for h, w in SIZES:
                    fields = dict(width=width, flavour=flavour, residual=int(residual), height=h, width_px=w)
                    yield line("v2", fields, run(net, networks.make_input(3, channels_of(flavour), h, w)))


class Prefixed(torch.nn.Module):
    """A block under the name that its parameters have in C++."""

    def __init__(self, block):
        super().__init__()
        self.block = block

    def forward(self, x):
        return self.block(x)


def block_cases():
    """One small image each, the whole output."""
    h, w = 7, 9
    for kernel, stride, dilation in ((3, 1, 1), (3, 2, 1), (3, 1, 2), (5, 1, 1), (5, 2, 1), (5, 1, 2), (5, 2, 2)):
        net = networks.fill(Prefixed(networks.Separable(6, 7, kernel, stride, dilation)), SEED)
        fields = dict(inputs=6, outputs=7, kernel=kernel, stride=stride, dilation=dilation, height=h, width_px=w)
        yield line("separable", fields, run(net, networks.make_input(1, 6, h, w)))
    for inputs, outputs, kernel, stride in ((8, 8, 3, 1), (8, 10, 3, 1), (8, 8, 3, 2), (8, 10, 5, 2)):
        net = networks.fill(Prefixed(networks.ResNextBlock(inputs, 12, outputs, kernel, 4, stride)), SEED)
        fields = dict(inputs=inputs, middle=12, outputs=outputs, kernel=kernel, groups=4, stride=stride, height=h,
                      width_px=w)
        yield line("resnext", fields, run(net, networks.make_input(1, inputs, h, w)))


def export(net, x, opset, dynamic, **options):
    names = dict(input_names=["input"], output_names=["output"])
    if dynamic:
        names["dynamic_axes"] = {"input": {0: "n"}, "output": {0: "n"}}
    stream = io.BytesIO()
    torch.onnx.export(net, x, stream, opset_version=opset, **names, **options)
    return onnx.load_from_string(stream.getvalue())


def skeleton(net, x, opset, dynamic):
    model = export(net, x, opset, dynamic, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    parameters = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    for tensor in model.graph.initializer:
        if tensor.name in parameters and not tensor.name.endswith("num_batches_tracked"):
            assert tuple(tensor.dims) == parameters[tensor.name]
            tensor.ClearField("raw_data")
    for node in model.graph.node:
        node.ClearField("doc_string")
    return model


def as_opset_18(model):
    """The axes of ReduceMean, an attribute in what this PyTorch exports, are an input since opset 18."""
    for index, node in enumerate(model.graph.node):
        if node.op_type == "ReduceMean":
            axes = next(a for a in node.attribute if a.name == "axes")
            values = numpy.array(axes.ints, numpy.int64)
            model.graph.initializer.append(onnx.numpy_helper.from_array(values, f"axes_{index}"))
            node.input.append(f"axes_{index}")
            node.attribute.remove(axes)
    model.opset_import[0].version = 18
    return model


def skeletons():
    """Name, network, input channels, size, opset, dynamic batch."""
    v1, v2 = networks.shufflenet_v1, networks.shufflenet_v2
    yield "v1_g1_x0.5_paper", v1(1, 0.5, "paper", 3, CLASSES), 3, (64, 64), 9, False
    yield "v1_g3_x1_paper", v1(3, 1.0, "paper", 3, CLASSES), 3, (224, 224), 13, False
    yield "v1_g8_x0.5_paper", v1(8, 0.5, "paper", 3, CLASSES), 3, (97, 131), 11, True
    yield "v1_g2_x1_note", v1(2, 1.0, "note", 1, CLASSES), 1, (64, 64), 16, False
    yield "v1_g4_x1_note", v1(4, 1.0, "note", 1, CLASSES), 1, (97, 131), 14, True
    yield "v2_x0.5_paper", v2(0.5, "paper", False, 3, CLASSES), 3, (224, 224), 13, True
    yield "v2_x1_paper", v2(1.0, "paper", False, 3, CLASSES), 3, (97, 131), 11, False
    yield "v2_x1.5_paper_residual", v2(1.5, "paper", True, 3, CLASSES), 3, (64, 64), 9, False
    yield "v2_x0.5_note", v2(0.5, "note", False, 1, CLASSES), 1, (64, 64), 10, True
    yield "v2_x2_note_residual", v2(2.0, "note", True, 1, CLASSES), 1, (64, 64), 16, False
    for name, size, opset, dynamic in (("shufflenet_v2_x1_0", (224, 224), 13, True),
                                       ("resnext50_32x4d", (64, 64), 13, False),
                                       ("mobilenet_v2", (97, 131), 12, False)):
        net = getattr(torchvision.models, name)(weights=None, num_classes=CLASSES)
        yield f"torchvision_{name}", net, 3, size, opset, dynamic
    yield "xception", networks.Xception(24, CLASSES), 3, (97, 131), 13, True


def complete():
    """Likewise. Opset 18 is opset 13's file, rewritten."""
    narrow = (8, 16, 32, 64)
    yield "narrow_v1_g2_note", networks.shufflenet_v1(2, 0.12, "note", 1, CLASSES), 1, (64, 64), 9, False
    yield "narrow_v2_paper", networks.shufflenet_v2_of(narrow, "paper", False, 3, CLASSES), 3, (64, 64), 11, False
    yield "narrow_v2_residual", networks.shufflenet_v2_of(narrow, "paper", True, 3, CLASSES), 3, (97, 131), 13, True
    yield "narrow_v1_g3_paper", networks.shufflenet_v1(3, 0.15, "paper", 3, CLASSES), 3, (64, 64), 18, True
    yield "narrow_xception", networks.Xception(8, CLASSES), 3, (64, 64), 16, False


def onnx_cases():
    for kind, cases in (("skeleton", skeletons()), ("complete", complete())):
        for name, net, channels, (h, w), opset, dynamic in cases:
            networks.fill(net, SEED)
            y = run(net, networks.make_input(3, channels, h, w))
            x = networks.make_input(1, channels, h, w)
            exporter = skeleton if kind == "skeleton" else export
            model = exporter(net, x, 13 if opset == 18 else opset, dynamic)
            if opset == 18:
                as_opset_18(model)
            elif kind == "complete":
                onnx.checker.check_model(model)
            path = HERE / "onnx" / f"{name}.onnx"
            path.write_bytes(model.SerializeToString())
            yield line("onnx", dict(file=path.name, kind=kind, channels=channels, height=h, width_px=w), y)


def main():
    (HERE / "onnx").mkdir(exist_ok=True)
    lines = [f"# Made by make_goldens.py with PyTorch {torch.__version__}. Seed {SEED}."]
    for cases in (spec_cases(), block_cases(), onnx_cases()):
        for case in cases:
            lines.append(case)
            print(case.split(" : ")[0], file=sys.stderr)
    (HERE / "goldens.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes the seeds of the fuzzers of descriptions and of ONNX models into the folders beside this file."""
import json
import pathlib

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper

here = pathlib.Path(__file__).parent


def write(name, data):
    path = here / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


# Of the network in io/fuzz_description.cpp, whose outputs are planes, small (12 channels in 4 x 4 and 2 x 2 pixels),
# pixels and list (the first with its channels last), anchors (48 of 4 numbers), one (12 numbers).
distances = {"task": "detect", "form": "distances", "bins": 2, "threshold": 0, "offset": 0.5, "most_of_level": 9,
             "levels": [{"stride": s, "scores": {"output": o, "first": 8}, "boxes": {"output": o, "count": 8}}
                        for s, o in ((8, "planes"), (16, "small"))], "nms": {"kind": "gaussian", "sigma": 0.3}}
descriptions = {
    "classify": {"task": "classify", "labels": [f"class {i}" for i in range(12)],
                 "resize": {"kind": "crop", "size": 40}, "input": {"mean": [0.4, 0.5, 0.6], "std": 0.2}},
    "list": {"task": "detect", "form": "corners", "background": True, "most": 7, "threshold": -2,
             "levels": [{"scores": {"output": "list", "first": 6}, "boxes": {"output": "list", "count": 4}}],
             "mappings": {"score": "softmax", "position": {"unit": "input", "times": 0.5}}},
    "anchors": {"task": "detect", "levels": [{"stride": 8, "anchors": 3, "sizes": [[4, 4], [8, 16], [20, 9]],
                                              "scores": {"output": "planes", "components": "planes"},
                                              "boxes": "anchors"}],
                "mappings": {"size": {"transform": "exponential", "unit": "anchor"}, "score": "sigmoid"},
                "nms": {"kind": "weighted", "iou": 0.2, "per_class": False}, "clip_to_picture": True},
    "distances": distances,
    "points": {"task": "detect", "levels": [{"stride": 8, "objectness": {"output": "pixels", "first": 4, "count": 1},
                                             "scores": {"output": "pixels", "first": 5, "count": 1},
                                             "boxes": {"output": "pixels", "count": 4},
                                             "points": {"output": "pixels", "first": 6}}],
               "threshold": 0.1, "inclusive": True, "clip_to_input": True, "nms": {"kind": "linear"},
               "mappings": {"point": {"unit": "cell", "plus": 0.5}, "objectness": {"power": 0.6}}},
    "preset": {"preset": "fastestdet", "outputs": "small", "threshold": 0.2},
    "landmarks": {"task": "landmarks", "points": {"output": "one", "count": 9}, "dimensions": 3,
                  "scores": {"output": "one", "first": 9}, "mappings": {"score": "sigmoid"},
                  "region": {"scale": 1.5, "square": True, "turned_by": [0, 1], "outside": "edge"}},
    "segment": {"task": "segment", "scores": "planes",
                "resize": {"kind": "letterbox", "align": "top_left", "pad": 114, "rounded": True}},
}
for name, description in descriptions.items():
    write(f"description/{name}.json", json.dumps(description, separators=(",", ":")).encode())


class Outside:
    """Numbers of a shape in the file "weights", which the fuzzer puts beside the model."""
    def __init__(self, offset, *shape):
        self.offset, self.shape = offset, shape


def constant(name, array):
    if not isinstance(array, Outside):
        return onnx.numpy_helper.from_array(np.asarray(array), name)
    tensor = onnx.TensorProto(name=name, data_type=onnx.TensorProto.FLOAT, dims=array.shape,
                              data_location=onnx.TensorProto.EXTERNAL)
    for key, value in (("location", "weights"), ("offset", array.offset), ("length", 4 * int(np.prod(array.shape)))):
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def model(name, shape, outputs, nodes, constants, kind=onnx.TensorProto.FLOAT):
    """nodes: (operator, inputs, output, attributes)."""
    made = [onnx.helper.make_node(operator, inputs.split(), output.split(), **attributes)
            for operator, inputs, output, attributes in nodes]
    graph = onnx.helper.make_graph(made, name, [onnx.helper.make_tensor_value_info("x", kind, shape)],
                                   [onnx.helper.make_tensor_value_info(o, onnx.TensorProto.FLOAT, None)
                                    for o in outputs], [constant(*one) for one in constants.items()])
    result = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
    write(f"onnx/{name}", result.SerializeToString())


f = np.float32
ints = lambda *values: np.int64(values)
model("sizes", ["N", 2, "H", "W"], ["y"], [
    ("Shape", "x", "shape", {}), ("Gather", "shape two", "height", {"axis": 0}), ("Mul", "height two", "taller", {}),
    ("Unsqueeze", "taller zero", "one", {}), ("Concat", "one one", "sizes", {"axis": 0}),
    ("Slice", "shape zero first", "front", {}), ("Concat", "front sizes", "to", {"axis": 0}),
    ("Resize", "x nothing nothing to", "large", {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}),
    ("MaxPool", "large", "small", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    ("ConvTranspose", "small w", "up", {"strides": [2, 2], "output_padding": [1, 1]}),
    ("Pad", "up pads", "y", {"mode": "reflect"}),
], {"two": np.int64(2), "zero": ints(0), "first": ints(2), "nothing": np.empty(0, f),
    "w": np.linspace(-1, 1, 24, dtype=f).reshape(2, 3, 2, 2), "pads": ints(0, 0, 1, 0, 0, 0, 0, 1)})
model("spelt_out", [1, 4, 3, 3], ["y", "z"], [
    ("Sigmoid", "x", "s", {}), ("Mul", "x s", "silu", {}), ("Add", "silu three", "up", {}),
    ("Clip", "up low high", "c", {}), ("Mul", "silu c", "m", {}), ("Div", "m high", "hard", {}),
    ("PRelu", "hard slope", "p", {}), ("Softplus", "p", "soft", {}), ("Tanh", "soft", "t", {}), ("Mul", "p t", "mish", {}),
    ("ReduceMean", "mish", "mean", {"axes": [2, 3]}), ("HardSigmoid", "mean", "gate", {"alpha": 0.2}),
    ("Mul", "mish gate", "y", {}), ("ReduceL2", "y", "norm", {"axes": [1]}), ("Div", "y norm", "z", {}),
], {"three": f(3), "low": f(0), "high": f(6), "slope": np.linspace(0, 1, 4, dtype=f).reshape(4, 1, 1)})
model("heads", [1, 6, 6, 3], ["scores", "boxes"], [
    ("Cast", "x", "real", {"to": onnx.TensorProto.FLOAT}), ("Sub", "real mean", "near", {}),
    ("Transpose", "near", "planes", {"perm": [0, 3, 1, 2]}), ("Conv", "planes w", "a", {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ("AveragePool", "a", "b", {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("Transpose", "a", "at", {"perm": [0, 2, 3, 1]}), ("Reshape", "at to", "al", {}),
    ("Transpose", "b", "bt", {"perm": [0, 2, 3, 1]}), ("Reshape", "bt to", "bl", {}),
    ("Concat", "al bl", "all", {"axis": 1}), ("Split", "all parts", "raw boxes", {"axis": 2}),
    ("Softmax", "raw", "scores", {"axis": -1}),
], {"mean": np.float32([1, 2, 3]), "w": np.linspace(-1, 1, 12 * 3 * 4, dtype=f).reshape(12, 3, 2, 2),
    "to": ints(1, -1, 6), "parts": ints(2, 4)}, onnx.TensorProto.UINT8)
model("outside", [1, 2, 3, 3], ["y"], [("Conv", "x w b", "y", {})], {"w": Outside(0, 3, 2, 1, 1), "b": Outside(32, 3)})

"""Small models as PyTorch exports them, and what PyTorch computes: the tests of the importer read them.

Debian: apt-get install --no-install-recommends python3-torch python3-onnx, then /usr/bin/python3 make_models.py.

Writes models/<style>_<opset>[_open|_fixed<N>].onnx and expected.txt, a line a model: its name, the batch, the input's
channels, height and width, then the outputs in order. Element i of the input is ((i * 2654435761) mod 2^32) / 2^31 - 1.
"""
import pathlib

import numpy
import torch
from torch import nn
from torch.nn import functional

HERE = pathlib.Path(__file__).parent
OPSETS = range(9, 18)


def conv_bn(inputs, outputs, kernel, stride=1, groups=1, relu=True):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, 1, groups, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, nn.ReLU()) if relu else nn.Sequential(*layers)


def shuffle_5d(x, groups):
    n, c, h, w = x.shape
    return x.reshape(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


def shuffle_5d_view(x, groups):
    n, c, h, w = x.size()
    x = x.view(n, groups, c // groups, h, w)
    return torch.transpose(x, 1, 2).contiguous().view(n, -1, h, w)


def shuffle_permute(x, groups):
    n, c, h, w = x.shape
    return x.reshape(n, groups, c // groups, h * w).permute(0, 2, 1, 3).reshape(n, -1, h, w)


def halves_3d(x):
    """A shuffle by 2 that ends in the two halves."""
    n, c, h, w = x.shape
    x = x.reshape(n * c // 2, 2, h * w).permute(1, 0, 2).reshape(2, -1, c // 2, h, w)
    return x[0], x[1]


class V2(nn.Module):
    """A stem, a unit that halves the image, two that do not, a head."""

    def __init__(self, shuffle=shuffle_5d, split="chunk", half=4, classes=3):
        super().__init__()
        self.shuffle, self.split, self.half = shuffle, split, half
        self.stem = conv_bn(1, half, 3, 2)
        self.left = nn.Sequential(conv_bn(half, half, 3, 2, half, relu=False), conv_bn(half, half, 1))
        self.down = self.branch(2)
        self.units = nn.ModuleList([self.branch(1), self.branch(1)])
        self.classifier = nn.Linear(2 * half, classes)

    def branch(self, stride):
        half = self.half
        return nn.Sequential(conv_bn(half, half, 1), conv_bn(half, half, 3, stride, half, relu=False), conv_bn(half, half, 1))

    def halves(self, x):
        if self.split == "chunk":
            return x.chunk(2, 1)
        if self.split == "split":
            return torch.split(x, [self.half, self.half], dim=1)
        return x[:, :self.half], x[:, self.half:]

    def forward(self, x):
        x = self.stem(x)
        x = torch.cat((self.left(x), self.down(x)), 1)
        for unit in self.units:
            left, kept = halves_3d(x) if self.shuffle is halves_3d else self.halves(self.shuffle(x, 2))
            x = torch.cat((left, unit(kept)), 1)
        return self.classifier(x.mean((2, 3)))


class V1(nn.Module):
    def __init__(self, groups=3, channels=6):
        super().__init__()
        self.groups = groups
        self.stem = nn.Sequential(conv_bn(2, channels, 3), nn.MaxPool2d(3, 2, 1))
        self.reduce = nn.ModuleList(conv_bn(c, 2 * groups, 1, 1, groups) for c in (channels, 2 * channels))
        self.depthwise = nn.ModuleList(conv_bn(2 * groups, 2 * groups, 3, s, 2 * groups, relu=False) for s in (2, 1))
        self.expand = nn.ModuleList(conv_bn(2 * groups, c, 1, 1, groups, relu=False) for c in (channels, 2 * channels))
        self.classifier = nn.Linear(2 * channels, 3)

    def branch(self, i, x):
        return self.expand[i](self.depthwise[i](shuffle_5d(self.reduce[i](x), self.groups)))

    def forward(self, x):
        x = self.stem(x)
        x = torch.relu(torch.cat((functional.avg_pool2d(x, 3, 2, 1), self.branch(0, x)), 1))
        x = torch.relu(x + self.branch(1, x))
        return self.classifier(functional.adaptive_avg_pool2d(x, 1).flatten(1))


class Apply(nn.Module):
    """A convolution to `channels`, then a function of it and of a few parameters."""

    def __init__(self, function, channels=6, **parameters):
        super().__init__()
        self.first = nn.Conv2d(2, channels, 1)
        self.function = function
        for name, value in parameters.items():
            setattr(self, name, value if isinstance(value, nn.Module) else nn.Parameter(value))

    def forward(self, x):
        return self.function(self, self.first(x))


def random(*shape):
    return torch.randn(*shape)


def styles():
    """Name -> (module, input shape, opsets, batches); a batch is "open" or a number."""
    every, some = list(OPSETS), [9, 11, 13, 17]
    image, small = (1, 16, 16), (2, 3, 5)
    result = {
        "v2_5d": (V2(), image, every, ["open", 1]),
        "v2_5d_view": (V2(shuffle_5d_view, "split"), image, some, ["open", 3]),
        "v2_permute": (V2(shuffle_permute, "slice"), image, some, ["open", 1]),
        "v2_3d": (V2(halves_3d), image, some, ["open", 1, 3]),
        "v1": (V1(), (2, 15, 12), some, ["open", 1]),
    }
    permutation = torch.tensor([4, 1, 0, 5, 3, 2])
    functions = {
        "shuffle_twice": lambda m, x: torch.relu(shuffle_5d(shuffle_5d(x, 2), 3)),
        "unshuffle": lambda m, x: shuffle_5d(torch.relu(shuffle_5d(x, 2)), 3),
        "every_second": lambda m, x: torch.cat((x[:, 1::2], torch.relu(x[:, ::2])), 1),
        "index": lambda m, x: torch.relu(x[:, permutation]),
        "index_select": lambda m, x: torch.index_select(x, 1, permutation) + x,
        "one_channel": lambda m, x: torch.relu(x[:, 3:4]),
        "uneven_split": lambda m, x: torch.cat(torch.split(x, [1, 2, 3], 1)[::-1], 1).relu(),
        "relu6": lambda m, x: functional.relu6(x),
        "clamp": lambda m, x: x.clamp(0, 6) + x.clamp(min=0),
        "pool_ceil": lambda m, x: functional.max_pool2d(x, 3, 2, 1, ceil_mode=True),
        "pool_inner": lambda m, x: functional.avg_pool2d(x, (3, 2), (1, 2), (1, 1), count_include_pad=False),
        "pad_conv": lambda m, x: functional.conv2d(functional.pad(x, (1, 2, 0, 1)), m.w),
        "pad_mean": lambda m, x: functional.avg_pool2d(functional.pad(x, (1, 0, 1, 0)), 2),
        "norm": lambda m, x: m.norm(torch.relu(x)),
        "mean_keep": lambda m, x: m.head(x.mean((2, 3), keepdim=True)),
        "mean_twice": lambda m, x: m.linear(x.mean(3).mean(2)),
        "mean_flat": lambda m, x: m.linear(x.view(x.size(0), x.size(1), -1).mean(2)),
        "global_view": lambda m, x: m.linear(functional.adaptive_avg_pool2d(x, 1).view(-1, 6)),
        "global_squeeze": lambda m, x: m.linear(functional.adaptive_avg_pool2d(x, 1).squeeze(3).squeeze(2)),
        "global_reshape": lambda m, x: m.linear(functional.adaptive_avg_pool2d(x, 1).reshape(x.shape[0], -1)),
        "flatten_linear": lambda m, x: m.wide(torch.flatten(x, 1)),
        "view_linear": lambda m, x: m.wide(shuffle_5d(x, 2).reshape(x.size(0), -1)),
        "matmul": lambda m, x: x.mean((2, 3)) @ m.matrix + m.bias,
        "matmul_wide": lambda m, x: x.flatten(1) @ m.wide_matrix + m.bias,
        "no_bias": lambda m, x: m.unbiased(x.mean((2, 3))),
        "bias_alone": lambda m, x: torch.relu(x) + m.channel_bias,
        "dropout": lambda m, x: m.linear(functional.dropout(x.mean((2, 3)), 0.2, m.training)),
        "softmax": lambda m, x: m.linear(x.mean((2, 3))).softmax(1),
        "softmax_image": lambda m, x: x.softmax(1),
        "unsqueeze": lambda m, x: m.head(x.mean((2, 3)).unsqueeze(-1).unsqueeze(-1)).squeeze(-1).squeeze(-1),
        "dilated": lambda m, x: m.dilated(x),
    }
    norm = nn.BatchNorm2d(6)
    for statistic in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
        statistic.data.uniform_(0.5, 1.5)
    for name, function in functions.items():
        parameters = {
            "pad_conv": dict(w=random(4, 6, 2, 2)), "norm": dict(norm=norm), "mean_keep": dict(head=nn.Conv2d(6, 3, 1)),
            "flatten_linear": dict(wide=nn.Linear(90, 3)), "view_linear": dict(wide=nn.Linear(90, 3)),
            "matmul": dict(matrix=random(6, 3), bias=random(3)), "no_bias": dict(unbiased=nn.Linear(6, 3, bias=False)),
            "matmul_wide": dict(wide_matrix=random(90, 3), bias=random(3)), "bias_alone": dict(channel_bias=random(6, 1, 1)),
            "unsqueeze": dict(head=nn.Conv2d(6, 3, 1)),
            "dilated": dict(dilated=nn.Conv2d(6, 4, (1, 3), padding=(0, 2), dilation=(1, 2), groups=2)),
        }.get(name, dict(linear=nn.Linear(6, 3)))
        opsets = [10, 13, 17] if name == "every_second" else [9, 13, 17]  # steps came with opset 10
        result[name] = (Apply(function, **parameters), small, opsets, ["open", 2])
    return result


def input_of(batch, shape):
    count = batch * int(numpy.prod(shape))
    values = (numpy.arange(count, dtype=numpy.uint64) * 2654435761 % 2**32).astype(numpy.float64) / 2**31 - 1
    return torch.from_numpy(values.astype(numpy.float32)).reshape(batch, *shape)


def main():
    torch.manual_seed(0)
    models = HERE / "models"
    models.mkdir(exist_ok=True)
    lines = []
    for style, (module, shape, opsets, batches) in styles().items():
        module.eval()
        for opset in opsets:
            for batch in batches if opset == 13 else batches[:1]:
                name = f"{style}_{opset}_" + ("open" if batch == "open" else f"fixed{batch}")
                x = input_of(2 if batch == "open" else batch, shape)
                with torch.no_grad():
                    y = module(x)
                axes = dict(dynamic_axes={"input": {0: "n"}, "output": {0: "n"}}) if batch == "open" else {}
                # Every second one keeps its batch norms, and the arithmetic that could have been folded.
                keeps = opset % 2 == 0 or style == "norm"
                mode = torch.onnx.TrainingMode.PRESERVE if keeps else torch.onnx.TrainingMode.EVAL
                torch.onnx.export(module, x, str(models / f"{name}.onnx"), opset_version=opset, training=mode,
                                  do_constant_folding=not keeps, input_names=["input"], output_names=["output"], **axes)
                values = " ".join(f"{v:.9g}" for v in y.flatten().tolist())
                lines.append(f"{name} {x.shape[0]} {shape[0]} {shape[1]} {shape[2]} {values}\n")
    (HERE / "expected.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()

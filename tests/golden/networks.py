"""The reference networks in PyTorch, and riffle's seeded random weights in numpy.

What riffle's models are measured against: make_goldens.py and check_torch.py use it. The networks are those of
models/shufflenet_v1.cpp, shufflenet_v2.cpp and blocks.cpp, the random numbers those of models/weights.cpp, bit for bit.
"""
import numpy
import torch
from torch import nn

V1_CHANNELS = {1: (144, 288, 576), 2: (200, 400, 800), 3: (240, 480, 960), 4: (272, 544, 1088), 8: (384, 768, 1536)}
V2_PAPER_CHANNELS = {0.5: (48, 96, 192, 1024), 1.0: (116, 232, 464, 1024), 1.5: (176, 352, 704, 1024),
                     2.0: (244, 488, 976, 2048)}


# Random numbers: element i of tensor `name` depends on (seed, name, i) alone.

GOLDEN_RATIO = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def mix(z):
    """splitmix64's finaliser, of an array of uint64."""
    z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return z ^ (z >> numpy.uint64(31))


def fnv1a(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def random_values(seed, name, count, centre, reach):
    """`count` floats, uniform in [centre - reach, centre + reach)."""
    key = mix(numpy.array([(seed * GOLDEN_RATIO + fnv1a(name)) & MASK], numpy.uint64))
    counter = numpy.arange(1, count + 1, dtype=numpy.uint64)
    bits = mix(key + counter * numpy.uint64(GOLDEN_RATIO))
    signed = (bits >> numpy.uint64(40)).astype(numpy.int64) - (1 << 23)
    scale = numpy.float32(numpy.float32(reach) * numpy.float32(2.0 ** -23))
    return numpy.float32(centre) + signed.astype(numpy.float32) * scale


def random_parameter(seed, name, shape):
    count = int(numpy.prod(shape))
    if name.endswith("running_var") or (len(shape) == 1 and name.endswith("weight")):
        values = random_values(seed, name, count, 1.0, 0.5)
    elif len(shape) == 1:
        values = random_values(seed, name, count, 0.0, 0.2)
    else:
        depthwise = len(shape) == 4 and shape[1] == 1
        gain = 1.5 if ".expand." in name else 3.0 if depthwise else 6.0
        fan_in = float(numpy.prod(shape[1:]))
        values = random_values(seed, name, count, 0.0, numpy.sqrt(gain / fan_in))
    return values.reshape(shape)


def fill(net, seed):
    """Gives a network its random weights; returns it in eval mode."""
    for name, value in net.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            value.copy_(torch.from_numpy(random_parameter(seed, name, tuple(value.shape))))
    return net.eval()


def make_input(batch, channels, height, width):
    """Noise over patches of 16 x 16 pixels that differ in brightness, so that images differ in the mean as well."""
    shape = (batch, channels, height, width)
    fine = random_values(0, "input", int(numpy.prod(shape)), 0.0, 0.5).reshape(shape)
    coarse_shape = (batch, channels, (height + 15) // 16, (width + 15) // 16)
    coarse = random_values(0, "input.coarse", int(numpy.prod(coarse_shape)), 0.0, 1.0).reshape(coarse_shape)
    coarse = coarse.repeat(16, 2).repeat(16, 3)[:, :, :height, :width]
    return torch.from_numpy(numpy.ascontiguousarray(fine + coarse))


def conv_bn(inputs, outputs, kernel, stride=1, groups=1, relu=True, bias=False):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, 1, groups, bias), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, nn.ReLU()) if relu else nn.Sequential(*layers)


def shuffle(x, groups):
    n, c, h, w = x.shape
    return x.reshape(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)


class V1Unit(nn.Module):
    def __init__(self, inputs, outputs, groups, down, first, pooled_first):
        super().__init__()
        middle, branch = outputs // 4, outputs - inputs if down else outputs
        self.groups, self.down, self.pooled_first = groups, down, pooled_first
        self.reduce = conv_bn(inputs, middle, 1, groups=1 if first else groups)
        self.depthwise = conv_bn(middle, middle, 3, 2 if down else 1, groups=middle, relu=False)
        self.expand = conv_bn(middle, branch, 1, groups=groups, relu=False)

    def forward(self, x):
        y = self.expand(self.depthwise(shuffle(self.reduce(x), self.groups)))
        if not self.down:
            return torch.relu(x + y)
        pooled = nn.functional.avg_pool2d(x, 3, 2, 1)  # the padding counts in the mean
        return torch.relu(torch.cat((pooled, y) if self.pooled_first else (y, pooled), 1))


class V2Unit(nn.Module):
    def __init__(self, inputs, outputs, down, residual):
        super().__init__()
        half = outputs // 2
        self.down, self.residual = down, residual
        if down:
            self.left = nn.Sequential(conv_bn(inputs, inputs, 3, 2, inputs, relu=False), conv_bn(inputs, half, 1))
        self.right = nn.Sequential(conv_bn(inputs if down else half, half, 1),
                                   conv_bn(half, half, 3, 2 if down else 1, half, relu=False), conv_bn(half, half, 1))

    def forward(self, x):
        if self.down:
            left, right = self.left(x), self.right(x)
        else:
            left, kept = x.chunk(2, 1)
            right = self.right(kept)
            if self.residual:
                right = right + kept
        return shuffle(torch.cat((left, right), 1), 2)


class Net(nn.Module):
    def __init__(self, stem, units, tail, features, classes):
        super().__init__()
        self.stem, self.units, self.tail, self.classifier = stem, units, tail, nn.Linear(features, classes)

    def forward(self, x):
        return self.classifier(self.tail(self.units(self.stem(x))).mean((2, 3)))


def stem_of(in_channels, channels, bias):
    return nn.Sequential(conv_bn(in_channels, channels, 3, 2, bias=bias), nn.MaxPool2d(3, 2, 1))


def shufflenet_v1(groups=3, width=1.0, flavour="paper", in_channels=3, classes=1000):
    note = flavour == "note"
    stages = [int(c * width) for c in V1_CHANNELS[groups]]
    stem = int(24 * width) if note else 24
    units, channels = [], stem
    for stage, (outputs, repeats) in enumerate(zip(stages, (2, 4, 2) if note else (4, 8, 4))):
        for unit in range(repeats):
            units.append(V1Unit(channels, outputs, groups, unit == 0, stage == 0 and unit == 0, not note))
            channels = outputs
    return Net(stem_of(in_channels, stem, note), nn.Sequential(*units), nn.Identity(), channels, classes)


def shufflenet_v2_of(stages, flavour, residual, in_channels, classes):
    """ShuffleNet V2 of any channels: three stages', and the last convolution's."""
    note = flavour == "note"
    units, channels = [], 24
    for outputs, repeats in zip(stages, (4, 8, 4)):
        for unit in range(repeats):
            units.append(V2Unit(channels, outputs, unit == 0, residual))
            channels = outputs
    tail = conv_bn(channels, stages[3], 1, relu=not note)
    return Net(stem_of(in_channels, 24, note), nn.Sequential(*units), tail, stages[3], classes)


def shufflenet_v2(width=1.0, flavour="paper", residual=False, in_channels=3, classes=1000):
    if flavour == "note":
        stages = [int(c * width) for c in (116, 232, 464)] + [int(1024 * width) if width > 1.5 else 1024]
    else:
        stages = V2_PAPER_CHANNELS[width]
    return shufflenet_v2_of(stages, flavour, residual, in_channels, classes)


class Separable(nn.Module):
    """Xception's separable convolution: nothing between its halves."""

    def __init__(self, inputs, outputs, kernel, stride=1, dilation=1):
        super().__init__()
        padding = dilation * (kernel // 2)
        self.depthwise = nn.Conv2d(inputs, inputs, kernel, stride, padding, dilation, inputs, False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x):
        return self.pointwise(self.depthwise(x))


class ResNextBlock(nn.Module):
    def __init__(self, inputs, middle, outputs, kernel, groups, stride):
        super().__init__()
        self.reduce = conv_bn(inputs, middle, 1)
        self.grouped = conv_bn(middle, middle, kernel, stride, groups)
        self.expand = conv_bn(middle, outputs, 1, relu=False)
        if inputs != outputs or stride != 1:
            self.shortcut = conv_bn(inputs, outputs, 1, stride, relu=False)

    def forward(self, x):
        shortcut = self.shortcut(x) if hasattr(self, "shortcut") else x
        return torch.relu(self.expand(self.grouped(self.reduce(x))) + shortcut)


class Xception(nn.Module):
    """A small network of separable convolutions: kernels 3 and 5, dilation 2, stride 2, a residual."""

    def __init__(self, channels, classes):
        super().__init__()
        self.stem = conv_bn(3, channels, 3, 2)
        self.enter = nn.Sequential(Separable(channels, 2 * channels, 3), nn.BatchNorm2d(2 * channels), nn.ReLU(),
                                   Separable(2 * channels, 2 * channels, 5, dilation=2), nn.BatchNorm2d(2 * channels),
                                   nn.MaxPool2d(3, 2, 1))
        self.skip = conv_bn(channels, 2 * channels, 1, 2, relu=False)
        self.leave = nn.Sequential(Separable(2 * channels, 3 * channels, 5, stride=2), nn.BatchNorm2d(3 * channels),
                                   nn.ReLU(), Separable(3 * channels, 4 * channels, 3, dilation=2),
                                   nn.BatchNorm2d(4 * channels), nn.ReLU())
        self.classifier = nn.Linear(4 * channels, classes)

    def forward(self, x):
        x = self.stem(x)
        x = torch.relu(self.enter(x) + self.skip(x))
        x = nn.functional.adaptive_avg_pool2d(self.leave(x), 1)
        return torch.softmax(self.classifier(torch.flatten(x, 1)), 1)

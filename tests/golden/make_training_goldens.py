#!/usr/bin/env python3
"""Writes training.txt: a training step of narrow networks in PyTorch, and the first steps of its optimizers.

    make_training_goldens.py           # needs torch 1.13 (Debian 12: python3-torch)

Weights, images and labels are functions of their names and places (networks.py), which C++ makes anew. All numbers are
of float64. Lines are `kind key value ... : numbers`:

    network    a case, its spec, and the loss and the number of right answers of batch `step`
    gradient   of a parameter: its norm, its largest magnitude, and the elements at 0, 1/4, 1/2, 3/4 and the end
    statistic  of a batch norm after that one step: the elements likewise
    adam, sgd  the loss before each of ten steps, each on a batch of its own

Training magnifies rounding: where a ReLU or a maximum decides otherwise, the gradient jumps, and at a learning rate of
0.001 PyTorch's own float32 is 1e-3 away from its float64 after some steps. Only as many losses are written as PyTorch in
float32 can follow, in both memory formats and from images that are a millionth off; of the note's networks, at the small
rates, that is all ten.
"""
import copy
import pathlib
import sys

import torch

import networks

HERE = pathlib.Path(__file__).resolve().parent
SEED, BATCH, STEPS, CLASSES, SIZE = 1, 8, 10, 10, 64
FOLLOWS = 3e-5  # relative

# Case, spec as C++ takes it, label smoothing, what gradients may differ by, of a tensor's largest. In the widest of them
# some ReLU decides otherwise from one float32 to another whatever the batch, which moves gradients by a hundredth.
CASES = (("v1_note", dict(kind="v1", groups=2, width=0.36, flavour="note"), 0.0, 2e-4),
         ("v1_paper", dict(kind="v1", groups=3, width=0.25, flavour="paper"), 0.0, 2e-4),
         ("v2_note_residual", dict(kind="v2", width=0.26, flavour="note", residual=1), 0.1, 2e-4),
         ("v2_paper", dict(kind="v2", width=0.5, flavour="paper", residual=0), 0.0, 5e-2))
OPTIMIZERS = (("adam", torch.optim.Adam, dict(lr=0.001)), ("adam", torch.optim.Adam, dict(lr=0.00003)),
              ("sgd", torch.optim.SGD, dict(lr=0.001, momentum=0.9, weight_decay=0.01)),
              ("sgd", torch.optim.SGD, dict(lr=0.00001, momentum=0.9, weight_decay=0.01)))


def make(spec):
    channels = 1 if spec["flavour"] == "note" else 3
    if spec["kind"] == "v1":
        net = networks.shufflenet_v1(spec["groups"], spec["width"], spec["flavour"], channels, CLASSES)
    else:
        net = networks.shufflenet_v2(spec["width"], spec["flavour"], bool(spec["residual"]), channels, CLASSES)
    return networks.fill(net, SEED).train(), networks.make_input(BATCH * STEPS, channels, SIZE, SIZE)


def labels_of(step):
    """Image i of all has label (7 i + i / 3) mod classes."""
    i = torch.arange(step * BATCH, (step + 1) * BATCH)
    return (7 * i + torch.div(i, 3, rounding_mode="floor")) % CLASSES


def loss_of(net, images, step, smoothing):
    batch = images[step * BATCH:(step + 1) * BATCH]
    logits = net(batch)
    return torch.nn.functional.cross_entropy(logits, labels_of(step), label_smoothing=smoothing), logits


def trained(net, images, smoothing, optimizer, options):
    """The losses before each step."""
    net = copy.deepcopy(net)
    optimizer = optimizer(net.parameters(), **options)
    losses = []
    for step in range(STEPS):
        loss, _ = loss_of(net, images, step, smoothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def gradients_of(net, images, step, smoothing):
    """By parameter. The network stays as it is."""
    net = copy.deepcopy(net)
    loss_of(net, images, step, smoothing)[0].backward()
    return {name: value.grad for name, value in net.named_parameters()}


def difference(gradients, exact):
    """The largest, of a tensor's largest gradient. Where a sum cancels, as that of a bias before a batch norm, what
    float32 leaves of it is rounding."""
    rounding = 5e-6 * max(gradient.abs().max().item() for gradient in exact.values())
    return max(((gradients[name] - gradient).abs().max().item() - rounding) / gradient.abs().max().item()
               for name, gradient in exact.items())


def elements(tensor):
    flat = tensor.flatten()
    return [flat[i * (len(flat) - 1) // 4].item() for i in range(5)]


def line(kind, fields, values):
    words = " ".join(f"{key} {value}" for key, value in fields.items())
    return f"{kind} {words} : " + " ".join(f"{value:.8g}" for value in values)


def followed(exact, others):
    """How many of the exact losses all of the others have."""
    for step, losses in enumerate(zip(exact, *others)):
        if max(abs(loss / losses[0] - 1) for loss in losses) > FOLLOWS:
            return step
    return len(exact)


def case_lines(name, spec, smoothing, within):
    single, images = make(spec)
    net, exact_images = copy.deepcopy(single).double(), images.double()
    last = copy.deepcopy(single).to(memory_format=torch.channels_last)
    torch.manual_seed(0)
    off = images * (1 + 1e-6 * torch.randn_like(images))
    for label, optimizer, options in OPTIMIZERS:
        exact = trained(net, exact_images, smoothing, optimizer, options)
        others = [trained(n, x, smoothing, optimizer, options) for n, x in ((single, images), (last, images), (single, off))]
        steps = followed(exact, others)
        print(f"{name} {label} {options['lr']}: {exact[0]:.4f} to {exact[-1]:.4f}, float32 follows {steps} steps",
              file=sys.stderr)
        assert steps == STEPS or options["lr"] >= 0.001 or spec["flavour"] == "paper"
        if steps > 1:
            yield line(label, dict(case=name, **options), exact[:steps])

    # The step is on the batch in which float32 decides as float64 does.
    singles = [(single, images), (last, images), *((single, images * (1 + 2e-7 * torch.randn_like(images)))
                                                   for _ in range(2))]
    differences = []
    for step in range(STEPS):
        exact = gradients_of(net, exact_images, step, smoothing)
        differences.append(max(difference(gradients_of(n, x, step, smoothing), exact) for n, x in singles))
    step = min(range(STEPS), key=lambda i: differences[i])
    print(f"{name}: float32 gradients differ by " + " ".join(f"{d:.0e}" for d in differences), file=sys.stderr)
    assert differences[step] < 1e-4

    gradients = gradients_of(net, exact_images, step, smoothing)
    for parameter, gradient in gradients.items():
        numbers = [gradient.norm().item(), gradient.abs().max().item(), *elements(gradient)]
        yield line("gradient", dict(case=name, name=parameter), numbers)
    loss, logits = loss_of(net, exact_images, step, smoothing)
    correct = (logits.argmax(1) == labels_of(step)).sum().item()
    fields = dict(case=name, **spec, height=SIZE, width_px=SIZE, batch=BATCH, steps=STEPS, smoothing=smoothing, step=step,
                  within=within)
    yield line("network", fields, [loss.item(), correct])
    for statistic, value in net.named_buffers():
        if not statistic.endswith("num_batches_tracked"):
            yield line("statistic", dict(case=name, name=statistic), elements(value))


def main():
    lines = [f"# Made by make_training_goldens.py with PyTorch {torch.__version__}. Seed {SEED}."]
    for case in CASES:
        lines += case_lines(*case)
    (HERE / "training.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

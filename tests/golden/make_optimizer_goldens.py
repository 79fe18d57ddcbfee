#!/usr/bin/env python3
"""Writes optimizers.txt: what PyTorch's optimizers, its clipping and its schedules do.

    make_optimizer_goldens.py            # needs torch 1.13 (Debian 12: python3-torch)

A line a case: `key value` pairs, a colon, numbers. Of an optimizer they are the parameters after each of STEPS steps:
a weight of 3 x 2 and a bias of 5. Values and gradients are functions of their names (networks.py), which C++ makes
anew; the third step's gradient is zero. Of a schedule they are the rates of its steps.
"""
import pathlib

import torch
from torch.optim import lr_scheduler

import networks

HERE = pathlib.Path(__file__).resolve().parent
SEED = 1
STEPS = 8
SHAPES = {"weight": (3, 2), "bias": (5,)}


def values(name, shape):
    count = int(torch.tensor(shape).prod())
    return torch.from_numpy(networks.random_values(SEED, name, count, 0.0, 1.0)).reshape(shape)


def optimizer_case(kind, rate, decay, weights_only=0, clip=0, **options):
    parameters = {name: torch.nn.Parameter(values(name, shape)) for name, shape in SHAPES.items()}
    groups = [{"params": [parameters["weight"]], "weight_decay": decay},
              {"params": [parameters["bias"]], "weight_decay": 0 if weights_only else decay}]
    make = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[kind]
    optimizer = make(groups, lr=rate, **options)
    numbers = []
    for step in range(STEPS):
        for name, parameter in parameters.items():
            parameter.grad = values(f"{name}.gradient.{step}", SHAPES[name]) * (0 if step == 2 else 1)
        if clip:
            numbers.append(float(torch.nn.utils.clip_grad_norm_(parameters.values(), clip)))
        optimizer.step()
        for parameter in parameters.values():
            numbers += parameter.detach().flatten().tolist()
    fields = dict(rate=rate, decay=decay, weights_only=weights_only, clip=clip)
    if "betas" in options:
        fields["beta1"], fields["beta2"] = options.pop("betas")
    fields.update((key, int(value) if isinstance(value, bool) else value) for key, value in options.items())
    return kind, fields, numbers


def schedule_case(kind, steps, warmup=0, every=1, factor=0.1):
    rate = 0.05
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    falling = {"constant": lambda o: lr_scheduler.ConstantLR(o, factor=1.0),
               "step": lambda o: lr_scheduler.StepLR(o, every, factor),
               "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, steps - warmup),
               "linear": lambda o: lr_scheduler.LinearLR(o, 1.0, 0.0, steps - warmup)}[kind]
    if warmup:
        rising = lr_scheduler.LinearLR(optimizer, 1.0 / warmup, 1.0, warmup - 1)
        scheduler = lr_scheduler.SequentialLR(optimizer, [rising, falling(optimizer)], [warmup])
    else:
        scheduler = falling(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return kind, dict(rate=rate, steps=steps, warmup=warmup, every=every, factor=factor), rates


def cases():
    yield optimizer_case("sgd", 0.1, 0, momentum=0)
    yield optimizer_case("sgd", 0.1, 0.05, momentum=0)
    yield optimizer_case("sgd", 0.1, 0, momentum=0.9)
    yield optimizer_case("sgd", 0.05, 0.01, momentum=0.9)
    yield optimizer_case("sgd", 0.05, 0.01, momentum=0.8, nesterov=True)
    yield optimizer_case("sgd", 0.05, 0.1, weights_only=1, momentum=0.9, nesterov=True)
    yield optimizer_case("sgd", 0.5, 0.01, clip=0.7, momentum=0.9)
    yield optimizer_case("adam", 0.001, 0)
    yield optimizer_case("adam", 0.1, 0, betas=(0.8, 0.99), eps=1e-3)
    yield optimizer_case("adam", 0.02, 0.1)
    yield optimizer_case("adam", 0.02, 0.1, weights_only=1)
    yield optimizer_case("adam", 0.02, 0, clip=0.1)
    yield optimizer_case("adam", 0.02, 0, clip=100)
    yield optimizer_case("adamw", 0.02, 0.3)
    yield optimizer_case("adamw", 0.02, 0.3, weights_only=1)
    yield schedule_case("constant", 4)
    yield schedule_case("constant", 6, warmup=4)
    yield schedule_case("step", 10, every=3, factor=0.3)
    yield schedule_case("cosine", 12)
    yield schedule_case("cosine", 15, warmup=5)
    yield schedule_case("linear", 12)
    yield schedule_case("linear", 15, warmup=5)


def main():
    lines = [f"# Made by make_optimizer_goldens.py with PyTorch {torch.__version__}. Seed {SEED}, {STEPS} steps."]
    for kind, fields, numbers in cases():
        words = " ".join(f"{key} {value}" for key, value in fields.items())
        lines.append(f"{kind} {words} : " + " ".join(f"{number:.9g}" for number in numbers))
    (HERE / "optimizers.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

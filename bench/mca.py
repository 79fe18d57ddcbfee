#!/usr/bin/env python3
"""What LLVM's machine code analyser says of the inner loops of the AArch64 kernels in assembly.

usage: mca.py [--mca llvm-mca-14] [--objdump aarch64-linux-gnu-objdump] [--cpu CPU]... PROGRAM [FUNCTION...]

PROGRAM is any program with the kernels in it, not stripped. A function's loop is the one with the most multiply-adds
among those in which no branch leads back. One that leads further on inside is taken: results without bounds. One that
leads behind the loop is not. Columns: instructions of a round and how many are multiply-adds; cycles of a round; the
cycles that the multiply-adds alone take, and those of the busiest unit; the latter in percent of the cycles.
"""
import argparse, re, subprocess

parser = argparse.ArgumentParser(usage=__doc__)
parser.add_argument("--mca", default="llvm-mca-14")
parser.add_argument("--objdump", default="aarch64-linux-gnu-objdump")
parser.add_argument("--cpu", action="append", dest="cpus")
parser.add_argument("program")
parser.add_argument("functions", nargs="*")
args = parser.parse_args()
cpus = args.cpus or ["cortex-a55", "cortex-a76", "cortex-x1"]
functions = args.functions or [
    f"riffle_{name}_{isa}" for isa in ("neon64", "neon64fp16")
    for name in ("strip_4x4", "strip_5x3", "strip_7x2", "depthwise_rows_1x2", "depthwise_rows_2x2",
                 "depthwise_5x5_rows_1", "stem_row_7x3", "multiply_rows")] + [
    f"riffle_{name}_{isa}" for isa in ("neon64pairs", "neon64dot") for name in ("strip_4x4", "strip_5x3", "strip_7x2")]
multiply_adds = ("fmla", "sdot", "smull", "smlal")
rounds = 100


def loop_of(function):
    text = subprocess.run([args.objdump, "-d", "--no-show-raw-insn", f"--disassemble={function}", args.program],
                          capture_output=True, text=True, check=True).stdout
    code = []  # (address, operation, operands)
    for line in text.splitlines():
        if match := re.match(r"\s*([0-9a-f]+):\t(\S+)\s*([^/]*)", line):
            code.append((int(match[1], 16), match[2], match[3].strip()))
    best, most = [], 0
    for address, operation, operands in code:
        target = target_of(operation, operands)
        if target is None or target > address:
            continue
        body = way_through([line for line in code if target <= line[0] < address])
        count = sum(line[1] in multiply_adds for line in body)
        if count > most:
            best, most = body, count
    return [f"{operation} {re.sub(r'[0-9a-f]+ <.*', '.', operands)}" for _, operation, operands in best]


def target_of(operation, operands):
    target = re.search(r"([0-9a-f]+) <", operands)
    return int(target[1], 16) if target and re.match(r"b\.|cb|tb", operation) else None


def way_through(body):
    """A loop's instructions if all branches inside are taken and those out of it are not; none if one goes back."""
    way, at = [], 0
    for line in body:
        if line[0] < at:
            continue
        way.append(line)
        if re.match(r"(b|b\..*|bl|cb\w+|tb\w+|ret)$", line[1]):
            target = target_of(*line[1:]) or 0
            if target <= line[0]:
                return []
            if target <= body[-1][0]:
                at = target
    return way


def analyse(lines, cpu):
    text = subprocess.run([args.mca, "-mtriple=aarch64", f"-mcpu={cpu}", f"-iterations={rounds}"],
                          input="\n".join(lines), capture_output=True, text=True, check=True).stdout
    cycles = int(re.search(r"Total Cycles: +(\d+)", text)[1]) / rounds
    pressure = re.search(r"Resource pressure per iteration:\n[^\n]*\n([^\n]*)", text)[1].split()
    return cycles, max(float(unit) for unit in pressure if unit != "-")


print("| loop | core | instructions | multiply-adds | cycles | multiply-adds' limit | busiest unit | of that |")
print("|---|---|---|---|---|---|---|---|")
for function in functions:
    loop = loop_of(function)
    adds = [line for line in loop if line.startswith(multiply_adds)]
    for cpu in cpus:
        cycles, busiest = analyse(loop, cpu)
        limit = analyse(adds, cpu)[1]
        print(f"| {function.removeprefix('riffle_').removesuffix('_neon64')} | {cpu.removeprefix('cortex-')} | "
              f"{len(loop) + 1} | {len(adds)} | {cycles:.0f} | {limit:.0f} | {busiest:.0f} | "
              f"{100 * busiest / cycles:.0f} % |")

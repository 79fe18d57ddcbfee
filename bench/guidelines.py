#!/usr/bin/env python3
"""ShuffleNet V2's four guidelines on this CPU, as the paper's tables 1 to 4 (arXiv 1807.11164), in Markdown.

    guidelines.py [--rounds 9] [--bench build/release/bin/riffle_bench]

Each round runs every benchmark `guideline/...` once. A cell has the images in a second of one thread's time, the median
over the rounds, and in brackets the multiply-adds in a second as a share of the first row's, the median of the rounds'
own ratios: those are what can be compared where a machine's speed drifts. Then, for two of the columns: the share of
the vectors' lanes that hold an output, and the bytes of weights and activations, each once. The last columns are the
paper's speeds, likewise as shares.
"""
import argparse
import collections
import json
import pathlib
import statistics
import subprocess

root = pathlib.Path(__file__).resolve().parent.parent

# What the paper measured on ARM (a Snapdragon 810) and on a GPU (a GTX 1080 Ti), first columns.
PAPER = {
    1: {"1:1": (76.2, 1480), "1:2": (72.9, 1296), "1:6": (69.1, 876), "1:12": (57.6, 748)},
    2: {"g:1": (40.0, 2451), "g:2": (35.0, 1725), "g:4": (32.9, 1026), "g:8": (27.8, 634)},
    3: {"1-fragment": (40.2, 2446), "2-fragment-series": (38.6, 1790), "4-fragment-series": (38.4, 752),
        "2-fragment-parallel": (33.4, 1537), "4-fragment-parallel": (35.0, 691)},
    4: {"relu,shortcut": (56.7, 2427), "relu,no-shortcut": (61.9, 2647), "no-relu,shortcut": (57.3, 2672),
        "no-relu,no-shortcut": (66.3, 2842)},
}
TITLES = {1: "G1: c1 : c2", 2: "G2: groups", 3: "G3: fragments", 4: "G4: element-wise"}

Cell = collections.namedtuple("Cell", "channels images gmacs lanes bytes")


def run(bench):
    """{guideline: {column: {row: Cell}}}, each in the order of the benchmarks."""
    command = [bench, "--benchmark_filter=^guideline/", "--benchmark_format=json"]
    out = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    tables = {}
    for result in json.loads(out)["benchmarks"]:
        _, number, row, column, channels = result["name"].split("/")[:5]
        values = channels.replace("c1:", "").replace("c2:", "").replace("c:", "").replace(",", ", ")
        cell = Cell(values, result["images/s"], result["GMAC/s"], result["lanes"], result["bytes"])
        tables.setdefault(int(number), {}).setdefault(column, {})[row] = cell
    return tables


def number_text(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell_text(cells, firsts):
    share = statistics.median(cell.gmacs / first.gmacs for cell, first in zip(cells, firsts))
    return f"{number_text(statistics.median(cell.images for cell in cells))} ({share:.2f})"


def print_table(number, rounds):
    columns = list(rounds[0][number])
    rows = list(rounds[0][number][columns[0]])
    details = columns[:2] if number < 4 else [columns[0], columns[-1]]
    heads = [TITLES[number]]
    if number < 4:
        heads += [f"channels, {column}" for column in details]
    heads += columns + [f"lanes, {column}" for column in details] + [f"MB, {details[1]}", "paper, ARM", "paper, GPU"]
    print("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
    for row in rows:
        words = [row.replace("g:", "").replace(",", ", ").replace("+", ", ")]
        cells = [rounds[0][number][column][row] for column in details]
        if number < 4:
            words += [cell.channels for cell in cells]
        for column in columns:
            tables = [tables[number][column] for tables in rounds]
            words.append(cell_text([table[row] for table in tables], [table[rows[0]] for table in tables]))
        words += [f"{100 * cell.lanes:.0f} %" for cell in cells] + [f"{cells[1].bytes / 1e6:.0f}"]
        paper = PAPER[number].get(row)
        words += [f"{value / first:.2f}" for value, first in zip(paper, PAPER[number][rows[0]])] if paper else ["", ""]
        print("| " + " | ".join(words) + " |")
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--bench", default=str(root / "build/release/bin/riffle_bench"))
    arguments = parser.parse_args()
    rounds = [run(arguments.bench) for _ in range(max(1, arguments.rounds))]
    for number in rounds[0]:
        print_table(number, rounds)


if __name__ == "__main__":
    main()

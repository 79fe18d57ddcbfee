#!/usr/bin/env python3
"""kill -9 at random times in riffle train, convert and quantize.

  kill.py build/release/bin/riffle --times 100

After each kill every file that bears its name is whole: a model that riffle reads, or what was there before, byte for
byte. A training run then goes on (--resume) and ends with the bytes of one that nobody killed; convert and quantize run
again, and leave what they leave where nobody kills them, and nothing else. The short version is in the tests: killed at
each call of the system and at each byte of a write (base/failing_files_test.cpp), and at each file of a run
(tools/train_test.cpp).
"""
import argparse
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

SIDE = 12


def write_set(folder, name, count, dice):
    """Pictures as IDX files: noise with a bright quarter, whose place is the label."""
    pixels = bytearray()
    for i in range(count):
        for y in range(SIDE):
            for x in range(SIDE):
                bright = y // 6 == i % 4 // 2 and x // 6 == i % 2
                pixels.append(255 if bright else dice.randrange(180))
    (folder / f"{name}.images").write_bytes(struct.pack(">HBBIII", 0, 8, 3, count, SIDE, SIDE) + pixels)
    (folder / f"{name}.labels").write_bytes(struct.pack(">HBBI", 0, 8, 1, count) + bytes(i % 4 for i in range(count)))


class Trial:
    def __init__(self, riffle, folder, dice):
        self.riffle, self.folder, self.dice = riffle, folder, dice
        write_set(folder, "train", 40, dice)
        write_set(folder, "test", 12, dice)

    def run(self, *words):
        done = subprocess.run([self.riffle, *map(str, words)], capture_output=True, text=True)
        assert done.returncode == 0, f"{words}: {done.stderr}"

    def killed(self, seconds, *words):
        """Runs it for so long; returns whether it was still at work."""
        process = subprocess.Popen([self.riffle, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        process.kill()
        return process.wait() == -9

    def train(self, out, *more):
        f = self.folder
        return ["train", "v2", "--flavour", "note", "--width", "0.26", "--size", "32x32", "--batch", "8", "--epochs", "3",
                "--data", f / "train.images", f / "train.labels", "--test-data", f / "test.images", f / "test.labels",
                "--out", out, *more]

    def timed(self, *words):
        begin = time.monotonic()
        self.run(*words)
        return time.monotonic() - begin

    def training(self, times):
        whole, run = self.folder / "whole", self.folder / "run"
        seconds = self.timed(*self.train(whole))
        killed = 0
        while killed < times:
            shutil.rmtree(run, ignore_errors=True)
            if not self.killed(self.dice.uniform(0, seconds), *self.train(run)):
                continue
            killed += 1
            for model in [*run.glob("*.riffle"), *run.glob("*.onnx")]:
                self.run("inspect", model)
            self.run(*self.train(run, *(["--resume"] if (run / "last.checkpoint").exists() else [])))
            for name in ["last.riffle", "best.riffle", "best.onnx", "confusion.svg"]:
                assert (run / name).read_bytes() == (whole / name).read_bytes(), f"{name} is another"
            assert sorted(p.name for p in run.iterdir()) == sorted(p.name for p in whole.iterdir())
        return killed

    def writing(self, times, out, *words):
        """`words` write the file `out`."""
        def others():
            return sorted(p.name for p in self.folder.iterdir() if p != out)
        seconds = self.timed(*words)
        new, beside = out.read_bytes(), others()
        killed = 0
        while killed < times:
            old = self.dice.choice([None, b"what was there"])
            out.unlink(missing_ok=True)
            if old is not None:
                out.write_bytes(old)
            if not self.killed(self.dice.uniform(0, seconds), *words):
                continue
            killed += 1
            left = out.read_bytes() if out.exists() else None
            assert left in (old, new), f"{out} is half-written"
            self.run(*words)
            assert out.read_bytes() == new and others() == beside
        return killed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("riffle", type=pathlib.Path, help="the program")
    parser.add_argument("--times", type=int, default=100, help="that each of the three is killed")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        trial = Trial(options.riffle.resolve(), folder, random.Random(options.seed))
        print(f"train: killed {trial.training(options.times)} times, resumed to the same bytes", flush=True)
        model = folder / "whole" / "best.riffle"
        onnx, small = folder / "converted.onnx", folder / "small.riffle"
        print(f"convert: killed {trial.writing(options.times, onnx, 'convert', model, onnx)} times", flush=True)
        quantize = ["quantize", model, small, "--calibrate", folder / "train.images"]
        print(f"quantize: killed {trial.writing(options.times, small, *quantize)} times", flush=True)


if __name__ == "__main__":
    sys.exit(main())

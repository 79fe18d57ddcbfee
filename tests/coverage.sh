#!/usr/bin/env bash
# Which lines and branches of base, engine and kernels the tests run, by llvm-cov:
#
#   tests/coverage.sh build/coverage            a table of the folders; details of each line in build/coverage/html
#
# TESTS names the programs that are run. Scalar and AVX2 kernels: of a body that is compiled for both, a line counts if
# one of them ran it.
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
build=${1:?usage: tests/coverage.sh BUILD_FOLDER}
tests=${TESTS:-test_base test_kernels test_engine test_verify}
llvm_cov=$(command -v llvm-cov || command -v llvm-cov-14)
llvm_profdata=$(command -v llvm-profdata || command -v llvm-profdata-14)

cmake -S "$source" -B "$build" -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=Release \
  "-DCMAKE_CXX_FLAGS=-fprofile-instr-generate -fcoverage-mapping" "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG" \
  -DRIFFLE_ISAS=avx2 -DRIFFLE_KERNEL_OPTIONS=-O1 -DRIFFLE_UNITY=ON -DRIFFLE_SHARED=OFF -DRIFFLE_BENCH=OFF -DRIFFLE_TRAINER=OFF >/dev/null
# shellcheck disable=SC2086
ninja -C "$build" ${JOBS:+-j$JOBS} $tests >/dev/null

objects=()
for test in $tests; do
  LLVM_PROFILE_FILE="$build/$test.profraw" "$build/bin/$test" --gtest_brief=1
  objects+=(-object "$build/bin/$test")
done
"$llvm_profdata" merge -sparse "$build"/*.profraw -o "$build/all.profdata"
ignored='(_test\.cpp|/testing\.hpp|/tests/|/usr/|generated|/Unity/|/(io|models|quantise|verify|measure|draw|tools)/)'
"$llvm_cov" show "${objects[@]:1}" "-instr-profile=$build/all.profdata" "-ignore-filename-regex=$ignored" \
  -format=html "-output-dir=$build/html" >/dev/null
"$llvm_cov" export -summary-only "${objects[@]:1}" "-instr-profile=$build/all.profdata" \
  "-ignore-filename-regex=$ignored" | python3 -c '
import collections, json, os, sys
# ccache may have written a path from the build folder on: a file may have two names.
files = collections.defaultdict(lambda: [0, 0, 0, 0])
for file in json.load(sys.stdin)["data"][0]["files"]:
    name = os.path.relpath(os.path.normpath(file["filename"]), sys.argv[1])
    for i, what in ((0, "lines"), (2, "branches")):
        for j, key in ((i, "covered"), (i + 1, "count")):
            files[name][j] = max(files[name][j], file["summary"][what][key])
sums = collections.defaultdict(lambda: [0, 0, 0, 0])
for name, counts in files.items():
    room = name.split("/")[0]
    for key in (room, "all") if room != "engine" else (room, "/".join(name.split("/")[:2]), "all"):
        sums[key] = [a + b for a, b in zip(sums[key], counts)]
print("| folder | lines | | branches | |\n|---|---|---|---|---|")
for key, (lines, of_lines, branches, of_branches) in sorted(sums.items()):
    print(f"| `{key}` | {of_lines} | {100 * lines / max(of_lines, 1):.1f} % "
          f"| {of_branches} | {100 * branches / max(of_branches, 1):.1f} % |")
' "$source"

#!/usr/bin/env bash
# ./run data from a folder of files instead of the network: test_download.sh RUN. The files that it should accept cannot
# be had here, so that it is asked for others: a copy of the script, in which only the sums are different.
set -euo pipefail
run=$1
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
cd "$folder"

fail() {
  echo "test_download: $*" >&2
  exit 1
}

# expect TEXT: in what the last command said.
expect() { grep --quiet --fixed-strings -- "$1" said || fail "\"$1\" is not in: $(cat said)"; }

# accepts / refuses DIR
accepts() { ./run data fashion-mnist "$1" >said 2>&1 || fail "refused: $(cat said)"; }
refuses() { if ./run data fashion-mnist "$1" >said 2>&1; then fail "accepted: $(cat said)"; fi; }

cp "$run" run
mkdir there
for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
  echo "$name" >"there/$name-ubyte.gz"
  sum=$(md5sum <"there/$name-ubyte.gz")
  sed -i "s/\($name-ubyte.gz\) [0-9a-f]\{32\}/\1 ${sum%% *}/" run
done
export RIFFLE_DATA_URL=file://$folder/there

accepts new/data
diff -r there new/data || fail "not what was there"
accepts new/data
[ "$(grep --count ': there$' said)" = 4 ] || fail "downloaded again: $(cat said)"

# What is damaged is replaced, and nothing else.
echo damaged >new/data/t10k-labels-idx1-ubyte.gz
accepts new/data
[ "$(grep --count ': there$' said)" = 3 ] || fail "not one downloaded: $(cat said)"
diff -r there new/data || fail "not what was there"

# A file that is not the official one, and none.
echo other >there/train-images-idx3-ubyte.gz
refuses wrong
expect "train-images-idx3-ubyte.gz: is not the official file"
[ -z "$(ls -A wrong)" ] || fail "left behind: $(ls -A wrong)"
rm there/train-images-idx3-ubyte.gz
refuses wrong
expect "train-images-idx3-ubyte.gz: cannot be downloaded"
[ -z "$(ls -A wrong)" ] || fail "left behind: $(ls -A wrong)"

touch file
refuses file
expect "file: cannot be made"
refuses ""
expect "data fashion-mnist DIR"

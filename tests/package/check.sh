#!/usr/bin/env bash
# riffle as others see it, once it is installed:
#
#   check.sh symbols|found|example|make|small|trainer|deb|jni|size ARGUMENT...
#
# From the environment: SOURCE (riffle's), BUILD (its build tree), PREFIX (where it is installed), WORK (a folder of
# this test's own), CMAKE, CC, CXX, NM; for another machine TOOLCHAIN and EMULATOR, which runs its programs.
set -euo pipefail

picture=$SOURCE/examples/images/ankle-boot.pgm
label="ankle boot"

fail() {
  echo "check: $*" >&2
  exit 1
}

# configure FOLDER NAME OPTION...: a project, configured and built with this build's compilers.
configure() {
  local folder=$1 name=$2 options=(-DCMAKE_BUILD_TYPE=Release)
  shift 2
  if [ -n "${TOOLCHAIN:-}" ]; then
    options+=(--toolchain "$TOOLCHAIN")
  else
    options+=("-DCMAKE_C_COMPILER=$CC" "-DCMAKE_CXX_COMPILER=$CXX")
  fi
  "$CMAKE" -G Ninja -S "$folder" -B "$WORK/$name" "${options[@]}" "$@"
  "$CMAKE" --build "$WORK/$name"
}

# classifies PROGRAM: does it know the picture?
classifies() {
  local said
  said=$(${EMULATOR:-} "$1" "$picture")
  echo "$1: $said"
  case "$said" in
    *"$label"*) ;;
    *) fail "$1 does not say '$label'" ;;
  esac
  if ${EMULATOR:-} "$1" "$SOURCE/README.md"; then fail "$1 takes a text for a picture"; fi
}

# The shared library exports the C API: every function of riffle.h, and nothing else.
symbols() {
  local library=$PREFIX/lib/libriffle.so have want
  [ -e "$library" ] || library=$(echo "$PREFIX"/lib/*/libriffle.so)
  have=$("$NM" -D --defined-only "$library" | awk '{print $NF}' | sort)
  want=$(sed -n 's/^RIFFLE_API.* \*\?\(riffle_[a-z_]*\)(.*/\1/p' "$SOURCE/engine/include/riffle/riffle.h" | sort)
  diff <(echo "$want") <(echo "$have") || fail "the left is declared, the right is exported"
  readelf -d "$library" | grep -q 'SONAME.*libriffle\.so\.0\]' || fail "$library has no SONAME of its version"
}

# found [static]: a C and C++ program by find_package.
found() {
  configure "$SOURCE/tests/package/consumer" "found${1:-}" "-DCMAKE_PREFIX_PATH=$PREFIX" "-DCOMPONENT=${1:-}"
  "$WORK/found${1:-}/consumer" "$SOURCE/models/weights/fashion.riffle"
}

# example [static]: examples/embed and examples/embed-c, by find_package.
example() {
  local program options=("-Driffle_DIR=$(dirname "$(find "$PREFIX" -name riffle-config.cmake)")")
  if [ "${1:-}" = static ]; then options+=(-DCMAKE_EXE_LINKER_FLAGS=-static); fi
  for program in embed embed-c; do
    configure "$SOURCE/examples/$program" "$program${1:-}" "${options[@]}"
    classifies "$WORK/$program${1:-}/$program"
  done
}

# make_with RIFFLE [LDFLAGS]: examples/embed-c, by pkg-config.
make_with() {
  local folder=$WORK/embed-c${2:+static} pc
  pc=$(dirname "$(find "$PREFIX" -name riffle.pc)")
  rm -rf "$folder"
  mkdir -p "$folder"
  cp "$SOURCE"/examples/embed-c/{main.c,Makefile} "$folder"
  PKG_CONFIG_LIBDIR=$pc make -s -C "$folder" "CC=$CC" "RIFFLE=$1" "MODEL=$SOURCE/models/weights/fashion.riffle" \
    "CFLAGS=-O2 -Wall -Wextra -Wpedantic -Werror" "LDFLAGS=${2:-}"
  LD_LIBRARY_PATH=$(dirname "$pc") classifies "$folder/embed-c"
}

# detector_with RIFFLE [LDFLAGS]: examples/detect-c, by pkg-config, and a network whose ten answers are a box and six
# scores, of which one is above the threshold.
detector_with() {
  local folder=$WORK/detect-c${2:+static} pc said
  pc=$(dirname "$(find "$PREFIX" -name riffle.pc)")
  rm -rf "$folder"
  mkdir -p "$folder"
  cp "$SOURCE"/examples/detect-c/{main.c,Makefile} "$folder"
  PKG_CONFIG_LIBDIR=$pc make -s -C "$folder" "CC=$CC" "CFLAGS=-O2 -Wall -Wextra -Wpedantic -Werror" "LDFLAGS=${2:-}"
  cat >"$folder/net.json" <<'END'
{"task": "detect", "form": "corners", "threshold": 0,
 "levels": [{"boxes": {"output": "classifier", "count": 4}, "scores": {"output": "classifier", "first": 4}}],
 "mappings": {"position": {"unit": "input"}, "score": "sigmoid"},
 "labels": ["thing", "thing", "thing", "thing", "thing", "thing"]}
END
  $1 build v2 --flavour note --width 0.5 --size 32x32 "$folder/net.riffle"
  $1 convert "$folder/net.riffle" "$folder/detector.riffle" --describe "$folder/net.json"
  said=$(LD_LIBRARY_PATH=$(dirname "$pc") ${EMULATOR:-} "$folder/detect-c" "$folder/detector.riffle" "$picture")
  echo "$folder/detect-c: $said"
  [[ "$said" == thing* ]] || fail "detect-c finds nothing"
  if LD_LIBRARY_PATH=$(dirname "$pc") ${EMULATOR:-} "$folder/detect-c" "$folder/net.riffle" "$picture"; then
    fail "detect-c takes a network that does not say what its answers mean"
  fi
}

# A project that takes riffle's sources (FetchContent), in one instruction set, with no operation but what the demo
# model needs: it runs on threads of its own, and refuses what it cannot run. It runs a model whose task it does not
# read, with as many labels as that task has points.
small() {
  local said
  echo '{"task": "landmarks", "points": {"output": "classifier"}, "labels": ["a", "b", "c", "d", "e"]}' \
    >"$WORK/landmarks.json"
  "$PREFIX/bin/riffle" convert "$SOURCE/models/weights/fashion.riffle" "$WORK/landmarks.riffle" \
    --describe "$WORK/landmarks.json"
  "$PREFIX/bin/riffle" convert "$SOURCE/tests/onnx/models/softmax_13_open.onnx" "$WORK/softmax.riffle"
  configure "$SOURCE/tests/package/consumer" small "-DRIFFLE_SOURCE=$SOURCE" -DRIFFLE_ISAS=scalar \
    -DRIFFLE_OPERATIONS=elementwise -DRIFFLE_UNITY=ON -DRIFFLE_KERNEL_OPTIONS=-O1
  "$WORK/small/consumer" "$SOURCE/models/weights/fashion.riffle" "$WORK/softmax.riffle"
  "$WORK/small/consumer" "$WORK/landmarks.riffle"
  said=$("$WORK/small/consumer" "$SOURCE/tests/corpus/riffle/product.riffle" 2>&1) && fail "a product is not refused"
  grep -q "this build has no multiply" <<<"$said" || fail "$said"
  if readelf -d "$WORK/small/consumer" | grep 'omp\.so'; then fail "the engine needs OpenMP's library"; fi
}

# examples/train, by find_package, trains on a few pictures of noise.
trainer() {
  local root=$WORK/prefix layers
  rm -rf "$root"
  "$CMAKE" --install "$BUILD" --prefix "$root" >/dev/null
  if find "$root" -name 'libriffle_*' | grep .; then fail "the trainer is installed without having been asked for"; fi
  "$CMAKE" --install "$BUILD" --prefix "$root" --component trainer
  if [ -z "$(find "$root" -name riffle-trainer-targets.cmake)" ]; then
    echo "libraries that the trainer needs were fetched: skipped"
    exit 77
  fi
  configure "$SOURCE/examples/train" train "-DCMAKE_PREFIX_PATH=$root"
  (printf '\0\0\10\3\0\0\0\100\0\0\0\40\0\0\0\40' && head -c $((64 * 32 * 32)) /dev/urandom) >"$WORK/images"
  (printf '\0\0\10\1\0\0\0\100' && printf '\0\1%.0s' {1..32}) >"$WORK/labels"
  "$WORK/train/riffle_example_train" "$WORK/images" "$WORK/labels" "$WORK/net.riffle" 1
  layers=$("$root/bin/riffle" inspect "$WORK/net.riffle")
  grep -q shufflenet_v2 <<<"$layers" || fail "what was trained is no ShuffleNet"
}

# A Debian package, unpacked somewhere else and used from there.
deb() {
  local package root=$WORK/root file list
  rm -rf "$WORK/deb" "$root"
  cpack -G DEB --config "$BUILD/CPackConfig.cmake" -B "$WORK/deb" >"$WORK/cpack.log" || fail "$(cat "$WORK/cpack.log")"
  package=$(echo "$WORK"/deb/*.deb)
  dpkg-deb --info "$package"
  list=$(dpkg-deb --contents "$package")
  for file in bin/riffle include/riffle/riffle.h include/riffle/riffle.hpp lib/libriffle.a lib/libriffle.so \
    lib/libriffle.so.0 lib/pkgconfig/riffle.pc lib/cmake/riffle/riffle-config.cmake \
    lib/cmake/riffle/riffle-embed.cmake share/doc/riffle-dev/copyright; do
    grep -q "\./usr/$file\( \|$\)" <<<"$list" || fail "the package has no $file"
  done
  if grep -v '^[-dl][-rwx]* root/root' <<<"$list"; then fail "not everything in the package is root's"; fi
  dpkg-deb --field "$package" Depends | grep -q 'libc6' || fail "the package does not say what it needs"
  dpkg-deb --extract "$package" "$root"
  PREFIX=$root/usr
  "$PREFIX/bin/riffle" --version
  found
  make_with "$PREFIX/bin/riffle"
}

# The C++ half of examples/android against Android's jni.h (android-libnativehelper-dev), or else a JDK's.
jni() {
  local folder
  for folder in /usr/include/android/nativehelper ${JAVA_HOME:+"$JAVA_HOME/include"} /usr/lib/jvm/*/include; do
    [ -f "$folder/jni.h" ] || continue
    "$CXX" -std=c++20 -fPIC -Wall -Wextra -Wshadow -Werror -I"$folder" -I"$folder/linux" \
      -I"$PREFIX/include" -shared "$SOURCE/examples/android/app/src/main/cpp/classifier.cpp" -o "$WORK/libclassifier.so"
    "$NM" -D --defined-only "$WORK/libclassifier.so" | grep -c ' T Java_' | grep -qx 3 || fail "not three functions"
    return
  done
  echo "no jni.h: skipped"
  exit 77
}

# loaded PROGRAM: the bytes of code and data in it. A file's size would be rounded up to pages of 64 KiB.
loaded() {
  "${NM%nm}size" "$1" | awk 'NR == 2 { print $1 + $2 }'
}

# size TOOLCHAIN RIFFLE: what riffle adds to a program for aarch64, in a build for size: the program is examples/embed-c
# without its model, and the same flags and libraries make an empty C++ program.
size() {
  local limit=409600 flags="-static -s -Wl,--gc-sections" riffle model
  TOOLCHAIN=$1
  rm -rf "$WORK/prefix"
  configure "$SOURCE" engine -DCMAKE_BUILD_TYPE=MinSizeRel -DRIFFLE_THREADS=OFF "-DRIFFLE_OPERATIONS=elementwise;frame" \
    -DRIFFLE_ISAS=neon64 -DRIFFLE_TOOLS=OFF -DRIFFLE_TESTS=OFF -DRIFFLE_BENCH=OFF -DRIFFLE_STATIC_BINARIES=ON --log-level=WARNING
  "$CMAKE" --install "$WORK/engine" --prefix "$WORK/prefix" >/dev/null
  PREFIX=$WORK/prefix make_with "$2" "$flags"
  echo 'int main() { return 0; }' >"$WORK/empty.cpp"
  "$CXX" -O2 $flags "$WORK/empty.cpp" -o "$WORK/empty"
  model=$(stat -c %s "$SOURCE/models/weights/fashion.riffle")
  riffle=$(($(loaded "$WORK/embed-cstatic/embed-c") - model - $(loaded "$WORK/empty")))
  echo "aarch64, static: $riffle bytes of code and data without the model and what an empty C++ program has" \
    "(at most $limit)"
  [ "$riffle" -le $limit ] || fail "larger than that"
}

mkdir -p "$WORK"
command=$1
shift
case "$command" in
  symbols | found | example | small | trainer | deb | jni | size) "$command" "$@" ;;
  make)
    make_with "$@"
    detector_with "$@"
    ;;
  *) fail "unknown: $command" ;;
esac

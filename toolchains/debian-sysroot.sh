#!/usr/bin/env bash
# Unpacks riffle's dependencies for another architecture, as Debian packages them, into build/sysroot/<name>.
#
#   toolchains/debian-sysroot.sh aarch64|armv7
#
# apt works on a state directory of its own: nothing is installed, no architecture is added to dpkg, no root is needed.
# The toolchain files look into the result. Where there is no Debian, the build fetches the dependencies' sources
# instead (cmake/dependencies.cmake).
set -euo pipefail

# Google Benchmark comes as source: Debian packages no static library of it.
packages="libcli11-dev libflatbuffers-dev libgtest-dev libjpeg62-turbo-dev libonnx-dev libpng-dev libprotobuf-dev
          libprotobuf-lite32 libxsimd-dev nlohmann-json3-dev zlib1g-dev"
sources="benchmark"

name=${1:-}
case "$name" in
  aarch64) architecture=arm64 triplet=aarch64-linux-gnu ;;
  armv7) architecture=armhf triplet=arm-linux-gnueabihf ;;
  *)
    echo "usage: ${0##*/} aarch64|armv7" >&2
    exit 2
    ;;
esac

sysroot=$(cd "$(dirname "$0")/.." && pwd)/build/sysroot/$name
stamp=$sysroot/unpacked
if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$packages $sources" ]; then
  echo "$sysroot: unpacked already"
  exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{state/lists/partial,cache/archives/partial,config,archives,packages}
: >"$work/state/status"
# The system's settings (proxies, mirrors, checks), without the commands that they hook into apt.
for file in /etc/apt/apt.conf.d/*; do
  if [ -f "$file" ] && ! grep -q Invoke "$file"; then cp "$file" "$work/config/"; fi
done
# The system's archives, with their sources.
for file in /etc/apt/sources.list.d/*.sources; do
  if [ -f "$file" ]; then sed 's/^Types:.*/Types: deb deb-src/' "$file" >"$work/archives/${file##*/}"; fi
done
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  if [ -f "$file" ]; then sed -n '/^deb /{p; s/^deb /deb-src /p}' "$file" >"$work/archives/${file##*/}"; fi
done
if [ -f "$work/archives/sources.list" ]; then mv "$work/archives/sources.list" "$work/archives/system.list"; fi

cat >"$work/apt.conf" <<CONF
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
Acquire::Languages "none";
Dir::State "$work/state";
Dir::State::status "$work/state/status";
Dir::Cache "$work/cache";
Dir::Etc::Parts "$work/config";
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$work/archives";
APT::Sandbox::User "root";
CONF
export APT_CONFIG="$work/apt.conf"

# A third party's archive may not have this architecture: what counts is that the packages can be had.
apt-get update -qq || echo "apt-get update: some archives were left out" >&2
(cd "$work/packages" && apt-get download -qq $packages && apt-get source -qq --download-only $sources)

rm -rf "$sysroot" "$sysroot.new"
mkdir -p "$sysroot.new/usr/src"
for package in "$work"/packages/*.deb; do
  dpkg-deb --extract "$package" "$sysroot.new"
done
for source in "$work"/packages/*.dsc; do
  package=${source##*/}
  dpkg-source --no-check --no-copy --extract "$source" "$sysroot.new/usr/src/${package%%_*}" >/dev/null
done
# The cross compilers search no multiarch directory below a root that is not theirs.
if [ -d "$sysroot.new/usr/include/$triplet" ]; then
  cp -rn "$sysroot.new/usr/include/$triplet/." "$sysroot.new/usr/include/"
fi
printf '%s' "$packages $sources" >"$sysroot.new/unpacked"
mv "$sysroot.new" "$sysroot"
echo "$sysroot: unpacked"

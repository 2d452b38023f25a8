#!/usr/bin/env bash
# Build the image from the Dockerfile and ask the server in it for its health. Usage: image.sh [OUT.tar]
# OUT.tar: also leave the image there, as an OCI archive.
#
# Needs no registry and no daemon: buildah with chroot isolation, over a base that debootstrap makes from this machine's
# own Debian mirror. Where one of them cannot be had the build is SKIPPED with a reason; a build that begins must end well.
set -euo pipefail
cd "$(dirname "$0")/.."
skip() { echo "image build SKIPPED: $1"; exit 0; }

[ "$(id -u)" = 0 ] || skip "chroot isolation over a base of our own needs root; docker build -t matcher . does the same"
command -v apt-get >/dev/null || skip "there is no apt-get to install buildah and debootstrap with"
for program in buildah debootstrap; do
  command -v $program >/dev/null && continue
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends buildah debootstrap; } >/dev/null 2>&1 ||
    skip "buildah and debootstrap cannot be installed"
done
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | awk '$2 == "bookworm" { print $1; exit }')
[ -n "$mirror" ] || skip "no mirror of Debian bookworm is configured here"

work=$PWD/build/image
mkdir -p "$work"
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
store=(--root "$work/store" --runroot "$work/run")
buildah() { command buildah "${store[@]}" "$@"; }

if ! buildah inspect --type image matcher-base >/dev/null 2>&1; then
  echo "image: making a base with debootstrap ..."
  rm -rf "$work/rootfs"
  debootstrap --variant=minbase --include=ca-certificates,python3-minimal,python3-venv bookworm "$work/rootfs" "$mirror" \
    >"$work/debootstrap.log" 2>&1 || { tail -5 "$work/debootstrap.log"; skip "debootstrap could not make a base"; }
  chroot "$work/rootfs" apt-get clean
  rm -rf "$work/rootfs"/var/lib/apt/lists/* "$work/rootfs"/var/log/*
  base=$(buildah from scratch)
  buildah add --quiet "$base" "$work/rootfs" / >/dev/null
  buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$base"
  buildah commit --quiet "$base" matcher-base >/dev/null
  buildah rm "$base" >/dev/null
  rm -rf "$work/rootfs"
fi

# How this machine reaches its package index is this machine's affair: lent to the build, not part of the image.
lent=()
for file in /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
  if [ -f "$file" ]; then lent+=(--volume "$file:$file:ro"); fi
done
for name in PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_CERT HTTP_PROXY HTTPS_PROXY NO_PROXY; do
  if [ -n "${!name:-}" ]; then lent+=(--build-arg "$name=${!name}"); fi
done
echo "image: building ..."
began=$SECONDS
buildah build --quiet --layers=false --build-arg BASE=localhost/matcher-base --build-arg "BUILD_PACKAGES=g++ make python3-dev" \
  --timestamp "$(git log -1 --format=%ct)" \
  "${lent[@]}" --tag matcher . >"$work/build.log" 2>&1 || { tail -40 "$work/build.log" >&2; exit 1; }
took=$((SECONDS - began))

container=$(buildah from matcher)
server=""
end() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  buildah rm "$container" >/dev/null 2>&1 || true
}
trap end EXIT
user=$(buildah run "$container" -- id -u)
[ "$user" = 65532 ] || { echo "image: it runs as user $user" >&2; exit 1; }
: >"$work/serve.log" # read below, perhaps before the background process has made it
(exec buildah "${store[@]}" run "$container" -- matcher serve --listen 127.0.0.1:0) >"$work/serve.log" 2>"$work/serve.err" &
server=$!
for ((tries = 0; tries < 600; tries++)); do
  address=$(sed -n 's/^matcher is serving on //p' "$work/serve.log")
  [ -z "$address" ] || break
  kill -0 "$server" 2>/dev/null || { cat "$work/serve.err" >&2; echo "image: its server ended" >&2; exit 1; }
  sleep 0.2
done
.venv/bin/python - "$address" <<'CHECK'
import sys

from matcher import Client

with Client(sys.argv[1], timeout=30) as client:
    assert client.is_serving(), "health does not say SERVING"
    assert client.solve([[4.0, 1.0], [2.0, 0.0]]).total_cost == 3.0, "the kernel in the image is wrong"
CHECK
size=$(buildah images --format '{{.Size}}' localhost/matcher)
echo "image: built in $took s, $size; its server answers its health check and solves, as user $user"
[ -z "${1:-}" ] || buildah push --quiet matcher "oci-archive:$1:matcher"

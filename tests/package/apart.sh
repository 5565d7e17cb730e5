#!/usr/bin/env bash
# apart.sh COMMAND...: runs the command as root in namespaces of its own: what it installs, listens to or leaves behind
# disappears with it.
set -euo pipefail

if [ "${1:-}" != --inside ]; then
    exec unshare --mount --pid --net --ipc --fork --kill-child --mount-proc "$0" --inside "$@"
fi
shift
ip link set lo up
changes=/mnt
mount -t tmpfs tmpfs "$changes"
for folder in etc usr var; do
    mkdir -p "$changes/$folder/upper" "$changes/$folder/work"
    mount -t overlay overlay \
        -o "lowerdir=/$folder,upperdir=$changes/$folder/upper,workdir=$changes/$folder/work" "/$folder"
done
mount -t tmpfs tmpfs /run
"$@"

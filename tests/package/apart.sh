#!/usr/bin/env bash
# apart.sh [--boot] COMMAND...: runs the command as root in namespaces of its own: what it installs, listens to or leaves
# behind disappears with it. With --boot systemd is the first process there; status 77: not on this machine.
set -euo pipefail

own_namespaces() { exec unshare --mount --pid --net --ipc --uts --fork --kill-child --mount-proc "$@"; }

enter() {
    local folder changes=/mnt
    ip link set lo up
    mount -t tmpfs tmpfs "$changes"
    for folder in etc usr var; do
        mkdir -p "$changes/$folder/upper" "$changes/$folder/work"
        mount -t overlay overlay \
            -o "lowerdir=/$folder,upperdir=$changes/$folder/upper,workdir=$changes/$folder/work" "/$folder"
    done
    mount -t tmpfs tmpfs /run
}

# Only what a service needs: most units would change the kernel that this machine shares.
become_systemd() {
    umount -R /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    find /etc/systemd/system /usr/lib/systemd/system -path '*.wants/*' ! -name 'systemd-journald*' -delete
    rm -f /usr/lib/systemd/system-generators/*
    printf '[Unit]\nRequires=basic.target\nAfter=basic.target\n' >/etc/systemd/system/apart.target
    exec env -i container=apart PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        /lib/systemd/systemd --system --unit=apart.target >/dev/null 2>&1 </dev/null
}

first_process() { pgrep -P "$1" || true; }

remove_group() {
    local tries
    for tries in {1..50}; do
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
        [ -d "$group" ] || return 0
        sleep 0.1
    done
    echo "apart: $group is still in use after $tries tries" >&2
}

end_boot() {
    kill -KILL "$(first_process "$manager")" || true
    wait "$manager" || true
    remove_group
} 2>/dev/null

# The service manager owns the control group that its namespace begins with.
boot() {
    local mounted first='' tries status=0
    mounted=$(findmnt --noheadings --first-only --output TARGET --types cgroup2) ||
        { echo "apart: --boot needs a mounted cgroup2" >&2 && exit 77; }
    group=$mounted/apart.$$
    mkdir "$group"
    (echo "$BASHPID" >"$group/cgroup.procs" && own_namespaces --cgroup "$0" --inside --init) &
    manager=$!
    trap end_boot EXIT
    for tries in {1..100}; do
        first=$(first_process $manager)
        if [ -n "$first" ] && nsenter --target "$first" --all systemctl is-active --quiet apart.target; then break; fi
        [ "$tries" -lt 100 ] || { echo "apart: systemd has not started within 20 s" >&2 && exit 1; }
        sleep 0.2
    done 2>/dev/null
    nsenter --target "$first" --all --wd="$PWD" "$@" || status=$?
    exit $status
}

case ${1:-} in
    --boot) boot "${@:2}" ;;
    --inside)
        enter
        if [ "$2" = --init ]; then become_systemd; fi
        "${@:2}"
        ;;
    *) own_namespaces "$0" --inside "$@" ;;
esac

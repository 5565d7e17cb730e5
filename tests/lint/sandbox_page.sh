#!/usr/bin/env bash
# The table of the sandbox in proxyd(8) and the drop-in for systemd are what sandbox-page prints. The program is an
# argument, or is compiled here: the table needs nothing but itself.
set -euo pipefail
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
begin='.\" sandbox-page man: begin'
end='.\" sandbox-page man: end'

generator=${1:-}
if [ -z "$generator" ]; then
    generator=$scratch/sandbox-page
    "${CXX:-g++}" -std=c++20 -I. man/sandbox_page/main.cpp libudpserver/sandbox/table.cpp -o "$generator"
fi
"$generator" man >"$scratch/man"
"$generator" unit >"$scratch/unit"
sed -n "/^$(printf %s "$begin" | sed 's/[.\\]/\\&/g')\$/,/^$(printf %s "$end" | sed 's/[.\\]/\\&/g')\$/p" man/proxyd.8 |
    sed '1d;$d' >"$scratch/page"

if printf 'x\n' | cmp -s - "$scratch/man"; then
    echo "sandbox_page: the check itself is broken: it takes any page for the generated one" >&2
    exit 1
fi
if ! diff -u "$scratch/page" "$scratch/man"; then
    echo "sandbox_page: man/proxyd.8 is not what \`sandbox-page man\` prints between its marks; put that there" >&2
    exit 1
fi
if ! diff -u dist/systemd/sandbox.conf "$scratch/unit"; then
    echo "sandbox_page: run build/bin/sandbox-page unit >dist/systemd/sandbox.conf and commit it" >&2
    exit 1
fi
echo "sandbox_page: good"

#!/usr/bin/env bash
# man/proxyd-messages.7 is what messages-page prints. The program is an argument, or is compiled
# here: the catalogue needs nothing but itself.
set -euo pipefail
cd "$(dirname "$0")/../.."

page=man/proxyd-messages.7
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

generator=${1:-}
if [ -z "$generator" ]; then
    generator=$scratch/messages-page
    "${CXX:-g++}" -std=c++20 -I. man/messages_page/main.cpp base/messages.cpp -o "$generator"
fi
"$generator" >"$scratch/page"

if printf 'x\n' | cmp -s - "$scratch/page"; then
    echo "messages_page: the check itself is broken: it takes any page for the generated one" >&2
    exit 1
fi
if ! diff -u "$page" "$scratch/page"; then
    echo "messages_page: $page is not what messages-page prints; run build/bin/messages-page >$page and commit it" >&2
    exit 1
fi
echo "messages_page: good"

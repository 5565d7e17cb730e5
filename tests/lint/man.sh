#!/usr/bin/env bash
# Every man page is clean for mandoc -T lint, but for references to pages that are not installed.
set -euo pipefail
cd "$(dirname "$0")/../.."

faults_of() {
    # What it says on stderr is about the machine's index of pages.
    mandoc -T lint -W style "$@" 2>/dev/null | grep -v 'referenced manual not found' || true
}

sample=$(mktemp)
trap 'rm -f "$sample"' EXIT
# shellcheck disable=SC2016 # a man page, not a variable
printf '.Dd $Mdocdate$\n.Dt SAMPLE 1\n.Os\n.Sh NAME\n.Nm sample\n.Bogus\n' >"$sample"
if [ -z "$(faults_of "$sample")" ]; then
    echo "man: the check itself is broken: mandoc finds nothing in a bad page" >&2
    exit 1
fi

shopt -s nullglob
pages=(man/*.[1-9])
if [ ${#pages[@]} -eq 0 ]; then
    echo "man: there are no man pages" >&2
    exit 1
fi
faults=$(faults_of "${pages[@]}")
if [ -n "$faults" ]; then
    printf '%s\n' "$faults"
    exit 1
fi
echo "man: ${#pages[@]} pages, 0 faults"

#!/usr/bin/env bash
# Every tracked shell script passes shellcheck.
set -euo pipefail
cd "$(dirname "$0")/../.."

# shellcheck disable=SC2016 # the sample should be bad
if printf '#!/bin/sh\nrm $1\n' | shellcheck - >/dev/null; then
    echo "shell: the check itself is broken: shellcheck finds nothing in a bad script" >&2
    exit 1
fi

scripts=()
while IFS= read -r -d '' file; do
    if [ -f "$file" ] && head -n 1 "$file" | grep -aqE '^#!.*\b(ba|da)?sh\b'; then scripts+=("$file"); fi
done < <(git -c safe.directory="$PWD" ls-files -z)
shellcheck "${scripts[@]}"
echo "shell: ${#scripts[@]} scripts, 0 faults"

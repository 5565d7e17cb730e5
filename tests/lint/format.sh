#!/usr/bin/env bash
# The code has the form of .clang-format. Versions of the formatter disagree, so only Debian 12's decides.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=$(clang-format --version 2>/dev/null | grep -oE 'version [0-9]+' | head -n 1 || true)
if [ "$version" != "version 14" ]; then
    echo "format: not checked: clang-format 14 is needed, this is '${version:-none}'"
    exit 0
fi
if printf 'int  x ;\n' | clang-format --dry-run -Werror --assume-filename=conf/x.cpp 2>/dev/null; then
    echo "format: the check itself is broken: clang-format finds nothing in a bad line" >&2
    exit 1
fi
bad=0
while IFS= read -r -d '' file; do
    if [ -f "$file" ] && ! clang-format --dry-run -Werror "$file" 2>/dev/null; then
        echo "$file: clang-format -i changes it"
        bad=$((bad + 1))
    fi
done < <(git -c safe.directory="$PWD" ls-files -z '*.cpp' '*.hpp')
echo "format: $bad faults"
[ "$bad" -eq 0 ]

# bash completion for proxyctl(8): the program itself knows what may follow.
# shellcheck shell=bash
_proxyctl() {
    local word words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(proxyctl --complete "${words[@]}" 2>/dev/null)
}
complete -F _proxyctl proxyctl

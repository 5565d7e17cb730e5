#compdef proxyctl
# zsh completion for proxyctl(8): the program itself knows what may follow.
local -a candidates
candidates=("${(@f)$(proxyctl --complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
compadd -a candidates

_modellix_cli_completion() {
    local IFS=$'
'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" \
                   COMP_CWORD=$COMP_CWORD \
                   _MODELLIX_CLI_COMPLETE=complete_bash $1 ) )
    return 0
}

complete -o default -F _modellix_cli_completion modellix-cli

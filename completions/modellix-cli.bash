_modellix_cli_completion() {
    # Bash splits words at = and : too. Put them together again, as size=1K is one word to us.
    local IFS=$'\n' rest=${COMP_LINE:0:COMP_POINT} i piece space cur head=
    local words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        piece=${COMP_WORDS[i]}
        space=${rest%%[![:space:]]*}
        rest=${rest#"$space"}
        rest=${rest#"$piece"}
        if [[ $i -eq 0 || -n $space ]]; then
            words+=("$piece")
        else
            words[${#words[@]}-1]+=$piece
        fi
    done
    cur=${words[${#words[@]}-1]}
    COMPREPLY=( $( env COMP_WORDS="${words[*]}" COMP_CWORD=$((${#words[@]} - 1)) \
                   _MODELLIX_CLI_COMPLETE=complete_bash "$1" ) )
    # Only what follows the last of them is replaced by bash.
    [[ $COMP_WORDBREAKS == *:* && $cur == *:* ]] && head=${cur%"${cur##*:}"}
    [[ $COMP_WORDBREAKS == *=* && ${cur#"$head"} == *=* ]] && head=${cur%"${cur##*=}"}
    COMPREPLY=( "${COMPREPLY[@]#"$head"}" )
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    return 0
}

complete -o default -F _modellix_cli_completion modellix-cli

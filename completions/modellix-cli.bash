# Completion of modellix-cli for bash. Written by: modellix-cli completion bash
_modellix_cli_completion() {
    local IFS=$'\n' rest=${COMP_LINE:0:COMP_POINT} i piece space cur head name=$1
    local words=() replies=() called=()
    # Bash splits words at = : @ too. Put them together again, as size=1K is one word to us.
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
    # An alias stands for a command and perhaps options: alias mx='modellix-cli --sandbox'
    if [[ -n ${BASH_ALIASES[$name]-} ]]; then
        IFS=' ' read -ra called <<< "${BASH_ALIASES[$name]}"
        words=("${called[@]}" "${words[@]:1}")
        name=${called[0]}
    fi
    replies=( $( env COMP_WORDS="${words[*]}" COMP_CWORD=$((${#words[@]} - 1)) \
                 _MODELLIX_CLI_COMPLETE=complete_bash "$name" 2>/dev/null ) )
    COMPREPLY=()
    case ${replies[0]-} in
        files)
            compopt -o default 2>/dev/null || COMPREPLY=( $(compgen -f -- "$cur") ) ;;
        folders)
            compopt -o dirnames 2>/dev/null || COMPREPLY=( $(compgen -d -- "$cur") ) ;;
        words)
            head=${cur%"$2"}  # only $2, what follows such a character, is replaced
            COMPREPLY=( "${replies[@]:1}" )
            COMPREPLY=( "${COMPREPLY[@]#"$head"}" )
            [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/] ]] && compopt -o nospace 2>/dev/null ;;
    esac
    return 0
}

complete -F _modellix_cli_completion modellix-cli
# Aliases that stand for it when this is read, as those above this in ~/.bashrc.
for _modellix_cli_alias in "${!BASH_ALIASES[@]}"; do
    [[ ${BASH_ALIASES[$_modellix_cli_alias]%% *} == modellix-cli ]] &&
        complete -F _modellix_cli_completion "$_modellix_cli_alias"
done
unset _modellix_cli_alias

"""`modellix-cli completion`: what a shell needs to complete commands with Tab."""

from typing import Annotated, Final, Literal

import typer

from modellix_cli.commands._framework.command import COMPLETION_VARIABLE, PROGRAM, command
from modellix_cli.context.session import Session
from modellix_cli.output.sink import Output

Shell = Literal["bash", "zsh", "fish", "powershell"]

_BASH: Final = r"""_modellix_cli_completion() {
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
                   VARIABLE=complete_bash "$1" ) )
    # Only what follows the last of them is replaced by bash.
    [[ $COMP_WORDBREAKS == *:* && $cur == *:* ]] && head=${cur%"${cur##*:}"}
    [[ $COMP_WORDBREAKS == *=* && ${cur#"$head"} == *=* ]] && head=${cur%"${cur##*=}"}
    COMPREPLY=( "${COMPREPLY[@]#"$head"}" )
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    return 0
}

complete -o default -F _modellix_cli_completion PROGRAM"""


@command(
    default=Output.HUMAN,
    examples=(
        "completion bash > ~/.local/share/bash-completion/completions/modellix-cli",
        "completion zsh > ~/.zfunc/_modellix-cli",
        "completion fish > ~/.config/fish/completions/modellix-cli.fish",
    ),
)
def completion(
    ctx: typer.Context,
    shell: Annotated[Shell, typer.Argument(help="The shell to complete for.")],
) -> None:
    """Print the completion script of a shell. The same are in completions/ of the source."""
    session = Session.of(ctx)
    if session.out.mode is Output.JSON:
        session.out.json({"ok": True, "script": script(shell), "shell": shell})
    else:
        session.out.block(script(shell))


def script(shell: str) -> str:
    """Return the completion script for a shell."""
    if shell == "bash":
        return _BASH.replace("PROGRAM", PROGRAM).replace("VARIABLE", COMPLETION_VARIABLE)
    from typer._completion_shared import get_completion_script

    return get_completion_script(prog_name=PROGRAM, complete_var=COMPLETION_VARIABLE, shell=shell)

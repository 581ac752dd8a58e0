# Completion of modellix-cli for fish. Written by: modellix-cli completion fish
function __modellix_cli_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l at (count $words)
    set -lx COMP_WORDS (string join \n -- $words "$current" | string collect)
    set -lx COMP_CWORD $at
    set -lx _MODELLIX_CLI_COMPLETE complete_fish
    set -l replies (command modellix-cli 2>/dev/null)
    set -l path (string replace -r -- '^-[^=]*=' '' "$current")
    set -l head (string match -r -- '^-[^=]*=' "$current")
    switch "$replies[1]"
        case files
            printf "$head%s\n" (__fish_complete_path "$path")
        case folders
            printf "$head%s\n" (__fish_complete_directories "$path" '')
        case words
            printf '%s\n' $replies[2..-1]
    end
end

complete --command modellix-cli --no-files --arguments '(__modellix_cli_complete)'

# Completion of modellix-cli for PowerShell. Written by: modellix-cli completion powershell
Register-ArgumentCompleter -Native -CommandName modellix-cli -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
        ForEach-Object { $_.Extent.Text })
    if ($wordToComplete -eq '') { $words += '' }
    $env:COMP_WORDS = $words -join "`n"
    $env:COMP_CWORD = $words.Count - 1
    $env:_MODELLIX_CLI_COMPLETE = 'complete_powershell'
    try {
        $kind, $replies = @(modellix-cli 2>$null)
        # For files and folders nothing is said: then PowerShell offers its own.
        if ($kind -eq 'words') {
            foreach ($reply in $replies) {
                $value, $told = $reply -split "`t", 2
                if (-not $told) { $told = $value }
                # @last would be a splatted variable.
                $text = if ($value.StartsWith('@')) { "'$value'" } else { $value }
                [System.Management.Automation.CompletionResult]::new(
                    $text, $value, 'ParameterValue', $told)
            }
        }
    } finally {
        Remove-Item Env:COMP_WORDS, Env:COMP_CWORD, Env:_MODELLIX_CLI_COMPLETE
    }
}

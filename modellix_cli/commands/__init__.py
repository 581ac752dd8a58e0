"""The commands; path = command: `commands/task/wait.py` is `modellix-cli task wait`."""

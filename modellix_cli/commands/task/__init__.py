"""`modellix-cli task …`: what became of a task."""

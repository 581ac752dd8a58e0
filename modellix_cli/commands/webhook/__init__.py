"""`modellix-cli webhook …`: what Modellix tells of tasks by itself."""

"""`modellix-cli model …`: run models."""

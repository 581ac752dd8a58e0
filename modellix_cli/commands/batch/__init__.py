"""`modellix-cli batch …`: where the batches of this machine stand."""

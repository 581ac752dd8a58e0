"""`modellix-cli file …`: pictures of the user's, as inputs for models."""

"""`modellix-cli config …`: where the login is kept, and what it holds."""

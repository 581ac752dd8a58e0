"""`modellix-cli auth …`: the API keys saved on this machine."""

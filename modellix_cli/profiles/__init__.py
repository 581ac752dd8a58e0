"""Logins, keys, the keychain, and the config files."""

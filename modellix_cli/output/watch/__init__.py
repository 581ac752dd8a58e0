"""The full-screen view of what goes on: `task watch`."""

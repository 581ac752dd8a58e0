"""What was paid, for which request, and what came of it."""

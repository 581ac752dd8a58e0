"""What the user sees: one writer, the shapes of results, progress."""

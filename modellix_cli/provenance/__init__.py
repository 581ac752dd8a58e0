"""What a saved file says about how it was made, in the file itself or beside it, and reading it."""

"""What a command does in one call, made from the rooms below."""

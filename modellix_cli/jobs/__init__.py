"""What takes many requests: submitting once, waiting, downloading."""

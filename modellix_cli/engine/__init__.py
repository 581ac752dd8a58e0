"""The one way from a request to a file on disk: submit, poll, save."""

"""What is kept on this machine: folders, credentials, the journal, saved files."""

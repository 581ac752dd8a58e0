"""What the user gives: bodies, batch files, media files."""

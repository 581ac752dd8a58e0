"""Values and rules without I/O. Imports nothing of ours."""

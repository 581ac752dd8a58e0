"""Settings in files: `modellix.toml` of a project, a file of a profile (docs/project.md)."""

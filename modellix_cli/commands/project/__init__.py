"""Commands about the settings of a project."""

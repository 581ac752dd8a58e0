"""modellix-cli: generate images and video with Modellix from the command line."""

__version__ = "0.1.0"


def version_line() -> str:
    """Return name, version, system and Python, as `--version` prints them."""
    import platform
    import sys

    system = f"{sys.platform}-{platform.machine().lower()}"
    return f"modellix-cli/{__version__} {system} python-{platform.python_version()}"

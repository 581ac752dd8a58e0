"""modellix-cli: generate images and video with Modellix from the command line."""

__version__ = "0.1.0"

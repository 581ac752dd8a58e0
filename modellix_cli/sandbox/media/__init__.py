"""The sandbox's fake media: small, real files made from a seed alone."""

from modellix_cli.sandbox.media.mp4 import mp4
from modellix_cli.sandbox.media.png import png
from modellix_cli.sandbox.media.wav import wav

__all__ = ["mp4", "png", "wav"]

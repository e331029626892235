"""A decoded frame -> RGB, scaled and turned in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ek100mqa.errors import require
from ek100mqa.video.frames import Image, Size

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


def scaled(image: Image, size: Size) -> Image:
    """An RGB picture [height, width, 3], scaled by area."""
    height, width = image.shape[:2]
    shape = size.of(width, height)
    if shape == (width, height):
        return image
    pictures = require("PIL.Image", "video")
    return np.asarray(pictures.fromarray(image).resize(shape, pictures.Resampling.BOX))


class Converter:
    """Keeps swscale's tables from frame to frame."""

    def __init__(self) -> None:
        from av.video.reformatter import VideoReformatter

        self._reformatter = VideoReformatter()

    def rgb(self, frame: VideoFrame, size: Size) -> Image:
        """The frame as it is meant to be seen: [height, width, 3], RGB.

        Scaled by area while its colours are converted, and turned by the file's rotation flag.
        """
        width, height = size.of(frame.width, frame.height)
        scaled = (width, height) != (frame.width, frame.height)
        converted = self._reformatter.reformat(
            frame, width, height, "rgb24", interpolation="AREA" if scaled else None
        )
        image = converted.to_ndarray().astype(np.uint8, copy=False)
        if frame.rotation:
            image = np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90)))
        return image

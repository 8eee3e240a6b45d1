"""Pictures of a place as it is when nothing is the matter: taken by a person's act, kept on disk while a version names them."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from video.decode import Picture, from_bgr

_WIDTH = 640
LOOKS = 5  # pictures that one reference is made of


def reduced(picture: Picture) -> np.ndarray:
    """What is kept of a look until somebody asks for a reference: BGR, at most 640 wide."""
    return picture.bgr(min(_WIDTH, picture.width))


def typical(pictures: list[Picture]) -> Picture:
    """One picture of several of the same place: who passed by is not in it."""
    return from_bgr(median([reduced(picture) for picture in pictures]))


def median(images: list[np.ndarray]) -> np.ndarray:
    """Per pixel; of images of different sizes those that are as the last one count."""
    same = [image for image in images if image.shape == images[-1].shape]
    return np.median(same, axis=0).astype(np.uint8)


class References:
    """A folder of reference pictures by name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, name: str, images: list[np.ndarray]) -> None:
        """Keeps what is typical of these; durable when it returns. Called in a thread. Raises OSError."""
        good, body = cv2.imencode(".jpg", median(images), [cv2.IMWRITE_JPEG_QUALITY, 95])
        if not good:
            raise OSError("a picture cannot be encoded")
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f".{name}"
        with open(draft, "wb") as file:
            file.write(body.tobytes())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._folder / f"{name}.jpg")

    def picture(self, name: str) -> Picture | None:
        """The reference; None where it is gone."""
        image = cv2.imread(str(self._folder / f"{name}.jpg"), cv2.IMREAD_COLOR)
        return None if image is None else from_bgr(image)

    def clear(self, kept: set[str]) -> None:
        """Forgets every picture but these."""
        for path in self._folder.glob("*.jpg"):
            if path.stem not in kept:
                path.unlink(missing_ok=True)

"""What a small, quick view of a clip shows: 64 by 64 pixels, four times a second."""

from pathlib import Path

import cv2
import numpy as np

from avrec_lib.content.features import NoFeaturesError
from avrec_lib.media import read_frames

__all__ = ["PICTURE_FEATURES", "describe_frames", "describe_picture_file"]

_GRID = 3
_HUES, _LIGHTS, _CHROMAS = 12, 8, 4
_SIZE, _FPS = 64, 4.0

PICTURE_FEATURES: tuple[str, ...] = (
    *(f"hue-{i:02d}" for i in range(_HUES)),
    *(f"light-{i}" for i in range(_LIGHTS)),
    *(f"chroma-{i}" for i in range(_CHROMAS)),
    *(f"{axis}-{row}{column}" for row in range(_GRID) for column in range(_GRID) for axis in "Lab"),
    *(f"{axis}-spread" for axis in "Lab"),
    *(f"edges-{scale}" for scale in ("fine", "middle", "coarse")),
    *(f"edges-toward-{degrees}" for degrees in (0, 45, 90, 135)),
    "specks",
    "motion-mean",
    "motion-spread",
    "motion-area",
    "drift-down",
    "drift-right",
    "cut-rate",
    "flicker",
)
"""Names of the entries of :func:`describe_frames`, in order."""


def describe_frames(images: np.ndarray, fps: float) -> np.ndarray:
    """Describe moving pictures by colour, layout, edges and motion.

    Colours are measured in CIE L*a*b* (1976), where equal distances look about equally different: L is lightness in
    [0, 100], a runs from green to red, b from blue to yellow.

    Parameters
    ----------
    images : ndarray (t, h, w, 3) of uint8
        RGB frames, at least 8 by 8 pixels.
    fps : float
        Frames a second.

    Returns
    -------
    ndarray (len(PICTURE_FEATURES),) of float32
        Shares, L*a*b* units, units a second: see :data:`PICTURE_FEATURES`. Scale before comparing.

    Raises
    ------
    NoFeaturesError
        If there are no frames.
    ValueError
        If the shape, the type or the rate is wrong.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8 or not fps > 0.0:
        raise ValueError(
            f"images must be uint8 of shape (t, h, w, 3) and fps positive, not {images.dtype} {images.shape} and {fps}"
        )
    if len(images) == 0:
        raise NoFeaturesError("the picture has no frames")
    if min(images.shape[1:3]) < 8:
        raise ValueError(f"frames must be at least 8 by 8 pixels, not {images.shape[1:3]}")
    t, h, w, _ = images.shape
    # OpenCV converts one picture at a time; frames stacked on top of each other are one picture.
    tall = images.reshape(t * h, w, 3).astype(np.float32) / 255.0
    lab = cv2.cvtColor(tall, cv2.COLOR_RGB2LAB).reshape(t, h, w, 3)
    vector = np.concatenate([_colours(lab), _layout(lab), _edges(lab[..., 0]), _motion(lab, fps)])
    return vector.astype(np.float32)


def describe_picture_file(path: Path) -> np.ndarray:
    """Read a file's picture, four frames a second of 64 by 64 pixels, and describe it by :func:`describe_frames`.

    Parameters
    ----------
    path : Path
        A file with a picture.

    Returns
    -------
    ndarray (len(PICTURE_FEATURES),) of float32
        The description.

    Raises
    ------
    MediaError
        If the file has no picture or cannot be read.
    NoFeaturesError
        If there are no frames.
    """
    return describe_frames(read_frames(path, fps=_FPS, size=_SIZE).images, _FPS)


def _colours(lab: np.ndarray) -> np.ndarray:
    """Return shares of hues (weighted by chroma), of lightness and of chroma."""
    light, a, b = lab[..., 0].ravel(), lab[..., 1].ravel(), lab[..., 2].ravel()
    chroma = np.hypot(a, b)
    hue = np.floor((np.arctan2(b, a) / (2.0 * np.pi) % 1.0) * _HUES).astype(np.intp) % _HUES
    # Grey has no hue: divided by at least 5 units of mean chroma, its noise stays near zero.
    hues = np.bincount(hue, weights=chroma, minlength=_HUES) / max(chroma.sum(), 5.0 * len(chroma))
    lights = np.bincount(np.clip(light * (_LIGHTS / 100.0), 0, _LIGHTS - 1).astype(np.intp), minlength=_LIGHTS)
    chromas = np.bincount(np.digitize(chroma, [8.0, 20.0, 40.0]), minlength=_CHROMAS)
    return np.concatenate([np.sqrt(hues), np.sqrt(lights / len(light)), np.sqrt(chromas / len(chroma))])


def _layout(lab: np.ndarray) -> np.ndarray:
    """Return the mean colour of each cell of a grid, and the spread of the colours."""
    still = lab.mean(axis=0)
    cells = cv2.resize(still, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
    return np.concatenate([cells.ravel(), lab.std(axis=(0, 1, 2))])


def _edges(light: np.ndarray) -> np.ndarray:
    """Return the energy of edges at three scales, in four directions, and of specks."""
    energies = []
    scaled = light
    for _ in range(3):
        down, right = np.diff(scaled, axis=1)[:, :, :-1], np.diff(scaled, axis=2)[:, :-1, :]
        energies.append(np.log1p(np.hypot(down, right).mean()))
        rows, columns = scaled.shape[1] // 2 * 2, scaled.shape[2] // 2 * 2
        halves = scaled[:, :rows, :columns].reshape(len(scaled), rows // 2, 2, columns // 2, 2)
        scaled = halves.mean(axis=(2, 4))
    down, right = np.diff(light, axis=1)[:, :, :-1], np.diff(light, axis=2)[:, :-1, :]
    strength = np.hypot(down, right)
    toward = np.round(np.arctan2(down, right) / (np.pi / 4.0)).astype(np.intp) % 4
    shares = np.bincount(toward.ravel(), weights=strength.ravel(), minlength=4) / max(float(strength.sum()), 1e-6)
    ring = (light[:, :-2, 1:-1] + light[:, 2:, 1:-1] + light[:, 1:-1, :-2] + light[:, 1:-1, 2:]) / 4.0
    specks = np.log1p(np.clip(light[:, 1:-1, 1:-1] - ring, 0.0, None).mean())
    return np.concatenate([energies, shares, [specks]])


def _motion(lab: np.ndarray, fps: float) -> np.ndarray:
    """Return how much changes from frame to frame, which way it drifts, how often it cuts and how it flickers."""
    if len(lab) < 2:
        return np.zeros(7)
    change = np.linalg.norm(np.diff(lab, axis=0), axis=3)
    per_step = change.mean(axis=(1, 2))
    # A cut changes nearly all of the picture at once; what is left is motion.
    cuts = (change > 10.0).mean(axis=(1, 2)) > 0.6
    smooth = np.where(cuts, np.median(per_step), per_step)
    light = lab[..., 0]
    later = np.diff(light, axis=0)[:, 1:-1, 1:-1]
    down = (light[:-1, 2:, 1:-1] - light[:-1, :-2, 1:-1]) / 2.0
    right = (light[:-1, 1:-1, 2:] - light[:-1, 1:-1, :-2]) / 2.0
    # Least squares of the brightness constancy equation (Lucas and Kanade, 1981), one motion for the whole picture.
    normal = np.array([[np.sum(down * down), np.sum(down * right)], [np.sum(down * right), np.sum(right * right)]])
    flow = np.linalg.solve(
        normal + np.eye(2) * (1.0 + 1e-3 * np.trace(normal)), -np.array([np.sum(down * later), np.sum(right * later)])
    )
    return np.array(
        [
            np.log1p(smooth.mean() * fps),
            np.log1p(smooth.std() * fps),
            (change > 5.0).mean(),
            flow[0] * fps,
            flow[1] * fps,
            cuts.sum() * fps / len(lab),
            np.log1p(light.mean(axis=(1, 2)).std()),
        ]
    )

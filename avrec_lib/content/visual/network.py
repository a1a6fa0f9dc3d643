"""Small convolutional networks that learn to see from labelled frames."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn
from torch.nn import functional

from avrec_lib.content.torch_threads import one_torch_thread
from avrec_lib.content.training import train_classifier

__all__ = ["Block", "FrameNet", "embed_frames", "frame_tensor", "predict_frames", "train_frame_net"]

Block = Literal["plain", "residual", "inception"]
_BATCH = 64
_DECAY = 0.05


def _convolution(inner: int, outer: int, size: int = 3) -> nn.Sequential:
    """Convolve, bring each map to mean 0 and deviation 1 over the batch, and cut below 0."""
    return nn.Sequential(
        nn.Conv2d(inner, outer, size, padding=size // 2, bias=False), nn.BatchNorm2d(outer), nn.ReLU(inplace=True)
    )


class PlainBlock(nn.Module):
    """Two convolutions of 3 by 3 in a row, as in VGG (Simonyan and Zisserman, 2015)."""

    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        self.way = nn.Sequential(_convolution(inner, outer), _convolution(outer, outer))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, inner, h, w) to (n, outer, h, w)."""
        return self.way(x)


class ResidualBlock(nn.Module):
    """The same two convolutions, whose result is added to what came in (He et al., 2016)."""

    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        self.way = nn.Sequential(
            _convolution(inner, outer), nn.Conv2d(outer, outer, 3, padding=1, bias=False), nn.BatchNorm2d(outer)
        )
        self.past = nn.Identity() if inner == outer else nn.Conv2d(inner, outer, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, inner, h, w) to (n, outer, h, w)."""
        return functional.relu(self.way(x) + self.past(x))


class InceptionBlock(nn.Module):
    """Windows of several sizes side by side, and a pooled one (Szegedy et al., 2015)."""

    def __init__(self, inner: int, outer: int) -> None:
        super().__init__()
        quarter, half = outer // 4, outer - 3 * (outer // 4)
        self.one = _convolution(inner, quarter, 1)
        self.three = nn.Sequential(_convolution(inner, half, 1), _convolution(half, half))
        self.five = nn.Sequential(
            _convolution(inner, quarter, 1), _convolution(quarter, quarter), _convolution(quarter, quarter)
        )
        self.pooled = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), _convolution(inner, quarter, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (n, inner, h, w) to (n, outer, h, w)."""
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pooled(x)], dim=1)


_BLOCKS: dict[str, type[nn.Module]] = {"plain": PlainBlock, "residual": ResidualBlock, "inception": InceptionBlock}


class FrameNet(nn.Module):
    """A stem that halves the picture, three stages of one block each with pooling between, a mean over places, a line.

    Parameters
    ----------
    n_classes : int
        How many classes.
    block : {"plain", "residual", "inception"}
        What a stage is made of.
    widths : sequence of int
        Number of maps of each stage, multiples of 4; the last is the length of the vector that describes a frame.
    seed : int
        Of the first weights.

    Raises
    ------
    ValueError
        If `block` has another name, or a width is not a multiple of 4.
    """

    def __init__(
        self,
        n_classes: int,
        block: Block = "plain",
        widths: Sequence[int] = (16, 32, 64),
        *,
        seed: int,
    ) -> None:
        super().__init__()
        if block not in _BLOCKS:
            raise ValueError(f"block must be one of {', '.join(_BLOCKS)}, not {block!r}")
        if not len(widths) or any(width < 4 or width % 4 for width in widths):
            raise ValueError(f"widths must be multiples of 4, from 4: not {tuple(widths)}")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            first = nn.Conv2d(3, widths[0], 3, stride=2, padding=1, bias=False)
            self.stem = nn.Sequential(first, nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True))
            stages = []
            inner = widths[0]
            for number, outer in enumerate(widths):
                halved: list[nn.Module] = [nn.MaxPool2d(2)] if number else []
                stages.append(nn.Sequential(*halved, _BLOCKS[block](inner, outer)))
                inner = outer
            self.stages = nn.ModuleList(stages)
            self.head = nn.Linear(inner, n_classes)

    def maps(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the feature maps after the stem and after each stage, for frames (n, 3, h, w)."""
        found = [self.stem(x)]
        for stage in self.stages:
            found.append(stage(found[-1]))
        return found

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return scores (n, n_classes) of frames (n, 3, h, w)."""
        return self.head(self.maps(x)[-1].mean(dim=(2, 3)))

    def parameter_count(self) -> int:
        """Return how many numbers are learned."""
        return sum(parameter.numel() for parameter in self.parameters())


def frame_tensor(images: np.ndarray) -> torch.Tensor:
    """Turn frames into what the network reads: (n, h, w, 3) of uint8 becomes float32 (n, 3, h, w) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).float() / 127.5 - 1.0


def train_frame_net(
    model: FrameNet,
    images: NDArray[np.uint8],
    labels: ArrayLike,
    *,
    epochs: int,
    seed: int,
    rate: float = 3e-3,
    progress: bool = True,
) -> NDArray[np.float64]:
    """Fit a network to labelled frames, in place; every second frame, by lot, is seen in a mirror.

    Parameters
    ----------
    model : FrameNet
        Changed in place.
    images : ndarray (n, h, w, 3) of uint8
        Frames, at least two.
    labels : ndarray (n,) of int
        Their classes, from 0.
    epochs : int
        How often each frame is seen.
    seed : int
        Of order and mirroring.
    rate : float
        The greatest learning rate.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    ndarray (epochs,)
        Mean loss of each epoch.

    Raises
    ------
    ValueError
        If there is not one label a frame, or :func:`avrec_lib.content.training.train_classifier` refuses a number.
    """
    if len(images) != len(np.atleast_1d(labels)):
        raise ValueError(f"{len(images)} frames need one label each, not {len(np.atleast_1d(labels))}")
    x = frame_tensor(images)

    def show(part: NDArray[np.intp], rng: np.random.Generator) -> torch.Tensor:
        shown = x[torch.from_numpy(part)]
        mirrored = torch.from_numpy(rng.random(len(part)) < 0.5)
        return torch.where(mirrored[:, None, None, None], shown.flip(3), shown)

    return train_classifier(
        model, show, labels, seed=seed, epochs=epochs, batch=_BATCH, rate=rate, decay=_DECAY, progress=progress
    )


def predict_frames(model: FrameNet, images: np.ndarray) -> np.ndarray:
    """Return the probability of each class: float32 (n, n_classes) for frames (n, h, w, 3) of uint8."""
    model.eval()
    with one_torch_thread(), torch.inference_mode():
        parts = [model(frame_tensor(images[k : k + _BATCH])).softmax(dim=1) for k in range(0, len(images), _BATCH)]
    return torch.cat(parts).numpy()


def embed_frames(model: FrameNet, images: np.ndarray) -> list[np.ndarray]:
    """Return what each depth of a network says of frames, as means over places.

    Parameters
    ----------
    model : FrameNet
        Trained or not.
    images : ndarray (n, h, w, 3) of uint8
        Frames.

    Returns
    -------
    list of ndarray (n, width) of float32
        After the stem, then after each stage; the last is the vector before the classes.
    """
    model.eval()
    with one_torch_thread(), torch.inference_mode():
        parts = [
            [maps.mean(dim=(2, 3)) for maps in model.maps(frame_tensor(images[k : k + _BATCH]))]
            for k in range(0, len(images), _BATCH)
        ]
    return [torch.cat(level).numpy() for level in zip(*parts, strict=True)]

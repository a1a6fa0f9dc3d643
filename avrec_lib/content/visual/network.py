"""Small convolutional networks that learn to see from labelled frames."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional

__all__ = ["Block", "FrameNet", "embed_frames", "frame_tensor", "predict_frames", "train_frame_net"]

Block = Literal["plain", "residual", "inception"]
_BATCH = 64


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
    depth : int
        Blocks a stage.
    seed : int
        Of the first weights.
    """

    def __init__(
        self,
        n_classes: int,
        block: Block = "plain",
        widths: Sequence[int] = (16, 32, 64),
        *,
        depth: int = 1,
        seed: int,
    ) -> None:
        super().__init__()
        if block not in _BLOCKS:
            raise ValueError(f"block must be one of {', '.join(_BLOCKS)}, not {block!r}")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            first = nn.Conv2d(3, widths[0], 3, stride=2, padding=1, bias=False)
            self.stem = nn.Sequential(first, nn.BatchNorm2d(widths[0]), nn.ReLU(inplace=True))
            stages = []
            inner = widths[0]
            for number, outer in enumerate(widths):
                blocks: list[nn.Module] = [nn.MaxPool2d(2)] if number else []
                for _ in range(depth):
                    blocks.append(_BLOCKS[block](inner, outer))
                    inner = outer
                stages.append(nn.Sequential(*blocks))
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
    images: np.ndarray,
    labels: np.ndarray,
    *,
    epochs: int,
    seed: int,
    rate: float = 3e-3,
    mirror: bool = True,
) -> list[float]:
    """Fit a network to labelled frames, in place.

    The learning rate rises and falls once over the whole run (Smith and Topin, 2019); the weights decay (AdamW).

    Parameters
    ----------
    model : FrameNet
        Changed in place.
    images : ndarray (n, h, w, 3) of uint8
        Frames.
    labels : ndarray (n,) of int
        Their classes.
    epochs : int
        How often each frame is seen.
    seed : int
        Of order and mirroring.
    rate : float
        The greatest learning rate.
    mirror : bool
        Whether every second frame, by lot, is seen in a mirror.

    Returns
    -------
    list of float
        Mean loss of each epoch.
    """
    rng = np.random.default_rng([seed, 5])
    x, y = frame_tensor(images), torch.from_numpy(np.asarray(labels, dtype=np.int64))
    steps = -(-len(x) // _BATCH)
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=max(2, epochs * steps))
    losses = []
    model.train()
    for _ in range(epochs):
        total = 0.0
        # Parts of nearly equal size: a last one of a single frame has no deviation.
        for chosen in np.array_split(rng.permutation(len(x)), steps):
            batch = x[torch.from_numpy(chosen)]
            if mirror:
                flipped = torch.from_numpy(rng.random(len(chosen)) < 0.5)
                batch = torch.where(flipped[:, None, None, None], batch.flip(3), batch)
            loss = functional.cross_entropy(model(batch), y[torch.from_numpy(chosen)])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach()) * len(chosen)
        losses.append(total / len(x))
    model.eval()
    return losses


def predict_frames(model: FrameNet, images: np.ndarray) -> np.ndarray:
    """Return the probability of each class: float32 (n, n_classes) for frames (n, h, w, 3) of uint8."""
    model.eval()
    with torch.inference_mode():
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
    with torch.inference_mode():
        parts = [
            [maps.mean(dim=(2, 3)) for maps in model.maps(frame_tensor(images[k : k + _BATCH]))]
            for k in range(0, len(images), _BATCH)
        ]
    return [torch.cat(level).numpy() for level in zip(*parts, strict=True)]

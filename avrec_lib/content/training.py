"""Train a network in an order that a seed fixes, on one thread, with a rate that rises and falls."""

import math
import os
from collections.abc import Callable, Iterable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn
from tqdm import tqdm

from avrec_lib.content.torch_threads import one_torch_thread

__all__ = ["AdamW", "one_cycle", "train", "train_classifier"]

_SQUARES = 0.999  # how much of the mean squared slope stays at each step
_TINY = 1e-8
_RISING = 0.3  # share of the steps in which the rate rises
_FIRST, _LAST = 1 / 25, 1 / 250_000  # rates at both ends, as shares of the greatest
_MOMENTUM = (0.95, 0.85)  # at both ends, and where the rate is greatest


def one_cycle(step: int, steps: int, rate: float) -> tuple[float, float]:
    """Return the learning rate and the momentum of a step, when the rate rises once and then falls.

    Parameters
    ----------
    step : int
        From 0 to `steps` - 1.
    steps : int
        Steps in all, at least 2.
    rate : float
        The greatest rate.

    Returns
    -------
    tuple of float
        The rate goes up in three tenths of the steps and down in the rest, each along half a cosine; the momentum
        goes the other way.

    References
    ----------
    Smith and Topin (2019), Super-convergence: very fast training of neural networks using large learning rates. The
    numbers are those of ``torch.optim.lr_scheduler.OneCycleLR``.
    """
    top, end = _RISING * steps - 1.0, steps - 1.0
    high, low = _MOMENTUM
    if step <= top:
        ends, way = ((_FIRST * rate, rate), (high, low)), step / top if top else 1.0
    else:
        ends, way = ((rate, _LAST * rate), (low, high)), (step - top) / (end - top)
    bend = (1.0 + math.cos(math.pi * way)) / 2.0
    (rate_from, rate_to), (momentum_from, momentum_to) = ends
    return rate_to + (rate_from - rate_to) * bend, momentum_to + (momentum_from - momentum_to) * bend


class AdamW:
    r"""Steps against the slope, each number at a pace of its own, with decay of the weights.

    The same numbers as ``torch.optim.AdamW``, whose making imports torch's compiler: a second that no small network
    needs.

    Parameters
    ----------
    parameters : iterable of torch.nn.Parameter
        Changed by each step.
    decay : float
        Share of each weight that a step of rate 1 takes away.

    References
    ----------
    Loshchilov and Hutter (2019), Decoupled weight decay regularization, algorithm 2.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], *, decay: float) -> None:
        self._parameters = list(parameters)
        self._decay = decay
        self._steps = 0
        self._means = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._squares = [torch.zeros_like(parameter) for parameter in self._parameters]

    @torch.no_grad()
    def step(self, rate: float, momentum: float) -> None:
        """Change the parameters by their slopes, and forget the slopes.

        Parameters
        ----------
        rate : float
            Learning rate.
        momentum : float
            Share of the mean slope that stays, from 0 to 1.
        """
        self._steps += 1
        pace = rate / (1.0 - momentum**self._steps)
        unbiased = math.sqrt(1.0 - _SQUARES**self._steps)
        for parameter, mean, square in zip(self._parameters, self._means, self._squares, strict=True):
            slope = parameter.grad
            if slope is None:
                continue
            parameter.mul_(1.0 - rate * self._decay)
            mean.lerp_(slope, 1.0 - momentum)
            square.mul_(_SQUARES).addcmul_(slope, slope, value=1.0 - _SQUARES)
            parameter.addcdiv_(mean, (square.sqrt() / unbiased).add_(_TINY), value=-pace)
            parameter.grad = None


def train(
    network: nn.Module,
    loss: Callable[[NDArray[np.intp], np.random.Generator], torch.Tensor],
    n: int,
    *,
    seed: int,
    epochs: int,
    batch: int,
    rate: float,
    decay: float,
    progress: bool = True,
) -> NDArray[np.float64]:
    """Train a network in place to make a loss small.

    Parameters
    ----------
    network : torch.nn.Module
        Its first weights are its maker's.
    loss : callable
        Gives the mean loss of the examples of some numbers; from the generator it may draw what it does to them.
    n : int
        How many examples there are, at least 2.
    seed : int
        Seed of the order and of what `loss` draws. The same seed gives the same weights, on any number of cores.
    epochs : int
        How often each example is met.
    batch : int
        Examples a step, at least 2; parts of nearly equal size, and never one alone, whose normalisation would have
        nothing to compare it with.
    rate : float
        The greatest learning rate, of :func:`one_cycle`.
    decay : float
        Decay of the weights, of :class:`AdamW`.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    ndarray (epochs,)
        Mean loss of each epoch.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    if n < 2 or epochs < 1 or not rate > 0.0:
        raise ValueError(f"examples from 2, epochs from 1, rate above 0: not {n}, {epochs}, {rate}")
    if batch < 2:
        raise ValueError(f"batch must be at least 2, not {batch}: normalisation needs examples to compare")
    rng = np.random.default_rng(seed)
    steps = max(1, min(-(-n // batch), n // 2))
    total = max(2, epochs * steps)
    optimiser = AdamW(network.parameters(), decay=decay)
    history = np.zeros(epochs)
    network.train()
    hidden = not progress or bool(os.environ.get("TQDM_DISABLE"))
    with one_torch_thread(), tqdm(total=epochs * steps, desc="training", disable=hidden) as bar:
        for epoch in range(epochs):
            for number, part in enumerate(np.array_split(rng.permutation(n), steps)):
                value = loss(part, rng)
                value.backward()
                optimiser.step(*one_cycle(epoch * steps + number, total, rate))
                history[epoch] += value.item() * len(part) / n
                bar.update()
    network.eval()
    return history


def train_classifier(
    network: nn.Module,
    show: Callable[[NDArray[np.intp], np.random.Generator], torch.Tensor],
    labels: ArrayLike,
    *,
    seed: int,
    epochs: int,
    batch: int,
    rate: float,
    decay: float,
    smoothing: float = 0.0,
    progress: bool = True,
) -> NDArray[np.float64]:
    """Train a network in place to name the class of each example.

    Parameters
    ----------
    network : torch.nn.Module
        From what `show` gives to scores (n, n_classes). Its first weights are its maker's.
    show : callable
        Gives the examples of some numbers as the network reads them; from the generator it may draw which part or
        which mirror image of each.
    labels : ndarray (n,) of int
        Classes, from 0.
    seed, epochs, batch, rate, decay, progress
        As for :func:`train`.
    smoothing : float
        Share of the right answer that is spread over all classes, from 0 to 1.

    Returns
    -------
    ndarray (epochs,)
        Mean loss of each epoch.

    Raises
    ------
    ValueError
        If there are fewer than two labels, or a number is out of its range.
    """
    classes = torch.as_tensor(np.asarray(labels), dtype=torch.long)
    n = len(classes) if classes.ndim == 1 else 0
    if n < 2:
        raise ValueError(f"labels must be of shape (n,) with n of at least 2, not {tuple(classes.shape)}")
    if not 0.0 <= smoothing < 1.0:
        raise ValueError(f"smoothing is from 0 to 1, not {smoothing}")

    def loss(part: NDArray[np.intp], rng: np.random.Generator) -> torch.Tensor:
        return nn.functional.cross_entropy(network(show(part, rng)), classes[part], label_smoothing=smoothing)

    return train(network, loss, n, seed=seed, epochs=epochs, batch=batch, rate=rate, decay=decay, progress=progress)

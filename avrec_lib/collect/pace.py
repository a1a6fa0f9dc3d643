"""How often something may happen: a bucket of tokens that fills at a rate."""

import time
from collections.abc import Callable

__all__ = ["TokenBucket"]


class TokenBucket:
    """Let something happen at most at a given rate.

    The bucket gains `rate` tokens a second up to `capacity`; each request takes one, and waits where there is none.

    Parameters
    ----------
    rate : float
        Tokens a second, above 0.
    capacity : float
        Largest burst; 1 leaves a pause of ``1 / rate`` between any two requests.
    clock, sleep : callable
        The time in seconds, and how to wait; tests give their own.
    """

    def __init__(
        self,
        rate: float,
        capacity: float = 1.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not (rate > 0.0 and capacity >= 1.0):
            raise ValueError(f"a bucket needs rate > 0 and capacity >= 1, got {rate} and {capacity}")
        self.rate = rate
        self.capacity = capacity
        self._clock = clock
        self._sleep = sleep
        self._tokens = capacity
        self._filled = clock()

    def take(self) -> float:
        """Take a token, waiting for it where there is none.

        Returns
        -------
        float
            Seconds waited.
        """
        waited = 0.0
        while True:
            now = self._clock()
            self._tokens = min(self.capacity, self._tokens + max(0.0, now - self._filled) * self.rate)
            self._filled = max(now, self._filled)
            missing = (1.0 - self._tokens) / self.rate + self._filled - now
            if missing <= 1e-9:
                self._tokens -= 1.0
                return waited
            self._sleep(missing)
            waited += missing

    def empty(self, pause: float = 0.0) -> None:
        """Spill all tokens, and fill again only after a pause.

        Parameters
        ----------
        pause : float
            Seconds during which no token comes in.
        """
        self._tokens = 0.0
        self._filled = max(self._filled, self._clock() + pause)

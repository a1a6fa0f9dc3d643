"""A recommender as stages that declare what they read and what they make.

The declaration is the code: a stage's inputs are the parameters of its function,
so the graph that a page draws is the graph that runs.
"""

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Pipeline", "Stage"]


@dataclass(frozen=True)
class Stage:
    """One step of a pipeline.

    Attributes
    ----------
    run : callable
        Its function: each parameter names a value that another stage makes or that is given.
    makes : str
        Name of the value that it returns.
    """

    run: Callable[..., Any]
    makes: str

    @property
    def name(self) -> str:
        """Return the function's name in words."""
        return self.run.__name__.replace("_", " ")

    @property
    def reads(self) -> tuple[str, ...]:
        """Return the names of the values that the stage needs."""
        return tuple(inspect.signature(self.run).parameters)


@dataclass
class Pipeline:
    """Stages in the order in which they run.

    Attributes
    ----------
    stages : tuple of Stage
        Each reads only what is given or what an earlier stage makes.
    seconds : dict
        After :meth:`run`, the wall time of each stage by name.

    Raises
    ------
    ValueError
        If two stages make the same value, or one reads a value that a later one makes.
    """

    stages: tuple[Stage, ...]
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        made_by = {stage.makes: stage.name for stage in reversed(self.stages)}
        if len(made_by) < len(self.stages):
            made = [stage.makes for stage in self.stages]
            raise ValueError(f"made by two stages: {sorted({value for value in made if made.count(value) > 1})}")
        made_so_far: set[str] = set()
        for stage in self.stages:
            for value in stage.reads:
                if value in made_by and value not in made_so_far:
                    raise ValueError(f"{stage.name!r} reads {value!r} before {made_by[value]!r} makes it")
            made_so_far.add(stage.makes)

    @property
    def given(self) -> tuple[str, ...]:
        """Return the values that no stage makes, in the order in which they are first read."""
        made = {stage.makes for stage in self.stages}
        return tuple(dict.fromkeys(value for stage in self.stages for value in stage.reads if value not in made))

    def edges(self) -> list[tuple[str, str, str]]:
        """Return the graph: (stage or given value, stage that reads it, name of the value)."""
        maker = {stage.makes: stage.name for stage in self.stages}
        return [(maker.get(value, value), stage.name, value) for stage in self.stages for value in stage.reads]

    def run(self, **given: Any) -> dict[str, Any]:
        """Run every stage once.

        Parameters
        ----------
        **given : object
            The values named in :attr:`given`.

        Returns
        -------
        dict
            Every value, given or made, by name.

        Raises
        ------
        TypeError
            If a value is missing or is not wanted.
        """
        if missing := [name for name in self.given if name not in given]:
            raise TypeError(f"the pipeline needs {', '.join(missing)}")
        if unwanted := [name for name in given if name not in self.given]:
            raise TypeError(f"no stage reads {', '.join(unwanted)}; the pipeline needs {', '.join(self.given)}")
        values = dict(given)
        for stage in self.stages:
            start = time.perf_counter()
            values[stage.makes] = stage.run(**{name: values[name] for name in stage.reads})
            self.seconds[stage.name] = time.perf_counter() - start
        return values

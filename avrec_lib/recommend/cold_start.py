"""What a recommender says of people and items that it knows nothing of."""

from collections.abc import Sequence

__all__ = ["ColdStartError"]


class ColdStartError(ValueError):
    """Raised when a recommender is asked about people or items that it knows nothing of.

    Parameters
    ----------
    message : str
        What was asked for and what would help.
    users, items : sequence
        The ids in question.
    """

    def __init__(self, message: str, *, users: Sequence[object] = (), items: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.users = list(users)
        self.items = list(items)

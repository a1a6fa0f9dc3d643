"""The sizes in which Tidepool is made."""

from dataclasses import dataclass

from avrec_lib.world.catalogue import DAYS

__all__ = ["PROFILES", "Profile", "find_profile"]


@dataclass(frozen=True)
class Profile:
    """The size of a world.

    Attributes
    ----------
    name : str
        Names the cache folder: letters, digits and hyphens.
    clips : int
        Original clips, at least 12; near-duplicates come on top.
    people : int
        People, bots not counted.
    creators : int
        People who make the clips.
    days : int
        Length of the log.
    """

    name: str
    clips: int
    people: int
    creators: int = 60
    days: int = DAYS

    def __post_init__(self) -> None:
        if not self.name or not self.name.replace("-", "").isalnum() or not self.name.isascii():
            raise ValueError(f"a profile's name is made of letters, digits and hyphens, not {self.name!r}")
        if self.clips < 12 or self.people < 1 or self.creators < 1 or not 1 <= self.days <= DAYS:
            raise ValueError(
                f"profile {self.name}: needs at least 12 clips, 1 person, 1 creator and 1 to {DAYS} days, "
                f"not {self.clips}, {self.people}, {self.creators} and {self.days}"
            )


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("smoke", clips=60, people=120, creators=20),
        Profile("full", clips=480, people=800),
    )
}
"""The profiles by name."""


def find_profile(profile: str | Profile) -> Profile:
    """Return a profile by its name.

    Parameters
    ----------
    profile : str or Profile
        A name from ``PROFILES``, or a size of one's own.

    Returns
    -------
    Profile
        The size of the world.

    Raises
    ------
    ValueError
        If there is no profile of that name.
    """
    if isinstance(profile, Profile):
        return profile
    if profile not in PROFILES:
        raise ValueError(f"no profile named {profile!r}; there are {', '.join(PROFILES)}")
    return PROFILES[profile]

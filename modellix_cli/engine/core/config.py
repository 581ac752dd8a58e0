"""How the engine is to work, as the user chose."""

from enum import Enum

from modellix_cli.domain.frozen import frozen


class Follow(Enum):
    """How far tasks are followed."""

    NOT = "not"
    """They are submitted, and that is all."""
    ONCE = "once"
    """Each is polled once; what has ended is saved."""
    TO_THE_END = "to the end"


@frozen
class EngineConfig:
    """Times in seconds. `timeout` is for each task, from when it is taken up.

    `concurrency` paid requests may be under way at a time, `polls` reads and `saves` downloads.
    `interval` None polls when an end is likely. `patience` is how long to wait for limits and for
    a service that is unavailable. `tries` bounds how often one request is refused by a service
    that is unavailable, None leaves that to `patience`. With `outwait_tasks` a refusal because too
    many tasks run is waited out as long as one may run. After an outcome that is unknown no
    further line is sent unless `continue_on_unknown`.
    """

    concurrency: int = 3
    follow: Follow = Follow.NOT
    save: bool = False
    timeout: float = 300.0
    interval: float | None = None
    patience: float = 120.0
    tries: int | None = None
    outwait_tasks: bool = True
    continue_on_unknown: bool = False
    polls: int = 8
    saves: int = 4
    most_followed: int = 1000
    most_to_save: int = 20

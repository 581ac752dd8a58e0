"""What the parts of a batch share: its orders, and what it works with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modellix_cli.api.client import Client
from modellix_cli.clock import Clock
from modellix_cli.domain.task import Task
from modellix_cli.downloads.downloader import Saved
from modellix_cli.engine.poll_schedule import PollScheduler
from modellix_cli.engine.progress import Progress
from modellix_cli.engine.rate_governor import Governor
from modellix_cli.inputs.batch_file import Line
from modellix_cli.ledger.batch_facts import Fate
from modellix_cli.ledger.batches import BatchBook

Start = Callable[[str, Any, Callable[[], Any]], None]
"""Runs work on another thread; its kind and what it is about come back with its outcome."""
Step = tuple[Line, Fate | None]
"""A line, and what is known of it from earlier runs or from a refusal in this one."""


@dataclass(frozen=True, slots=True)
class Orders:
    """How to run a batch. Times in seconds: `timeout` for each task, `patience` for refusals."""

    concurrency: int = 3
    wait: bool = False
    timeout: float = 300.0
    continue_on_unknown: bool = False
    resend_unknown: bool = False
    patience: float = 120.0


@dataclass(frozen=True, slots=True)
class Means:
    """What a run works with. `saw` records what a look tells.

    `usual` is how long a model's tasks take, in seconds, None if that is not known. `save`, if
    given, saves results; `stop_saving` ends that at once and leaves nothing incomplete.
    """

    client: Client
    governor: Governor
    looks: PollScheduler
    book: BatchBook
    clock: Clock
    progress: Progress
    saw: Callable[[Task], None]
    usual: Callable[[str], float | None]
    warn: Callable[[str], None]
    save: Callable[[Fate, Task], Saved] | None = None
    stop_saving: Callable[[], None] = lambda: None

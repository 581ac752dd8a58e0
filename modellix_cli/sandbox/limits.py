"""What the sandbox allows, and how fast it is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The team's limits and the sandbox's pace.

    `requests_per_window` API requests in `window_seconds` and `running_tasks` unfinished tasks
    are allowed; 0 lifts either. `task_seconds` overrides how long each model's tasks take.
    `latency_seconds` is added to every API answer. Every `repeat_webhooks`th webhook is delivered
    twice; 0 repeats none.
    """

    requests_per_window: int = 100
    window_seconds: float = 60.0
    running_tasks: int = 3
    task_seconds: float | None = None
    latency_seconds: float = 0.0
    repeat_webhooks: int = 2


@dataclass(frozen=True, slots=True)
class Window:
    """How a request stands in the team's window: `reset` is the Unix time at which it ends."""

    admitted: bool
    remaining: int
    reset: float

"""How deliveries of webhooks look: a line for people, JSON Lines for programs, ids when quiet."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from modellix_cli.clock import clock_time
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.text import clip, count
from modellix_cli.output.sink import Output, Sink

if TYPE_CHECKING:
    from modellix_cli.webhooks.delivery import Delivery

_LONGEST_REASON = 200


class DeliveryPrinter:
    """Tells each delivery on stdout, and what is at risk on stderr."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def listening(self, url: str) -> None:
        """Say where deliveries are taken."""
        if self._sink.mode is Output.JSONL:
            self._sink.json_line({"type": "listening", "url": url})
        else:
            self._sink.note(f"Listening on {url}; stop with Ctrl-C.")

    def delivery(self, delivery: "Delivery", *, known: bool) -> None:
        """Tell a delivery that is new; `known` says that the ledger has its task."""
        if self._sink.mode is Output.JSONL:
            self._sink.json_line(delivery.as_dict(known=known))
        elif self._sink.mode is Output.QUIET:
            self._sink.line(delivery.task_id)
        else:
            self._sink.line(_words(delivery, known=known))

    def unrecorded(self, error: ModellixError) -> None:
        """Say that deliveries are told, but not recorded."""
        self._sink.alert(
            f"Deliveries are told but not recorded for now: {error.message} Commands that wait "
            "poll on their own schedule."
        )

    def summary(self, told: int, repeats: int, refused: Mapping[str, int], failures: int) -> None:
        """Say what came in all, once the listener has ended."""
        if self._sink.mode is Output.JSONL:
            facts = {"deliveries": told, "repeats": repeats, "refused": sum(refused.values())}
            self._sink.json_line({"type": "summary"} | facts | {"failedCommands": failures})
            return
        parts = ["1 delivery" if told == 1 else f"{told} deliveries"]
        parts += [count(repeats, "repeat")] if repeats else []
        if refused:
            why = ", ".join(f"{reason}: {number}" for reason, number in sorted(refused.items()))
            parts.append(f"{sum(refused.values())} refused ({why})")
        parts += [count(failures, "failed command")] if failures else []
        self._sink.stopped(f"Stopped. {'; '.join(parts)}.")


def _words(delivery: "Delivery", *, known: bool) -> str:
    task = delivery.task
    parts = [clock_time(delivery.received_at), task.task_id, task.status]
    if task.billed is not None:
        parts.append(task.billed.words)
    if task.succeeded and task.expires_at is not None:
        parts.append(f"results kept until {clock_time(task.expires_at)}")
    if task.failed and task.reason:
        parts.append(clip(task.reason, _LONGEST_REASON))
    if not known:
        parts.append("not submitted from this machine")
    return "  ".join(parts)

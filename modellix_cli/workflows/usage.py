"""`usage`: what was spent, from the ledger alone."""

from collections.abc import Callable
from contextlib import suppress

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ModellixError, usage
from modellix_cli.domain.moments import parse_since
from modellix_cli.domain.values import parse_tag
from modellix_cli.ledger.usage import Usage, UsageBy
from modellix_cli.output.facts import BudgetState, UsageReport


def chosen_group(text: str) -> UsageBy:
    """Read the value of `--by`. Raises the usage error."""
    try:
        return UsageBy(text.strip().lower())
    except ValueError:
        choices = ", ".join(UsageBy)
        raise usage(f"Expected --by={text} to be one of: {choices}.") from None


def find_usage(
    session: Session, since: str | None, by: UsageBy, tag: str | None = None
) -> UsageReport:
    """Return what was spent at the API address in use, of all profiles unless one was named.

    With a tag only what has it counts.

    Raises the usage error and the ledger's errors.
    """
    start = None if since is None else parse_since(since, session.runtime.clock.now())
    wanted = None if tag is None else parse_tag(tag)
    state = budget_state(session)
    groups = session.stores.usage.groups(
        by,
        since=0.0 if start is None else start,
        profile=session.globals.profile,
        tag=wanted,
    )
    total = sum(groups.values(), Usage())
    return UsageReport(
        by, start, dict(sorted(groups.items(), key=_place(by))), total, state, wanted
    )


def budget_state(session: Session) -> BudgetState | None:
    """Return how the budget stands, None if none is set. Raises the usage and ledger's errors."""
    budget = session.settings.budget
    if budget is None:
        return None
    if session.connections.key is None:
        with suppress(ModellixError):  # without a key the profile tells whose it is
            session.connections.find_and_keep_key(None)
    return BudgetState(budget, session.stores.usage.spent(budget.period))


def _place(by: UsageBy) -> Callable[[tuple[str | None, Usage]], tuple[object, ...]]:
    """Return what groups are sorted by: the dearest first, days and batches in their order."""

    def place(item: tuple[str | None, Usage]) -> tuple[object, ...]:
        name, spent = item
        nameless = name is None
        if by is UsageBy.BATCH:
            return nameless, int(name or 0)
        if by is UsageBy.DAY:
            return nameless, name or ""
        return -(spent.billed + spent.reserved).usd, nameless, name or ""

    return place

"""Whether the key in use belongs to the account that paid for a request with another key."""

from typing import TYPE_CHECKING

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.text import count
from modellix_cli.ledger.records import OtherAccount
from modellix_cli.options.paying import BatchPaying, RunPaying

if TYPE_CHECKING:
    from modellix_cli.api.client import Client


def link_account(
    session: Session,
    client: "Client",
    other: OtherAccount,
    paying: BatchPaying | RunPaying,
    *,
    to_pay: str = "pass --new",
) -> None:
    """Record that both keys belong to one account, by the user's word or the server's.

    The server is asked, for free, for a task that the other key paid for. Raises
    `ACCOUNT_CHANGED` where it does not know it, and whatever else asking comes to. `to_pay` is
    what to do to pay with the key in use.
    """
    if not (paying.same_account or _sees(client, other.tasks)):
        raise ModellixError(
            ErrorCode.ACCOUNT_CHANGED,
            f"{count(other.lines, 'request')} of these were sent with another API key, that of "
            f"profile {other.profile}. Nothing was sent now.",
            hint=f"To continue with that account, {_way_back(session, other.profile)}. If both "
            f"keys belong to one account, pass --same-account. To pay with this key, {to_pay}.",
        )
    session.stores.batches.link_account(other.team)


def _way_back(session: Session, profile: str) -> str:
    """Return what to do to use the key of a profile: a key that is given beats a saved one."""
    key = session.connections.key
    if key is not None and key.source == "environment":
        return f"put its key into {key.variable}, or unset that and pass --profile {profile}"
    if key is not None and key.source == "flag":
        return f"give its key with --api-key, or leave that out and pass --profile {profile}"
    return f"pass --profile {profile}"


def _sees(client: "Client", task_ids: tuple[str, ...]) -> bool:
    for task_id in task_ids[:1]:
        try:
            client.task(task_id)
        except ModellixError as error:
            if error.code not in (ErrorCode.NOT_FOUND, ErrorCode.UNAUTHORIZED):
                raise
            return False
        return True
    return False

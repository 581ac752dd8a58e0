"""What this machine recorded of the sandbox, once the sandbox was reset."""

from modellix_cli.context.session import Session
from modellix_cli.context.settings import SANDBOX_BASE_URL
from modellix_cli.domain.addresses import canonical_base_url
from modellix_cli.domain.errors import ModellixError
from modellix_cli.inputs.upload_cache import forget_uploads
from modellix_cli.paths import cache_dir


def mark_sandbox_gone(session: Session) -> int:
    """Mark the tasks that were made with `--sandbox` as gone; return how many they are.

    Those of `sandbox serve` stay: a task at an address of this machine may be another program's.
    """
    from modellix_cli.ledger.sandbox_reset import mark_gone

    address = canonical_base_url(SANDBOX_BASE_URL)
    forget_uploads(cache_dir(session.runtime.env), address)
    ledger = session.stores.ledger_file
    if not ledger.path.exists():
        return 0
    try:
        return mark_gone(ledger, address)
    except ModellixError as error:
        session.out.warn(f"The history still lists the sandbox's tasks: {error.message}")
        return 0

"""What commands load: memory and start-up grow with every module, so only with what is used."""

import json
import subprocess
import sys

import pytest

from modellix_cli.deferred_modules import _RARELY_CALLED, _RARELY_USED
from tests.e2e.batches import Batches, batch, running_service
from tests.e2e.conftest import BODY

__all__ = ["batch", "running_service"]

SCRIPT = (
    "import json, sys\nfrom modellix_cli.__main__ import main\n"
    "try:\n    main()\nfinally:\n"
    "    from modellix_cli.deferred_modules import _Deferred\n"
    "    loaded = [n for n, m in sys.modules.items() if not isinstance(m, _Deferred)]\n"
    "    print(json.dumps(sorted(loaded)), file=sys.stderr)\n"
)
UNICODE_TABLES = {"encodings.idna", "stringprep"}
PRICES = {"decimal", "modellix_cli.domain.money", "modellix_cli.ledger.spending"}
SCHEMAS = {
    f"modellix_cli.{name}"
    for name in (
        *("models.schema_document", "models.parameters", "models.batch_check"),
        *("workflows.body_values", "workflows.presets"),
    )
}
TROUBLE = {
    f"modellix_cli.{name}"
    for name in (
        *("commands._framework.suggestions", "ledger.damaged_file", "profiles.keychain"),
        *("ledger.salvage", "ledger.import_journal", "downloads.files"),
    )
}
RARELY_USED = {*_RARELY_USED, *_RARELY_CALLED} - {"ipaddress"}  # the service's host is a number
HELP = {f"modellix_cli.commands._framework.{name}" for name in ("completers", "help_page")}
RUN = ("model", "run", "a/b", "--body", BODY)


def loaded(batch: Batches, *arguments: str) -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        env=batch.shell.env, cwd=batch.shell.cwd, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(json.loads(ran.stderr.splitlines()[-1]))


@pytest.mark.parametrize("unused", [UNICODE_TABLES, PRICES, SCHEMAS, TROUBLE, RARELY_USED, HELP])
def test_a_plain_run_loads_only_what_it_uses(batch: Batches, unused: set[str]) -> None:
    modules = loaded(batch, *RUN)
    assert "modellix_cli.engine.driver" in modules
    assert modules & unused == set()


@pytest.mark.parametrize("unused", [UNICODE_TABLES, SCHEMAS, TROUBLE, RARELY_USED, HELP])
def test_a_plain_batch_loads_only_what_it_uses(batch: Batches, unused: set[str]) -> None:
    modules = loaded(batch, "model", "batch", str(batch.path), "--yes")
    assert "modellix_cli.engine.driver" in modules
    assert modules & unused == set()

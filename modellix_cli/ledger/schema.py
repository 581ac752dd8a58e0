"""The tables of the ledger. Each has one module that writes it, named beside it.

Amounts are exact decimals in US dollars as text, times Unix times in seconds, ids UUIDs; `number`
is the short one to show. An attempt's `created_at` is when it was recorded that it is about to be
sent, and `uptime` the seconds since the start of the machine, called `boot`, at that moment.
`other_tasks` are the ids that its reply named besides its task, as a list in JSON.
`rejected_by` is who made it certain that nothing was created (`RejectedBy`), `accepted_by` is
'user' where the user, not the service, named the task that was created.
`resume_argv` is the command line that goes on with a batch, as a list in JSON.
Columns and indexes are only ever added, so that older versions can read the file.
"""

import sqlite3
from typing import Final

from modellix_cli.domain.submission_state import STATES

APPLICATION_ID: Final = 0x4D647832  # "Mdx2"
VERSION: Final = 1

_STATE_WORDS: Final = ", ".join(f"'{state}'" for state in STATES)
_OWNER: Final = """
  host TEXT, boot TEXT, pid INTEGER, process_started INTEGER, lease_until REAL"""

TABLES: Final = f"""
-- marks.py: facts about the file itself
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- accounts.py: keys that were used; rows of one team have the same `team`
CREATE TABLE accounts (
  id INTEGER PRIMARY KEY,
  base_url TEXT NOT NULL,
  profile TEXT NOT NULL,
  key_mark TEXT,
  team INTEGER NOT NULL,
  created_at REAL NOT NULL
);
CREATE UNIQUE INDEX accounts_key ON accounts (base_url, key_mark);

-- submissions.py: each attempt of a paid request
CREATE TABLE submissions (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account INTEGER NOT NULL,
  base_url TEXT NOT NULL,
  profile TEXT NOT NULL,
  slug TEXT NOT NULL,
  identity TEXT,
  legacy_sha256 TEXT,
  generation INTEGER NOT NULL DEFAULT 0,
  body_sha256 TEXT,
  state TEXT NOT NULL CHECK (state IN ({_STATE_WORDS})),
  task_id TEXT,
  detail TEXT,
  replaces INTEGER,
  batch INTEGER,
  line INTEGER,
  line_id TEXT,
  tag TEXT,
  request_key TEXT,
  webhook TEXT,
  estimated_cost TEXT,
  billed_cost TEXT,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  told_at REAL,{_OWNER},
  uptime REAL,
  other_tasks TEXT,
  rejected_by TEXT,
  accepted_by TEXT
);
CREATE INDEX submissions_identity ON submissions (identity, batch);
CREATE INDEX submissions_legacy ON submissions (legacy_sha256) WHERE identity IS NULL;
CREATE INDEX submissions_open ON submissions (state) WHERE state IN ('intent', 'unknown');
CREATE INDEX submissions_key ON submissions (request_key) WHERE request_key IS NOT NULL;
CREATE INDEX submissions_replaces ON submissions (replaces) WHERE replaces IS NOT NULL;
CREATE INDEX submissions_task ON submissions (task_id);

-- submissions.py: bodies as they were sent, compressed, each once
CREATE TABLE bodies (
  sha256 TEXT PRIMARY KEY,
  compressed BLOB NOT NULL,
  used_at REAL NOT NULL
) WITHOUT ROWID;

-- tasks.py
CREATE TABLE tasks (
  base_url TEXT NOT NULL,
  profile TEXT NOT NULL,
  task_id TEXT NOT NULL,
  account INTEGER,
  slug TEXT,
  status TEXT,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  ended_at REAL,
  expires_at REAL,
  saved_at REAL,
  billed_cost TEXT,
  PRIMARY KEY (base_url, task_id, profile)
);
CREATE INDEX tasks_recent ON tasks (updated_at);
CREATE TABLE durations (
  base_url TEXT NOT NULL,
  slug TEXT NOT NULL,
  submitted_at REAL NOT NULL,
  seconds REAL NOT NULL
);
CREATE INDEX durations_model ON durations (base_url, slug, submitted_at);

-- files.py: what was saved of a task
CREATE TABLE files (
  base_url TEXT NOT NULL,
  task_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  path TEXT NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT,
  type TEXT,
  url TEXT,
  saved_at REAL NOT NULL,
  PRIMARY KEY (base_url, task_id, position, path)
) WITHOUT ROWID;
CREATE INDEX files_content ON files (sha256);

-- batches.py
CREATE TABLE batches (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  account INTEGER NOT NULL,
  base_url TEXT NOT NULL,
  profile TEXT NOT NULL,
  digest TEXT NOT NULL,
  source TEXT NOT NULL,
  total INTEGER NOT NULL,
  state TEXT NOT NULL,
  tag TEXT,
  answers_loss INTEGER NOT NULL DEFAULT 0,
  hidden INTEGER NOT NULL DEFAULT 0,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,{_OWNER},
  resume_argv TEXT
);
CREATE INDEX batches_digest ON batches (digest);
CREATE TABLE batch_lines (
  batch INTEGER NOT NULL,
  line INTEGER NOT NULL,
  slug TEXT NOT NULL,
  name TEXT,
  identity TEXT,
  generation INTEGER NOT NULL DEFAULT 0,
  submission INTEGER,
  status TEXT,
  detail TEXT,
  made TEXT,
  PRIMARY KEY (batch, line)
) WITHOUT ROWID;
CREATE INDEX batch_lines_identity ON batch_lines (identity);
CREATE INDEX batch_lines_submission ON batch_lines (submission);

-- rate_state.py
CREATE TABLE rate_state (scope TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE running_tasks (
  scope TEXT NOT NULL,
  ref TEXT NOT NULL,
  task_id TEXT,
  since REAL NOT NULL,
  until REAL NOT NULL,{_OWNER},
  PRIMARY KEY (scope, ref)
) WITHOUT ROWID;
CREATE INDEX running_tasks_task ON running_tasks (task_id);

-- deliveries.py: webhooks that came in
CREATE TABLE deliveries (
  delivery_id TEXT PRIMARY KEY,
  base_url TEXT NOT NULL,
  task_id TEXT NOT NULL,
  event TEXT NOT NULL,
  received_at REAL NOT NULL,
  body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX deliveries_task ON deliveries (task_id);
CREATE INDEX deliveries_recent ON deliveries (received_at);

-- history.py: history.json of the official CLI
CREATE TABLE imports (path TEXT PRIMARY KEY, fingerprint TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE cleared (profile TEXT PRIMARY KEY, cleared_at REAL NOT NULL) WITHOUT ROWID
"""

LATER_COLUMNS: Final = {
    "submissions": {
        "uptime": "REAL",
        "other_tasks": "TEXT",
        "rejected_by": "TEXT",
        "accepted_by": "TEXT",
    },
    "batches": {"resume_argv": "TEXT"},
}
"""Columns that files of older versions lack, by table, with their types."""
_FILL: Final = """
UPDATE submissions SET rejected_by = CASE
  WHEN detail = 'Interrupted before it was sent.' THEN 'interrupt'
  WHEN detail = 'Not created, by the user''s word.' THEN 'user'
  WHEN detail LIKE 'Not sent: %' THEN 'check'
  WHEN detail LIKE 'Cannot reach %' THEN 'network'
  ELSE 'service' END
WHERE state = 'rejected' AND rejected_by IS NULL"""
LATER_INDEXES: Final = (
    "CREATE INDEX IF NOT EXISTS submissions_created ON submissions (created_at)",
    "CREATE INDEX IF NOT EXISTS submissions_uptime ON submissions (boot, uptime, created_at)",
)


def statements() -> list[str]:
    """Return the statements that make the tables."""
    lines = [line for line in TABLES.splitlines() if not line.startswith("--")]
    tables = [text.strip() for text in "\n".join(lines).split(";") if text.strip()]
    return [*tables, *LATER_INDEXES]


def fill_later_columns(db: sqlite3.Connection) -> None:
    """Say in later columns what rows of older versions tell by the words of `detail`."""
    db.execute(_FILL)

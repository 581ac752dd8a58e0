BEGIN TRANSACTION;
CREATE TABLE batch_lines (
  batch INTEGER NOT NULL,
  line INTEGER NOT NULL,
  submission INTEGER,
  slug TEXT NOT NULL,
  name TEXT,
  state TEXT NOT NULL,
  task_id TEXT,
  status TEXT,
  detail TEXT,
  made TEXT,
  PRIMARY KEY (batch, line)
) WITHOUT ROWID;
INSERT INTO "batch_lines" VALUES(1,1,1,'a/b',NULL,'accepted','@TASK1@',NULL,NULL,NULL);
INSERT INTO "batch_lines" VALUES(1,2,2,'a/b',NULL,'accepted','@TASK2@',NULL,NULL,NULL);
INSERT INTO "batch_lines" VALUES(2,1,5,'a/b',NULL,'unknown',NULL,NULL,'The connection failed after the submission started: Server disconnected without sending a response. The outcome of the paid submission is unknown: a task may have been created.',NULL);
CREATE TABLE batches (
  id INTEGER PRIMARY KEY,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  base_url TEXT NOT NULL,
  profile TEXT NOT NULL,
  digest TEXT NOT NULL,
  source TEXT NOT NULL,
  total INTEGER NOT NULL,
  state TEXT NOT NULL
);
INSERT INTO "batches" VALUES(1,1.79565543373711442943e+09,1.79565543375752615924e+09,'@BASE_URL@','default','b76181c7e1f8e0fa4d15ef5c9e2865ba9d1e8d9df7d84d5bc786ea730f108161','lines.jsonl',2,'done');
INSERT INTO "batches" VALUES(2,1.79565543513571310042e+09,1.7956554351440470219e+09,'@BASE_URL@','default','5608114a06aa465d1e1827df0538a0d53b69ea0fe5974312098d82366cb0072e','more.jsonl',1,'stopped');
CREATE TABLE cleared (
  profile TEXT PRIMARY KEY,
  cleared_at REAL NOT NULL
);
CREATE TABLE durations (
  id INTEGER PRIMARY KEY,
  base_url TEXT NOT NULL,
  slug TEXT NOT NULL,
  seconds REAL NOT NULL
);
CREATE TABLE imports (
  path TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL
);
CREATE TABLE pace (
  scope TEXT PRIMARY KEY,
  state TEXT NOT NULL
);
INSERT INTO "pace" VALUES('e95a4bbd322ed9d2','{"limit": null, "window": 0.0, "remaining": 0, "reset_at": 0.0, "window_start": 1795655433.7265358, "sent": 7, "last_at": 1795655435.1381264, "presumed": false, "refill": 0, "hold_until": 0.0, "troubles": 0, "tried_at": 0.0, "gap": 0.0, "cap": null, "probe_at": 0.0, "probe_gap": 0.0, "spurt": 1, "submit_hold": 0.0, "crowds": 0}');
CREATE TABLE running (
  scope TEXT NOT NULL,
  ref TEXT NOT NULL,
  task_id TEXT,
  until REAL NOT NULL,
  PRIMARY KEY (scope, ref)
) WITHOUT ROWID;
INSERT INTO "running" VALUES('e95a4bbd322ed9d2','9750cbf9ae390629','@TASK3@',1.79565544427310824389e+09);
INSERT INTO "running" VALUES('e95a4bbd322ed9d2','batch 1 264fca741b1590bc','@TASK1@',1.79565544375399851802e+09);
INSERT INTO "running" VALUES('e95a4bbd322ed9d2','batch 1 7245dfa5bc3f57a8','@TASK2@',1.79565544375707459448e+09);
INSERT INTO "running" VALUES('e95a4bbd322ed9d2','batch 2 56e1d5893275a54b','batch 2 56e1d5893275a54b',1.79565544514366316796e+09);
INSERT INTO "running" VALUES('e95a4bbd322ed9d2','fb5468dc28b2d949','fb5468dc28b2d949',1.79565544475920367238e+09);
CREATE TABLE submissions (
  id INTEGER PRIMARY KEY,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  base_url TEXT NOT NULL,
  profile TEXT NOT NULL,
  slug TEXT NOT NULL,
  body_sha256 TEXT NOT NULL,
  state TEXT NOT NULL,
  task_id TEXT,
  detail TEXT
);
INSERT INTO "submissions" VALUES(1,1.79565543374212050441e+09,1.7956554337512135506e+09,'@BASE_URL@','default','a/b','649fd03a82452164c8ae0c7702ab25b27f566844934a89aac5134ebad9e8575b','accepted','@TASK1@',NULL);
INSERT INTO "submissions" VALUES(2,1.79565543374212050441e+09,1.79565543375502514834e+09,'@BASE_URL@','default','a/b','2a74c2191d7d7e34ac6b7bf0c8e958a09d41ccf0d024022b60eb7f71e5647099','accepted','@TASK2@',NULL);
INSERT INTO "submissions" VALUES(3,1.79565543426154661178e+09,1.79565543427072477336e+09,'@BASE_URL@','default','a/b','37f07f8b90f061c043a283ff4a4ab2d43e41c3acfa24d35047718793555b141d','accepted','@TASK3@',NULL);
INSERT INTO "submissions" VALUES(4,1.79565543475243306155e+09,1.79565543475959348679e+09,'@BASE_URL@','default','a/b','f97e2067415e64b8b907184d91647eaaefdb62ce0b2f36ab6e8f58f707637772','unknown',NULL,'The connection failed after the submission started: Server disconnected without sending a response. The outcome of the paid submission is unknown: a task may have been created.');
INSERT INTO "submissions" VALUES(5,1.79565543513841843607e+09,1.79565543514219641682e+09,'@BASE_URL@','default','a/b','e0a1032498f543d2949d8ca625553c896e39d5e26cfbb7b68de677ee7cf73d24','unknown',NULL,'The connection failed after the submission started: Server disconnected without sending a response. The outcome of the paid submission is unknown: a task may have been created.');
CREATE TABLE tasks (
  base_url TEXT NOT NULL,
  profile TEXT NOT NULL,
  task_id TEXT NOT NULL,
  slug TEXT,
  status TEXT,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  ended_at REAL,
  saved_at REAL,
  PRIMARY KEY (base_url, profile, task_id)
);
INSERT INTO "tasks" VALUES('@BASE_URL@','default','@TASK1@','a/b','submitted',1.7956554337512135506e+09,1.7956554337512135506e+09,NULL,NULL);
INSERT INTO "tasks" VALUES('@BASE_URL@','default','@TASK2@','a/b','submitted',1.79565543375502514834e+09,1.79565543375502514834e+09,NULL,NULL);
INSERT INTO "tasks" VALUES('@BASE_URL@','default','@TASK3@','a/b','submitted',1.79565543427072477336e+09,1.79565543427072477336e+09,NULL,NULL);
CREATE INDEX submissions_request ON submissions (body_sha256, slug, base_url);
CREATE INDEX tasks_recent ON tasks (updated_at);
CREATE INDEX running_task ON running (task_id);
CREATE INDEX durations_model ON durations (base_url, slug);
CREATE INDEX batches_digest ON batches (digest);
CREATE INDEX batch_lines_task ON batch_lines (task_id);
COMMIT;
PRAGMA application_id = 1298430001;
PRAGMA user_version = 3;

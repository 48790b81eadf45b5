CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO meta VALUES ('seq', '0');

CREATE TABLE job (
  id                TEXT PRIMARY KEY,
  client_token      TEXT NOT NULL UNIQUE,
  notebook_path     TEXT NOT NULL,
  title             TEXT NOT NULL,
  status            TEXT NOT NULL,
  endpoint          TEXT NOT NULL,
  account           TEXT NOT NULL,
  created_at        INTEGER NOT NULL,
  accelerator       TEXT NOT NULL,
  machine_shape     TEXT NOT NULL,
  hardware          TEXT NOT NULL,
  internet          INTEGER NOT NULL,
  private           INTEGER NOT NULL,
  time_cap_s        INTEGER,
  save_only         INTEGER NOT NULL,
  language          TEXT NOT NULL,
  root              TEXT NOT NULL,
  sources           TEXT NOT NULL,
  ref               TEXT,
  version           INTEGER,
  base_version      INTEGER,
  url               TEXT NOT NULL,
  kernel_session_id INTEGER,
  kaggle_word       TEXT NOT NULL,
  reason            TEXT NOT NULL,
  message           TEXT NOT NULL,
  remedy            TEXT NOT NULL,
  warnings          TEXT NOT NULL,
  submitted_at      INTEGER,
  started_at        INTEGER,
  ended_at          INTEGER,
  last_heard_at     INTEGER,
  trouble           TEXT NOT NULL,
  stop_requested_at INTEGER,
  retrieval         TEXT NOT NULL,
  retrieval_message TEXT NOT NULL,
  output_dir        TEXT NOT NULL,
  log_count         INTEGER NOT NULL,
  log_next          INTEGER NOT NULL,
  log_complete      INTEGER NOT NULL,
  last_line         TEXT NOT NULL,
  progress          TEXT,
  seq               INTEGER NOT NULL,
  lease_owner       TEXT,
  lease_until       INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX job_by_seq ON job (seq);
CREATE INDEX job_by_age ON job (created_at DESC, id DESC);
CREATE INDEX job_by_notebook ON job (notebook_path, created_at DESC);
CREATE INDEX job_with_work ON job (status, retrieval)
  WHERE status IN ('waiting', 'submitting', 'queued', 'running', 'cancel_requested')
     OR retrieval IN ('pending', 'running');

CREATE TABLE history (
  id     INTEGER PRIMARY KEY,
  job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  at     INTEGER NOT NULL,
  status TEXT NOT NULL,
  word   TEXT NOT NULL,
  note   TEXT NOT NULL
);
CREATE INDEX history_by_job ON history (job_id, id);

CREATE TABLE log (
  job_id TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  n      INTEGER NOT NULL,
  stream TEXT NOT NULL,
  time_s REAL NOT NULL,
  text   TEXT NOT NULL,
  PRIMARY KEY (job_id, n)
) WITHOUT ROWID;

CREATE TABLE output_file (
  job_id   TEXT NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  name     TEXT NOT NULL,
  size     INTEGER,
  state    TEXT NOT NULL,
  received INTEGER NOT NULL,
  path     TEXT NOT NULL,
  sha256   TEXT NOT NULL,
  message  TEXT NOT NULL,
  PRIMARY KEY (job_id, name)
) WITHOUT ROWID;

CREATE TABLE removed (
  job_id TEXT PRIMARY KEY,
  seq    INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE profile (
  endpoint      TEXT NOT NULL,
  notebook_path TEXT NOT NULL,
  accelerator   TEXT NOT NULL,
  title         TEXT NOT NULL,
  ref           TEXT NOT NULL,
  internet      INTEGER NOT NULL,
  private       INTEGER NOT NULL,
  time_cap_s    INTEGER,
  confirmed     INTEGER NOT NULL,
  PRIMARY KEY (endpoint, notebook_path)
) WITHOUT ROWID;

"""All SQL of the store, as text in one place. Nothing here is assembled at run time."""

ADD_JOB = """
INSERT INTO job (
  id, client_token, notebook_path, title, status, endpoint, account, created_at, accelerator,
  machine_shape, hardware, internet, private, time_cap_s, save_only, language, root, sources, ref,
  version, base_version, url, kernel_session_id, kaggle_word, reason, message, remedy, warnings,
  submitted_at, started_at, ended_at, last_heard_at, trouble, stop_requested_at, retrieval,
  retrieval_message, retrieve, files_wanted, folder_wanted, output_dir, log_count, log_next,
  log_complete, last_line, progress, partial, seq
) VALUES (
  :id, :client_token, :notebook_path, :title, :status, :endpoint, :account, :created_at,
  :accelerator, :machine_shape, :hardware, :internet, :private, :time_cap_s, :save_only,
  :language, :root, :sources, :ref, :version, :base_version, :url, :kernel_session_id,
  :kaggle_word, :reason, :message, :remedy, :warnings, :submitted_at, :started_at, :ended_at,
  :last_heard_at, :trouble, :stop_requested_at, :retrieval, :retrieval_message, :retrieve,
  :files_wanted, :folder_wanted, :output_dir, :log_count, :log_next, :log_complete, :last_line,
  :progress, :partial, :seq
) ON CONFLICT (client_token) DO NOTHING
"""

WRITE_JOB = """
UPDATE job SET
  status = :status, notebook_path = :notebook_path, title = :title, endpoint = :endpoint,
  account = :account, accelerator = :accelerator, machine_shape = :machine_shape,
  hardware = :hardware, internet = :internet, private = :private, time_cap_s = :time_cap_s,
  save_only = :save_only, language = :language, root = :root, sources = :sources, ref = :ref,
  version = :version, base_version = :base_version, url = :url,
  kernel_session_id = :kernel_session_id, kaggle_word = :kaggle_word, reason = :reason,
  message = :message, remedy = :remedy, warnings = :warnings, submitted_at = :submitted_at,
  started_at = :started_at, ended_at = :ended_at, last_heard_at = :last_heard_at,
  trouble = :trouble, stop_requested_at = :stop_requested_at, retrieval = :retrieval,
  retrieval_message = :retrieval_message, retrieve = :retrieve, files_wanted = :files_wanted,
  folder_wanted = :folder_wanted, output_dir = :output_dir, log_count = :log_count,
  log_next = :log_next, log_complete = :log_complete, last_line = :last_line,
  progress = :progress, partial = :partial, seq = :seq
WHERE id = :id
"""

NEXT_SEQ = "UPDATE meta SET value = value + 1 WHERE key = 'seq' RETURNING CAST(value AS INTEGER)"
GET_SEQ = "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'seq'"
GET_META = "SELECT value FROM meta WHERE key = ?"
SET_META = (
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)

GET_JOB = "SELECT * FROM job WHERE id = ?"
GET_SAME_CLICK = "SELECT * FROM job WHERE client_token = ?"
FIND_JOBS = "SELECT * FROM job WHERE id LIKE ? || '%' ORDER BY created_at DESC, id DESC LIMIT 2"
COUNT_JOBS = "SELECT COUNT(*) FROM job WHERE (:notebook = '' OR notebook_path = :notebook)"
LIST_JOBS = """
SELECT * FROM job
WHERE (:notebook = '' OR notebook_path = :notebook)
  AND (:before = '' OR (created_at, id) < (SELECT created_at, id FROM job WHERE id = :before))
ORDER BY created_at DESC, id DESC LIMIT :limit
"""
LIST_CHANGED = "SELECT * FROM job WHERE seq > :since ORDER BY seq LIMIT :limit"
LIST_REMOVED = "SELECT job_id FROM removed WHERE seq > ? ORDER BY seq"
LIST_WITH_WORK = """
SELECT * FROM job
WHERE status IN ('waiting', 'submitting', 'queued', 'running', 'cancel_requested')
   OR retrieval IN ('pending', 'running')
ORDER BY created_at
"""
GET_SENDER = """
SELECT root, notebook_path FROM job WHERE ref = ? AND endpoint = ? AND version IS NOT NULL
ORDER BY created_at DESC LIMIT 1
"""
GET_PROMISED = """
SELECT root, notebook_path FROM job WHERE ref = ? AND endpoint = ? AND version IS NULL
AND status IN ('submitting', 'waiting') ORDER BY created_at LIMIT 1
"""
REMOVE_JOB = "DELETE FROM job WHERE id = ?"
ADD_REMOVED = "INSERT OR REPLACE INTO removed (job_id, seq, client_token) VALUES (?, ?, ?)"
IS_REMOVED_CLICK = "SELECT 1 FROM removed WHERE client_token = ?"

CLAIM = """
UPDATE job SET lease_owner = :owner, lease_until = :until
WHERE id = :id AND (
  lease_owner IS NULL OR lease_owner = :owner OR lease_until < :now OR lease_until > :now + :longest
)
"""
RELEASE = "UPDATE job SET lease_owner = NULL, lease_until = 0 WHERE id = ? AND lease_owner = ?"

ADD_HISTORY = "INSERT INTO history (job_id, at, status, word, note) VALUES (?, ?, ?, ?, ?)"
LIST_HISTORY = "SELECT at, status, word, note FROM history WHERE job_id = ? ORDER BY id"
LAST_WORD = "SELECT word FROM history WHERE job_id = ? AND word <> '' ORDER BY id DESC LIMIT 1"

ADD_LOG = "INSERT OR IGNORE INTO log (job_id, n, stream, time_s, text) VALUES (?, ?, ?, ?, ?)"
LIST_LOG = "SELECT n, stream, time_s, text FROM log WHERE job_id = ? AND n > ? ORDER BY n LIMIT ?"

PUT_FILE = """
INSERT OR REPLACE INTO output_file (job_id, name, size, state, received, path, sha256, message)
VALUES (:job_id, :name, :size, :state, :received, :path, :sha256, :message)
"""
LIST_FILES = """
SELECT name, size, state, received, path, sha256, message FROM output_file WHERE job_id = ? ORDER BY name
"""

GET_PROFILE = "SELECT * FROM profile WHERE endpoint = ? AND notebook_path = ?"
PUT_PROFILE = """
INSERT OR REPLACE INTO profile (
  endpoint, notebook_path, accelerator, title, ref, internet, private, time_cap_s, confirmed
) VALUES (
  :endpoint, :notebook_path, :accelerator, :title, :ref, :internet, :private, :time_cap_s, :confirmed
)
"""

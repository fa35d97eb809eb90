/* ledger/schema.c - see schema.h. docs/ledger.md describes the tables. */
#include "ledger/schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* Version 1. `task.document` stands last: SQLite reads the pages of a long text only when that column is asked for. */
static const char version_1[] =
        "CREATE TABLE node (\n"
        "  one INTEGER PRIMARY KEY CHECK (one = 1),\n"
        "  id TEXT NOT NULL,\n"
        "  bound_us INTEGER NOT NULL\n"
        ") STRICT;\n"

        "CREATE TABLE task (\n"
        "  seq INTEGER PRIMARY KEY AUTOINCREMENT,\n"
        "  id TEXT NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 64),\n"
        "  name TEXT NOT NULL,\n"
        "  source TEXT NOT NULL CHECK (source IN ('file', 'cron', 'api', 'pool')),\n"
        "  cron TEXT,\n"
        "  digest TEXT NOT NULL CHECK (length(digest) = 64),\n"
        "  priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 100),\n"
        "  accepted_us INTEGER NOT NULL,\n"
        "  retried_us INTEGER,\n"
        "  attempts_before INTEGER NOT NULL DEFAULT 0,\n"
        "  state TEXT NOT NULL CHECK (state IN ('Queued', 'Admitted', 'Fetching', 'Running', 'Collecting',\n"
        "    'Reporting', 'Completed', 'Failed', 'TimedOut', 'Stopped', 'Rejected')),\n"
        "  ended_us INTEGER,\n"
        "  stop_by TEXT,\n"
        "  stop_reason TEXT,\n"
        "  stop_us INTEGER,\n"
        "  cause TEXT,\n"
        "  reason TEXT,\n"
        "  message TEXT,\n"
        "  exit_code INTEGER CHECK (exit_code BETWEEN 0 AND 255),\n"
        "  document TEXT NOT NULL,\n"
        "  CHECK ((ended_us IS NOT NULL) = (state IN ('Completed', 'Failed', 'TimedOut', 'Stopped', 'Rejected'))),\n"
        "  CHECK ((stop_us IS NOT NULL) = (stop_by IS NOT NULL)),\n"
        "  CHECK (ended_us IS NULL OR cause IS NOT NULL)\n"
        ") STRICT;\n"
        "CREATE INDEX task_live ON task (seq) WHERE ended_us IS NULL;\n"
        "CREATE INDEX task_cron ON task (cron, seq) WHERE cron IS NOT NULL;\n"

        "CREATE TABLE attempt (\n"
        "  task INTEGER NOT NULL REFERENCES task (seq) ON DELETE CASCADE,\n"
        "  number INTEGER NOT NULL CHECK (number >= 1),\n"
        "  container TEXT,\n"
        "  begun_us INTEGER,\n"
        "  ended_us INTEGER,\n"
        "  cause TEXT,\n"
        "  reason TEXT,\n"
        "  message TEXT,\n"
        "  exit_code INTEGER CHECK (exit_code BETWEEN 0 AND 255),\n"
        "  oom_killed INTEGER NOT NULL DEFAULT 0 CHECK (oom_killed IN (0, 1)),\n"
        "  by_task INTEGER CHECK (by_task IN (0, 1)),\n"
        "  started_us INTEGER,\n"
        "  finished_us INTEGER,\n"
        "  log_truncated INTEGER NOT NULL DEFAULT 0 CHECK (log_truncated IN (0, 1)),\n"
        "  log_bytes INTEGER NOT NULL DEFAULT 0,\n"
        "  log_lines INTEGER NOT NULL DEFAULT 0,\n"
        "  log_sha256 TEXT CHECK (length(log_sha256) = 64),\n"
        "  n_outputs INTEGER NOT NULL DEFAULT 0,\n"
        "  outputs_bytes INTEGER NOT NULL DEFAULT 0,\n"
        "  outputs_sha256 TEXT CHECK (length(outputs_sha256) = 64),\n"
        "  cpu_us INTEGER,\n"
        "  memory_peak_bytes INTEGER,\n"
        "  PRIMARY KEY (task, number),\n"
        "  CHECK ((begun_us IS NOT NULL) = (container IS NOT NULL)),\n"
        "  CHECK (begun_us IS NOT NULL OR ended_us IS NOT NULL),\n"
        "  CHECK ((ended_us IS NOT NULL) = (cause IS NOT NULL)),\n"
        "  CHECK ((ended_us IS NOT NULL) = (by_task IS NOT NULL))\n"
        ") STRICT, WITHOUT ROWID;\n"

        "CREATE TABLE trust (\n"
        "  seq INTEGER PRIMARY KEY AUTOINCREMENT,\n"
        "  at_us INTEGER NOT NULL,\n"
        "  task TEXT NOT NULL,\n"
        "  number INTEGER,\n"
        "  delta INTEGER NOT NULL CHECK (delta BETWEEN -100 AND 100),\n"
        "  score INTEGER NOT NULL CHECK (score BETWEEN 0 AND 100),\n"
        "  score_group TEXT NOT NULL CHECK (score_group IN ('high', 'medium', 'low')),\n"
        "  cause TEXT NOT NULL\n"
        ") STRICT;\n"

        "CREATE TABLE receipt (\n"
        "  seq INTEGER PRIMARY KEY AUTOINCREMENT,\n"
        "  at_us INTEGER NOT NULL,\n"
        "  task TEXT NOT NULL,\n"
        "  number INTEGER,\n"
        "  sha256 TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),\n"
        "  previous TEXT UNIQUE REFERENCES receipt (sha256),\n"
        "  body TEXT NOT NULL\n"
        ") STRICT;\n"
        "CREATE INDEX receipt_task ON receipt (task, seq);\n"

        "CREATE TABLE cron (\n"
        "  name TEXT PRIMARY KEY,\n"
        "  until_us INTEGER,\n"
        "  suspended INTEGER NOT NULL DEFAULT 0 CHECK (suspended IN (0, 1))\n"
        ") STRICT, WITHOUT ROWID;\n"

        "CREATE TABLE idempotency_key (\n"
        "  key TEXT PRIMARY KEY,\n"
        "  task TEXT NOT NULL,\n"
        "  digest TEXT NOT NULL,\n"
        "  at_us INTEGER NOT NULL\n"
        ") STRICT, WITHOUT ROWID;\n"
        "CREATE INDEX idempotency_key_age ON idempotency_key (at_us);\n";

const char *const hv_ledger_steps[] = { version_1 };
const unsigned hv_ledger_n_steps = HV_ARRAY_SIZE(hv_ledger_steps);

int hv_schema_check(struct hv_db *db, unsigned n_steps, unsigned *ret_version, struct hv_err *err) {
        int64_t application, version, n_tables;
        int r;

        r = hv_db_number(db, "PRAGMA application_id", &application, err);
        if (r >= 0)
                r = hv_db_number(db, "PRAGMA user_version", &version, err);
        if (r >= 0)
                r = hv_db_number(db, "SELECT count(*) FROM sqlite_schema", &n_tables, err);
        if (r < 0)
                return r;
        if (application == 0 && version == 0 && n_tables == 0) {
                *ret_version = 0;
                return 0;
        }
        if (application != HV_LEDGER_APPLICATION_ID || version < 1)
                return hv_err_set(err, -EBADMSG,
                                  "%s is a database of another program (application id 0x%08" PRIx32
                                  ", expected 0x%08x): put it aside; it is left as it is",
                                  db->path, (uint32_t) application, (unsigned) HV_LEDGER_APPLICATION_ID);
        if (version > n_steps)
                return hv_err_set(err, -ENOTSUP,
                                  "%s was written by a newer hivelet: its schema is version %" PRId64
                                  ", this program knows up to %u; nothing was touched",
                                  db->path, version, n_steps);
        *ret_version = (unsigned) version;
        return 0;
}

static int step(struct hv_db *db, const char *sql, unsigned version, struct hv_err *err) {
        char stamp[96];
        int r;

        (void) snprintf(stamp, sizeof stamp, "PRAGMA application_id = %d; PRAGMA user_version = %u",
                        HV_LEDGER_APPLICATION_ID, version);
        r = hv_db_begin(db, err);
        if (r < 0)
                return r;
        r = hv_db_exec(db, sql, err);
        if (r >= 0)
                r = hv_db_exec(db, stamp, err);
        return hv_db_finish(db, r, err);
}

int hv_schema_migrate(struct hv_db *db, const char *const *steps, unsigned n_steps, unsigned version,
                      struct hv_err *err) {
        int r;

        for (unsigned i = version; i < n_steps; i++) {
                r = step(db, steps[i], i + 1, err);
                if (r < 0)
                        return hv_err_prefix(err, r, "cannot bring the schema from version %u to %u", i,
                                             i + 1);
        }
        return 0;
}

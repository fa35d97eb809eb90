/* hivepool/store_schema.c - the tables. A released step is never edited. */
#include "hivepool/store_private.h"

static const char version_1[] =
        "CREATE TABLE counter (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL) STRICT;\n"
        "INSERT INTO counter VALUES (1, 0);\n"

        "CREATE TABLE task (\n"
        "  seq INTEGER PRIMARY KEY AUTOINCREMENT,\n"
        "  id TEXT NOT NULL UNIQUE,\n"
        "  dialect INTEGER NOT NULL CHECK (dialect IN (0, 1)),\n"
        "  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5),\n" /* enum hv_lease_task */
        "  owner TEXT,\n"
        "  priority INTEGER NOT NULL,\n"
        "  retries INTEGER NOT NULL,\n"
        "  n_attempts INTEGER NOT NULL DEFAULT 0 CHECK (n_attempts <= retries + 1),\n"
        "  node TEXT,\n"
        "  lease INTEGER NOT NULL DEFAULT 0,\n"
        "  created_us INTEGER NOT NULL,\n"
        "  ended_us INTEGER NOT NULL DEFAULT 0,\n"
        "  message TEXT,\n"
        "  spec BLOB NOT NULL\n"
        ") STRICT;\n"
        "CREATE INDEX task_live ON task (seq) WHERE state < 3;\n"
        "CREATE INDEX task_by_state ON task (state, seq);\n"

        "CREATE TABLE attempt (\n"
        "  task INTEGER NOT NULL REFERENCES task (seq) ON DELETE CASCADE,\n"
        "  number INTEGER NOT NULL,\n"
        "  node TEXT NOT NULL,\n"
        "  lease INTEGER NOT NULL UNIQUE,\n"
        "  given_us INTEGER NOT NULL,\n"
        "  ended_us INTEGER NOT NULL DEFAULT 0,\n"
        "  \"end\" INTEGER,\n" /* enum hv_lease_end */
        "  state TEXT, reason TEXT, exit_code INTEGER, key TEXT,\n"
        "  result TEXT, result_bytes INTEGER, receipt TEXT,\n"
        "  PRIMARY KEY (task, number)\n"
        ") STRICT, WITHOUT ROWID;\n"
        /* A task is with one node at a time, whatever the program thinks. */
        "CREATE UNIQUE INDEX attempt_live ON attempt (task) WHERE \"end\" IS NULL;\n"

        "CREATE TABLE use (\n"
        "  sha256 TEXT NOT NULL,\n"
        "  task INTEGER NOT NULL REFERENCES task (seq) ON DELETE CASCADE,\n"
        "  PRIMARY KEY (sha256, task)\n"
        ") STRICT, WITHOUT ROWID;\n"
        "CREATE INDEX use_by_task ON use (task);\n"

        "CREATE TABLE node (\n"
        "  id TEXT PRIMARY KEY,\n"
        "  dialect INTEGER NOT NULL,\n"
        "  epoch INTEGER NOT NULL,\n"
        "  revision INTEGER NOT NULL,\n"
        "  registered_us INTEGER NOT NULL,\n"
        "  said BLOB NOT NULL\n"
        ") STRICT, WITHOUT ROWID;\n";

static const char version_2[] = "ALTER TABLE attempt ADD COLUMN log_number INTEGER NOT NULL DEFAULT 0;\n";

static const char version_3[] =
        "CREATE TABLE account (\n"
        "  name TEXT PRIMARY KEY,\n"
        "  balance INTEGER NOT NULL CHECK (balance >= 0)\n" /* whatever the program thinks */
        ") STRICT, WITHOUT ROWID;\n";

static const char *const sql[] = { version_1, version_2, version_3 };

const struct hv_db_steps hv_store_steps = {
        .application_id = 0x6876504c, /* "hvPL" */
        .program = "hivepool",
        .sql = sql,
        .n = HV_ARRAY_SIZE(sql),
};

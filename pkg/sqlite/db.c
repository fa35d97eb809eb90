/* sqlite/db.c - see db.h. */
#include "sqlite/db.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>

#include "base/alloc.h"

/* --- errors --- */

static int code_of_system(int system_errno) {
        switch (system_errno) {
        case ENOSPC:
        case EDQUOT:
        case EROFS:
        case EACCES:
        case EPERM:
        case EMFILE:
        case ENFILE:
                return -system_errno;
        default:
                return -EIO;
        }
}

static int code_of(int rc, int system_errno) {
        switch (rc & 0xff) {
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
                return code_of_system(system_errno);
        case SQLITE_READONLY:
        case SQLITE_PERM:
                return -EROFS;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return -EBADMSG;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EAGAIN;
        case SQLITE_CONSTRAINT:
        case SQLITE_MISMATCH:
        case SQLITE_RANGE:
                return -EINVAL;
        case SQLITE_TOOBIG:
                return -E2BIG;
        default:
                return -EIO;
        }
}

/* errno is what SQLite's last call to the system left: it is set to 0 before SQLite is called, and looked at first thing
 * after. sqlite3_system_errno() knows nothing of what fails in a commit. */
int hv_db_error(struct hv_db *db, int rc, struct hv_err *err) {
        int system_errno = errno;
        const char *words = sqlite3_errmsg(db->sqlite);
        int code = code_of(rc, system_errno);

        if ((rc & 0xff) == SQLITE_NOMEM)
                hv_out_of_memory(0);
        if (code == -EBADMSG)
                return hv_err_set(
                        err, code,
                        "%s is damaged or no database (%s): restore a backup or put it aside; it is left as it is",
                        db->path, words);
        if (code == -EAGAIN)
                return hv_err_set(err, code, "%s: another program holds it (%s)", db->path, words);
        if (code == -EINVAL || code == -E2BIG)
                return hv_err_set(err, code, "%s: %s (SQLite's code %d)", db->path, words, rc);
        return hv_err_errno(err, code, "%s: %s (SQLite's code %d)", db->path, words, rc);
}

/* --- life --- */

static const struct {
        int option, on;
} options[] = {
        { SQLITE_DBCONFIG_DEFENSIVE, 1 }, /* no statement may write to the file's inner tables */
        { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
        { SQLITE_DBCONFIG_DQS_DML, 0 }, /* "x" is a name, never a text */
        { SQLITE_DBCONFIG_DQS_DDL, 0 },
        { SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
        { SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1 }, /* until the file is known to be ours */
};

int hv_db_open(const char *path, struct hv_db *ret, struct hv_err *err) {
        struct hv_db db = { .path = hv_strdup(path) };
        int rc;

        errno = 0;
        rc = sqlite3_open_v2(path, &db.sqlite,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
        for (size_t i = 0; rc == SQLITE_OK && i < HV_ARRAY_SIZE(options); i++)
                rc = sqlite3_db_config(db.sqlite, options[i].option, options[i].on, NULL);
        if (rc != SQLITE_OK) {
                int r = hv_db_error(&db, rc, err);

                hv_db_close(&db);
                return r;
        }
        *ret = db;
        return 0;
}

void hv_db_is_ours(struct hv_db *db) {
        (void) sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
}

void hv_db_close(struct hv_db *db) {
        for (size_t i = 0; i < db->statements.n; i++)
                (void) sqlite3_finalize(db->statements.v[i].stmt);
        hv_vec_done(&db->statements);
        (void) sqlite3_close_v2(db->sqlite);
        free(db->path);
        *db = (struct hv_db){};
}

int hv_db_exec(struct hv_db *db, const char *sql, struct hv_err *err) {
        int rc;

        errno = 0;
        rc = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
        return rc == SQLITE_OK ? 0 : hv_db_error(db, rc, err);
}

int hv_db_number(struct hv_db *db, const char *sql, int64_t *ret, struct hv_err *err) {
        sqlite3_stmt *stmt = NULL;
        int rc, r = 0;

        errno = 0;
        rc = sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                *ret = sqlite3_column_int64(stmt, 0);
        else
                r = hv_db_error(db, rc, err);
        (void) sqlite3_finalize(stmt);
        return r;
}

/* --- transactions --- */

int hv_db_begin(struct hv_db *db, struct hv_err *err) {
        if (db->n_walks > 0)
                return hv_err_set(err, -EDEADLK, "%s: a change was asked for in the middle of a walk",
                                  db->path);
        return hv_db_exec(db, "BEGIN IMMEDIATE", err);
}

int hv_db_finish(struct hv_db *db, int r, struct hv_err *err) {
        int rc;

        if (r >= 0) {
                errno = 0;
                rc = sqlite3_exec(db->sqlite, "COMMIT", NULL, NULL, NULL);
                if (rc == SQLITE_OK)
                        return r;
                r = hv_db_error(db, rc, err);
        }
        /* A full disk or a failed read may have rolled it back already. */
        if (!sqlite3_get_autocommit(db->sqlite))
                (void) sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
        return r;
}

/* --- queries --- */

static int prepare(struct hv_db *db, const char *sql, sqlite3_stmt **ret) {
        struct hv_statement *s;
        int rc;

        for (size_t i = 0; i < db->statements.n; i++)
                if (db->statements.v[i].sql == sql) {
                        *ret = db->statements.v[i].stmt;
                        return SQLITE_OK;
                }
        rc = sqlite3_prepare_v3(db->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL);
        if (rc != SQLITE_OK)
                return rc;
        s = hv_vec_add(&db->statements);
        *s = (struct hv_statement){ .sql = sql, .stmt = *ret };
        return SQLITE_OK;
}

void hv_query_start(struct hv_db *db, const char *sql, struct hv_query *ret) {
        *ret = (struct hv_query){ .db = db };
        errno = 0;
        ret->rc = prepare(db, sql, &ret->stmt);
}

void hv_query_end(struct hv_query *q) {
        if (!q->stmt)
                return;
        (void) sqlite3_reset(q->stmt);
        (void) sqlite3_clear_bindings(q->stmt);
        q->stmt = NULL;
}

static void bound(struct hv_query *q, int rc) {
        if (q->rc == SQLITE_OK)
                q->rc = rc;
}

void hv_query_text(struct hv_query *q, const char *s) {
        bound(q, sqlite3_bind_text(q->stmt, ++q->n_bound, s, -1, SQLITE_STATIC));
}

void hv_query_bytes(struct hv_query *q, const void *data, size_t len) {
        bound(q, sqlite3_bind_blob64(q->stmt, ++q->n_bound, data, len, SQLITE_STATIC));
}

void hv_query_number(struct hv_query *q, int64_t v) {
        bound(q, sqlite3_bind_int64(q->stmt, ++q->n_bound, v));
}

void hv_query_unsigned(struct hv_query *q, uint64_t v) {
        if (v > INT64_MAX)
                hv_query_text(q, NULL);
        else
                hv_query_number(q, (int64_t) v);
}

void hv_query_positive(struct hv_query *q, uint64_t v) {
        hv_query_unsigned(q, v > 0 ? v : UINT64_MAX);
}

int hv_query_step(struct hv_query *q, struct hv_err *err) {
        int rc = q->rc;

        q->n_read = 0;
        if (rc == SQLITE_OK) {
                errno = 0;
                rc = sqlite3_step(q->stmt);
        }
        if (rc == SQLITE_ROW)
                return 1;
        return rc == SQLITE_DONE ? 0 : hv_db_error(q->db, rc, err);
}

int hv_query_run(struct hv_query *q, struct hv_err *err) {
        int r;

        do
                r = hv_query_step(q, err);
        while (r > 0);
        return r < 0 ? r : sqlite3_changes(q->db->sqlite) > 0;
}

int hv_db_changes(const struct hv_db *db) {
        return sqlite3_changes(db->sqlite);
}

const char *hv_query_get_text(struct hv_query *q) {
        return (const char *) sqlite3_column_text(q->stmt, q->n_read++);
}

const void *hv_query_get_bytes(struct hv_query *q, size_t *ret_len) {
        const void *data = sqlite3_column_blob(q->stmt, q->n_read);

        *ret_len = (size_t) sqlite3_column_bytes(q->stmt, q->n_read++);
        return data;
}

int64_t hv_query_get_number(struct hv_query *q) {
        return sqlite3_column_int64(q->stmt, q->n_read++);
}

uint64_t hv_query_get_unsigned(struct hv_query *q) {
        return (uint64_t) hv_query_get_number(q);
}

bool hv_query_has_value(const struct hv_query *q) {
        return sqlite3_column_type(q->stmt, q->n_read) != SQLITE_NULL;
}

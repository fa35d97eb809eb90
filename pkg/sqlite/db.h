/* sqlite/db.h - SQLite as the programs here use it: the border where its codes become ours.
 *
 *      _hv_cleanup_(hv_query_end) struct hv_query q = {};      a statement is prepared once and kept
 *      hv_query_start(db, "SELECT ... WHERE id = ?", &q);      the literal's address is its name
 *      hv_query_text(&q, id);                                  parameters in their order
 *      while ((r = hv_query_step(&q, err)) > 0) ...            1 a row, 0 the end, -errno
 *
 * Transactions: hv_db_begin(), the work, and hv_db_finish(db, r, err), which commits where r >= 0 and rolls back otherwise.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"

struct sqlite3;
struct sqlite3_stmt;

struct hv_statement {
        const char *sql;
        struct sqlite3_stmt *stmt;
};

struct hv_db {
        struct sqlite3 *sqlite;
        char *path;
        unsigned n_walks; /* visitors on the way: no change meanwhile */
        HV_VEC(struct hv_statement) statements;
};

/* Opens a file that is there. Settings that need no access to it are made. Until hv_db_is_ours() nothing of a log that lies
 * beside it is carried over when it is closed. */
int hv_db_open(const char *path, struct hv_db *ret, struct hv_err *err);
void hv_db_is_ours(struct hv_db *db);
void hv_db_close(struct hv_db *db);

/* -errno of an SQLite code, with SQLite's words and the path in err. */
int hv_db_error(struct hv_db *db, int rc, struct hv_err *err);

/* Statements without parameters whose rows do not matter, and settings that give one number or one text. */
int hv_db_exec(struct hv_db *db, const char *sql, struct hv_err *err);
int hv_db_number(struct hv_db *db, const char *sql, int64_t *ret, struct hv_err *err);

int hv_db_begin(struct hv_db *db, struct hv_err *err);
int hv_db_finish(struct hv_db *db, int r, struct hv_err *err); /* gives r, or what the commit failed with */

struct hv_query {
        struct hv_db *db;
        struct sqlite3_stmt *stmt;
        int n_bound, n_read; /* parameters, columns of the row: taken in their order */
        int rc;              /* first failure, shown by hv_query_step() */
};

void hv_query_start(struct hv_db *db, const char *sql, struct hv_query *ret);
void hv_query_end(struct hv_query *q);

void hv_query_text(struct hv_query *q, const char *s); /* NULL: no value. Borrowed until the query's end */
void hv_query_bytes(struct hv_query *q, const void *data, size_t len); /* borrowed as text is */
void hv_query_number(struct hv_query *q, int64_t v);
void hv_query_unsigned(struct hv_query *q,
                       uint64_t v); /* above INT64_MAX: no value, which a column that needs one refuses */
void hv_query_positive(struct hv_query *q, uint64_t v); /* as it, and 0: no value */

int hv_query_step(struct hv_query *q, struct hv_err *err);
int hv_query_run(struct hv_query *q, struct hv_err *err); /* to its end: 1 rows were changed, 0 none */
int hv_db_changes(const struct hv_db *db);                /* rows that the last change touched */

/* The next column. Text is NULL and a number 0 where there is no value. Text is good until the next step. */
const char *hv_query_get_text(struct hv_query *q);
const void *hv_query_get_bytes(struct hv_query *q, size_t *ret_len); /* as text */
int64_t hv_query_get_number(struct hv_query *q);
uint64_t hv_query_get_unsigned(struct hv_query *q);
bool hv_query_has_value(const struct hv_query *q); /* of the next column; takes none */

/* helpers.c - see helpers.h. */
#include "helpers.h"

#include <sqlite3.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"

int set_up(void **state) {
        struct fixture *x = HV_NEW(struct fixture);

        (void) scratch_set_up((void **) &x->scratch);
        x->ledger = open_ledger(x->scratch->path);
        *state = x;
        return 0;
}

int tear_down(void **state) {
        struct fixture *x = *state;

        x->ledger = hv_ledger_free(x->ledger);
        (void) scratch_tear_down((void **) &x->scratch);
        free(x);
        return 0;
}

struct hv_ledger *open_ledger(const char *dir) {
        struct hv_ledger *l = NULL;
        struct hv_err err = {};

        if (hv_ledger_open(dir, NODE, NOW, &l, &err) < 0)
                fail_msg("%s", err.msg);
        return l;
}

void reopen(struct fixture *x) {
        x->ledger = hv_ledger_free(x->ledger);
        x->ledger = open_ledger(x->scratch->path);
}

struct hv_ledger_promise promise(const char *id) {
        return (struct hv_ledger_promise){ .id = id,
                                           .name = id,
                                           .source = "api",
                                           .document = "{\"kind\":\"Task\"}",
                                           .digest = DIGEST_A,
                                           .priority = 50,
                                           .accepted_us = NOW };
}

void accept_task(struct fixture *x, const char *id) {
        const struct hv_ledger_promise p = promise(id);

        if (hv_ledger_accept(x->ledger, &p, NULL, &x->err) != 1)
                fail_msg("%s", x->err.msg);
}

void begin_attempt(struct fixture *x, const char *id, unsigned number) {
        if (hv_ledger_begin(x->ledger, id, number, "task-x", AT(NOW + number), &x->err) != 0)
                fail_msg("%s", x->err.msg);
}

struct hv_ledger_end ending(const char *id, unsigned number, const char *state) {
        bool is_good = hv_streq(state, "Completed");

        return (struct hv_ledger_end){ .id = id,
                                       .number = number,
                                       .state = state,
                                       .now_wall_us = NOW + 100,
                                       .result = { .cause = is_good ? "success" : "exitCode",
                                                   .exit_code = is_good ? 0 : 7,
                                                   .by_task = !is_good } };
}

void end_attempt(struct fixture *x, const char *id, unsigned number, const char *state) {
        const struct hv_ledger_end e = ending(id, number, state);

        if (hv_ledger_end(x->ledger, &e, &x->err) != 0)
                fail_msg("%s", x->err.msg);
}

void expect_error(const struct hv_err *err, int r, int code, const char *expected) {
        if (r != code || !strstr(err->msg, expected))
                fail_msg("got %d \"%s\", expected %d and \"%s\"", r, err->msg, code, expected);
}

/* --- the content --- */

static void add_rows(sqlite3 *sqlite, const char *sql, const char *head, struct hv_buf *out) {
        sqlite3_stmt *stmt = NULL;
        int rc;

        if (sqlite3_prepare_v2(sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
                fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite));
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                hv_buf_puts(out, head);
                for (int i = 0; i < sqlite3_column_count(stmt); i++) {
                        const char *text = (const char *) sqlite3_column_text(stmt, i);

                        hv_buf_printf(out, "|%s", text ? text : "-");
                }
                hv_buf_putc(out, '\n');
        }
        if (rc != SQLITE_DONE)
                fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite));
        (void) sqlite3_finalize(stmt);
}

static sqlite3 *open_sqlite(const char *path) {
        sqlite3 *sqlite = NULL;

        if (sqlite3_open_v2(path, &sqlite, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
                fail_msg("%s: %s", path, sqlite3_errmsg(sqlite));
        return sqlite;
}

char *dump(const char *dir) {
        static const char *const tables[] = { "node",    "task", "attempt",         "trust",
                                              "receipt", "cron", "idempotency_key", "assignment",
                                              "debt" };
        _hv_cleanup_free_ char *path = hv_asprintf("%s/" HV_LEDGER_FILE, dir);
        struct hv_buf out = {};
        sqlite3 *sqlite = open_sqlite(path);

        for (size_t i = 0; i < HV_ARRAY_SIZE(tables); i++) {
                _hv_cleanup_free_ char *sql = hv_asprintf("SELECT * FROM %s ORDER BY 1, 2", tables[i]);

                add_rows(sqlite, sql, tables[i], &out);
        }
        assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
        return hv_buf_steal(&out);
}

char *dump_schema(const char *file) {
        struct hv_buf out = {};
        sqlite3 *sqlite = open_sqlite(file);

        add_rows(sqlite, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name", "", &out);
        add_rows(sqlite, "SELECT user_version FROM pragma_user_version", "version", &out);
        assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
        return hv_buf_steal(&out);
}

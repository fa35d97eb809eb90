/* helpers.h - a ledger in a directory of its own, steps of a task's life, and the whole content as one text. */
#pragma once

#include "unit/source/scratch.h"

#include "ledger/attempt.h"
#include "ledger/cron.h"
#include "ledger/ledger.h"
#include "ledger/promise.h"
#include "ledger/recall.h"

#define NODE "node-a"
#define NOW UINT64_C(1000000000)
#define AT(us) \
        (&(const struct hv_ledger_instant){ .wall_us = (us) }) /* of an attempt whose boot is not known */
#define DIGEST_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DIGEST_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

struct fixture {
        struct scratch *scratch;
        struct hv_ledger *ledger; /* open at the start of a test */
        struct hv_err err;
};

int set_up(void **state);
int tear_down(void **state);
void reopen(struct fixture *x);
struct hv_ledger *open_ledger(const char *dir); /* fails the test when it cannot */

struct hv_ledger_promise promise(const char *id); /* from the API, with content A */
void accept_task(struct fixture *x, const char *id);
void begin_attempt(struct fixture *x, const char *id, unsigned number);
struct hv_ledger_end ending(const char *id, unsigned number,
                            const char *state); /* cause "success" or "exitCode" */
void end_attempt(struct fixture *x, const char *id, unsigned number, const char *state);

/* Every row of every table as SQLite reads it, "table|column|...\n". Caller frees. */
char *dump(const char *dir);
char *dump_schema(const char *file);

/* "expected" in a sentence that came with `code`. */
void expect_error(const struct hv_err *err, int r, int code, const char *expected);

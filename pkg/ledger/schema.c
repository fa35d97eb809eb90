/* ledger/schema.c - see schema.h: which steps there are, and how one is done. docs/ledger.md describes the tables. */
#include "ledger/schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

const char *const hv_ledger_steps[] = { hv_ledger_schema_1, hv_ledger_schema_2, hv_ledger_schema_3 };
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

/* sqlite/steps.c - see steps.h. */
#include "sqlite/steps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

int hv_db_steps_check(struct hv_db *db, const struct hv_db_steps *steps, unsigned *ret_version,
                      struct hv_err *err) {
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
        if ((uint32_t) application != steps->application_id || version < 1)
                return hv_err_set(err, -EBADMSG,
                                  "%s is a database of another program (application id 0x%08" PRIx32
                                  ", expected 0x%08" PRIx32 "): put it aside; it is left as it is",
                                  db->path, (uint32_t) application, steps->application_id);
        if (version > steps->n)
                return hv_err_set(err, -ENOTSUP,
                                  "%s was written by a newer %s: its schema is version %" PRId64
                                  ", this program knows up to %u; nothing was touched",
                                  db->path, steps->program, version, steps->n);
        *ret_version = (unsigned) version;
        return 0;
}

static int step(struct hv_db *db, const struct hv_db_steps *steps, unsigned i, struct hv_err *err) {
        char stamp[96];
        int r;

        (void) snprintf(stamp, sizeof stamp, "PRAGMA application_id = %" PRIu32 "; PRAGMA user_version = %u",
                        steps->application_id, i + 1);
        r = hv_db_begin(db, err);
        if (r < 0)
                return r;
        r = hv_db_exec(db, steps->sql[i], err);
        if (r >= 0)
                r = hv_db_exec(db, stamp, err);
        r = hv_db_finish(db, r, err);
        return r < 0 ? hv_err_prefix(err, r, "cannot bring the schema from version %u to %u", i, i + 1) : 0;
}

int hv_db_steps_do(struct hv_db *db, const struct hv_db_steps *steps, struct hv_err *err) {
        unsigned version = 0;
        int r;

        r = hv_db_steps_check(db, steps, &version, err);
        for (unsigned i = version; r >= 0 && i < steps->n; i++)
                r = step(db, steps, i, err);
        return r;
}

/* sqlite/steps.h - the tables of a database, and the way from each version of them to the next.
 *
 * Model    `user_version` of the file is the number of steps done; step i is SQL that leads from version i to i + 1, in one
 *          transaction. `application_id` in the file's header says whose database it is (sqlite.org/fileformat, 1.3.14).
 */
#pragma once

#include "sqlite/db.h"

struct hv_db_steps {
        uint32_t application_id;
        const char *program; /* for errors: who may have written a newer one */
        const char *const *sql;
        unsigned n;
};

/* Of which version the tables are; 0: there are none, it is a new file. -EBADMSG a database of something else, -ENOTSUP a newer
 * one. Changes nothing. */
int hv_db_steps_check(struct hv_db *db, const struct hv_db_steps *steps, unsigned *ret_version,
                      struct hv_err *err);

/* Checks, and brings the tables up to date; those steps that are done stay done when a later one fails. */
int hv_db_steps_do(struct hv_db *db, const struct hv_db_steps *steps, struct hv_err *err);

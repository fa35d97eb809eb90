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

/* Brings the tables up to date; those steps that are done stay done when a later one fails. A file without tables is a new
 * one. -EBADMSG a database of something else, -ENOTSUP a newer one: nothing was touched. */
int hv_db_steps_do(struct hv_db *db, const struct hv_db_steps *steps, struct hv_err *err);

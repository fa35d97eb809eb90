/* source/node_id.h - a machine keeps the name under which it made its containers.
 *
 * Why      every container of the old id would be a stranger to the new one: never touched again, its name
 *          and its ports taken.
 * File     <state>/node-id, one line.
 */
#pragma once

#include "source/disk.h"

/* Agrees that this machine is `wanted`: the first id is stored, the same one costs no write. Another one is
 * -EEXIST with a text that says how to go on, unless `change` (--change-node-id). -EBADMSG: the stored one is
 * no id. */
int hv_node_id_claim(const struct hv_disk *state, const char *wanted, bool change, struct hv_err *err);

/* The error of that: -EEXIST. */
int hv_node_id_mismatch(const struct hv_disk *state, const char *wanted, const char *kept,
                        struct hv_err *err);

/* The stored one; NULL when there is none yet. Caller frees. */
int hv_node_id_read(const struct hv_disk *state, char **ret, struct hv_err *err);

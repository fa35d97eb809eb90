/* http/diff.h - what another revision changes, object by object.
 *
 * Model    Pure. Objects are compared by what is planned from them, so a change of spelling is no change.
 *          Kinds that this version does not act on are compared by name only.
 */
#pragma once

#include "spec/desired.h"

struct hv_json_writer;

enum hv_diff_type {
        HV_DIFF_ADDED,
        HV_DIFF_CHANGED,
        HV_DIFF_REMOVED,
};

struct hv_diff {
        enum hv_diff_type type;
        enum hv_kind kind;
        const char *name; /* borrowed from the desired states */
};

struct hv_diffs {
        const struct hv_diff *v;
        size_t n;
};

const char *hv_diff_type_name(enum hv_diff_type type); /* "added" */

/* Sorted by kind, then name. Either side may be NULL: nothing. */
const struct hv_diff *hv_diff_compute(struct hv_arena *a, const struct hv_desired *before,
                                      const struct hv_desired *after, size_t *ret_n);

/* One line an object, "service/web docker.io/library/nginx:1.27 x2 3f2a91c0": what Ansible shows with --diff.
 */
const char *hv_diff_outline(struct hv_arena *a, const struct hv_desired *d);

/* spec/task_internal.h - between the ways in which a task comes to be (file, cron, document) and the one way it is made. */
#pragma once

#include "spec/lower_internal.h"
#include "spec/task.h"

/* The user of a task that names none: nobody, in numbers, since the image need not know the name (security profile
 * `restricted`). */
#define HV_TASK_UID 65534u

#define HV_TASK_NAME_MAX (64u - 9)  /* "-01234567" follows */
#define HV_CRON_NAME_MAX (64u - 13) /* "-202611220315" follows */

struct hv_task_recipe {
        const char *name;
        const struct hv_pairs *labels, *annotations;
        const struct hv_node *
                fields; /* mapping with the fields of a task; name, labels, annotations in it are passed over */
        enum hv_task_source source;
        const char *id;   /* NULL: <name>-<first 8 digits of the digest> */
        const char *cron; /* NULL: none */
        struct hv_origin origin;
};

/* task_load.c: the node-wide sections under which a task is lowered: those of `d`, or in `a` the defaults of a node without
 * any document (d NULL, or made without documents). */
const struct hv_spec_state *hv_task_context(const struct hv_desired *d, struct hv_arena *a);

/* lower_task.c: a task in an arena of its own; nothing of it is borrowed. What cannot be read has its default: whoever
 * calls has checked the fields, or sets `refused`. */
struct hv_task *hv_task_make(const struct hv_spec_state *state, const struct hv_task_recipe *r);

/* task_document.c: the document of a task, as hv_task.document describes it. In `a`. */
const char *hv_task_document(const char *name, const struct hv_pairs *labels,
                             const struct hv_pairs *annotations, const struct hv_node *fields,
                             struct hv_arena *a);

/* Why a document cannot be kept, or NULL; `fields` is what it was made of. */
const char *hv_task_document_fault(const char *document, const struct hv_node *fields, struct hv_arena *a);

/* task_amounts.c: what is booked, and limited, for a task: its limits, else its requests, else the defaults. */
void hv_task_amounts(const struct hv_spec_unit_resources *r, int64_t cpu_quota,
                     const struct hv_spec_task_defaults *d, struct hv_booking *ret);

/* task_pool.c: tells of whatever a node pool must not say in a Task document (E0466). */
void hv_task_check_pool(const struct hv_node *document, const struct hv_spec_state *state,
                        const struct hv_task_types *types, struct hv_diags *diags);

/* cron.c: the cron tasks of a desired state. */
void hv_lower_cron_tasks(const struct hv_lowering *l, struct hv_desired *d);

/* Network of a task that names `own` (NULL: none): "none", "host", or the name of one. Borrowed. */
const char *hv_task_network(const struct hv_spec_state *s, const char *own);

/* Network of whoever installs Python packages: "none", "bridge", "host", or the name of one. Borrowed. */
const char *hv_task_packages_network(const struct hv_spec_python_packages *p);

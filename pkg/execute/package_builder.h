/* execute/package_builder.h - Python packages brought beside the workspace of an attempt: found, or installed once for all that
 * want the same.
 *
 *      want --> image's id (engine) --> key, link (thread) --> there: done
 *                                              |
 *                                              '--> build --> directory (thread) --> create, start, wait, look, log (engine)
 *                                                     ^                                   |
 *      other wants of the same key wait ---------------'             kept (thread) <-------' --> each want looks again
 *
 * Model    One want is one action TASK_PACKAGES: it can be done again at any time, from its beginning, and a set of packages is
 *          there or not. The container is named and labelled for the attempt that began it. It is made here and never removed here:
 *          once its action has ended, the core clears away what it finds of it, after a crash as well. A build whose own want is
 *          cancelled ends with it; another one of those who waited begins it anew.
 * Limits   a build ends after 30 minutes, or when it has written more than a set may hold (task/python_packages.h; looked at every 5 s).
 * Owner    options are copied but for docker, worker and event. `done` comes once, on the loop, never from inside
 *          hv_package_want_new(). hv_package_want_free() before that: nothing is called any more. All wants before the builder;
 *          the builder before worker and docker.
 */
#pragma once

#include "reconcile/action.h"
#include "spec/task.h"

struct hv_docker;
struct hv_package_builder;
struct hv_package_want;
struct hv_worker;
struct sd_event;

struct hv_package_builder_options {
        struct sd_event *event;
        struct hv_docker *docker;
        struct hv_worker *worker;
        const char *root;      /* where packages are kept */
        const char *work_root; /* of the tasks' workspaces */
        const char *node_id;
};

struct hv_package_builder *hv_package_builder_new(const struct hv_package_builder_options *options);
struct hv_package_builder *hv_package_builder_free(struct hv_package_builder *b); /* takes NULL, gives NULL */

/* How long what no task uses is kept, from now on; 0: for ever. Looked at every hour, and after each build. */
void hv_package_builder_keep(struct hv_package_builder *b, uint64_t keep_us);

struct hv_package_want_options {
        const struct hv_task *task; /* with packages.requirements, and a source of them */
        unsigned attempt;
        const char *revision;
        /* OK, NOT_FOUND (the image), REFUSED (the same again would fail again) or another failure; message NULL or a sentence */
        void (*done)(void *userdata, enum hv_outcome outcome, const char *message);
        void *userdata;
};

struct hv_package_want *hv_package_want_new(struct hv_package_builder *b,
                                            const struct hv_package_want_options *options);
struct hv_package_want *hv_package_want_free(struct hv_package_want *w); /* takes NULL, gives NULL */

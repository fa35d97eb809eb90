/* execute/attempt_cgroup.h - what an attempt at a task used: read from a cgroup of its own (cgroup/place.h).
 *
 *      CREATE  make_room()   one of the same name, left by a crash, is emptied of its counters: it goes
 *      START                 the engine makes it, as the parent of the container's
 *      COLLECT read()        the container's own is gone, the parent has its figures
 *      CLEAN   remove()      the result is durable, the container is removed
 *      engine is back: sweep()
 *
 * Model    Nothing of a task's life depends on it: where the cgroup is not to be seen (an engine elsewhere or of another user, a
 *          plain container around the agent) the figures are not known, and the journal says so once.
 * Owner    an attempt's cgroup is ours by its name, below a folder that has this node's. Removed is only what is empty.
 */
#pragma once

#include "base/err.h"
#include "spec/desired.h"
#include "task/usage.h"

struct hv_docker;
struct hv_docker_container;
struct sd_event;
struct hv_attempt_cgroups;

struct hv_attempt_cgroups_options {
        struct sd_event *event;   /* borrowed, as the engine; both outlive it */
        struct hv_docker *docker; /* says which driver it has */
        const char *node_id;      /* copied */
        const char *mountinfo;    /* for tests; NULL: of this process */
};

/* What to measure it by. `slice` is the node's, of the desired state. */
struct hv_attempt_ref {
        const char *slice, *task_id;
        unsigned attempt;
};

struct hv_attempt_cgroups *hv_attempt_cgroups_new(const struct hv_attempt_cgroups_options *options);
struct hv_attempt_cgroups *hv_attempt_cgroups_free(struct hv_attempt_cgroups *c); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_attempt_cgroups, hv_attempt_cgroups_free);

/* All that follow take NULL for `c`: then there is nothing to do, and nothing is known. */

void hv_attempt_cgroups_make_room(struct hv_attempt_cgroups *c, const struct hv_unit *u);

/* `container` as inspected, NULL: it is gone. One that was made without a cgroup of its own (by an older version) has no figures. */
struct hv_task_usage hv_attempt_cgroups_read(struct hv_attempt_cgroups *c, const struct hv_attempt_ref *ref,
                                             const struct hv_docker_container *container);

void hv_attempt_cgroups_remove(struct hv_attempt_cgroups *c, const struct hv_attempt_ref *ref);

/* Since the machine was booted no engine has begun to run this container of a task: a start makes the attempt's cgroup before
 * anything runs in it. False also where that cannot be told, as with an engine elsewhere. */
bool hv_attempt_cgroups_untouched(const struct hv_attempt_cgroups *c,
                                  const struct hv_docker_container *container);

/* Removes what is left of attempts of this node, but for those that are named: their end is not recorded yet. */
void hv_attempt_cgroups_sweep(struct hv_attempt_cgroups *c, const char *slice,
                              const struct hv_attempt_ref *live, size_t n_live);

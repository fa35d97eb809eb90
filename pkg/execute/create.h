/* execute/create.h - a wished object, as the request that makes it.
 *
 * Model    Pure but for host paths, which are resolved here, at use (execute/host_path.h). Labels are the
 *          user's and those of reconcile/labels.h, which win. The first network is joined at creation; the
 *          core plans a connect for each further one before the start, so that a container never runs half
 *          connected.
 * Limits   memory and swap are one value (no swap); 0 is no limit. The restart policy is always "no":
 *          restarts are hivelet's, with its back-off and its history.
 * Cgroup   containers hang below one slice, so that one place bounds and shows all of them. A unit's
 *          `cgroup_parent` is a path of slices from the top ("hivelet.slice"). The systemd driver wants the last
 *          name and finds its place by the dashes; cgroupfs wants the path, with a slash in front: both give the
 *          same tree. Below it stand services and tasks apart, and an attempt at a task has a slice of its own
 *          (cgroup/place.h). Podman on cgroupfs refuses what is called a slice and gets its path without the last
 *          ".slice". An engine without a driver that is known (rootless without delegation) keeps its own default.
 * GPUs     by UUID, through the engine's driver for NVIDIA. What gets none is told so in NVIDIA_VISIBLE_DEVICES on a node that has
 *          some: images made for CUDA say "all", and an engine whose default runtime is NVIDIA's would obey.
 * Log      of a task that names no driver: Docker's `local`, which keeps every byte and takes the least room; podman does not
 *          know it and gets `json-file`, which means its own form, with one file for all.
 */
#pragma once

#include "docker/create.h"
#include "docker/network.h"
#include "docker/volume.h"
#include "spec/desired.h"

struct hv_arena;

/* Why this engine gives a container no GPU; NULL: it does, or nobody knows it yet. */
const char *hv_create_gpus_withheld(const struct hv_docker_engine *engine);

/* Who makes it; borrowed. */
struct hv_create_for {
        const char *node_id;
        const char *revision;
        const struct hv_docker_engine *engine;
        const char *work_root; /* of the tasks' workspaces; NULL: no task is run here */
        const char *gpus;      /* UUIDs that this container gets, commas between them; NULL: none */
        bool node_has_gpus;    /* of which a container without one must not see any */
};

/* *ret borrows from `u` and `arena`. -EPERM a host path that must not be mounted, -ENOENT one that is not
 * there; -EAGAIN a port whose address is not known yet (a tunnel that is down). */
int hv_create_container(const struct hv_unit *u, const struct hv_create_for *who, struct hv_arena *arena,
                        struct hv_docker_create *ret, struct hv_err *err);
void hv_create_network(const struct hv_network *n, const struct hv_create_for *who, struct hv_arena *arena,
                       struct hv_docker_network_create *ret);
void hv_create_volume(const struct hv_volume *v, const struct hv_create_for *who, struct hv_arena *arena,
                      struct hv_docker_volume_create *ret);

/* The mark of a container that installs packages for an attempt of a task (execute/package_container.h); `key` stands for the digest. */
struct hv_pairs hv_create_builder_labels(const char *task_id, unsigned attempt, const char *key,
                                         const struct hv_create_for *who, struct hv_arena *arena);

/* Where a container stands that installs packages for the task `u`; NULL: the engine's default. */
const char *hv_create_builder_parent(const struct hv_unit *u, const struct hv_create_for *who,
                                     struct hv_arena *arena);

/* A slice in the engine's own form; NULL: the engine's default. */
const char *hv_create_cgroup_parent(const char *slice_path, const struct hv_docker_engine *engine,
                                    struct hv_arena *arena);

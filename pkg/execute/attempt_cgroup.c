/* execute/attempt_cgroup.c - see attempt_cgroup.h.
 *
 *      cgroupfs   folders are removed
 *      systemd    the slice is stopped; folders in hierarchies that systemd does not use are removed when it has ended
 *      podman     on cgroupfs has its watcher of the container in a cgroup beside the container's, and leaves that behind
 */
#include "execute/attempt_cgroup.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/map.h"
#include "cgroup/place.h"
#include "cgroup/slice.h"
#include "cgroup/systemd.h"
#include "cgroup/tree.h"
#include "docker/client.h"
#include "docker/container.h"
#include "docker/peer.h"
#include "execute/create.h"
#include "log/log.h"

/* Podman 4, libpod/oci_conmon_common.go: moveConmonToCgroupAndSignal(). */
#define PODMANS_OWN "conmon"

struct hv_attempt_cgroups {
        struct hv_docker *docker;
        char *node_id;
        struct hv_cgroup_tree *tree; /* NULL: it could not be looked at */
        struct hv_systemd *systemd;
        bool cpu_was_told, memory_was_told; /* that it is not known, and why */
};

/* ---- where ---- */

static const struct hv_docker_engine *engine_of(const struct hv_attempt_cgroups *c) {
        return hv_docker_engine(c->docker);
}

static bool is_systemds(const struct hv_attempt_cgroups *c) {
        return engine_of(c)->cgroup_driver == HV_DOCKER_CGROUP_SYSTEMD;
}

/* NULL: this engine puts its containers where it likes. */
static char *path_of_slice(const struct hv_attempt_cgroups *c, const char *slice) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        _hv_cleanup_free_ char *path = hv_slice_path(slice);

        return hv_cgroup_path_of_parent(hv_create_cgroup_parent(path, engine_of(c), arena));
}

static char *slice_of(const struct hv_attempt_cgroups *c, const struct hv_attempt_ref *ref) {
        if (hv_str_empty(ref->slice))
                return NULL;
        return hv_cgroup_attempt_slice(ref->slice, c->node_id, ref->task_id, ref->attempt);
}

/* ---- figures ---- */

static void tell_once(bool *was_told, const char *what, const struct hv_err *err) {
        if (!*was_told)
                (void) hv_log_full(LOG_NOTICE, err->code, NULL, "%s of tasks is not known here: %s", what,
                                   err->msg);
        *was_told = true;
}

/* A container that never ran has no cgroup, and that is no news. */
static void read_figures(struct hv_attempt_cgroups *c, const char *path, bool has_run,
                         struct hv_task_usage *ret) {
        struct hv_err err = {};

        if (hv_cgroup_cpu(c->tree, path, &ret->cpu_us, &err) < 0 && has_run)
                tell_once(&c->cpu_was_told, "the CPU time", &err);
        if (hv_cgroup_memory_peak(c->tree, path, &ret->memory_peak_bytes, &err) < 0 && has_run)
                tell_once(&c->memory_was_told, "the peak of memory", &err);
}

struct hv_task_usage hv_attempt_cgroups_read(struct hv_attempt_cgroups *c, const struct hv_attempt_ref *ref,
                                             const struct hv_docker_container *container) {
        _hv_cleanup_free_ char *slice = c ? slice_of(c, ref) : NULL, *path = NULL;
        struct hv_task_usage usage = {};

        if (!slice || !c->tree)
                return usage;
        if (container) { /* the desired state may name another slice by now */
                path = hv_cgroup_path_of_parent(container->cgroup_parent);
                if (!hv_cgroup_is_slice(path, slice)) {
                        free(path);
                        path = NULL;
                }
        } else
                path = path_of_slice(c, slice);
        if (path)
                read_figures(c, path, container && container->started_us, &usage);
        return usage;
}

/* The tree is the engine's too where that is a neighbour; and where the folder of this node's tasks is, which nobody makes but an
 * engine that starts one of them. */
bool hv_attempt_cgroups_untouched(const struct hv_attempt_cgroups *c,
                                  const struct hv_docker_container *container) {
        _hv_cleanup_free_ char *path = c ? hv_cgroup_path_of_parent(container->cgroup_parent) : NULL;
        _hv_cleanup_free_ char *folder = NULL;

        if (!path || !c->tree)
                return false;
        folder = hv_strdup(path);
        *strrchr(folder, '/') = '\0';
        if (!*folder || !hv_cgroup_is_there(c->tree, "/") || hv_cgroup_is_there(c->tree, path))
                return false;
        return hv_cgroup_is_there(c->tree, folder) || hv_docker_is_neighbour(c->docker);
}

/* ---- folders ---- */

static void remove_folders(struct hv_attempt_cgroups *c, const char *path) {
        struct hv_err err = {};

        if (engine_of(c)->kind == HV_DOCKER_KIND_PODMAN) {
                _hv_cleanup_free_ char *own = hv_asprintf("%s/" PODMANS_OWN, path);

                (void) hv_cgroup_remove(c->tree, own, NULL);
        }
        if (hv_cgroup_remove(c->tree, path, &err) < 0)
                hv_log_debug("%s", err.msg); /* the next start tries again */
}

static void on_stopped(void *userdata, const char *slice) {
        struct hv_attempt_cgroups *c = userdata;
        _hv_cleanup_free_ char *path = hv_slice_path(slice);

        remove_folders(c, path);
}

static void remove_slice(struct hv_attempt_cgroups *c, const char *slice, const char *path) {
        struct hv_err err = {};

        if (!hv_cgroup_is_there(c->tree, path))
                return;
        if (!is_systemds(c))
                remove_folders(c, path);
        else if (hv_systemd_stop_slice(c->systemd, slice, &err) < 0)
                hv_log_debug("%s", err.msg);
}

void hv_attempt_cgroups_remove(struct hv_attempt_cgroups *c, const struct hv_attempt_ref *ref) {
        _hv_cleanup_free_ char *slice = c ? slice_of(c, ref) : NULL, *path = NULL;

        if (!slice || !c->tree)
                return;
        path = path_of_slice(c, slice);
        if (path)
                remove_slice(c, slice, path);
}

static void note_child(const char *name, void *userdata) {
        static char seen; /* a value that is not NULL */

        hv_map_put(userdata, name, &seen);
}

/* Something runs in it, or did a moment ago. */
static bool is_empty(const struct hv_attempt_cgroups *c, const char *path) {
        _hv_cleanup_(hv_map_freep) struct hv_map *below = hv_map_new(NULL);

        hv_cgroup_children(c->tree, path, note_child, below);
        if (engine_of(c)->kind == HV_DOCKER_KIND_PODMAN)
                (void) hv_map_remove(below, PODMANS_OWN);
        return hv_map_size(below) == 0;
}

void hv_attempt_cgroups_make_room(struct hv_attempt_cgroups *c, const struct hv_unit *u) {
        const struct hv_attempt_ref ref = { u->cgroup_parent, u->object, u->replica };
        _hv_cleanup_free_ char *slice = c && u->kind == HV_KIND_TASK ? slice_of(c, &ref) : NULL, *path = NULL;

        if (!slice || !c->tree)
                return;
        path = path_of_slice(c, slice);
        if (path && hv_cgroup_is_there(c->tree, path) && is_empty(c, path))
                remove_slice(c, slice, path);
}

static bool is_live(const struct hv_attempt_cgroups *c, const char *path, const struct hv_attempt_ref *live,
                    size_t n_live) {
        for (size_t i = 0; i < n_live; i++) {
                _hv_cleanup_free_ char *slice = slice_of(c, &live[i]);

                if (slice && hv_cgroup_is_slice(path, slice))
                        return true;
        }
        return false;
}

void hv_attempt_cgroups_sweep(struct hv_attempt_cgroups *c, const char *slice,
                              const struct hv_attempt_ref *live, size_t n_live) {
        _hv_cleanup_(hv_map_freep) struct hv_map *names = hv_map_new(NULL);
        _hv_cleanup_free_ char *folder = NULL, *top = NULL, *begin = NULL, *told = NULL;
        const char *name;
        size_t it = 0;

        if (!c || !c->tree || hv_str_empty(slice))
                return;
        folder = hv_cgroup_tasks_slice(slice, c->node_id);
        told = path_of_slice(c, folder);
        if (!told) /* it is not known whose the folders are */
                return;
        begin = hv_asprintf("%.*s-", (int) (strlen(folder) - strlen(HV_SLICE_SUFFIX)), folder);
        top = hv_slice_path(folder);
        hv_cgroup_children(c->tree, top, note_child, names);
        while (hv_map_next(names, &it, &name, NULL)) {
                _hv_cleanup_free_ char *path = hv_asprintf("%s/%s", top, name);

                if (hv_has_prefix(name, begin) && !is_live(c, path, live, n_live) && is_empty(c, path))
                        remove_slice(c, name, path);
        }
}

/* ---- life ---- */

struct hv_attempt_cgroups *hv_attempt_cgroups_new(const struct hv_attempt_cgroups_options *options) {
        struct hv_attempt_cgroups *c = HV_NEW(struct hv_attempt_cgroups);
        struct hv_err err = {};

        c->docker = options->docker;
        c->node_id = hv_strdup(options->node_id);
        if (hv_cgroup_tree_new(options->mountinfo, &c->tree, &err) < 0)
                (void) hv_log_warn(err.code, "what tasks use is not known: %s", err.msg);
        c->systemd = hv_systemd_new(options->event, on_stopped, c);
        return c;
}

struct hv_attempt_cgroups *hv_attempt_cgroups_free(struct hv_attempt_cgroups *c) {
        if (!c)
                return NULL;
        (void) hv_systemd_free(c->systemd);
        (void) hv_cgroup_tree_free(c->tree);
        free(c->node_id);
        free(c);
        return NULL;
}

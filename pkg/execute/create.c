/* execute/create.c - see create.h. */
#include "execute/create.h"

#include <errno.h>
#include <inttypes.h>

#include "base/arena.h"
#include "cgroup/place.h"
#include "cgroup/slice.h"
#include "execute/host_path.h"
#include "reconcile/labels.h"
#include "task/workspace.h"

#define MAX_OWN_LABELS 10
#define VISIBLE_GPUS "NVIDIA_VISIBLE_DEVICES"

/* --- labels --- */

struct own_labels {
        struct hv_pair v[MAX_OWN_LABELS];
        size_t n;
};

static void own(struct own_labels *l, const char *name, const char *value) {
        l->v[l->n++] = (struct hv_pair){ .name = name, .value = value };
}

static struct own_labels mark_of(const char *kind, const char *name, const char *digest,
                                 const struct hv_create_for *who) {
        struct own_labels l = {};

        own(&l, HV_LABEL_MANAGED, "true");
        own(&l, HV_LABEL_NODE, who->node_id);
        own(&l, HV_LABEL_KIND, kind);
        own(&l, HV_LABEL_NAME, name);
        own(&l, HV_LABEL_REVISION, who->revision);
        own(&l, HV_LABEL_DIGEST, digest);
        return l;
}

static int by_name(const void *a, const void *b) {
        return strcmp(((const struct hv_pair *) a)->name, ((const struct hv_pair *) b)->name);
}

/* The user's and ours, sorted. Ours win: the mark decides what may be removed. */
static struct hv_pairs merge(const struct hv_pairs *users, const struct own_labels *ours,
                             struct hv_arena *arena) {
        struct hv_pair *v = HV_ARENA_NEW_N(arena, struct hv_pair, users->n + ours->n);
        size_t n = 0;

        for (size_t i = 0; i < users->n; i++) {
                bool taken = false;

                for (size_t k = 0; k < ours->n; k++)
                        taken = taken || hv_streq(users->v[i].name, ours->v[k].name);
                if (!taken)
                        v[n++] = users->v[i];
        }
        memcpy(v + n, ours->v, ours->n * sizeof *v);
        n += ours->n;
        qsort(v, n, sizeof *v, by_name);
        return (struct hv_pairs){ .v = v, .n = n };
}

/* --- parts of a container --- */

/* podman on cgroupfs refuses whatever is called like a slice: libpod, "systemd slice received as cgroup parent". */
static size_t len_without_slice(const char *path) {
        static const char suffix[] = ".slice";
        size_t len = strlen(path), n = sizeof suffix - 1;

        return len > n && hv_streq(path + len - n, suffix) ? len - n : len;
}

const char *hv_create_cgroup_parent(const char *slice_path, const struct hv_docker_engine *engine,
                                    struct hv_arena *arena) {
        bool podman = engine->kind == HV_DOCKER_KIND_PODMAN;
        const char *last;

        while (slice_path && *slice_path == '/')
                slice_path++;
        if (hv_str_empty(slice_path))
                return NULL;
        switch (engine->cgroup_driver) {
        case HV_DOCKER_CGROUP_SYSTEMD:
                last = strrchr(slice_path, '/');
                return hv_arena_strdup(arena, last ? last + 1 : slice_path);
        case HV_DOCKER_CGROUP_CGROUPFS:
                return hv_arena_printf(arena, "/%.*s",
                                       (int) (podman ? len_without_slice(slice_path) : strlen(slice_path)),
                                       slice_path);
        case HV_DOCKER_CGROUP_UNKNOWN:
        case HV_DOCKER_CGROUP_NONE:
                break;
        }
        return NULL;
}

static const char *parent_of_slice(const char *slice, const struct hv_create_for *who,
                                   struct hv_arena *arena) {
        _hv_cleanup_free_ char *path = hv_slice_path(slice);

        return hv_create_cgroup_parent(path, who->engine, arena);
}

/* A task has a place of its own, so that what it used can be read when its container is gone (execute/attempt_cgroup.h). The place
 * is no part of the digest: a service that an older version made elsewhere below the slice runs on, and its next container is made
 * here. */
static const char *place_of(const struct hv_unit *u, const struct hv_create_for *who,
                            struct hv_arena *arena) {
        _hv_cleanup_free_ char *slice = NULL;

        if (hv_str_empty(u->cgroup_parent))
                return NULL;
        if (u->kind == HV_KIND_TASK)
                slice = hv_cgroup_attempt_slice(u->cgroup_parent, who->node_id, u->object, u->replica);
        else
                slice = hv_cgroup_services_slice(u->cgroup_parent);
        return parent_of_slice(slice, who, arena);
}

const char *hv_create_builder_parent(const struct hv_unit *u, const struct hv_create_for *who,
                                     struct hv_arena *arena) {
        _hv_cleanup_free_ char *slice = NULL;

        if (hv_str_empty(u->cgroup_parent))
                return NULL;
        slice = hv_cgroup_all_tasks_slice(u->cgroup_parent);
        return parent_of_slice(slice, who, arena);
}

/* Where the attempt's files are: nobody but the agent can put something else in its place. */
static int find_workspace(const struct hv_unit *u, const char *work_root, struct hv_arena *arena,
                          struct hv_mount *m, struct hv_err *err) {
        const struct hv_attempt attempt = { .id = u->object, .attempt = u->replica };
        _hv_cleanup_free_ char *path = NULL;

        if (!work_root)
                return hv_err_set(err, -EINVAL, "mount %s: no place for workspaces is known", m->target);
        path = hv_workspace_path(work_root, &attempt);
        m->source = hv_arena_strdup(arena, path);
        return 0;
}

/* What PREPARE found or made for this attempt: beside the workspace a link of the agent's, to where the packages are. */
static int find_packages(const struct hv_unit *u, const char *work_root, struct hv_arena *arena,
                         struct hv_mount *m, struct hv_err *err) {
        const struct hv_attempt attempt = { .id = u->object, .attempt = u->replica };
        _hv_cleanup_free_ char *path = NULL;
        int r;

        if (!work_root)
                return hv_err_set(err, -EINVAL, "mount %s: no place for workspaces is known", m->target);
        r = hv_workspace_packages(work_root, &attempt, &path, err);
        if (r < 0)
                return hv_err_prefix(err, r, "mount %s", m->target);
        m->source = hv_arena_strdup(arena, path);
        return 0;
}

static int copy_mounts(const struct hv_unit *u, const char *work_root, struct hv_arena *arena,
                       struct hv_docker_create *ret, struct hv_err *err) {
        struct hv_mount *v = HV_ARENA_NEW_N(arena, struct hv_mount, u->n_mounts);

        for (size_t i = 0; i < u->n_mounts; i++) {
                _hv_cleanup_free_ char *resolved = NULL;
                int r;

                v[i] = u->mounts[i];
                if (v[i].type == HV_MOUNT_WORKSPACE || v[i].type == HV_MOUNT_PACKAGES) {
                        r = (v[i].type == HV_MOUNT_PACKAGES ? find_packages : find_workspace)(
                                u, work_root, arena, &v[i], err);
                        if (r < 0)
                                return r;
                }
                if (v[i].type != HV_MOUNT_HOST_PATH)
                        continue;
                r = hv_host_path_resolve(v[i].source, &resolved, err);
                if (r < 0)
                        return hv_err_prefix(err, r, "mount %s", v[i].target);
                v[i].source = hv_arena_strdup(arena, resolved);
        }
        ret->mounts = v;
        ret->n_mounts = u->n_mounts;
        return 0;
}

static int copy_ports(const struct hv_unit *u, struct hv_docker_create *ret, struct hv_err *err) {
        for (size_t i = 0; i < u->n_ports; i++)
                if (hv_str_empty(u->ports[i].address))
                        return hv_err_set(err, -EAGAIN, "port %u: \"%s\" has no address yet",
                                          u->ports[i].container, u->ports[i].bind ? u->ports[i].bind : "");
        ret->ports = u->ports;
        ret->n_ports = u->n_ports;
        return 0;
}

static struct hv_pairs container_labels(const struct hv_unit *u, const struct hv_create_for *who,
                                        struct hv_arena *arena) {
        struct own_labels ours = mark_of(hv_kind_label(u->kind), u->object, u->digest, who);

        own(&ours, HV_LABEL_REPLICA, hv_arena_printf(arena, "%u", u->replica));
        if (u->kind == HV_KIND_TASK)
                own(&ours, HV_LABEL_ATTEMPT, hv_arena_printf(arena, "%u", u->replica));
        if (who->gpus) {
                own(&ours, HV_LABEL_GPUS, who->gpus);
                own(&ours, HV_LABEL_GPU_MEMORY, hv_arena_printf(arena, "%" PRIu64, u->gpu_memory_bytes));
        }
        return merge(&u->labels, &ours, arena);
}

static const char *option(const struct hv_pairs *options, const char *name) {
        for (size_t i = 0; i < options->n; i++)
                if (hv_streq(options->v[i].name, name))
                        return options->v[i].value;
        return NULL;
}

/* podman has one file, and empties it when it is full: it may be as large as Docker's are together before one goes. */
static const char *podman_size(const struct hv_pairs *options, struct hv_arena *arena) {
        const char *size = option(options, "max-size"), *files = option(options, "max-file");

        if (!size || !files)
                return NULL;
        return hv_arena_printf(arena, "%llu", strtoull(size, NULL, 10) * (strtoull(files, NULL, 10) - 1));
}

static void choose_task_log(const struct hv_unit *u, const struct hv_create_for *who, struct hv_arena *arena,
                            struct hv_docker_create *ret) {
        bool is_podman = who->engine && who->engine->kind == HV_DOCKER_KIND_PODMAN;
        const char *one_file = is_podman ? podman_size(&u->log_options, arena) : NULL;
        struct hv_pair *v = HV_ARENA_NEW_N(arena, struct hv_pair, u->log_options.n + 1);
        size_t n = 0;

        ret->log_driver = u->log_driver ? u->log_driver : is_podman ? "json-file" : "local";
        /* Compressing, it would make a task that prints much wait. */
        if (hv_streq(ret->log_driver, "local") && !option(&u->log_options, "compress"))
                v[n++] = (struct hv_pair){ "compress", "false" };
        for (size_t i = 0; i < u->log_options.n; i++) {
                v[n] = u->log_options.v[i];
                if (one_file && hv_streq(v[n].name, "max-size"))
                        v[n].value = one_file;
                n++;
        }
        ret->log_options = (struct hv_pairs){ v, n };
}

struct hv_pairs hv_create_builder_labels(const char *task_id, unsigned attempt, const char *key,
                                         const struct hv_create_for *who, struct hv_arena *arena) {
        struct own_labels ours = mark_of(HV_LABEL_KIND_BUILDER, task_id, key, who);
        static const struct hv_pairs none;

        own(&ours, HV_LABEL_REPLICA, hv_arena_printf(arena, "%u", attempt));
        return merge(&none, &ours, arena);
}

static struct hv_strv split_gpus(const char *list, struct hv_arena *arena) {
        const char **v = HV_ARENA_NEW_N(arena, const char *, strlen(list) + 2);
        size_t n = 0;

        for (const char *p = list; *p;) {
                size_t len = strcspn(p, ",");

                v[n++] = hv_arena_strndup(arena, p, len);
                p += len + (p[len] == ',');
        }
        return (struct hv_strv){ v, n };
}

/* What the image or the document says of it does not count. */
static struct hv_pairs with_visible_gpus(const struct hv_pairs *env, const char *visible,
                                         struct hv_arena *arena) {
        struct hv_pair *v = HV_ARENA_NEW_N(arena, struct hv_pair, env->n + 1);
        size_t n = 0;

        for (size_t i = 0; i < env->n; i++)
                if (!hv_streq(env->v[i].name, VISIBLE_GPUS))
                        v[n++] = env->v[i];
        v[n++] = (struct hv_pair){ VISIBLE_GPUS, visible };
        qsort(v, n, sizeof *v, by_name);
        return (struct hv_pairs){ v, n };
}

const char *hv_create_gpus_withheld(const struct hv_docker_engine *engine) {
        return engine && engine->kind == HV_DOCKER_KIND_PODMAN
                       ? "podman's Docker API gives a container no GPU"
                       : NULL;
}

static int choose_gpus(const struct hv_create_for *who, struct hv_arena *arena, struct hv_docker_create *ret,
                       struct hv_err *err) {
        const char *withheld = hv_create_gpus_withheld(who->engine);

        if (who->gpus && withheld) /* the core is told, too; another engine may answer by now */
                return hv_err_set(err, -EOPNOTSUPP, "%s", withheld);
        if (who->gpus)
                ret->gpus = split_gpus(who->gpus, arena);
        if (who->gpus || who->node_has_gpus)
                ret->env = with_visible_gpus(&ret->env, who->gpus ? who->gpus : "void", arena);
        return 0;
}

int hv_create_container(const struct hv_unit *u, const struct hv_create_for *who, struct hv_arena *arena,
                        struct hv_docker_create *ret, struct hv_err *err) {
        struct hv_docker_create create = {
                .name = u->container,
                .image = u->image,
                .has_command = u->has_command,
                .has_args = u->has_args,
                .command = u->command,
                .args = u->args,
                .workdir = u->workdir,
                .hostname = u->hostname,
                .user = u->security.user,
                .env = u->env,
                .labels = container_labels(u, who, arena),
                .network_mode = u->network_mode,
                .limits = u->limits,
                .cgroup_parent = place_of(u, who, arena),
                .read_only_root = u->security.read_only_root,
                .no_new_privileges = u->security.no_new_privileges,
                .privileged = u->security.privileged,
                .init = u->security.init,
                .cap_add = u->security.add_capabilities,
                .stop_signal = u->stop_signal,
                .stop_grace_us = u->stop_grace_us,
                .log_driver = u->log_driver,
                .log_options = u->log_options,
        };
        static const char *const all[] = { "ALL", NULL };
        int r;

        if (u->kind == HV_KIND_TASK)
                choose_task_log(u, who, arena, &create);
        create.cap_drop =
                u->security.drop_all ? (struct hv_strv){ .v = all, .n = 1 } : u->security.drop_capabilities;
        if (!u->network_mode && u->n_networks > 0) {
                create.network = u->networks[0].name;
                create.aliases = u->networks[0].aliases;
        }
        r = choose_gpus(who, arena, &create, err);
        if (r >= 0)
                r = copy_mounts(u, who->work_root, arena, &create, err);
        if (r >= 0)
                r = copy_ports(u, &create, err);
        if (r < 0)
                return r;
        *ret = create;
        return 0;
}

/* --- networks, volumes --- */

void hv_create_network(const struct hv_network *n, const struct hv_create_for *who, struct hv_arena *arena,
                       struct hv_docker_network_create *ret) {
        struct own_labels ours = mark_of(hv_kind_label(HV_KIND_NETWORK), n->name, n->digest, who);

        *ret = (struct hv_docker_network_create){
                .name = n->name,
                .driver = n->driver,
                .internal = n->internal,
                .subnet = n->subnet,
                .gateway = n->gateway,
                .labels = merge(&n->labels, &ours, arena),
                .options = n->options,
        };
}

void hv_create_volume(const struct hv_volume *v, const struct hv_create_for *who, struct hv_arena *arena,
                      struct hv_docker_volume_create *ret) {
        struct own_labels ours = mark_of(hv_kind_label(HV_KIND_VOLUME), v->name, v->digest, who);

        own(&ours, HV_LABEL_RECLAIM, v->reclaim_delete ? "delete" : "retain");
        *ret = (struct hv_docker_volume_create){
                .name = v->name,
                .driver = v->driver,
                .labels = merge(&v->labels, &ours, arena),
                .options = v->options,
        };
}

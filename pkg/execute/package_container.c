/* execute/package_container.c - see package_container.h. */
#include "execute/package_container.h"

#include "base/arena.h"
#include "execute/host_path.h"
#include "spec/value_url.h"
#include "task/python_packages.h"

#define BUILD "/opt/hivelet/build"
#define WHEELS "/opt/hivelet/wheels"
#define TEMP BUILD "/" HV_PACKAGES_TEMP

#define NOBODY 65534u
#define MAX_WORDS 32

struct words {
        const char **v;
        size_t n;
};

static void add(struct words *w, const char *word) {
        w->v[w->n++] = word;
}

/* pip takes plain http only from a host that is named as trusted: whoever wrote http:// has said so. */
static void add_index(struct words *w, const char *index, struct hv_arena *arena) {
        struct hv_url url;

        add(w, "--index-url");
        add(w, index);
        if (hv_value_url(index, HV_URL_HTTP, arena, &url, NULL) < 0)
                return;
        add(w, "--trusted-host");
        add(w, hv_arena_printf(arena, strchr(url.host, ':') ? "[%s]:%u" : "%s:%u", url.host, url.port));
}

static struct hv_strv program(const struct hv_task_packages *p, struct hv_arena *arena) {
        static const char *const always[] = {
                "python",
                "-m",
                "pip",
                "install",
                "--isolated",
                "--no-input",
                "--disable-pip-version-check",
                "--no-cache-dir",
                "--no-warn-script-location",
                "--progress-bar=off",
                "--retries=2",
                "--only-binary=:all:",
        };
        struct words w = { .v = HV_ARENA_NEW_N(arena, const char *, MAX_WORDS) };

        for (size_t i = 0; i < HV_ARRAY_SIZE(always); i++)
                add(&w, always[i]);
        add(&w, "--target=" BUILD "/" HV_PACKAGES_TARGET);
        add(&w, "--requirement=" BUILD "/" HV_PACKAGES_FILE);
        if (p->index)
                add_index(&w, p->index, arena);
        else
                add(&w, "--no-index");
        if (p->wheels)
                add(&w, "--find-links=" WHEELS);
        return (struct hv_strv){ .v = w.v, .n = w.n };
}

static int add_mounts(const struct hv_package_container *c, struct hv_arena *arena,
                      struct hv_docker_create *ret, struct hv_err *err) {
        struct hv_mount *v = HV_ARENA_NEW_N(arena, struct hv_mount, 2);
        _hv_cleanup_free_ char *wheels = NULL;
        size_t n = 0;
        int r;

        v[n++] = (struct hv_mount){ .type = HV_MOUNT_PACKAGES, .source = c->path, .target = BUILD };
        if (c->task->packages.wheels) {
                r = hv_host_path_resolve(c->task->packages.wheels, &wheels, err);
                if (r < 0)
                        return hv_err_prefix(err, r, "the folder of wheels");
                v[n++] = (struct hv_mount){ .type = HV_MOUNT_PACKAGES,
                                            .source = hv_arena_strdup(arena, wheels),
                                            .target = WHEELS,
                                            .read_only = true };
        }
        ret->mounts = v;
        ret->n_mounts = n;
        return 0;
}

static void add_network(const char *network, struct hv_docker_create *ret) {
        if (hv_streq(network, "none") || hv_streq(network, "host") || hv_streq(network, "bridge"))
                ret->network_mode = network;
        else
                ret->network = network;
}

struct hv_owner hv_package_owner(const struct hv_task *task) {
        return (struct hv_owner){ .uid = task->uid ? task->uid : NOBODY,
                                  .gid = task->gid ? task->gid : NOBODY };
}

int hv_package_container(const struct hv_package_container *c, const struct hv_create_for *who,
                         struct hv_arena *arena, struct hv_docker_create *ret, struct hv_err *err) {
        static const char *const all[] = { "ALL", NULL };
        static const struct hv_pair env[] = {
                { "HOME", TEMP },
                { "NO_COLOR", "1" },
                { "PIP_CONFIG_FILE", "/dev/null" },
                { "PYTHONNOUSERSITE", "1" },
                { "PYTHONUNBUFFERED", "1" },
                { "TMPDIR", TEMP },
        };
        static const struct hv_pair log_options[] = { { "max-file", "2" }, { "max-size", "1m" } };
        static const struct hv_docker_ulimit ulimits[] = {
                { "core", 0, 0 },
                { "fsize", (int64_t) HV_PACKAGES_MAX_BYTES, (int64_t) HV_PACKAGES_MAX_BYTES },
        };
        struct hv_owner owner = hv_package_owner(c->task);

        *ret = (struct hv_docker_create){
                .name = hv_task_builder(c->task->id, c->attempt, arena),
                .image = c->image_id,
                .has_command = true,
                .has_args = true, /* none: the image's own would follow */
                .command = program(&c->task->packages, arena),
                .workdir = TEMP,
                .user = hv_arena_printf(arena, "%u:%u", (unsigned) owner.uid, (unsigned) owner.gid),
                .env = { env, HV_ARRAY_SIZE(env) },
                .labels = hv_create_builder_labels(c->task->id, c->attempt, c->key, who, arena),
                .limits = c->task->unit.limits,
                .ulimits = ulimits,
                .n_ulimits = HV_ARRAY_SIZE(ulimits),
                .cgroup_parent = hv_create_builder_parent(&c->task->unit, who, arena),
                .read_only_root = true,
                .no_new_privileges = true,
                .init = true,
                .cap_drop = { all, 1 },
                .stop_signal = "SIGKILL",
                .log_driver = "json-file",
                .log_options = { log_options, HV_ARRAY_SIZE(log_options) },
        };
        add_network(c->task->packages.network, ret);
        return add_mounts(c, arena, ret, err);
}

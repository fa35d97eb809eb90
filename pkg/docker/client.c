/* docker/client.c - the engine itself: where it is, what it is, what it did. See client.h. */
#include "docker/client.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "docker/parse.h"
#include "docker/private.h"

/* 1.41 is Docker 20.10, the oldest engine that Debian 12 and Ubuntu 22.04 ship; 1.51 the newest that was tried. */
#define API_MINOR_MIN 41
#define API_MINOR_MAX 51
#define TEXT_OF(minor) "1." TEXT(minor)
#define TEXT(minor) #minor

#define CALL_TIMEOUT_US (30 * HV_USEC_PER_SEC)
#define PING_TIMEOUT_US (2 * HV_USEC_PER_SEC)

/* --- life --- */

static int set_url(struct hv_docker *d, const char *url, struct hv_err *err) {
        if (!url)
                url = HV_DOCKER_SOCKET_URL;
        if (hv_has_prefix(url, "unix://") && url[7] == '/') {
                d->socket_path = hv_strdup(url + 7);
                d->base_url = hv_strdup("http://docker");
                return 0;
        }
        if (hv_has_prefix(url, "tcp://") && url[6] && !strpbrk(url + 6, "/?#@ ")) {
                d->base_url = hv_asprintf("http://%s", url + 6);
                return 0;
        }
        return hv_err_set(err, -EINVAL, "engine address \"%s\" is neither unix:///path nor tcp://host:port",
                          url);
}

static struct hv_strv copy_strv(struct hv_arena *arena, const struct hv_strv *v) {
        const char **copy = HV_ARENA_NEW_N(arena, const char *, v->n + 1);

        for (size_t i = 0; i < v->n; i++)
                copy[i] = hv_arena_strdup(arena, v->v[i]);
        return (struct hv_strv){ copy, v->n };
}

/* A mount's source names no link (execute/host_path.h), so what is private is known by that name too. The
 * last place is the engine's, see keep_engine(). */
static void keep_private(struct hv_docker *d, const struct hv_strv *paths) {
        d->private_arena = hv_arena_new();
        d->own_paths = HV_ARENA_NEW_N(d->private_arena, const char *, 2 * (paths->n + 1) + 1);
        for (size_t i = 0; i <= paths->n; i++) {
                const char *path = i < paths->n ? paths->v[i] : d->socket_path;
                _hv_cleanup_free_ char *real = path ? realpath(path, NULL) : NULL;

                if (path)
                        d->own_paths[d->n_own_paths++] = hv_arena_strdup(d->private_arena, path);
                if (real && !hv_streq(real, path))
                        d->own_paths[d->n_own_paths++] = hv_arena_strdup(d->private_arena, real);
        }
        d->private_paths = (struct hv_strv){ d->own_paths, d->n_own_paths };
}

int hv_docker_new(struct sd_event *event, const struct hv_docker_options *options, struct hv_docker **ret,
                  struct hv_err *err) {
        static const struct hv_docker_engine unknown = {
                .api_version = "",
                .max_api_version = "",
                .id = "",
                .name = "",
                .version = "",
                .storage_driver = "",
                .root_dir = "",
        };
        const struct hv_transfer_options transfer = { .read_only = options->read_only };
        _hv_cleanup_(hv_docker_freep) struct hv_docker *d = HV_NEW(struct hv_docker);
        int r;

        TAILQ_INIT(&d->calls);
        d->event = sd_event_ref(event);
        d->engine = unknown;
        d->call_timeout_us = options->call_timeout_us ? options->call_timeout_us : CALL_TIMEOUT_US;
        r = set_url(d, options->url, err);
        if (r == 0)
                r = hv_transfer_new(event, &transfer, &d->transfer, err);
        if (r < 0)
                return r;
        keep_private(d, &options->private_paths);
        *ret = HV_STEAL(d);
        return 0;
}

struct hv_docker *hv_docker_free(struct hv_docker *d) {
        struct hv_docker_call *c;

        if (!d)
                return NULL;
        while ((c = TAILQ_FIRST(&d->calls))) {
                TAILQ_REMOVE(&d->calls, c, entry);
                c->d = NULL;
                hv_docker_call_cancel(c);
        }
        (void) hv_transfer_free(d->transfer);
        (void) hv_arena_free(d->policy_arena);
        (void) hv_arena_free(d->private_arena);
        (void) hv_arena_free(d->engine_arena);
        sd_event_unref(d->event);
        free(d->base_url);
        free(d->socket_path);
        free(d);
        return NULL;
}

void hv_docker_set_policy(struct hv_docker *d, const struct hv_docker_policy *policy) {
        struct hv_arena *arena = hv_arena_new();
        struct hv_docker_policy copy = *policy;

        copy.host_paths = copy_strv(arena, &policy->host_paths);
        copy.capabilities = copy_strv(arena, &policy->capabilities);
        (void) hv_arena_free(d->policy_arena);
        d->policy_arena = arena;
        d->policy = copy;
}

/* --- the engine --- */

static struct hv_docker_engine copy_engine(struct hv_arena *arena, const struct hv_docker_engine *e) {
        struct hv_docker_engine copy = *e;

        copy.api_version = hv_arena_strdup(arena, e->api_version);
        copy.max_api_version = hv_arena_strdup(arena, e->max_api_version);
        copy.id = hv_arena_strdup(arena, e->id);
        copy.name = hv_arena_strdup(arena, e->name);
        copy.version = hv_arena_strdup(arena, e->version);
        copy.storage_driver = hv_arena_strdup(arena, e->storage_driver);
        copy.root_dir = hv_arena_strdup(arena, e->root_dir);
        return copy;
}

static void keep_engine(struct hv_docker *d, const struct hv_docker_engine *e) {
        struct hv_arena *arena = hv_arena_new();
        struct hv_docker_engine copy = copy_engine(arena, e);

        (void) hv_arena_free(d->engine_arena);
        d->engine_arena = arena;
        d->engine = copy;
        /* Its images and volumes, wherever they lie, are no business of a container. */
        d->own_paths[d->n_own_paths] = copy.root_dir;
        d->private_paths.n = d->n_own_paths + !hv_str_empty(copy.root_dir);
}

static const struct hv_docker_engine *give_engine(const struct hv_docker *d, struct hv_arena *arena) {
        struct hv_docker_engine *copy = HV_ARENA_NEW(arena, struct hv_docker_engine);

        *copy = copy_engine(arena, &d->engine);
        return copy;
}

/* "1.41" -> 41; 0 when it is no version of API 1. */
static unsigned api_minor(const char *version) {
        char *end;
        unsigned long minor;

        if (!version || !hv_has_prefix(version, "1.") || !isdigit((unsigned char) version[2]))
                return 0;
        minor = strtoul(version + 2, &end, 10);
        return *end || minor > 9999 ? 0 : (unsigned) minor;
}

static void refuse_version(struct hv_docker_result *result, const char *version) {
        result->outcome = HV_DOCKER_REFUSED;
        result->error = -EPROTONOSUPPORT;
        result->message = hv_arena_printf(
                result->arena, "the engine speaks API %s at most; 1.%d (Docker 20.10) or newer is needed",
                version ? version : "(it does not say which)", API_MINOR_MIN);
}

static void at_end_of_ping(struct hv_docker_call *c, const struct hv_reply *reply,
                           struct hv_docker_result *result) {
        struct hv_docker *d = c->d;
        struct hv_docker_engine engine = d->engine;
        const char *version = hv_reply_header(reply, "Api-Version");
        unsigned minor = api_minor(version);
        char spoken[16];

        if (result->outcome != HV_DOCKER_OK)
                return;
        if (minor < API_MINOR_MIN) {
                refuse_version(result, version);
                d->api_minor = 0;
                return;
        }
        d->api_minor = HV_MIN(minor, (unsigned) API_MINOR_MAX);
        (void) snprintf(spoken, sizeof spoken, "1.%u", d->api_minor);
        engine.kind =
                hv_reply_header(reply, "Libpod-API-Version") ? HV_DOCKER_KIND_PODMAN : HV_DOCKER_KIND_DOCKER;
        engine.api_version = spoken;
        engine.max_api_version = version;
        keep_engine(d, &engine);
        result->engine = give_engine(d, result->arena);
}

struct hv_docker_call *hv_docker_connect(struct hv_docker *d, struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_PING, then, "/_ping");

        c->unversioned = true;
        c->timeout_us = PING_TIMEOUT_US;
        c->at_end = at_end_of_ping;
        return hv_call_send(c);
}

static enum hv_docker_cgroup_driver cgroup_driver(const char *name) {
        if (hv_streq(name, "cgroupfs"))
                return HV_DOCKER_CGROUP_CGROUPFS;
        if (hv_streq(name, "systemd"))
                return HV_DOCKER_CGROUP_SYSTEMD;
        if (hv_streq(name, "none"))
                return HV_DOCKER_CGROUP_NONE;
        return HV_DOCKER_CGROUP_UNKNOWN;
}

static int parse_info(const struct hv_json *j, struct hv_docker_result *result) {
        struct hv_docker_engine *e;

        if (hv_json_type(j) != HV_JSON_OBJECT)
                return -EBADMSG;
        e = HV_ARENA_NEW(result->arena, struct hv_docker_engine);
        e->id = hv_parse_text(result->arena, j, "ID");
        e->name = hv_parse_text(result->arena, j, "Name");
        e->version = hv_parse_text(result->arena, j, "ServerVersion");
        e->storage_driver = hv_parse_text(result->arena, j, "Driver");
        e->root_dir = hv_parse_text(result->arena, j, "DockerRootDir");
        e->cgroup_driver = cgroup_driver(hv_json_str(j, "CgroupDriver"));
        e->cgroup_version =
                hv_streq(hv_json_str(j, "CgroupVersion"), "2") ? 2 : 1; /* 19.03 and older: always 1 */
        e->live_restore = hv_json_bool(j, "LiveRestoreEnabled", false);
        e->n_containers = (unsigned) hv_parse_u64(j, "Containers");
        e->n_running = (unsigned) hv_parse_u64(j, "ContainersRunning");
        result->engine = e;
        return 0;
}

/* What the ping told stays; the rest is as the engine says now. */
static void at_end_of_info(struct hv_docker_call *c, const struct hv_reply *reply,
                           struct hv_docker_result *result) {
        struct hv_docker *d = c->d;
        struct hv_docker_engine engine;

        (void) reply;
        if (result->outcome != HV_DOCKER_OK)
                return;
        engine = *result->engine;
        engine.kind = d->engine.kind;
        engine.api_version = d->engine.api_version;
        engine.max_api_version = d->engine.max_api_version;
        keep_engine(d, &engine);
        result->engine = give_engine(d, result->arena);
}

struct hv_docker_call *hv_docker_info(struct hv_docker *d, struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_INFO, then, "/info");

        c->parse = parse_info;
        c->at_end = at_end_of_info;
        return hv_call_send(c);
}

const char *hv_docker_api_oldest(void) {
        return TEXT_OF(API_MINOR_MIN);
}

const char *hv_docker_api_newest(void) {
        return TEXT_OF(API_MINOR_MAX);
}

const struct hv_docker_engine *hv_docker_engine(const struct hv_docker *d) {
        return &d->engine;
}

/* --- counters --- */

const double hv_docker_bucket_s[HV_DOCKER_N_BUCKETS] = {
        0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, __builtin_inf(),
};

void hv_docker_count(struct hv_docker *d, const struct hv_docker_result *result, uint64_t bytes_in,
                     uint64_t bytes_out) {
        struct hv_docker_counters *n = &d->counters[result->op];
        double seconds = (double) result->duration_us / (double) HV_USEC_PER_SEC;
        size_t bucket = 0;

        while (seconds > hv_docker_bucket_s[bucket])
                bucket++;
        n->n_ended[result->outcome]++;
        n->n_duration[bucket]++;
        n->duration_us += result->duration_us;
        n->bytes_in += bytes_in;
        n->bytes_out += bytes_out;
}

const struct hv_docker_counters *hv_docker_counters(const struct hv_docker *d, enum hv_docker_op op) {
        return &d->counters[op];
}

uint64_t hv_docker_calls_total(const struct hv_docker *d, enum hv_docker_op op) {
        uint64_t sum = 0;

        if (op < HV_DOCKER_N_OPS)
                return d->counters[op].n_begun;
        for (size_t i = 0; i < HV_DOCKER_N_OPS; i++)
                sum += d->counters[i].n_begun;
        return sum;
}

uint64_t hv_docker_mutations_total(const struct hv_docker *d) {
        uint64_t sum = 0;

        for (size_t i = 0; i < HV_DOCKER_N_OPS; i++)
                if (hv_docker_op_is_mutating((enum hv_docker_op) i))
                        sum += d->counters[i].n_begun;
        return sum;
}

void hv_docker_set_observer(struct hv_docker *d, hv_docker_observer_fn *fn, void *userdata) {
        d->observer = fn;
        d->observer_userdata = userdata;
}

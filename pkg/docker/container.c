/* docker/container.c - the calls about containers; what comes back is read in container_parse.c, logs are in logs.c. */
#include "docker/container.h"

#include <errno.h>

#include "docker/container_parse.h"
#include "docker/parse.h"
#include "docker/private.h"
#include "json/write.h"

const char *hv_docker_state_name(enum hv_docker_state state) {
        static const char *const names[] = {
                [HV_DOCKER_STATE_UNKNOWN] = "unknown",       [HV_DOCKER_STATE_CREATED] = "created",
                [HV_DOCKER_STATE_RUNNING] = "running",       [HV_DOCKER_STATE_PAUSED] = "paused",
                [HV_DOCKER_STATE_RESTARTING] = "restarting", [HV_DOCKER_STATE_REMOVING] = "removing",
                [HV_DOCKER_STATE_EXITED] = "exited",         [HV_DOCKER_STATE_DEAD] = "dead",
        };

        return names[state];
}

/* /containers/ID ACTION */
static struct hv_docker_call *on_container(struct hv_docker *d, enum hv_docker_op op, const char *id,
                                           const char *action, struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, op, then, "/containers/");

        hv_call_add_name(c, "container", id);
        hv_call_add_path(c, action);
        return c;
}

struct hv_docker_call *hv_docker_container_list(struct hv_docker *d, bool managed_only,
                                                struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_CONTAINER_LIST, then, "/containers/json");

        hv_call_add_query(c, "all", "1");
        if (managed_only)
                hv_call_add_managed_filter(c);
        c->parse = hv_docker_parse_containers;
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_container_inspect(struct hv_docker *d, const char *id,
                                                   struct hv_docker_then then) {
        struct hv_docker_call *c = on_container(d, HV_DOCKER_OP_CONTAINER_INSPECT, id, "/json", then);

        c->parse = hv_docker_parse_container;
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_container_measure(struct hv_docker *d, const char *id,
                                                   struct hv_docker_then then) {
        struct hv_docker_call *c = on_container(d, HV_DOCKER_OP_CONTAINER_INSPECT, id, "/json", then);

        hv_call_add_query(c, "size", "1");
        c->parse = hv_docker_parse_container;
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_container_create(struct hv_docker *d, const struct hv_docker_create *create,
                                                  struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_CONTAINER_CREATE, then, "/containers/create");
        struct hv_err err = {};

        if (hv_docker_create_body(create, &d->policy, &d->private_paths, &c->body, &err) < 0)
                hv_call_refuse(c, &err);
        else
                hv_call_add_query(c, "name", create->name);
        c->parse = hv_docker_parse_created;
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_container_start(struct hv_docker *d, const char *id,
                                                 struct hv_docker_then then) {
        return hv_call_send(on_container(d, HV_DOCKER_OP_CONTAINER_START, id, "/start", then));
}

static uint64_t whole_seconds(uint64_t us) {
        return us / HV_USEC_PER_SEC + (us % HV_USEC_PER_SEC != 0);
}

struct hv_docker_call *hv_docker_container_stop(struct hv_docker *d, const char *id, const char *signal,
                                                uint64_t grace_us, struct hv_docker_then then) {
        /* A container made elsewhere may have a grace of its own; ten seconds is Docker's default. */
        uint64_t expected_us = grace_us == HV_TIME_NEVER ? 10 * HV_USEC_PER_SEC : grace_us;
        struct hv_docker_call *c = on_container(d, HV_DOCKER_OP_CONTAINER_STOP, id, "/stop", then);

        if (grace_us != HV_TIME_NEVER)
                hv_call_add_query_int(c, "t",
                                      (int64_t) HV_MIN(whole_seconds(grace_us), (uint64_t) INT32_MAX));
        if (signal && d->api_minor >= 42)
                hv_call_add_query(c, "signal", signal);
        c->patient = true;
        c->timeout_us = hv_time_add(c->timeout_us, expected_us);
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_container_kill(struct hv_docker *d, const char *id, const char *signal,
                                                struct hv_docker_then then) {
        struct hv_docker_call *c = on_container(d, HV_DOCKER_OP_CONTAINER_KILL, id, "/kill", then);

        if (signal)
                hv_call_add_query(c, "signal", signal);
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_container_remove(struct hv_docker *d, const char *id, bool force,
                                                  bool anonymous_volumes, struct hv_docker_then then) {
        struct hv_docker_call *c = on_container(d, HV_DOCKER_OP_CONTAINER_REMOVE, id, "", then);

        if (force)
                hv_call_add_query(c, "force", "1");
        if (anonymous_volumes)
                hv_call_add_query(c, "v", "1");
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_container_update(struct hv_docker *d, const char *id,
                                                  const struct hv_limits *limits,
                                                  struct hv_docker_then then) {
        struct hv_docker_call *c = on_container(d, HV_DOCKER_OP_CONTAINER_UPDATE, id, "/update", then);
        struct hv_json_writer w = { .buf = &c->body };

        hv_json_begin_object(&w, NULL);
        if (limits->memory_bytes) {
                hv_json_put_uint(&w, "Memory", limits->memory_bytes);
                hv_json_put_uint(&w, "MemorySwap", limits->memory_bytes);
        }
        if (limits->nano_cpus)
                hv_json_put_uint(&w, "NanoCpus", limits->nano_cpus);
        if (limits->pids)
                hv_json_put_uint(&w, "PidsLimit", limits->pids);
        else
                hv_json_put_int(&w, "PidsLimit", -1);
        hv_json_begin_object(&w, "RestartPolicy");
        hv_json_put_str(&w, "Name", "no");
        hv_json_end(&w);
        hv_json_end(&w);
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_container_rename(struct hv_docker *d, const char *id, const char *name,
                                                  struct hv_docker_then then) {
        struct hv_docker_call *c = on_container(d, HV_DOCKER_OP_CONTAINER_RENAME, id, "/rename", then);

        hv_call_add_query(c, "name", name);
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_container_pause(struct hv_docker *d, const char *id,
                                                 struct hv_docker_then then) {
        return hv_call_send(on_container(d, HV_DOCKER_OP_CONTAINER_PAUSE, id, "/pause", then));
}

struct hv_docker_call *hv_docker_container_unpause(struct hv_docker *d, const char *id,
                                                   struct hv_docker_then then) {
        return hv_call_send(on_container(d, HV_DOCKER_OP_CONTAINER_UNPAUSE, id, "/unpause", then));
}

struct hv_docker_call *hv_docker_container_wait(struct hv_docker *d, const char *id,
                                                enum hv_docker_wait until, struct hv_docker_then then) {
        static const char *const conditions[] = {
                [HV_DOCKER_WAIT_NOT_RUNNING] = "not-running",
                [HV_DOCKER_WAIT_NEXT_EXIT] = "next-exit",
                [HV_DOCKER_WAIT_REMOVED] = "removed",
        };
        struct hv_docker_call *c = on_container(d, HV_DOCKER_OP_CONTAINER_WAIT, id, "/wait", then);

        hv_call_add_query(c, "condition", conditions[until]);
        c->patient = true;
        c->timeout_us = 0;
        c->parse = hv_docker_parse_exit;
        return hv_call_send(c);
}

struct hv_docker_call *hv_docker_container_stats(struct hv_docker *d, const char *id,
                                                 struct hv_docker_then then) {
        struct hv_docker_call *c = on_container(d, HV_DOCKER_OP_CONTAINER_STATS, id, "/stats", then);

        hv_call_add_query(c, "stream", "0");
        hv_call_add_query(c, "one-shot", "1");
        c->patient = true; /* a second on 20.10: fifty of them must not hold up the calls */
        c->parse = hv_docker_parse_usage;
        return hv_call_send(c);
}

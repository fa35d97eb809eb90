/* /health in the shape that HiveMind's worker documentation gives: the checks of both documents, answered from the last
 * samples and the last answered call, so that nobody waits. What is not configured is healthy. Names of objects are not told:
 * anybody may ask. */
#include "http/api_internal.h"

#include <stdio.h>

#include "http/render.h"

#define BUSY_PERCENT 95.0
#define DISK_LOW_PERCENT 90.0
#define TEXT_SIZE 160

struct health {
        struct hv_json_writer w;
        bool is_healthy; /* all checks so far */
};

static void put_check(struct health *h, const char *name, bool is_healthy, const char *message) {
        hv_json_begin_object(&h->w, name);
        hv_json_put_str(&h->w, "status", is_healthy ? "healthy" : "unhealthy");
        hv_json_put_str(&h->w, "message", message);
        hv_json_end(&h->w);
        h->is_healthy = h->is_healthy && is_healthy;
}

static void check_docker(struct health *h, const struct hv_api_view *v) {
        const struct hv_condition *engine = &v->conditions[HV_CONDITION_ENGINE_REACHABLE];

        if (v->snapshot.desired && !v->snapshot.desired->settings.docker_enabled)
                put_check(h, "docker", true, "not configured");
        else
                put_check(h, "docker", engine->status == HV_CONDITION_TRUE, engine->message);
}

/* One document calls the link `grpc`, the other `node_pool`. */
static void check_pool(struct health *h, const struct hv_api_pool *pool) {
        const char *message = !pool->address   ? "not configured"
                              : pool->online   ? "online"
                              : *pool->message ? pool->message
                                               : pool->phase;

        put_check(h, "grpc", !pool->address || pool->online, message);
        put_check(h, "node_pool", !pool->address || pool->online, message);
}

/* CPU counts once two samples tell it. */
static void check_resources(struct health *h, const struct hv_host_sample *s) {
        double memory = s ? hv_host_memory_percent(&s->memory) : 0;
        bool is_busy = s && s->cpu_is_known && s->cpu_percent > BUSY_PERCENT;
        char text[TEXT_SIZE] = "no sample yet";

        if (is_busy)
                (void) snprintf(text, sizeof text, "High CPU usage: %.0f%%", s->cpu_percent);
        else if (memory > BUSY_PERCENT)
                (void) snprintf(text, sizeof text, "High memory usage: %.0f%%", memory);
        else if (s)
                (void) snprintf(text, sizeof text, "CPU: %.0f%%, Memory: %.0f%%", s->cpu_percent, memory);
        put_check(h, "resources", !is_busy && memory <= BUSY_PERCENT, text);
}

static void check_disks(struct health *h, const struct hv_host_sample *s) {
        const struct hv_file_system *fullest = NULL;
        double used = s ? hv_host_disk_percent(s, &fullest) : 0;
        char text[TEXT_SIZE] = "no sample yet";

        if (s)
                (void) snprintf(text, sizeof text,
                                used > DISK_LOW_PERCENT ? "Low disk space: %.0f%% used (%s)"
                                                        : "%.0f%% used (%s)",
                                used, fullest ? fullest->use : "none");
        put_check(h, "disk_space", used <= DISK_LOW_PERCENT, text);
}

/* Every declared interface is as it is wanted, and somebody at its other end was heard. */
static void check_vpn(struct health *h, const struct hv_status *s) {
        unsigned n = 0, n_well = 0, n_silent = 0;
        char text[TEXT_SIZE] = "not configured";

        for (size_t i = 0; i < s->n_objects; i++) {
                const struct hv_object_status *o = &s->objects[i];
                bool is_silent = o->reason == HV_REASON_WIREGUARD_STALE;

                if (o->kind != HV_KIND_WIREGUARD || !o->wanted)
                        continue;
                n++;
                n_silent += is_silent;
                n_well += o->in_sync && !is_silent;
        }
        if (n_silent > 0)
                (void) snprintf(text, sizeof text, "%u of %u WireGuard interfaces up, nobody is heard on %u",
                                n_well, n, n_silent);
        else if (n > 0)
                (void) snprintf(text, sizeof text, "%u of %u WireGuard interfaces up", n_well, n);
        put_check(h, "vpn", n_well == n, text);
}

void hv_api_get_health(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        struct hv_monitor_view usage;
        struct hv_buf buf = {};
        struct health h = { .w = { .buf = &buf }, .is_healthy = true };
        const struct hv_condition *config = &v.conditions[HV_CONDITION_CONFIG_VALID];

        hv_api_look(api, &v);
        hv_api_usage(api, &usage);
        hv_json_begin_object(&h.w, NULL);
        hv_json_begin_object(&h.w, "checks");
        check_docker(&h, &v);
        check_pool(&h, &v.snapshot.pool);
        check_resources(&h, usage.host);
        check_disks(&h, usage.host);
        check_vpn(&h, v.snapshot.status);
        put_check(&h, "desired_state", config->status != HV_CONDITION_FALSE, config->reason);
        hv_json_end(&h.w);
        hv_json_put_str(&h.w, "status", h.is_healthy ? "healthy" : "unhealthy");
        hv_render_time(&h.w, "timestamp", v.snapshot.now_wall_us);
        hv_json_end(&h.w);
        hv_api_reply(req, h.is_healthy ? 200 : 503, &buf);
}

/* /health as HiveMind's worker documents it: each check failing alone, nothing configured, the words with their figures. */
#include "testing.h"

#include "ask.h"

static const char *const CHECKS[] = { "docker",     "grpc", "node_pool",    "resources",
                                      "disk_space", "vpn",  "desired_state" };

static void engine_gone(struct stage *s) {
        stage_lose_engine(s);
}

static void pool_silent(struct stage *s) {
        s->pool = (struct hv_api_pool){ .address = "10.0.0.1:50051",
                                        .phase = "Offline",
                                        .message = "connection refused" };
}

static void pool_online(struct stage *s) {
        s->pool = (struct hv_api_pool){
                .address = "10.0.0.1:50051", .phase = "Online", .message = "", .online = true
        };
}

static void refused(struct stage *s) {
        stage_refuse(s);
}

static void all_but_at_the_limits(struct stage *s) {
        s->host.cpu_percent = 95;
        s->host.memory = (struct hv_host_memory){ .total_bytes = 1000, .available_bytes = 50 };
        s->host.file_systems[0].total_bytes = 1000;
        s->host.file_systems[0].available_bytes = 100;
}

static void busy(struct stage *s) {
        s->host.cpu_percent = 97;
}

static void busy_after_one_sample(struct stage *s) {
        s->host.cpu_percent = 97;
        s->host.cpu_is_known = false;
}

static void short_of_memory(struct stage *s) {
        s->host.memory = (struct hv_host_memory){ .total_bytes = 1000, .available_bytes = 40 };
}

static void short_of_disk(struct stage *s) {
        s->host.file_systems[0].total_bytes = 1000;
        s->host.file_systems[0].available_bytes = 80;
}

static void no_sample(struct stage *s) {
        s->usage.host = NULL;
}

static void tunnel(struct stage *s, bool in_sync, enum hv_reason reason) {
        s->objects[s->status.n_objects++] = (struct hv_object_status){ .kind = HV_KIND_WIREGUARD,
                                                                       .name = "hive0",
                                                                       .in_sync = in_sync,
                                                                       .wanted = true,
                                                                       .reason = reason,
                                                                       .message = "" };
}

static void tunnel_up(struct stage *s) {
        tunnel(s, true, HV_REASON_SYNCED);
}

static void tunnel_down(struct stage *s) {
        tunnel(s, false, HV_REASON_PENDING);
}

static void tunnel_silent(struct stage *s) {
        tunnel_up(s);
        tunnel(s, true, HV_REASON_WIREGUARD_STALE);
}

static void nothing(struct stage *s) {
        (void) s;
}

static void docker_off(struct stage *s) {
        s->desired->settings.docker_enabled = false;
        stage_lose_engine(s);
}

/* failing: the one check that is unhealthy, or two names of one; NULL: none. */
static const struct row {
        const char *what;
        void (*make)(struct stage *s);
        const char *failing, *also, *check, *message;
} ROWS[] = {
        { "all is well", nothing, NULL, NULL, "docker", "Docker 20.10.24 answers" },
        { "Docker off, and its engine is away", docker_off, NULL, NULL, "docker", "not configured" },
        { "nothing configured at all", docker_off, NULL, NULL, "grpc", "not configured" },
        { "no pool", nothing, NULL, NULL, "node_pool", "not configured" },
        { "no VPN", nothing, NULL, NULL, "vpn", "not configured" },
        { "no sample yet", no_sample, NULL, NULL, "resources", "no sample yet" },
        { "at the limits", all_but_at_the_limits, NULL, NULL, "resources", "CPU: 95%, Memory: 95%" },
        { "disk at the limit", all_but_at_the_limits, NULL, NULL, "disk_space", "90% used (work)" },
        { "one sample tells no CPU", busy_after_one_sample, NULL, NULL, "resources",
          "CPU: 97%, Memory: 25%" },
        { "pool", pool_online, NULL, NULL, "grpc", "online" },
        { "VPN", tunnel_up, NULL, NULL, "vpn", "1 of 1 WireGuard interfaces up" },
        { "no engine", engine_gone, "docker", NULL, NULL, NULL },
        { "pool not reached", pool_silent, "node_pool", "grpc", "grpc", "connection refused" },
        { "CPU", busy, "resources", NULL, "resources", "High CPU usage: 97%" },
        { "memory", short_of_memory, "resources", NULL, "resources", "High memory usage: 96%" },
        { "disk", short_of_disk, "disk_space", NULL, "disk_space", "Low disk space: 92% used (work)" },
        { "VPN down", tunnel_down, "vpn", NULL, "vpn", "0 of 1 WireGuard interfaces up" },
        { "VPN silent", tunnel_silent, "vpn", NULL, "vpn",
          "1 of 2 WireGuard interfaces up, nobody is heard on 1" },
        { "files refused", refused, "desired_state", NULL, "desired_state", "RevisionRejected" },
};

static const char *in_check(const struct answer *a, const char *check, const char *key) {
        return hv_json_str(hv_json_get(hv_json_get(a->json, "checks"), check), key);
}

static void check_row(const struct row *row) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {};

        row->make(s);
        a = ask(s, true, "GET", "/health", NULL, NULL);
        if (a.status != (row->failing ? 503 : 200) ||
            !hv_streq(text_at(a.json, "status"), row->failing ? "unhealthy" : "healthy"))
                fail_msg("%s: %u %s", row->what, a.status, web_body(&a.text));
        assert_non_null(text_at(a.json, "timestamp"));
        assert_int_equal(hv_json_size(hv_json_get(a.json, "checks")), HV_ARRAY_SIZE(CHECKS));
        for (size_t i = 0; i < HV_ARRAY_SIZE(CHECKS); i++) {
                bool fails = hv_streq(CHECKS[i], row->failing) || hv_streq(CHECKS[i], row->also);

                if (!hv_streq(in_check(&a, CHECKS[i], "status"), fails ? "unhealthy" : "healthy"))
                        fail_msg("%s: %s is %s", row->what, CHECKS[i], in_check(&a, CHECKS[i], "status"));
                assert_non_null(in_check(&a, CHECKS[i], "message"));
        }
        if (row->check && !hv_streq(in_check(&a, row->check, "message"), row->message))
                fail_msg("%s: %s", row->what, in_check(&a, row->check, "message"));
        assert_null(strstr(hv_buf_str(&a.text), "hive0")); /* anybody may ask */
}

static void each_check_fails_alone(void **state) {
        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(ROWS); i++)
                check_row(&ROWS[i]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_check_fails_alone),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

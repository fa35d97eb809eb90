/* spec/environment.c - the environment variables that HiveMind's worker documents, as overrides of the file.
 *
 * An empty variable counts as unset. A value of the wrong form names variable, value and what was expected;
 * all of them are found in one run, because whoever starts a container with ten variables wants to hear of
 * all three that are wrong. */
#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/parse.h"
#include "base/text.h"
#include "spec/load.h"
#include "spec/value_net.h"
#include "spec/value_path.h"

#define GIB ((uint64_t) 1024 * 1024 * 1024)

enum form { TEXT, PORT, ADDRESS, BOOL, NETWORK, CPUS, GB, COUNT, SECONDS, HOURS, SCORE, PATH };

static const struct {
        const char *name, *field;
        enum form form;
        const char *expected;
} variables[] = {
        { "NODE_ID", "node.id", TEXT, NULL },
        { "NODE_PORT", "master.listen", PORT, "a port from 1 to 65535" },
        { "FLASK_PORT", "http.listen", PORT, "a port from 1 to 65535" },
        { "MASTER_ADDRESS", "master.address", ADDRESS, "host:port, such as 10.0.0.1:50051" },
        { "NODE_POOL_ADDRESS", "master.address", ADDRESS, "host:port, such as 10.0.0.1:50051" },
        { "MASTER_INSECURE", "master.insecure", BOOL, "true or false" },
        { "DOCKER_ENABLED", "node.docker.enabled", BOOL, "true or false" },
        { "DOCKER_NETWORK", "taskDefaults.network", NETWORK, "the name of a network" },
        { "MAX_CPU_CORES", "resources.limits.cpu", CPUS, "a number of CPUs such as 4 or 1.5, 0 for all" },
        { "MAX_MEMORY_GB", "resources.limits.memory", GB, "a number of GB such as 8 or 0.5, 0 for all" },
        { "MAX_DISK_GB", "resources.limits.disk", GB, "a number of GB such as 100, 0 for all" },
        { "MAX_CONCURRENT_TASKS", "master.accept.maxConcurrentTasks", COUNT,
          "a whole number up to 10000, 0 for no limit" },
        { "TASK_TIMEOUT", "taskDefaults.timeout", SECONDS, "a whole number of seconds above 0" },
        { "HEARTBEAT_INTERVAL", "master.heartbeat", SECONDS, "a whole number of seconds above 0" },
        { "SESSION_TIMEOUT", "http.auth.sessionTimeout", HOURS, "a whole number of hours above 0" },
        { "TRUST_THRESHOLD", "trust.groups.medium", SCORE, "a whole number from 0 to 100" },
        { "WORK_DIR", "node.paths.work", PATH, "an absolute path" },
        { "TEMP_DIR", "node.paths.temp", PATH, "an absolute path" },
        { "LOG_DIR", "logging.dir", PATH, "an absolute path" },
};

/* Decimals, as in the documents' "4.0"; CPUs stay as they are, GB become bytes. */
static bool decimal_text(const char *value, bool gb, char ret[64]) {
        struct hv_decimal d;
        const char *p = value;
        uint64_t n;

        if (hv_decimal_read(&p, &d) != HV_PARSE_OK || *p ||
            hv_decimal_times(&d, gb ? GIB : 1000000000, &n) != HV_PARSE_OK)
                return false;
        if (gb)
                (void) snprintf(ret, 64, "%" PRIu64, n);
        else
                (void) snprintf(ret, 64, "%" PRIu64 ".%09" PRIu64, n / 1000000000, n % 1000000000);
        return true;
}

static bool number_text(const char *value, uint64_t min, uint64_t max, const char *before, const char *after,
                        char ret[64]) {
        uint64_t n;

        if (!hv_parse_uint(value, min, max, &n))
                return false;
        (void) snprintf(ret, 64, "%s%" PRIu64 "%s", before, n, after);
        return true;
}

static bool bool_text(const char *value, char ret[64]) {
        bool yes = hv_text_distance(value, "true", 1) == 0, no = hv_text_distance(value, "false", 1) == 0;

        (void) snprintf(ret, 64, "%s", yes ? "true" : "false");
        return yes || no;
}

/* The value as the field wants it written: in `ret`, or as it is. NULL when it has the wrong form. */
static const char *converted(enum form form, const char *value, struct hv_arena *a, char ret[64]) {
        struct hv_endpoint endpoint;
        const char *path;

        switch (form) {
        case TEXT:
                return value;
        case NETWORK:
                return hv_text_is_dns_name(value) || strchr(value, '_') ? value : NULL;
        case PORT:
                return number_text(value, 1, 65535, ":", "", ret) ? ret : NULL;
        case ADDRESS:
                return hv_value_endpoint(value, "E0501", a, &endpoint, NULL) < 0 ? NULL : value;
        case BOOL:
                return bool_text(value, ret) ? ret : NULL;
        case CPUS:
        case GB:
                return decimal_text(value, form == GB, ret) ? ret : NULL;
        case COUNT:
                return number_text(value, 0, 10000, "", "", ret) ? ret : NULL;
        case SECONDS:
                return number_text(value, 1, UINT32_MAX, "", "s", ret) ? ret : NULL;
        case HOURS:
                return number_text(value, 1, UINT16_MAX, "", "h", ret) ? ret : NULL;
        case SCORE:
                return number_text(value, 0, 100, "", "", ret) ? ret : NULL;
        case PATH:
                return hv_value_absolute_path(value, a, &path, NULL) < 0 ? NULL : value;
        }
        return NULL;
}

static void check_addresses(hv_spec_env_fn env, void *userdata, struct hv_arena *a, struct hv_diags *diags) {
        const char *master = hv_arena_strdup(a, env(userdata, "MASTER_ADDRESS"));
        const char *pool = env(userdata, "NODE_POOL_ADDRESS");

        if (hv_str_empty(master) || hv_str_empty(pool) || hv_streq(master, pool))
                return;
        hv_diag_hint(diags,
                     hv_diag_error(diags, NULL, "E0373", "$MASTER_ADDRESS is %s and $NODE_POOL_ADDRESS is %s",
                                   hv_diag_quote(diags, master), hv_diag_quote(diags, pool)),
                     "they are two names of one thing: set one of them");
}

void hv_spec_environment(struct hv_spec_overrides *o, hv_spec_env_fn env, void *userdata,
                         struct hv_diags *diags) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        char origin[64], text[64];

        for (size_t i = 0; i < HV_ARRAY_SIZE(variables); i++) {
                const char *value = env(userdata, variables[i].name), *as_field;

                if (hv_str_empty(value))
                        continue;
                as_field = converted(variables[i].form, value, a, text);
                (void) snprintf(origin, sizeof origin, "$%s", variables[i].name);
                if (as_field)
                        hv_spec_overrides_add(o, variables[i].field, as_field, origin);
                else
                        hv_diag_error(diags, NULL, "E0372", "%s is %s; expected %s", origin,
                                      hv_diag_quote(diags, value), variables[i].expected);
        }
        check_addresses(env, userdata, a, diags);
}

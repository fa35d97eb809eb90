/* docker/container_parse.c - see container_parse.h. List and inspect say the same things in different places. */
#include "docker/container_parse.h"

#include <errno.h>
#include <stdlib.h>

#include "docker/parse.h"

static enum hv_docker_state parse_state(const char *text) {
        for (int s = HV_DOCKER_STATE_CREATED; s <= HV_DOCKER_STATE_DEAD; s++)
                if (hv_streq(text, hv_docker_state_name((enum hv_docker_state) s)))
                        return (enum hv_docker_state) s;
        if (hv_streq(text, "stopped")) /* podman: ended, not yet cleaned up */
                return HV_DOCKER_STATE_EXITED;
        if (hv_streq(text, "configured") || hv_streq(text, "initialized")) /* podman: not started */
                return HV_DOCKER_STATE_CREATED;
        return HV_DOCKER_STATE_UNKNOWN;
}

static enum hv_docker_health parse_health(const char *text) {
        if (hv_streq(text, "starting"))
                return HV_DOCKER_HEALTH_STARTING;
        if (hv_streq(text, "healthy"))
                return HV_DOCKER_HEALTH_HEALTHY;
        if (hv_streq(text, "unhealthy"))
                return HV_DOCKER_HEALTH_UNHEALTHY;
        return HV_DOCKER_HEALTH_NONE;
}

/* --- networks, mounts, ports --- */

static int by_network(const void *a, const void *b) {
        const struct hv_docker_endpoint *x = a, *y = b;

        return strcmp(x->network, y->network);
}

static void parse_endpoints(struct hv_arena *arena, const struct hv_json *networks,
                            struct hv_docker_container *c) {
        size_t size = hv_json_type(networks) == HV_JSON_OBJECT ? hv_json_size(networks) : 0;
        struct hv_docker_endpoint *v = HV_ARENA_NEW_N(arena, struct hv_docker_endpoint, size);
        const struct hv_json *e;
        const char *name;
        void *it = NULL;
        size_t n = 0;

        while (hv_json_next(networks, &it, &name, &e))
                v[n++] = (struct hv_docker_endpoint){
                        .network = hv_arena_strdup(arena, name),
                        .network_id = hv_parse_text(arena, e, "NetworkID"),
                        .ip = hv_parse_text(arena, e, "IPAddress"),
                        .gateway = hv_parse_text(arena, e, "Gateway"),
                        .mac = hv_parse_text(arena, e, "MacAddress"),
                        .aliases = hv_parse_strv(arena, hv_json_get(e, "Aliases")),
                };
        qsort(v, n, sizeof *v, by_network);
        c->endpoints = v;
        c->n_endpoints = n;
}

static int by_target(const void *a, const void *b) {
        const struct hv_docker_mount_seen *x = a, *y = b;

        return strcmp(x->target, y->target);
}

static void parse_mounts(struct hv_arena *arena, const struct hv_json *mounts,
                         struct hv_docker_container *c) {
        size_t n = hv_json_type(mounts) == HV_JSON_ARRAY ? hv_json_size(mounts) : 0;
        struct hv_docker_mount_seen *v = HV_ARENA_NEW_N(arena, struct hv_docker_mount_seen, n);

        for (size_t i = 0; i < n; i++) {
                const struct hv_json *m = hv_json_at(mounts, i);

                v[i] = (struct hv_docker_mount_seen){
                        .type = hv_parse_text(arena, m, "Type"),
                        .name = hv_parse_text(arena, m, "Name"),
                        .source = hv_parse_text(arena, m, "Source"),
                        .target = hv_parse_text(arena, m, "Destination"),
                        .read_only = !hv_json_bool(m, "RW", true),
                };
        }
        qsort(v, n, sizeof *v, by_target);
        c->mounts = v;
        c->n_mounts = n;
}

static int by_port(const void *a, const void *b) {
        const struct hv_docker_port_seen *x = a, *y = b;
        int r = (x->container > y->container) - (x->container < y->container);

        if (r == 0)
                r = strcmp(x->protocol, y->protocol);
        return r ? r : strcmp(x->address, y->address);
}

static uint16_t port(int64_t n) {
        return n > 0 && n <= UINT16_MAX ? (uint16_t) n : 0;
}

/* [{"PrivatePort":80,"PublicPort":8080,"Type":"tcp","IP":"0.0.0.0"}] */
static void parse_listed_ports(struct hv_arena *arena, const struct hv_json *ports,
                               struct hv_docker_container *c) {
        size_t n = hv_json_type(ports) == HV_JSON_ARRAY ? hv_json_size(ports) : 0;
        struct hv_docker_port_seen *v = HV_ARENA_NEW_N(arena, struct hv_docker_port_seen, n);

        for (size_t i = 0; i < n; i++) {
                const struct hv_json *p = hv_json_at(ports, i);

                v[i] = (struct hv_docker_port_seen){
                        .container = port(hv_json_int(p, "PrivatePort", 0)),
                        .host = port(hv_json_int(p, "PublicPort", 0)),
                        .protocol = hv_parse_text(arena, p, "Type"),
                        .address = hv_parse_text(arena, p, "IP"),
                };
        }
        qsort(v, n, sizeof *v, by_port);
        c->ports = v;
        c->n_ports = n;
}

/* {"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"8080"}],"81/udp":null} */
static void parse_inspected_ports(struct hv_arena *arena, const struct hv_json *ports,
                                  struct hv_docker_container *c) {
        struct hv_docker_port_seen *v;
        const struct hv_json *bindings;
        const char *key;
        size_t n = 0;
        void *it = NULL;

        while (hv_json_next(ports, &it, &key, &bindings))
                n += HV_MAX(hv_json_size(bindings), (size_t) 1);
        v = HV_ARENA_NEW_N(arena, struct hv_docker_port_seen, n);
        n = 0;
        it = NULL;
        while (hv_json_next(ports, &it, &key, &bindings)) {
                const char *slash = strchr(key, '/');
                size_t i = 0;

                do {
                        const struct hv_json *b = hv_json_at(bindings, i);
                        const char *host = hv_json_str(b, "HostPort");

                        v[n++] = (struct hv_docker_port_seen){
                                .container = port(strtol(key, NULL, 10)),
                                .host = host ? port(strtol(host, NULL, 10)) : 0,
                                .protocol = slash ? hv_arena_strdup(arena, slash + 1) : "tcp",
                                .address = hv_parse_text(arena, b, "HostIp"),
                        };
                } while (++i < hv_json_size(bindings));
        }
        qsort(v, n, sizeof *v, by_port);
        c->ports = v;
        c->n_ports = n;
}

/* --- list --- */

/* A container with links has more names, of the form "/other/alias". */
static const char *own_name(struct hv_arena *arena, const struct hv_json *names) {
        for (size_t i = 0; i < hv_json_size(names); i++) {
                const char *name = hv_json_as_str(hv_json_at(names, i));

                if (!name)
                        continue;
                name += *name == '/';
                if (!strchr(name, '/'))
                        return hv_arena_strdup(arena, name);
        }
        return "";
}

static void parse_listed(struct hv_arena *arena, const struct hv_json *j, struct hv_docker_container *c) {
        c->id = hv_parse_text(arena, j, "Id");
        c->name = own_name(arena, hv_json_get(j, "Names"));
        c->image = hv_parse_text(arena, j, "Image");
        c->image_id = hv_parse_text(arena, j, "ImageID");
        c->state = parse_state(hv_json_str(j, "State"));
        c->labels = hv_parse_pairs(arena, hv_json_get(j, "Labels"));
        c->created_us = hv_parse_time_of(j, "Created");
        c->network_mode = hv_parse_text(arena, hv_json_get(j, "HostConfig"), "NetworkMode");
        parse_endpoints(arena, hv_json_get(hv_json_get(j, "NetworkSettings"), "Networks"), c);
        parse_mounts(arena, hv_json_get(j, "Mounts"), c);
        parse_listed_ports(arena, hv_json_get(j, "Ports"), c);
        c->error = c->restart_policy = c->user = c->hostname = c->stop_signal = c->cgroup_parent =
                c->log_driver = c->log_path = "";
}

static int by_name(const void *a, const void *b) {
        const struct hv_docker_container *x = a, *y = b;
        int r = strcmp(x->name, y->name);

        return r ? r : strcmp(x->id, y->id);
}

int hv_docker_parse_containers(const struct hv_json *j, struct hv_docker_result *result) {
        struct hv_docker_containers *list;
        struct hv_docker_container *v;
        size_t n = hv_json_size(j);

        /* Anything that is no complete list must not be taken for an empty one. */
        if (hv_json_type(j) != HV_JSON_ARRAY)
                return -EBADMSG;
        v = HV_ARENA_NEW_N(result->arena, struct hv_docker_container, n);
        for (size_t i = 0; i < n; i++) {
                parse_listed(result->arena, hv_json_at(j, i), &v[i]);
                if (!*v[i].id)
                        return -EBADMSG;
        }
        qsort(v, n, sizeof *v, by_name);
        list = HV_ARENA_NEW(result->arena, struct hv_docker_containers);
        *list = (struct hv_docker_containers){ v, n };
        result->containers = list;
        return 0;
}

/* --- inspect --- */

static void parse_run_state(struct hv_arena *arena, const struct hv_json *s, struct hv_docker_container *c) {
        const struct hv_json *health = hv_json_get(s, "Health");

        c->state = parse_state(hv_json_str(s, "Status"));
        if (c->state == HV_DOCKER_STATE_UNKNOWN && hv_json_bool(s, "Running", false))
                c->state = HV_DOCKER_STATE_RUNNING;
        c->health = parse_health(hv_json_str(health ? health : hv_json_get(s, "Healthcheck"), "Status"));
        c->exit_code = hv_parse_int(s, "ExitCode");
        c->oom_killed = hv_json_bool(s, "OOMKilled", false);
        c->error = hv_parse_text(arena, s, "Error");
        c->pid = hv_parse_int(s, "Pid");
        c->started_us = hv_parse_time_of(s, "StartedAt");
        c->finished_us = hv_parse_time_of(s, "FinishedAt");
}

/* podman says CAP_CHOWN where Docker says what it was given. */
static struct hv_strv parse_capabilities(struct hv_arena *arena, const struct hv_json *array) {
        struct hv_strv caps = hv_parse_strv(arena, array);
        const char **v = HV_ARENA_NEW_N(arena, const char *, caps.n + 1);

        for (size_t i = 0; i < caps.n; i++)
                v[i] = caps.v[i] + (hv_has_prefix(caps.v[i], "CAP_") ? 4 : 0);
        return (struct hv_strv){ v, caps.n };
}

static bool has_no_new_privileges(const struct hv_strv *options) {
        for (size_t i = 0; i < options->n; i++)
                if (hv_streq(options->v[i], "no-new-privileges") ||
                    hv_streq(options->v[i], "no-new-privileges:true") ||
                    hv_streq(options->v[i], "no-new-privileges=true"))
                        return true;
        return false;
}

static void parse_host_config(struct hv_arena *arena, const struct hv_json *h,
                              struct hv_docker_container *c) {
        c->network_mode = hv_parse_text(arena, h, "NetworkMode");
        c->restart_policy = hv_parse_text(arena, hv_json_get(h, "RestartPolicy"), "Name");
        c->limits.memory_bytes = hv_parse_u64(h, "Memory");
        c->limits.nano_cpus = hv_parse_u64(h, "NanoCpus");
        c->limits.pids = hv_parse_u64(h, "PidsLimit");
        c->memory_swap_bytes = hv_parse_u64(h, "MemorySwap");
        c->privileged = hv_json_bool(h, "Privileged", false);
        c->read_only_root = hv_json_bool(h, "ReadonlyRootfs", false);
        c->init = hv_json_bool(h, "Init", false);
        c->cap_add = parse_capabilities(arena, hv_json_get(h, "CapAdd"));
        c->cap_drop = parse_capabilities(arena, hv_json_get(h, "CapDrop"));
        c->security_opt = hv_parse_strv(arena, hv_json_get(h, "SecurityOpt"));
        c->no_new_privileges = has_no_new_privileges(&c->security_opt);
        c->cgroup_parent = hv_parse_text(arena, h, "CgroupParent");
        c->log_driver = hv_parse_text(arena, hv_json_get(h, "LogConfig"), "Type");
}

/* podman gives the entrypoint as one text. */
static struct hv_strv parse_words(struct hv_arena *arena, const struct hv_json *j) {
        const char **v;

        if (hv_json_type(j) != HV_JSON_STR || !*hv_json_as_str(j))
                return hv_parse_strv(arena, j);
        v = HV_ARENA_NEW_N(arena, const char *, 2);
        v[0] = hv_arena_strdup(arena, hv_json_as_str(j));
        return (struct hv_strv){ v, 1 };
}

static void parse_config(struct hv_arena *arena, const struct hv_json *config,
                         struct hv_docker_container *c) {
        c->image = hv_parse_text(arena, config, "Image");
        c->labels = hv_parse_pairs(arena, hv_json_get(config, "Labels"));
        c->tty = hv_json_bool(config, "Tty", false);
        c->user = hv_parse_text(arena, config, "User");
        c->hostname = hv_parse_text(arena, config, "Hostname");
        c->stop_signal = hv_parse_text(arena, config, "StopSignal");
        c->command = parse_words(arena, hv_json_get(config, "Entrypoint"));
        c->args = parse_words(arena, hv_json_get(config, "Cmd"));
}

int hv_docker_parse_container(const struct hv_json *j, struct hv_docker_result *result) {
        struct hv_arena *arena = result->arena;
        struct hv_docker_container *c;
        const struct hv_json *network = hv_json_get(j, "NetworkSettings");

        if (hv_json_type(hv_json_get(j, "State")) != HV_JSON_OBJECT || hv_str_empty(hv_json_str(j, "Id")))
                return -EBADMSG;
        c = HV_ARENA_NEW(arena, struct hv_docker_container);
        c->detailed = true;
        c->id = hv_parse_text(arena, j, "Id");
        c->name = hv_parse_text(arena, j, "Name");
        c->name += *c->name == '/';
        c->image_id = hv_parse_text(arena, j, "Image");
        c->created_us = hv_parse_time_of(j, "Created");
        c->restart_count = (unsigned) hv_parse_int(j, "RestartCount");
        c->log_path = hv_parse_text(arena, j, "LogPath");
        c->written_bytes = hv_parse_u64(j, "SizeRw");
        parse_run_state(arena, hv_json_get(j, "State"), c);
        parse_host_config(arena, hv_json_get(j, "HostConfig"), c);
        parse_config(arena, hv_json_get(j, "Config"), c);
        parse_endpoints(arena, hv_json_get(network, "Networks"), c);
        parse_mounts(arena, hv_json_get(j, "Mounts"), c);
        parse_inspected_ports(arena, hv_json_get(network, "Ports"), c);
        result->container = c;
        return 0;
}

/* --- small replies --- */

int hv_docker_parse_created(const struct hv_json *j, struct hv_docker_result *result) {
        struct hv_docker_created *created;

        if (hv_str_empty(hv_json_str(j, "Id")))
                return -EBADMSG;
        created = HV_ARENA_NEW(result->arena, struct hv_docker_created);
        created->id = hv_parse_text(result->arena, j, "Id");
        created->warnings = hv_parse_strv(result->arena, hv_json_get(j, "Warnings"));
        result->created = created;
        return 0;
}

int hv_docker_parse_exit(const struct hv_json *j, struct hv_docker_result *result) {
        struct hv_docker_exit *exit;

        if (hv_json_type(hv_json_get(j, "StatusCode")) != HV_JSON_INT)
                return -EBADMSG;
        exit = HV_ARENA_NEW(result->arena, struct hv_docker_exit);
        exit->code = hv_parse_int(j, "StatusCode");
        exit->error = hv_parse_text(result->arena, hv_json_get(j, "Error"), "Message");
        result->exit = exit;
        return 0;
}

static void add_interfaces(const struct hv_json *networks, struct hv_docker_usage *u) {
        const struct hv_json *n;
        void *it = NULL;

        while (hv_json_next(networks, &it, NULL, &n)) {
                u->received_bytes += hv_parse_u64(n, "rx_bytes");
                u->sent_bytes += hv_parse_u64(n, "tx_bytes");
        }
}

static void add_devices(const struct hv_json *entries, struct hv_docker_usage *u) {
        for (size_t i = 0; hv_json_type(entries) == HV_JSON_ARRAY && i < hv_json_size(entries); i++) {
                const struct hv_json *e = hv_json_at(entries, i);
                const char *op = hv_json_str(e, "op");

                if (op && strcasecmp(op, "read") == 0) /* "Read" with cgroup v1, "read" with v2 */
                        u->read_bytes += hv_parse_u64(e, "value");
                else if (op && strcasecmp(op, "write") == 0)
                        u->written_bytes += hv_parse_u64(e, "value");
        }
}

int hv_docker_parse_usage(const struct hv_json *j, struct hv_docker_result *result) {
        const struct hv_json *cpu = hv_json_get(j, "cpu_stats"), *memory = hv_json_get(j, "memory_stats");
        const struct hv_json *details = hv_json_get(memory, "stats");
        struct hv_docker_usage *u;
        uint64_t cache;

        if (hv_json_type(cpu) != HV_JSON_OBJECT)
                return -EBADMSG;
        u = HV_ARENA_NEW(result->arena, struct hv_docker_usage);
        u->read_us = hv_parse_time_of(j, "read");
        u->cpu_ns = hv_parse_u64(hv_json_get(cpu, "cpu_usage"), "total_usage");
        u->system_cpu_ns = hv_parse_u64(cpu, "system_cpu_usage");
        u->online_cpus = (unsigned) hv_parse_int(cpu, "online_cpus");
        u->memory_bytes = hv_parse_u64(memory, "usage");
        u->memory_limit_bytes = hv_parse_u64(memory, "limit");
        cache = hv_parse_u64(details, "total_inactive_file"); /* cgroup v1 */
        if (cache == 0)
                cache = hv_parse_u64(details, "inactive_file"); /* v2 */
        u->memory_bytes -= HV_MIN(cache, u->memory_bytes);
        u->pids = hv_parse_u64(hv_json_get(j, "pids_stats"), "current");
        add_interfaces(hv_json_get(j, "networks"), u);
        add_devices(hv_json_get(hv_json_get(j, "blkio_stats"), "io_service_bytes_recursive"), u);
        result->usage = u;
        return 0;
}

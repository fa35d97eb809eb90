/* spec/lower_unit.c - one replica of a service as the container that the engine is asked for.
 *
 * Security profile `baseline`: the image's user, a writable root, no new privileges, an init, 1024 processes,
 * and of the capabilities that an engine gives by itself those that node.policy.capabilities names. Said to
 * the engine as "drop ALL, add these", so that an engine with other defaults gives the same container.
 * dropCapabilities takes from that set, addCapabilities adds to it (the check has seen that the policy allows
 * each). */
#include <stdio.h>

#include "base/arena.h"
#include "spec/digest.h"
#include "spec/lower_internal.h"
#include "spec/value_image.h"
#include "spec/value_net.h"
#include "spec/value_process.h"

#define NANO_CPUS_PER_QUOTA_US 10000 /* a quota counts microseconds in each 100 ms */

/* What Docker gives a container by itself: moby, oci/caps/defaults.go; sorted. */
static const char *const engine_capabilities[] = {
        "AUDIT_WRITE",      "CHOWN",   "DAC_OVERRIDE", "FOWNER", "FSETID",  "KILL",   "MKNOD",
        "NET_BIND_SERVICE", "NET_RAW", "SETFCAP",      "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
};

static const char *capability(const char *text) {
        const char *known;

        return hv_value_capability(text, &known, NULL) < 0 ? text : known;
}

static bool names(const struct hv_strv *list, const char *wanted) {
        for (size_t i = 0; i < list->n; i++)
                if (hv_streq(capability(list->v[i]), wanted) || hv_streq(capability(list->v[i]), "ALL"))
                        return true;
        return false;
}

static int compare_texts(const void *a, const void *b) {
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static struct hv_strv capabilities_of(const struct hv_lowering *l, const struct hv_spec_security *s,
                                      bool baseline) {
        const char **v = HV_ARENA_NEW_N(l->arena, const char *,
                                        HV_ARRAY_SIZE(engine_capabilities) + s->add_capabilities.n + 1);
        size_t n = 0, unique = 0;

        for (size_t i = 0; baseline && i < HV_ARRAY_SIZE(engine_capabilities); i++)
                if (names(&l->state->host.policy.capabilities, engine_capabilities[i]) &&
                    !names(&s->drop_capabilities, engine_capabilities[i]))
                        v[n++] = engine_capabilities[i];
        for (size_t i = 0; i < s->add_capabilities.n; i++)
                v[n++] = capability(s->add_capabilities.v[i]);
        qsort(v, n, sizeof *v, compare_texts);
        for (size_t i = 0; i < n; i++)
                if (unique == 0 || !hv_streq(v[unique - 1], v[i]))
                        v[unique++] = v[i];
        v[unique] = NULL;
        return (struct hv_strv){ v, unique };
}

struct hv_security hv_lower_security(const struct hv_lowering *l, const struct hv_spec_security *s,
                                     bool baseline) {
        struct hv_security r = {
                .read_only_root = s->read_only_root,
                .no_new_privileges = s->no_new_privileges,
                .privileged = s->privileged,
                .init = s->init,
                .user = s->user,
                .drop_all = !s->privileged,
        };

        if (!s->privileged)
                r.add_capabilities = capabilities_of(l, s, baseline);
        return r;
}

int hv_lower_compare_pairs(const void *a, const void *b) {
        return strcmp(((const struct hv_pair *) a)->name, ((const struct hv_pair *) b)->name);
}

static struct hv_pairs lower_env(const struct hv_lowering *l, const struct hv_spec_service *s) {
        struct hv_pair *v = HV_ARENA_NEW_N(l->arena, struct hv_pair, s->env.n);

        for (size_t i = 0; i < s->env.n; i++)
                v[i] = (struct hv_pair){ s->env.v[i].name, s->env.v[i].value };
        if (s->env.n)
                qsort(v, s->env.n, sizeof *v, hv_lower_compare_pairs);
        return (struct hv_pairs){ v, s->env.n };
}

static int compare_networks(const void *a, const void *b) {
        return strcmp(((const struct hv_unit_network *) a)->name, ((const struct hv_unit_network *) b)->name);
}

static void lower_networks(const struct hv_lowering *l, const struct hv_spec_service *s, struct hv_unit *u) {
        struct hv_unit_network *v = HV_ARENA_NEW_N(l->arena, struct hv_unit_network, s->networks.n + 1);

        u->network_mode = s->network;
        if (s->network)
                return;
        for (size_t i = 0; i < s->networks.n; i++)
                v[i] = (struct hv_unit_network){ s->networks.v[i].name, s->networks.v[i].aliases };
        if (s->networks.n == 0)
                v[0].name = HV_DEFAULT_NETWORK;
        u->networks = v;
        u->n_networks = HV_MAX(s->networks.n, (size_t) 1);
        qsort(v, u->n_networks, sizeof *v, compare_networks);
}

static int compare_mounts(const void *a, const void *b) {
        return strcmp(((const struct hv_mount *) a)->target, ((const struct hv_mount *) b)->target);
}

void hv_lower_mounts(const struct hv_lowering *l, const struct hv_spec_mount *mounts, size_t n,
                     const struct hv_mount *more, size_t n_more, struct hv_unit *u) {
        struct hv_mount *v = HV_ARENA_NEW_N(l->arena, struct hv_mount, n + n_more);

        for (size_t i = 0; i < n; i++) {
                const struct hv_spec_mount *m = &mounts[i];

                v[i] = (struct hv_mount){
                        .type = m->volume      ? HV_MOUNT_VOLUME
                                : m->host_path ? HV_MOUNT_HOST_PATH
                                               : HV_MOUNT_TMPFS,
                        .source = m->volume ? m->volume : m->host_path,
                        .target = m->target,
                        .read_only = m->read_only,
                        .size_bytes = m->tmpfs_bytes,
                };
        }
        for (size_t i = 0; i < n_more; i++)
                v[n + i] = more[i];
        n += n_more;
        if (n)
                qsort(v, n, sizeof *v, compare_mounts);
        u->mounts = v;
        u->n_mounts = n;
}

static const char *bind_address(const struct hv_lowering *l, const char *bind) {
        struct hv_address address;
        char text[HV_ADDRESS_SIZE];
        enum hv_bind class;

        if (hv_address_parse(bind, &address))
                return hv_arena_strdup(l->arena, hv_address_format(&address, text));
        if (hv_value_bind(bind, &class, &address, NULL) < 0)
                return NULL;
        switch (class) {
        case HV_BIND_LOOPBACK:
                return "127.0.0.1";
        case HV_BIND_PUBLIC:
                return "0.0.0.0";
        case HV_BIND_WIREGUARD:
                return l->tunnel_address;
        case HV_BIND_ADDRESS:
                break; /* an address is one of the texts above */
        }
        return NULL;
}

static const char *tunnel_of(const struct hv_lowering *l, const char *bind) {
        const char *address = bind_address(l, bind);

        return address ? hv_lower_tunnel_of(l, address) : NULL;
}

/* A range gives each replica one port; a single port serves the only replica. */
static uint16_t host_port(const char *host, unsigned replica) {
        struct hv_port_range range;

        if (!host || hv_value_port_range(host, &range, NULL) < 0)
                return 0;
        return (uint16_t) (range.first + (range.last > range.first ? replica - 1 : 0));
}

static int compare_ports(const void *pa, const void *pb) {
        const struct hv_port *a = pa, *b = pb;

        if (a->container != b->container)
                return a->container < b->container ? -1 : 1;
        if (a->host != b->host)
                return a->host < b->host ? -1 : 1;
        return strcmp(a->protocol, b->protocol);
}

static void lower_ports(const struct hv_lowering *l, const struct hv_spec_service *s, struct hv_unit *u) {
        static const char *const protocols[] = { "tcp", "udp", "sctp" };
        struct hv_port *v = HV_ARENA_NEW_N(l->arena, struct hv_port, s->ports.n);

        for (size_t i = 0; i < s->ports.n; i++) {
                const struct hv_spec_port *p = &s->ports.v[i];

                v[i] = (struct hv_port){
                        .name = p->name,
                        .container = (uint16_t) p->container,
                        .host = host_port(p->host, u->replica),
                        .protocol = protocols[p->protocol],
                        .address = bind_address(l, p->bind),
                        .tunnel = tunnel_of(l, p->bind),
                        .bind = p->bind,
                };
        }
        if (s->ports.n)
                qsort(v, s->ports.n, sizeof *v, compare_ports);
        u->ports = v;
        u->n_ports = s->ports.n;
}

/* A quota below 1 ms in each 100 ms is refused by the kernel, and the container would not start. */
#define MIN_NANO_CPUS 10000000u

uint64_t hv_lower_cpu_limit(uint64_t nano_cpus) {
        return nano_cpus ? HV_MAX(nano_cpus, MIN_NANO_CPUS) : 0;
}

static void lower_limits(const struct hv_spec_service *s, struct hv_unit *u) {
        u->limits = (struct hv_limits){
                .memory_bytes = s->resources.limits.memory_bytes,
                .pids = (uint64_t) s->resources.limits.pids,
        };
        u->limits.nano_cpus = hv_lower_cpu_limit(s->resources.limits.nano_cpus
                                                         ? s->resources.limits.nano_cpus
                                                         : (uint64_t) s->cpu_quota * NANO_CPUS_PER_QUOTA_US);
}

/* Caps on the log's size, in the words of the two drivers that have them. Bytes as a plain number: the
 * suffixes of the drivers mean powers of 1000 in one and of 1024 in the other. */
static void lower_logging(const struct hv_lowering *l, const struct hv_spec_service *s, struct hv_unit *u) {
        const struct hv_spec_log_containers *d = &l->state->logging.containers;
        const struct hv_spec_unit_logging *g = &s->logging;
        const char *driver = g->driver ? g->driver : d->driver;
        struct hv_pair *v = HV_ARENA_NEW_N(l->arena, struct hv_pair, g->options.n + 2);
        bool capped = hv_streq(driver, "json-file") || hv_streq(driver, "local");
        bool has_size = false, has_files = false;
        size_t n = 0;

        for (; n < g->options.n; n++) {
                v[n] = g->options.v[n];
                has_size |= hv_streq(v[n].name, "max-size");
                has_files |= hv_streq(v[n].name, "max-file");
        }
        if (capped && !has_size)
                v[n++] = (struct hv_pair){
                        "max-size",
                        hv_arena_printf(l->arena, "%llu",
                                        (unsigned long long) (g->max_size_bytes ? g->max_size_bytes
                                                                                : d->max_size_bytes))
                };
        if (capped && !has_files)
                v[n++] = (struct hv_pair){
                        "max-file", hv_arena_printf(l->arena, "%lld",
                                                    (long long) (g->max_files ? g->max_files : d->max_files))
                };
        qsort(v, n, sizeof *v, hv_lower_compare_pairs);
        u->log_driver = driver;
        u->log_options = (struct hv_pairs){ v, n };
}

void hv_lower_dependencies(const struct hv_lowering *l, const struct hv_spec_depends_on *all, size_t n_all,
                           struct hv_unit *u) {
        struct hv_dependency *v = HV_ARENA_NEW_N(l->arena, struct hv_dependency, n_all);

        for (size_t i = 0; i < n_all; i++) {
                const struct hv_spec_depends_on *d = &all[i];

                v[i] = (struct hv_dependency){
                        .kind = d->task        ? HV_KIND_TASK
                                : d->wireguard ? HV_KIND_WIREGUARD
                                               : HV_KIND_SERVICE,
                        .name = d->task        ? d->task
                                : d->wireguard ? d->wireguard
                                               : d->service,
                        .condition = (enum hv_condition_wanted) d->condition,
                };
        }
        u->depends_on = v;
        u->n_depends_on = n_all;
}

static void lower_restart(const struct hv_spec_service *s, struct hv_unit *u) {
        const struct hv_spec_backoff *b = &s->restart.backoff;

        u->restart = (enum hv_restart_policy) s->restart.policy;
        u->backoff = (struct hv_backoff_spec){ .initial_us = b->initial_us,
                                               .max_us = b->max_us,
                                               .reset_after_us = b->reset_after_us,
                                               .factor_milli = (uint32_t) b->factor_milli };
}

const char *hv_lower_container(const char *service, unsigned replica, struct hv_arena *a) {
        return replica == 1 ? hv_arena_printf(a, "hive-%s", service)
                            : hv_arena_printf(a, "hive-%s-%u", service, replica);
}

static void lower_identity(const struct hv_lowering *l, const struct hv_spec_service *s, struct hv_unit *u) {
        u->kind = HV_KIND_SERVICE;
        u->object = s->o.name;
        u->key = hv_arena_printf(l->arena, "%s/%s/%u", hv_kind_label(HV_KIND_SERVICE), s->o.name, u->replica);
        u->container = hv_lower_container(s->o.name, u->replica, l->arena);
        u->labels = s->o.labels;
        for (size_t i = 0; i < s->o.annotations.n; i++)
                if (hv_streq(s->o.annotations.v[i].name, "hivelet/adopt"))
                        u->adopt = hv_streq(s->o.annotations.v[i].value, "true");
        u->suspended = !l->state->host.docker.enabled;
        u->origin = hv_lower_origin(l, &s->o);
}

void hv_lower_unit(const struct hv_lowering *l, const struct hv_spec_service *s, unsigned replica,
                   struct hv_unit *ret) {
        struct hv_image_ref image = { .full = s->image };
        const char *signal = s->stop.signal;

        *ret = (struct hv_unit){ .replica = replica };
        lower_identity(l, s, ret);
        (void) hv_value_image(s->image, l->arena, &image, NULL);
        (void) hv_value_signal(s->stop.signal, &signal, NULL);
        ret->image = image.full;
        ret->pull_policy = (enum hv_pull_policy) s->pull_policy;
        ret->has_command = hv_node_get(s->o.node, "command") != NULL;
        ret->has_args = hv_node_get(s->o.node, "args") != NULL;
        ret->command = s->command;
        ret->args = s->args;
        ret->workdir = s->workdir;
        ret->hostname = s->hostname;
        ret->env = lower_env(l, s);
        ret->stop_signal = signal;
        ret->stop_grace_us = s->stop.grace_us;
        ret->cgroup_parent = l->state->resources.cgroup.slice;
        lower_networks(l, s, ret);
        hv_lower_mounts(l, s->mounts.v, s->mounts.n, NULL, 0, ret);
        lower_ports(l, s, ret);
        lower_limits(s, ret);
        ret->n_gpus = (unsigned) s->resources.requests.gpus;
        ret->gpu_memory_bytes = s->resources.requests.gpu_memory_bytes;
        ret->security = hv_lower_security(l, &s->security, true);
        lower_logging(l, s, ret);
        hv_lower_dependencies(l, s->depends_on.v, s->depends_on.n, ret);
        lower_restart(s, ret);
        hv_unit_digest(ret, ret->digest);
}

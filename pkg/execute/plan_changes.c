/* execute/plan_changes.c - in which fields two versions of a unit differ, in words; see plan_once.h. */
#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/duration.h"
#include "base/quantity.h"
#include "execute/plan_once.h"

static void field(struct hv_buf *out, const char *name) {
        hv_buf_printf(out, "%s%s", out->len > 0 ? "; " : "", name);
}

static void text(struct hv_buf *out, const char *name, const char *a, const char *b) {
        if (hv_streq(a, b))
                return;
        field(out, name);
        hv_buf_printf(out, ": %s -> %s", a ? a : "(none)", b ? b : "(none)");
}

static void flag(struct hv_buf *out, const char *name, bool a, bool b) {
        text(out, name, a ? "true" : "false", b ? "true" : "false");
}

static void amount(struct hv_buf *out, const char *name, uint64_t a, uint64_t b,
                   void (*format)(uint64_t, char[HV_QUANTITY_SIZE])) {
        char from[HV_QUANTITY_SIZE], to[HV_QUANTITY_SIZE];

        if (a == b)
                return;
        format(a, from);
        format(b, to);
        text(out, name, a ? from : NULL, b ? to : NULL);
}

static void format_count(uint64_t n, char ret[HV_QUANTITY_SIZE]) {
        (void) snprintf(ret, HV_QUANTITY_SIZE, "%" PRIu64, n);
}

static bool strv_equal(const struct hv_strv *a, const struct hv_strv *b) {
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!hv_streq(a->v[i], b->v[i]))
                        return false;
        return true;
}

static void words(struct hv_buf *out, const char *name, bool differ) {
        if (differ)
                field(out, name);
}

/* Names only: a value may be a password that somebody put there against all advice. Both are sorted by name. */
static void pairs(struct hv_buf *out, const char *name, const struct hv_pairs *a, const struct hv_pairs *b) {
        for (size_t i = 0, k = 0; i < a->n || k < b->n;) {
                int order = i == a->n ? 1 : k == b->n ? -1 : strcmp(a->v[i].name, b->v[k].name);

                if (order != 0 || !hv_streq(a->v[i].value, b->v[k].value)) {
                        field(out, name);
                        hv_buf_printf(out, " %s%s", order <= 0 ? a->v[i].name : b->v[k].name,
                                      order < 0   ? " removed"
                                      : order > 0 ? " added"
                                                  : "");
                }
                i += order <= 0;
                k += order >= 0;
        }
}

static bool networks_equal(const struct hv_unit *a, const struct hv_unit *b) {
        if (a->n_networks != b->n_networks)
                return false;
        for (size_t i = 0; i < a->n_networks; i++)
                if (!hv_streq(a->networks[i].name, b->networks[i].name) ||
                    !strv_equal(&a->networks[i].aliases, &b->networks[i].aliases))
                        return false;
        return true;
}

static bool mounts_equal(const struct hv_unit *a, const struct hv_unit *b) {
        if (a->n_mounts != b->n_mounts)
                return false;
        for (size_t i = 0; i < a->n_mounts; i++) {
                const struct hv_mount *x = &a->mounts[i], *y = &b->mounts[i];

                if (x->type != y->type || !hv_streq(x->source, y->source) ||
                    !hv_streq(x->target, y->target) || x->read_only != y->read_only ||
                    x->size_bytes != y->size_bytes)
                        return false;
        }
        return true;
}

static bool ports_equal(const struct hv_unit *a, const struct hv_unit *b) {
        if (a->n_ports != b->n_ports)
                return false;
        for (size_t i = 0; i < a->n_ports; i++) {
                const struct hv_port *x = &a->ports[i], *y = &b->ports[i];

                if (x->container != y->container || x->host != y->host ||
                    !hv_streq(x->protocol, y->protocol) || !hv_streq(x->address, y->address))
                        return false;
        }
        return true;
}

static void security(struct hv_buf *out, const struct hv_security *a, const struct hv_security *b) {
        text(out, "security.user", a->user, b->user);
        flag(out, "security.readOnlyRoot", a->read_only_root, b->read_only_root);
        flag(out, "security.noNewPrivileges", a->no_new_privileges, b->no_new_privileges);
        flag(out, "security.privileged", a->privileged, b->privileged);
        flag(out, "security.init", a->init, b->init);
        words(out, "security.dropCapabilities",
              a->drop_all != b->drop_all || !strv_equal(&a->drop_capabilities, &b->drop_capabilities));
        words(out, "security.addCapabilities", !strv_equal(&a->add_capabilities, &b->add_capabilities));
}

static void stop(struct hv_buf *out, const struct hv_unit *a, const struct hv_unit *b) {
        char from[HV_DURATION_SIZE], to[HV_DURATION_SIZE];

        text(out, "stop.signal", a->stop_signal, b->stop_signal);
        if (a->stop_grace_us == b->stop_grace_us)
                return;
        hv_duration_format(a->stop_grace_us, from);
        hv_duration_format(b->stop_grace_us, to);
        text(out, "stop.grace", from, to);
}

const char *hv_plan_changes(const struct hv_unit *before, const struct hv_unit *after,
                            struct hv_arena *arena) {
        _hv_cleanup_(hv_buf_done) struct hv_buf out = {};
        const struct hv_unit *a = before, *b = after;

        text(&out, "image", a->image, b->image);
        words(&out, "command", a->has_command != b->has_command || !strv_equal(&a->command, &b->command));
        words(&out, "args", a->has_args != b->has_args || !strv_equal(&a->args, &b->args));
        text(&out, "workdir", a->workdir, b->workdir);
        text(&out, "hostname", a->hostname, b->hostname);
        pairs(&out, "env", &a->env, &b->env);
        pairs(&out, "labels", &a->labels, &b->labels);
        text(&out, "network", a->network_mode, b->network_mode);
        words(&out, "networks", !networks_equal(a, b));
        words(&out, "mounts", !mounts_equal(a, b));
        words(&out, "ports", !ports_equal(a, b));
        amount(&out, "resources.limits.memory", a->limits.memory_bytes, b->limits.memory_bytes,
               hv_quantity_format_bytes);
        amount(&out, "resources.limits.cpu", a->limits.nano_cpus, b->limits.nano_cpus,
               hv_quantity_format_cpu);
        amount(&out, "resources.limits.pids", a->limits.pids, b->limits.pids, format_count);
        security(&out, &a->security, &b->security);
        stop(&out, a, b);
        text(&out, "logging.driver", a->log_driver, b->log_driver);
        pairs(&out, "logging.options", &a->log_options, &b->log_options);
        text(&out, "resources.cgroup.slice", a->cgroup_parent, b->cgroup_parent);
        return hv_arena_strdup(arena, hv_buf_str(&out));
}

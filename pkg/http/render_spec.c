#include "http/render_spec.h"

#include "base/duration.h"
#include "base/quantity.h"
#include "base/sha256.h"
#include "spec/types.h"
#include "json/write.h"

void hv_render_pairs(struct hv_json_writer *w, const char *key, const struct hv_pairs *pairs) {
        hv_json_begin_object(w, key);
        for (size_t i = 0; i < pairs->n; i++)
                hv_json_put_str(w, pairs->v[i].name, pairs->v[i].value);
        hv_json_end(w);
}

static void put_words(struct hv_json_writer *w, const char *key, const struct hv_strv *words) {
        hv_json_begin_array(w, key);
        for (size_t i = 0; i < words->n; i++)
                hv_json_put_str(w, NULL, words->v[i]);
        hv_json_end(w);
}

static void put_duration(struct hv_json_writer *w, const char *key, uint64_t us) {
        char text[HV_DURATION_SIZE];

        hv_duration_format(us, text);
        hv_json_put_str(w, key, text);
}

static void put_bytes(struct hv_json_writer *w, const char *key, uint64_t bytes) {
        char text[HV_QUANTITY_SIZE];

        hv_quantity_format_bytes(bytes, text);
        hv_json_put_str(w, key, text);
}

static void put_env(struct hv_json_writer *w, const struct hv_pairs *env, bool show_values) {
        hv_json_begin_array(w, "env");
        for (size_t i = 0; i < env->n; i++) {
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "name", env->v[i].name);
                if (show_values)
                        hv_json_put_str(w, "value", env->v[i].value);
                hv_json_end(w);
        }
        hv_json_end(w);
}

static void put_networks(struct hv_json_writer *w, const struct hv_unit *u) {
        if (u->network_mode) {
                hv_json_put_str(w, "network", u->network_mode);
                return;
        }
        hv_json_begin_array(w, "networks");
        for (size_t i = 0; i < u->n_networks; i++) {
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "name", u->networks[i].name);
                if (u->networks[i].aliases.n > 0)
                        put_words(w, "aliases", &u->networks[i].aliases);
                hv_json_end(w);
        }
        hv_json_end(w);
}

static void put_mounts(struct hv_json_writer *w, const struct hv_unit *u) {
        hv_json_begin_array(w, "mounts");
        for (size_t i = 0; i < u->n_mounts; i++) {
                const struct hv_mount *m = &u->mounts[i];

                hv_json_begin_object(w, NULL);
                switch (m->type) {
                case HV_MOUNT_VOLUME:
                        hv_json_put_str(w, "volume", m->source);
                        break;
                case HV_MOUNT_HOST_PATH:
                        hv_json_put_str(w, "hostPath", m->source);
                        break;
                case HV_MOUNT_TMPFS:
                        put_bytes(w, "tmpfs", m->size_bytes);
                        break;
                case HV_MOUNT_PACKAGES:
                        hv_json_put_bool(w, "packages", true);
                        break;
                case HV_MOUNT_WORKSPACE:
                        hv_json_put_bool(w, "workspace", true);
                        break;
                }
                hv_json_put_str(w, "target", m->target);
                hv_json_put_bool(w, "readOnly", m->read_only);
                hv_json_end(w);
        }
        hv_json_end(w);
}

/* The ports of all replicas: they differ in their host ports. */
static void put_ports(struct hv_json_writer *w, const struct hv_view_item *item) {
        hv_json_begin_array(w, "ports");
        for (size_t i = 0; i < item->n_units; i++) {
                const struct hv_unit *u = item->units[i];

                for (size_t j = 0; j < u->n_ports; j++) {
                        hv_json_begin_object(w, NULL);
                        hv_json_put_uint(w, "replica", u->replica);
                        if (u->ports[j].name)
                                hv_json_put_str(w, "name", u->ports[j].name);
                        hv_json_put_uint(w, "container", u->ports[j].container);
                        if (u->ports[j].host)
                                hv_json_put_uint(w, "host", u->ports[j].host);
                        hv_json_put_str(w, "protocol", u->ports[j].protocol);
                        hv_json_put_str(w, "bind", u->ports[j].bind);
                        hv_json_put_str(w, "address", u->ports[j].address);
                        hv_json_end(w);
                }
        }
        hv_json_end(w);
}

static void put_limits(struct hv_json_writer *w, const struct hv_limits *l) {
        char text[HV_QUANTITY_SIZE];

        hv_json_begin_object(w, "limits");
        if (l->nano_cpus) {
                hv_quantity_format_cpu(l->nano_cpus, text);
                hv_json_put_str(w, "cpu", text);
        }
        if (l->memory_bytes)
                put_bytes(w, "memory", l->memory_bytes);
        if (l->pids)
                hv_json_put_uint(w, "pids", l->pids);
        hv_json_end(w);
}

static void put_security(struct hv_json_writer *w, const struct hv_security *s) {
        hv_json_begin_object(w, "security");
        hv_json_put_bool(w, "readOnlyRoot", s->read_only_root);
        hv_json_put_bool(w, "noNewPrivileges", s->no_new_privileges);
        hv_json_put_bool(w, "privileged", s->privileged);
        if (s->user)
                hv_json_put_str(w, "user", s->user);
        if (s->drop_all) {
                hv_json_begin_array(w, "dropCapabilities");
                hv_json_put_str(w, NULL, "ALL");
                hv_json_end(w);
        } else
                put_words(w, "dropCapabilities", &s->drop_capabilities);
        put_words(w, "addCapabilities", &s->add_capabilities);
        hv_json_end(w);
}

static void put_depends_on(struct hv_json_writer *w, const struct hv_unit *u) {
        static const char *const conditions[] = {
                [HV_WANT_STARTED] = "started",
                [HV_WANT_READY] = "ready",
                [HV_WANT_COMPLETED] = "completed",
                [HV_WANT_HEALTHY] = "healthy",
        };

        hv_json_begin_array(w, "dependsOn");
        for (size_t i = 0; i < u->n_depends_on; i++) {
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, hv_kind_label(u->depends_on[i].kind), u->depends_on[i].name);
                hv_json_put_str(w, "condition", conditions[u->depends_on[i].condition]);
                hv_json_end(w);
        }
        hv_json_end(w);
}

static void put_restart(struct hv_json_writer *w, const struct hv_unit *u) {
        static const char *const policies[] = {
                [HV_RESTART_ALWAYS] = "always",
                [HV_RESTART_ON_FAILURE] = "onFailure",
                [HV_RESTART_NEVER] = "never",
        };

        hv_json_begin_object(w, "restart");
        hv_json_put_str(w, "policy", policies[u->restart]);
        hv_json_begin_object(w, "backoff");
        put_duration(w, "initial", u->backoff.initial_us);
        hv_json_put_real(w, "factor", u->backoff.factor_milli / 1000.0);
        put_duration(w, "max", u->backoff.max_us);
        put_duration(w, "resetAfter", u->backoff.reset_after_us);
        hv_json_end(w);
        hv_json_end(w);
}

static void put_service(struct hv_json_writer *w, const struct hv_view_item *item, bool show_values) {
        static const char *const pull_policies[] = {
                [HV_PULL_MISSING] = "missing",
                [HV_PULL_ALWAYS] = "always",
                [HV_PULL_NEVER] = "never",
        };
        const struct hv_unit *u;

        hv_json_put_uint(w, "replicas", item->n_units);
        if (item->n_units == 0)
                return;
        u = item->units[0];
        hv_json_put_str(w, "image", u->image);
        hv_json_put_str(w, "pullPolicy", pull_policies[u->pull_policy]);
        if (u->has_command)
                put_words(w, "command", &u->command);
        if (u->has_args)
                put_words(w, "args", &u->args);
        if (u->workdir)
                hv_json_put_str(w, "workdir", u->workdir);
        if (u->hostname)
                hv_json_put_str(w, "hostname", u->hostname);
        put_env(w, &u->env, show_values);
        put_networks(w, u);
        put_mounts(w, u);
        put_ports(w, item);
        put_limits(w, &u->limits);
        put_security(w, &u->security);
        hv_json_begin_object(w, "stop");
        hv_json_put_str(w, "signal", u->stop_signal);
        put_duration(w, "grace", u->stop_grace_us);
        hv_json_end(w);
        put_restart(w, u);
        put_depends_on(w, u);
}

static void put_network(struct hv_json_writer *w, const struct hv_network *n) {
        hv_json_put_str(w, "driver", n->driver);
        hv_json_put_bool(w, "internal", n->internal);
        hv_json_put_bool(w, "implicit", n->implicit);
        hv_json_put_str(w, "subnet", n->subnet);
        hv_json_put_str(w, "gateway", n->gateway);
        hv_render_pairs(w, "options", &n->options);
}

static void put_volume(struct hv_json_writer *w, const struct hv_volume *v) {
        hv_json_put_str(w, "driver", v->driver);
        hv_json_put_str(w, "reclaim", v->reclaim_delete ? "delete" : "retain");
        hv_json_put_str(w, "access", v->exclusive ? "exclusive" : "shared");
        hv_render_pairs(w, "options", &v->options);
}

static void put_registry(struct hv_json_writer *w, const struct hv_desired *d, const char *name) {
        for (size_t i = 0; d && i < d->n_registries; i++) {
                const struct hv_registry *r = &d->registries[i];

                if (!hv_streq(r->name, name))
                        continue;
                hv_json_put_str(w, "host", r->host);
                hv_json_put_str(w, "authSecret", r->auth_secret);
                put_words(w, "mirrors", &r->mirrors);
        }
}

/* What a config holds, without its text. */
static void put_config(struct hv_json_writer *w, const struct hv_spec_config *c) {
        hv_json_begin_array(w, "keys");
        for (size_t i = 0; i < c->data.n; i++) {
                const char *text = c->data.v[i].value;
                char hex[HV_SHA256_HEX_SIZE];

                hv_sha256_hex(text, strlen(text), hex);
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "key", c->data.v[i].name);
                hv_json_put_uint(w, "bytes", strlen(text));
                hv_json_put_str(w, "sha256", hex);
                hv_json_end(w);
        }
        hv_json_end(w);
}

static void put_image(struct hv_json_writer *w, const struct hv_spec_image *i) {
        hv_json_put_str(w, "ref", i->ref);
        hv_json_put_bool(w, "pin", i->pin);
}

static void put_task(struct hv_json_writer *w, const struct hv_spec_task *t) {
        hv_json_put_str(w, "image", t->image);
}

static void put_cron_task(struct hv_json_writer *w, const struct hv_spec_cron_task *c) {
        hv_json_put_str(w, "schedule", c->schedule);
        hv_json_put_str(w, "timezone", c->timezone);
        hv_json_put_str(w, "image", c->task.image);
}

static void put_wireguard(struct hv_json_writer *w, const struct hv_spec_wireguard *g) {
        put_words(w, "addresses", &g->addresses);
        hv_json_put_int(w, "listenPort", g->listen_port);
        hv_json_put_uint(w, "peers", g->peers.n);
}

/* Kinds that are not lowered yet: the little that says what they are, from the typed documents. */
static void put_document(struct hv_json_writer *w, const struct hv_spec_state *state,
                         const struct hv_view_item *item) {
#define PUT(list, put)                                        \
        for (size_t i = 0; i < (list).n; i++) {               \
                if (hv_streq((list).v[i].o.name, item->name)) \
                        put(w, &(list).v[i]);                 \
        }
        switch (item->kind) {
        case HV_KIND_CONFIG:
                PUT(state->configs, put_config);
                break;
        case HV_KIND_IMAGE:
                PUT(state->images.preload, put_image);
                break;
        case HV_KIND_TASK:
                PUT(state->tasks, put_task);
                break;
        case HV_KIND_CRONTASK:
                PUT(state->cron_tasks, put_cron_task);
                break;
        case HV_KIND_WIREGUARD:
                PUT(state->wireguard, put_wireguard);
                break;
        default:
                break; /* of secrets the name is all that is shown */
        }
#undef PUT
}

void hv_render_spec(struct hv_json_writer *w, const char *key, const struct hv_api_snapshot *s,
                    const struct hv_view_item *item, bool show_values) {
        hv_json_begin_object(w, key);
        switch (item->kind) {
        case HV_KIND_SERVICE:
                put_service(w, item, show_values);
                break;
        case HV_KIND_NETWORK:
                if (item->network)
                        put_network(w, item->network);
                break;
        case HV_KIND_VOLUME:
                if (item->volume)
                        put_volume(w, item->volume);
                break;
        case HV_KIND_REGISTRY:
                put_registry(w, s->desired, item->name);
                break;
        default:
                if (s->desired && s->desired->tree)
                        put_document(w, &s->desired->tree->state, item);
                break;
        }
        hv_json_end(w);
}

/* bed.c - see bed.h. */
#include "bed.h"

#include "base/alloc.h"

/* ---- wishes ---- */

static void give_network(struct hv_arena *a, struct hv_desired *d, const char *name) {
        struct hv_network *n = (struct hv_network *) d->networks;

        for (size_t i = 0; i < d->n_networks; i++)
                if (hv_streq(n[i].name, name))
                        return;
        n[d->n_networks] = (struct hv_network){ .name = name, .driver = "bridge" };
        (void) snprintf(n[d->n_networks].digest, sizeof n->digest, "net-%s", name);
        d->n_networks++;
        (void) a;
}

static void give_volume(struct hv_desired *d, const char *name, bool reclaim_delete) {
        struct hv_volume *v = (struct hv_volume *) d->volumes;

        for (size_t i = 0; i < d->n_volumes; i++)
                if (hv_streq(v[i].name, name))
                        return;
        v[d->n_volumes] =
                (struct hv_volume){ .name = name, .driver = "local", .reclaim_delete = reclaim_delete };
        (void) snprintf(v[d->n_volumes].digest, sizeof v->digest, "vol-%s", name);
        d->n_volumes++;
}

static struct hv_unit unit_of(struct hv_arena *a, const struct wish *w) {
        struct hv_unit u = {
                .kind = HV_KIND_SERVICE,
                .object = w->name,
                .replica = 1,
                .key = hv_arena_printf(a, "service/%s/1", w->name),
                .container = hv_arena_printf(a, "hive-%s", w->name),
                .image = w->image ? w->image : "img:1",
                .pull_policy = w->pull,
                .restart = w->restart,
                .limits = { .memory_bytes = w->memory, .pids = 1024 },
                .network_mode = w->network ? NULL : "none",
                .stop_signal = "SIGTERM",
                .stop_grace_us = 10 * S,
                .backoff = { .initial_us = S,
                             .factor_milli = 2000,
                             .max_us = 120 * S,
                             .reset_after_us = 600 * S },
        };

        (void) snprintf(u.digest, sizeof u.digest, "%s", w->digest ? w->digest : "d");
        if (w->network) {
                struct hv_unit_network *n = HV_ARENA_NEW(a, struct hv_unit_network);

                n->name = w->network;
                u.networks = n;
                u.n_networks = 1;
        }
        if (w->volume) {
                struct hv_mount *m = HV_ARENA_NEW(a, struct hv_mount);

                *m = (struct hv_mount){ HV_MOUNT_VOLUME, w->volume, "/data", false, 0 };
                u.mounts = m;
                u.n_mounts = 1;
        }
        if (w->depends_on) {
                struct hv_dependency *p = HV_ARENA_NEW(a, struct hv_dependency);

                *p = (struct hv_dependency){ HV_KIND_SERVICE, w->depends_on, HV_WANT_READY };
                u.depends_on = p;
                u.n_depends_on = 1;
        }
        return u;
}

static int by_key(const void *a, const void *b) {
        return strcmp(((const struct hv_unit *) a)->key, ((const struct hv_unit *) b)->key);
}

struct hv_desired *desire(const char *revision, const struct wish *wishes) {
        struct hv_arena *a = hv_arena_new();
        struct hv_desired *d = HV_ARENA_NEW(a, struct hv_desired);
        struct hv_unit *units;
        size_t n = 0;

        while (wishes[n].name)
                n++;
        units = HV_ARENA_NEW_N(a, struct hv_unit, n + 1);
        *d = (struct hv_desired){
                .arena = a,
                .n_refs = 1,
                .units = units,
                .n_units = n,
                .n_objects = n,
                .networks = HV_ARENA_NEW_N(a, struct hv_network, n + 1),
                .volumes = HV_ARENA_NEW_N(a, struct hv_volume, n + 1),
                .settings = { .node_id = "n",
                              .slice = "hivelet.slice",
                              .docker_enabled = true,
                              .resync_us = 60 * S,
                              .jitter_percent = 10,
                              .workers = 4,
                              .max_prune_percent = 50,
                              .trust = { .success = 2,
                                         .failure = -5,
                                         .high = 80,
                                         .medium = 50,
                                         .count_task_faults = true },
                              .parallel_pulls = 2 },
        };
        (void) snprintf(d->revision, sizeof d->revision, "%s", revision);
        for (size_t i = 0; i < n; i++) {
                units[i] = unit_of(a, &wishes[i]);
                if (wishes[i].network)
                        give_network(a, d, wishes[i].network);
                if (wishes[i].volume)
                        give_volume(d, wishes[i].volume, wishes[i].delete_volume);
        }
        qsort(units, n, sizeof *units, by_key);
        return d;
}

/* ---- the engine ---- */

struct hv_seen_container *bed_container(struct bed *b, const char *name) {
        for (size_t i = 0; i < b->containers.n; i++)
                if (hv_streq(b->containers.v[i].name, name) || hv_streq(b->containers.v[i].id, name))
                        return &b->containers.v[i];
        return NULL;
}

struct hv_seen_container *bed_add(struct bed *b, const char *name, bool ours, enum hv_container_state state) {
        struct hv_seen_container *k = hv_vec_add(&b->containers);

        *k = (struct hv_seen_container){
                .id = hv_arena_printf(b->arena, "id%u", ++b->n_ids),
                .name = hv_arena_strdup(b->arena, name),
                .ours = ours,
                .state = state,
                .detailed = true,
                .limits = { .pids = 1024 },
        };
        if (ours) {
                k->kind = "service";
                k->object = hv_arena_strdup(b->arena, name + 5);
                k->replica = 1;
                k->digest = "d";
        }
        return k;
}

void bed_drop(struct bed *b, const char *name) {
        struct hv_seen_container *k = bed_container(b, name);

        assert_non_null(k);
        *k = b->containers.v[--b->containers.n];
}

static void do_create(struct bed *b, const struct hv_action *a) {
        struct hv_seen_container *k = bed_add(b, a->unit->container, true, HV_CONTAINER_CREATED);
        static const struct hv_seen_endpoint none = { "none", NULL };
        const struct hv_unit *u = a->unit;

        k->digest = hv_arena_strdup(b->arena, u->digest);
        k->object = hv_arena_strdup(b->arena, u->object);
        k->kind = hv_kind_label(u->kind);
        k->limits = a->limits;
        k->gpus = hv_arena_strdup(b->arena, a->gpus);
        k->tells_gpu_memory = a->gpus;
        k->gpu_memory_bytes = a->gpus ? u->gpu_memory_bytes : 0;
        k->endpoints = &none;
        k->n_endpoints = 1;
        if (u->n_networks) {
                struct hv_seen_endpoint *e = HV_ARENA_NEW(b->arena, struct hv_seen_endpoint);

                e->network = hv_arena_strdup(b->arena, u->networks[0].name);
                k->endpoints = e;
        }
}

/* The effect itself, in the engine that always obeys. */
static void perform(struct bed *b, const struct hv_action *a) {
        struct hv_seen_container *k = a->target ? bed_container(b, a->target) : NULL;

        switch (a->type) {
        case HV_ACTION_CREATE:
                do_create(b, a);
                break;
        case HV_ACTION_START:
                b->n_starts++;
                k->started_us = b->now_us;
                k->state = HV_CONTAINER_RUNNING;
                break;
        case HV_ACTION_UNPAUSE:
                k->state = HV_CONTAINER_RUNNING;
                break;
        case HV_ACTION_STOP:
                k->state = HV_CONTAINER_EXITED;
                k->exit_code = 143;
                break;
        case HV_ACTION_REMOVE:
                bed_drop(b, a->target);
                break;
        case HV_ACTION_UPDATE:
                k->limits = a->limits;
                k->restart_policy_set = false;
                break;
        case HV_ACTION_NETWORK_CREATE:
                hv_vec_push(&b->networks,
                            ((struct hv_seen_network){ hv_arena_printf(b->arena, "net%u", ++b->n_ids),
                                                       hv_arena_strdup(b->arena, a->name), "bridge", true,
                                                       hv_arena_strdup(b->arena, a->network->digest) }));
                break;
        case HV_ACTION_VOLUME_CREATE:
                hv_vec_push(&b->volumes, ((struct hv_seen_volume){
                                                 .name = hv_arena_strdup(b->arena, a->name),
                                                 .driver = "local",
                                                 .ours = true,
                                                 .reclaim_delete = a->volume->reclaim_delete,
                                                 .digest = hv_arena_strdup(b->arena, a->volume->digest) }));
                break;
        case HV_ACTION_NETWORK_REMOVE:
                b->networks.n--;
                break;
        case HV_ACTION_VOLUME_REMOVE:
                b->volumes.n--;
                break;
        case HV_ACTION_NETWORK_CONNECT: {
                struct hv_seen_endpoint *e = HV_ARENA_NEW(b->arena, struct hv_seen_endpoint);

                e->network = hv_arena_strdup(b->arena, a->endpoint);
                k->endpoints = e;
                k->n_endpoints = 1;
                break;
        }
        case HV_ACTION_NETWORK_DISCONNECT:
                k->n_endpoints = 0;
                break;
        default:
                break;
        }
}

static const char *id_after(struct bed *b, const struct hv_action *a) {
        const struct hv_seen_container *k;

        if (a->type == HV_ACTION_NETWORK_CREATE)
                return b->networks.v[b->networks.n - 1].id;
        k = a->type == HV_ACTION_CREATE ? bed_container(b, a->name) : NULL;
        return k ? k->id : NULL;
}

void bed_answer(struct bed *b, const struct hv_action *a, enum hv_outcome outcome) {
        struct hv_listing l = {
                .parts = a->parts,
                .containers = b->containers.v,
                .n_containers = b->containers.n,
                .networks = b->networks.v,
                .n_networks = b->networks.n,
                .volumes = b->volumes.v,
                .n_volumes = b->volumes.n,
        };
        struct hv_input in = { .type = HV_INPUT_DONE, .action_id = a->id, .outcome = outcome };

        for (size_t i = 0; i < b->held.n; i++)
                if (b->held.v[i] == a)
                        b->held.v[i] = b->held.v[--b->held.n];
        if (outcome == HV_OUTCOME_OK && a->type == HV_ACTION_CREATE && bed_container(b, a->name)) {
                outcome = HV_OUTCOME_CONFLICT; /* an engine keeps names unique */
                in.outcome = outcome;
        }
        if (outcome == HV_OUTCOME_OK) {
                if (a->type == HV_ACTION_INSPECT) {
                        in.container = bed_container(b, a->target);
                        in.outcome = in.container ? HV_OUTCOME_OK : HV_OUTCOME_NOT_FOUND;
                } else if (a->type == HV_ACTION_LIST)
                        in.listing = &l;
                else
                        perform(b, a);
                in.created_id = id_after(b, a);
        } else
                in.message = "the engine said no";
        assert_int_equal(hv_core_input(b->core, b->now_us, &in, NULL), 0);
}

/* ---- running ---- */

static size_t plan(struct bed *b) {
        struct hv_effects fx;
        size_t n;

        hv_core_plan(b->core, b->now_us, &fx);
        n = fx.n_actions;
        b->deadline_us = fx.deadline_us;
        b->changed |= fx.changed;
        for (size_t i = 0; i < n; i++) {
                const struct hv_action *a = fx.actions[i];

                hv_buf_printf(&b->log, "%s %s; ", hv_action_name(a->type), a->name);
                hv_vec_push(&b->held, a);
        }
        for (size_t i = 0; i < fx.n_notes; i++)
                hv_vec_push(&b->notes, hv_strdup(fx.notes[i].message));
        b->most_in_flight = HV_MAX(b->most_in_flight, (unsigned) b->held.n);
        hv_effects_done(&fx);
        return n;
}

void bed_run(struct bed *b) {
        for (unsigned rounds = 0; rounds < 100000; rounds++) {
                size_t n = plan(b);

                if (b->hold || (n == 0 && b->held.n == 0))
                        return;
                while (b->held.n > 0) {
                        const struct hv_action *a = b->held.v[0];

                        bed_answer(b, a, b->mood ? b->mood(b, a) : HV_OUTCOME_OK);
                }
        }
        fail_msg("the core does not come to rest: ...%s",
                 b->log.len > 200 ? b->log.data + b->log.len - 200 : hv_buf_str(&b->log));
}

void bed_wait(struct bed *b, uint64_t us) {
        uint64_t until_us = b->now_us + us;

        bed_run(b);
        while (b->deadline_us <= until_us) {
                assert_true(b->deadline_us > b->now_us);
                b->now_us = b->deadline_us;
                bed_run(b);
        }
        b->now_us = until_us;
        bed_run(b);
}

void bed_desire(struct bed *b, struct hv_desired *d) {
        struct hv_input in = { .type = HV_INPUT_DESIRED, .desired = d };

        assert_int_equal(hv_core_input(b->core, b->now_us, &in, NULL), 0);
        hv_desired_unref(d);
}

void bed_event(struct bed *b, const char *action, const char *name) {
        const struct hv_seen_container *k = bed_container(b, name);
        struct hv_input in = { .type = HV_INPUT_EVENT,
                               .event = { .type = HV_EVENT_CONTAINER,
                                          .action = action,
                                          .name = name,
                                          .id = k ? k->id : "gone",
                                          .ours = k && k->ours } };

        assert_int_equal(hv_core_input(b->core, b->now_us, &in, NULL), 0);
}

const char *bed_log_all(struct bed *b) {
        char *text = hv_arena_strdup(b->arena, hv_buf_str(&b->log));

        hv_buf_clear(&b->log);
        return text;
}

const char *bed_log(struct bed *b) {
        _hv_cleanup_(hv_buf_done) struct hv_buf out = {};
        char *save = NULL, *text = (char *) bed_log_all(b);

        for (char *one = strtok_r(text, ";", &save); one; one = strtok_r(NULL, ";", &save)) {
                one += *one == ' ';
                if (!*one || hv_has_prefix(one, "inspect") || hv_has_prefix(one, "list") ||
                    hv_has_prefix(one, "connect engine"))
                        continue;
                hv_buf_printf(&out, "%s%s", out.len ? "; " : "", one);
        }
        return hv_arena_strdup(b->arena, hv_buf_str(&out));
}

bool bed_changed(struct bed *b) {
        bool changed = b->changed;

        b->changed = false;
        return changed;
}

struct hv_status bed_status(struct bed *b) {
        struct hv_status s;

        hv_core_status(b->core, b->now_us, b->arena, &s);
        return s;
}

const struct hv_unit_status *bed_unit(const struct hv_status *s, const char *container) {
        for (size_t i = 0; i < s->n_unit_status; i++)
                if (hv_streq(s->units[i].container, container))
                        return &s->units[i];
        fail_msg("status has no unit %s", container);
        return NULL;
}

struct bed *bed_new(void) {
        struct bed *b = HV_NEW(struct bed);

        b->core = hv_core_new(1);
        b->arena = hv_arena_new();
        b->now_us = 1000 * S;
        return b;
}

void bed_free(struct bed *b) {
        hv_core_free(b->core);
        hv_arena_free(b->arena);
        hv_buf_done(&b->log);
        for (size_t i = 0; i < b->notes.n; i++)
                free(b->notes.v[i]);
        hv_vec_done(&b->notes);
        hv_vec_done(&b->containers);
        hv_vec_done(&b->networks);
        hv_vec_done(&b->volumes);
        hv_vec_done(&b->held);
        free(b);
}

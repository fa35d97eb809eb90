/* agent/pool.c - the link to a node pool: made when the revision in force names one, made anew when what it says of it is
 * different, tried again when it cannot be had. What runs goes on in any case. See pool.h. */
#include "agent/pool.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/version.h"
#include "log/log.h"
#include "spec/types.h"
#include "spec/value_net.h"
#include "task/worker.h"

static const struct hv_backoff_spec retry_backoff = {
        .initial_us = HV_USEC_PER_SEC,
        .factor_milli = 2000,
        .max_us = HV_USEC_PER_MIN,
        .reset_after_us = HV_USEC_PER_MIN,
};

/* ---- work that blocks ---- */

struct blocking {
        struct hv_job job;
        void (*run)(void *data);
        void (*done)(void *data);
        void *data;
};

static void run_blocking(struct hv_job *job) {
        struct blocking *b = (struct blocking *) job;

        b->run(b->data);
}

static void blocking_done(struct hv_job *job) {
        struct blocking *b = (struct blocking *) job;

        b->done(b->data);
        free(b);
}

static void work(void *userdata, void (*run)(void *data), void (*done)(void *data), void *data) {
        struct hv_agent_pool *p = userdata;
        struct blocking *b = HV_NEW(struct blocking);

        *b = (struct blocking){
                .job = { .run = run_blocking, .done = blocking_done }, .run = run, .done = done, .data = data
        };
        hv_worker_add(p->agent->worker, &b->job);
}

/* ---- the link ---- */

static void changed(void *userdata) {
        struct hv_agent_pool *p = userdata;

        hv_api_changed(p->agent->api);
        hv_agent_publish_soon(p->agent);
        if (p->tunnel)
                hv_agent_poke(p->agent); /* a link that was lost with its tunnel waits for it */
}

static void unclaimed(void *userdata) {
        struct hv_agent_pool *p = userdata;

        p->inbox_is_due = true;
        hv_agent_poke(p->agent);
}

const struct hv_pool_backend hv_agent_pool_backend = {
        .node = hv_agent_pool_node,
        .work = work,
        .judge = hv_agent_pool_judge,
        .assign = hv_agent_pool_assign,
        .cancel = hv_agent_pool_cancel,
        .only = hv_agent_pool_only,
        .unclaimed = unclaimed,
        .owed = hv_agent_pool_owed,
        .package = hv_agent_pool_package,
        .cancel_package = hv_agent_pool_cancel_package,
        .open_log = hv_agent_pool_open_log,
        .log_sent = hv_agent_pool_log_sent,
        .delivered = hv_agent_pool_delivered,
        .log_open = hv_agent_pool_log_open,
        .log_resume = hv_agent_pool_log_resume,
        .log_close = hv_agent_pool_log_close,
        .log_told = hv_agent_pool_log_told,
        .note_log = hv_agent_pool_note_log,
        .changed = changed,
};

static bool leads_to_this_machine(const char *address) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_endpoint e;

        return hv_value_endpoint(address, "E0501", arena, &e, NULL) == 0 &&
               (e.is_address ? hv_address_is_loopback(&e.address) : hv_streq(e.host, "localhost"));
}

/* Plain text where it is accepted, and where it leaves the machine nowhere. */
static bool is_plain(const struct hv_spec_master *m) {
        return m->insecure || (!m->tls.node && leads_to_this_machine(m->address));
}

static struct hv_pool_options options_of(struct hv_agent_pool *p, const char *listen) {
        const struct hv_spec_master *m = p->master;
        struct hv_agent *a = p->agent;
        struct hv_pool_options o = {
                .event = a->event,
                .backend = &hv_agent_pool_backend,
                .userdata = p,
                .dialect = (enum hv_dialect) m->protocol,
                .node_id = p->desired->settings.node_id,
                .agent_version = hv_version(),
                .address = m->address,
                .listen = listen,
                .listen_cert_file = m->listen_tls.cert_file,
                .listen_key_file = m->listen_tls.key_file,
                .listen_ca_file = m->listen_tls.client_ca_file,
                .peers = m->peers.v,
                .n_peers = m->peers.n,
                .insecure = is_plain(m),
                .ca_file = m->tls.ca_file,
                .cert_file = m->tls.cert_file,
                .key_file = m->tls.key_file,
                .heartbeat_us = m->heartbeat_us,
                .retry_initial_us = m->reconnect.initial_us,
                .retry_max_us = m->reconnect.max_us,
                .retry_factor_milli = (unsigned) m->reconnect.factor_milli,
                .inbox = p->inbox,
                .seed = hv_agent_wall_us() ^ (uint64_t) (uintptr_t) p,
        };

        if (m->credentials.node) {
                o.username = m->credentials.username;
                o.password = hv_agent_secret(a, m->credentials.password_secret);
        }
        return o;
}

/* Where the pool calls this node: as it is written, else port 50053 of the tunnel, or of what is told to the pool. */
static char *listen_of(const struct hv_agent_pool *p) {
        const struct hv_spec_master *m = p->master;

        if (m->protocol != HV_DIALECT_HIVEMIND)
                return NULL;
        if (m->listen && *m->listen != ':')
                return hv_strdup(m->listen);
        if (!p->advertised)
                return NULL;
        return hv_asprintf(strchr(p->advertised, ':') ? "[%s]%s" : "%s%s", p->advertised,
                           m->listen ? m->listen : ":50053");
}

static int make(struct hv_agent_pool *p, struct hv_err *err) {
        _hv_cleanup_free_ char *listen = NULL;
        struct hv_pool_options o;

        free(p->advertised);
        p->advertised = hv_agent_pool_advertised(p->master);
        listen = listen_of(p);
        if (p->master->protocol == HV_DIALECT_HIVEMIND && !listen)
                return hv_err_set(
                        err, -EADDRNOTAVAIL,
                        "this machine has no address at which a pool could reach it: bring the tunnel up, or set "
                        "master.listen and master.advertise");
        o = options_of(p, listen);
        if (o.username && !o.password)
                return hv_err_set(err, -ENOKEY, "the secret %s is not there",
                                  p->master->credentials.password_secret);
        return hv_pool_new(&o, &p->link, err);
}

static void try_link(struct hv_agent_pool *p);

static int on_retry(sd_event_source *s, uint64_t usec, void *userdata) {
        struct hv_agent_pool *p = userdata;

        (void) s;
        (void) usec;
        if (!p->agent->stopping)
                try_link(p);
        return 0;
}

static void try_later(struct hv_agent_pool *p, const struct hv_err *err) {
        int r;

        if (p->backoff.n == 0)
                (void) hv_log_error(err->code, "no link to the pool: %s; tried again until it works",
                                    err->msg);
        if (!hv_streq(p->trouble, err->msg))
                hv_api_changed(p->agent->api);
        free(p->trouble);
        p->trouble = hv_strdup(err->msg);
        hv_backoff_failed(&p->backoff, &retry_backoff, hv_agent_now_us());
        p->retry = sd_event_source_disable_unref(p->retry);
        r = sd_event_add_time(p->agent->event, &p->retry, CLOCK_BOOTTIME, p->backoff.not_before_us, 0,
                              on_retry, p);
        if (r < 0)
                (void) hv_log_error(r, "the link to the pool cannot be tried again later: %s", strerror(-r));
}

/* Through a tunnel that is not there nobody is dialled: each try would only make the next one later. */
static bool is_held(struct hv_agent_pool *p) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const char *why = hv_agent_pool_gate(p, arena);

        if (why && !p->is_held)
                hv_log_notice("the pool %s is not dialled: %s", p->master->address, why);
        p->is_held = why != NULL;
        if (why && !hv_streq(p->trouble, why)) {
                free(p->trouble);
                p->trouble = hv_strdup(why);
                hv_api_changed(p->agent->api);
        }
        return p->is_held;
}

/* Results that are owed are paid when the ledger is there; until then there is nobody to talk about. */
static void try_link(struct hv_agent_pool *p) {
        struct hv_err err = {};

        if (!p->agent->ledger || is_held(p))
                return;
        if (make(p, &err) < 0) {
                try_later(p, &err);
                return;
        }
        p->retry = sd_event_source_disable_unref(p->retry);
        hv_backoff_reset(&p->backoff);
        free(p->trouble);
        p->trouble = NULL;
        p->inbox_is_due = true;
        hv_api_changed(p->agent->api);
}

static void drop_link(struct hv_agent_pool *p) {
        hv_agent_pool_abandon(p);
        p->link = hv_pool_free(p->link);
        p->retry = sd_event_source_disable_unref(p->retry);
        hv_backoff_reset(&p->backoff);
        free(p->trouble);
        p->trouble = NULL;
        p->is_held = false;
}

/* What works goes on; a link that is lost while its tunnel is not there is made anew when that is back, and so dials at once. */
static void drop_what_waits(struct hv_agent_pool *p) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_pool_state s;

        if (!p->link || !p->tunnel || !hv_agent_pool_gate(p, arena))
                return;
        hv_pool_state(p->link, arena, &s);
        if (s.phase != HV_POOL_OFFLINE)
                return;
        drop_link(p);
        hv_api_changed(p->agent->api);
}

/* All that a link is made from: whatever is different makes another one. Of the password a fingerprint. */
static char *settings_of(const struct hv_agent *a, const struct hv_desired *d,
                         const struct hv_spec_master *m) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        const struct hv_secret *password = NULL;

        if (!m || hv_str_empty(m->address))
                return NULL;
        if (m->credentials.node)
                password = hv_agent_secret(a, m->credentials.password_secret);
        hv_buf_printf(&b, "%s|%s|%s|%s|%d|%d|%s|%s|%s|%s|%s|%llu|%llu|%lld|%llu", d->settings.node_id,
                      m->address, m->listen ? m->listen : "", m->advertise ? m->advertise : "", m->protocol,
                      m->insecure, m->tls.ca_file ? m->tls.ca_file : "",
                      m->tls.cert_file ? m->tls.cert_file : "", m->tls.key_file ? m->tls.key_file : "",
                      m->credentials.username ? m->credentials.username : "",
                      m->credentials.password_secret ? m->credentials.password_secret : "",
                      (unsigned long long) m->heartbeat_us, (unsigned long long) m->reconnect.initial_us,
                      (long long) m->reconnect.factor_milli, (unsigned long long) m->reconnect.max_us);
        if (password) {
                char fingerprint[13];

                hv_secret_fingerprint(password, fingerprint);
                hv_buf_printf(&b, "|%s", fingerprint);
        }
        if (m->listen_tls.node)
                hv_buf_printf(&b, "|%s|%s|%s", m->listen_tls.cert_file, m->listen_tls.key_file,
                              m->listen_tls.client_ca_file ? m->listen_tls.client_ca_file : "");
        for (size_t i = 0; i < m->peers.n; i++)
                hv_buf_printf(&b, "|%s", m->peers.v[i]);
        return hv_buf_steal(&b);
}

void hv_agent_pool_follow(struct hv_agent *a, struct hv_desired *d) {
        const struct hv_spec_master *m = d->tree ? &d->tree->state.master : NULL;
        _hv_cleanup_free_ char *settings = d->settings.docker_enabled ? settings_of(a, d, m) : NULL;
        struct hv_agent_pool *p = a->pool;
        struct hv_err err = {};

        if (!p && !settings)
                return;
        if (!p) {
                p = a->pool = HV_NEW(struct hv_agent_pool);
                p->agent = a;
                p->inbox = hv_agent_inbox(a);
                p->told = hv_asprintf("%s/told",
                                      a->options->state_dir ? a->options->state_dir : HV_AGENT_STATE_DIR);
        }
        hv_desired_unref(p->desired);
        p->desired = hv_desired_ref(d);
        p->master = m;
        hv_agent_pool_find_gate(p);
        if (hv_streq(settings, p->settings)) { /* the same files may hold something else by now */
                if (p->link && hv_pool_reload_credentials(p->link, &err) < 0)
                        (void) hv_log_error(err.code, "the pool's certificates stay as they were: %s",
                                            err.msg);
                return;
        }
        drop_link(p);
        p->heard_us = 0; /* of another pool, perhaps */
        free(p->settings);
        p->settings = HV_STEAL(settings);
        if (p->settings)
                try_link(p);
        hv_api_changed(a->api);
}

/* ---- what it sent ---- */

struct wanted_inputs {
        const struct hv_desired *desired;
        struct hv_arena *arena;
        HV_VEC(const char *) v;
        struct hv_map *ids; /* of these tasks */
};

/* As long as it may be run here, or its result is not delivered. */
static int on_kept(const struct hv_ledger_task *kept, void *userdata) {
        _hv_cleanup_(hv_task_unrefp) struct hv_task *t = NULL;
        struct wanted_inputs *w = userdata;

        if (!hv_streq(kept->source, hv_task_source_name(HV_TASK_FROM_POOL)) ||
            (kept->ended_us && !kept->is_owed))
                return 0;
        hv_map_put(w->ids, kept->id, w);
        t = hv_agent_task_kept(kept, w->desired);
        for (size_t i = 0; t && i < t->n_inputs; i++)
                if (t->inputs[i].type == HV_TASK_INPUT_INBOX)
                        hv_vec_push(&w->v, hv_arena_strdup(w->arena, t->inputs[i].sha256));
        return 0;
}

static void clean_inbox(struct hv_agent_pool *p) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct wanted_inputs w = { .desired = p->desired, .arena = arena, .ids = hv_map_new(NULL) };
        struct hv_err err = {};

        if (hv_ledger_recall(p->agent->ledger, on_kept, &w, &err) < 0)
                (void) hv_log_error(err.code, "what pools sent stays in the inbox: %s", err.msg);
        else {
                hv_pool_keep_inputs(p->link, w.v.v, w.v.n);
                hv_agent_pool_keep_told(p, w.ids);
        }
        hv_vec_done(&w.v);
        (void) hv_map_free(w.ids);
}

/* ---- in the loop ---- */

void hv_agent_pool_passed(struct hv_agent *a) {
        struct hv_agent_pool *p = a->pool;

        if (!p || !p->settings)
                return;
        drop_what_waits(p);
        if (!p->link && !p->retry)
                try_link(p); /* the ledger, or the tunnel, may be there by now */
        hv_agent_pool_taken(p);
        hv_agent_pool_logs_passed(p);
        hv_agent_pool_drain_passed(p);
        hv_agent_pool_lost_passed(p);
        if (!p->link)
                return;
        hv_pool_poke(p->link);
        if (p->inbox_is_due) {
                p->inbox_is_due = false;
                clean_inbox(p);
        }
}

void hv_agent_pool_note(struct hv_agent *a, const struct hv_note *note) {
        if (a->pool && note->type == HV_NOTE_TASK_ENDED)
                a->pool->inbox_is_due = true;
}

int hv_agent_pool_assignment(void *userdata, const char *id, struct hv_ledger_assignment *ret) {
        const struct hv_agent *a = userdata;

        for (size_t i = 0; a->pool && i < a->pool->takings.n; i++)
                if (hv_streq(a->pool->takings.v[i].id, id)) {
                        *ret = a->pool->takings.v[i].assignment;
                        return 1;
                }
        return 0;
}

void hv_agent_pool_look(const struct hv_agent *a, struct hv_arena *arena, struct hv_api_pool *ret) {
        const struct hv_agent_pool *p = a->pool;
        struct hv_pool_state s = { .phase = HV_POOL_OFFLINE };
        struct hv_err err = {};

        *ret = (struct hv_api_pool){};
        if (!p || !p->settings)
                return;
        if (p->link)
                hv_pool_state(p->link, arena, &s);
        else
                s.message = p->trouble   ? hv_arena_strdup(arena, p->trouble)
                            : !a->ledger ? "the ledger is not there"
                                         : "";
        *ret = (struct hv_api_pool){
                .address = hv_arena_strdup(arena, p->master->address),
                .dialect = p->master->protocol == HV_DIALECT_HIVEMIND ? "hivemind" : "v1",
                .advertised = hv_arena_strdup(arena, p->advertised),
                .phase = hv_pool_phase_name(s.phase),
                .online = s.phase == HV_POOL_ONLINE,
                .insecure = p->link ? s.insecure : is_plain(p->master),
                .message = s.message,
                .since_us = s.since_us,
                .answered_us = s.answered_us,
                .next_try_us = s.next_try_us,
                .lease_until_us = s.lease_until_us,
                .n_connects = s.n_connects,
                .n_calls = s.n_calls,
                .n_failures = s.n_failures,
                .n_assignments = s.n_assignments,
                .n_refused = s.n_refused,
                .n_delivered = s.n_delivered,
                .has_balance = s.has_balance,
                .balance = s.balance,
                .outbox_max_bytes = p->master->outbox.max_size_bytes,
        };
        if (a->ledger)
                (void) hv_ledger_count_debts(a->ledger, &ret->n_owed, &ret->owed_bytes, &err);
}

bool hv_agent_pool_leave(struct hv_agent *a, void (*done)(void *userdata), void *userdata) {
        return a->pool && a->pool->link && hv_pool_leave(a->pool->link, done, userdata);
}

void hv_agent_pool_end(struct hv_agent *a) {
        struct hv_agent_pool *p = a->pool;

        if (!p)
                return;
        drop_link(p);
        sd_event_source_disable_unref(p->silence);
        hv_vec_done(&p->takings);
        hv_map_free(p->measured);
        hv_desired_unref(p->desired);
        free(p->settings);
        free(p->inbox);
        free(p->told);
        free(p->advertised);
        free(p->said);
        free(p);
        a->pool = NULL;
}

/* pool/pool.c - drives one dialect at the pace of the link; see pool.h. */
#include "pool/pool.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "base/alloc.h"
#include "base/time.h"
#include "log/log.h"
#include "pool/dialect.h"
#include "pool/explain.h"
#include "pool/inbox.h"
#include "pool/live.h"
#include "pool/outbox.h"
#include "pool/pace.h"
#include "pool/vouch.h"
#include "rpc/runtime.h"

/* A verdict that is awaited; outlives the pool when it must. */
struct asking {
        TAILQ_ENTRY(asking) entry;
        struct hv_pool *pool; /* NULL: it has gone */
        hv_pool_verdict_fn *done;
        void *done_data;
};

struct hv_pool {
        struct hv_pool_options o;
        struct hv_arena *texts; /* of the options */
        const struct hv_pool_dialect *dialect;
        struct hv_rpc *rpc;
        struct hv_inbox *inbox;
        struct hv_pool_peer *peer;
        struct hv_outbox *outbox;
        struct hv_live *live;
        struct hv_explainer *explainer; /* NULL: plain text */
        struct hv_pace pace;
        sd_event_source *timer;
        TAILQ_HEAD(, asking) askings;
        struct hv_vouchings vouchings;

        enum hv_pool_phase told;      /* what changed() was called for */
        void (*left)(void *userdata); /* the agent ends; NULL: it does not, or was told so */
        void *left_data;
        bool is_leaving;

        uint64_t since_us, answered_us, lease_us, lease_until_us;
        uint64_t n_connects, n_calls, n_failures, n_assignments, n_refused;
        bool takes_back, has_balance;
        int64_t balance;
        char *message;
        char *bad_files; /* what was wrong with the certificates on the disk when they were read last */
};

const char *hv_pool_phase_name(enum hv_pool_phase phase) {
        static const char *const names[HV_N_POOL_PHASES] = { "Offline", "LoggingIn", "Registering",
                                                             "Online" };

        return names[phase];
}

static uint64_t now_us(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_BOOTTIME, &ts);
        return (uint64_t) ts.tv_sec * HV_USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

static void arm(struct hv_pool *p, uint64_t at_us) {
        if (p->is_leaving) /* it is the deadline of that by now */
                return;
        (void) sd_event_source_set_time(p->timer, at_us);
        (void) sd_event_source_set_enabled(p->timer,
                                           at_us == HV_TIME_NEVER ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

static void tell(struct hv_pool *p) {
        if (p->o.backend->changed)
                p->o.backend->changed(p->o.userdata);
}

static void set_message(struct hv_pool *p, const char *message) {
        if (hv_streq(p->message, message))
                return;
        free(p->message);
        p->message = hv_strdup(message);
        tell(p);
}

/* --- phases --- */

static void follow_logs(struct hv_pool *p) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_pool_node node = {};

        p->o.backend->node(p->o.userdata, arena, &node);
        hv_live_follow(p->live, node.tasks, node.n_tasks);
}

static void enter(struct hv_pool *p) {
        enum hv_pool_phase before = p->told;

        if (p->pace.phase == before)
                return;
        p->told = p->pace.phase;
        p->since_us = now_us();
        if (p->told == HV_POOL_ONLINE) {
                p->n_connects++;
                set_message(p, "");
                hv_log_notice("the pool %s is reached (%s)", p->o.address, p->dialect->name);
        } else if (before == HV_POOL_ONLINE) {
                hv_log_notice("the pool %s is lost: %s", p->o.address,
                              *p->message ? p->message : "registering again");
        }
        if (p->told == HV_POOL_ONLINE || before == HV_POOL_ONLINE) {
                hv_outbox_set_online(p->outbox, p->told == HV_POOL_ONLINE);
                p->dialect->receive(p->peer, p->told == HV_POOL_ONLINE);
        }
        if (p->told == HV_POOL_ONLINE)
                follow_logs(p);
        else
                hv_live_follow(p->live, NULL, 0);
        tell(p);
}

static void go_on(struct hv_pool *p) {
        enter(p);
        arm(p, 0);
}

static void count(struct hv_pool *p, enum hv_pool_outcome outcome, bool answered) {
        p->n_calls++;
        if (outcome != HV_POOL_OUTCOME_OK)
                p->n_failures++;
        if (answered)
                p->answered_us = now_us();
}

/* --- the end --- */

static void end_leaving(struct hv_pool *p, const char *why_not) {
        void (*left)(void *userdata) = HV_STEAL(p->left);

        if (!left)
                return;
        if (*why_not)
                hv_log_notice("the pool %s does not know that this node goes: %s", p->o.address, why_not);
        left(p->left_data);
}

static void on_left(void *userdata, const struct hv_answer *a) {
        struct hv_pool *p = userdata;

        count(p, a->outcome, a->answered);
        end_leaving(p, a->message);
}

static void tell_leave(struct hv_pool *p) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_pool_node node = {};

        p->o.backend->node(p->o.userdata, arena, &node);
        p->dialect->leave(p->peer, &node, on_left, p);
}

/* --- steps --- */

static const char *reason_of(struct hv_pool *p, const struct hv_answer *a) {
        const char *text = *a->message ? a->message : hv_pool_outcome_name(a->outcome), *why = NULL;

        if (p->explainer && !a->answered)
                why = hv_explainer_ask(p->explainer, text, now_us());
        return why ? why : text;
}

static void on_explained(void *userdata, const char *why) {
        struct hv_pool *p = userdata;

        if (p->told == HV_POOL_ONLINE)
                return;
        hv_log_warn(0, "the pool %s cannot be talked to: %s", p->o.address, why);
        set_message(p, why);
}

static void on_step(void *userdata, const struct hv_answer *a) {
        struct hv_pool *p = userdata;
        bool registers = p->pace.in_flight == HV_PACE_REGISTER, beats = p->pace.in_flight == HV_PACE_BEAT;

        count(p, a->outcome, a->answered);
        if (a->outcome != HV_POOL_OUTCOME_OK)
                set_message(p, reason_of(p, a));
        else if (registers) {
                p->lease_us = a->lease_us;
                p->takes_back = a->takes_back;
        }
        if (a->outcome == HV_POOL_OUTCOME_OK && (registers || beats))
                p->lease_until_us = p->lease_us ? hv_time_add(now_us(), p->lease_us) : 0;
        hv_pace_done(&p->pace, a->outcome, now_us());
        if (a->outcome == HV_POOL_OUTCOME_OK && a->renew_us)
                hv_pace_login_by(&p->pace, hv_time_add(now_us(), a->renew_us));
        if (p->is_leaving) { /* a beat that overtakes the last word would call it back */
                tell_leave(p);
                return;
        }
        go_on(p);
        if (a->outcome == HV_POOL_OUTCOME_OK && a->pending && p->dialect->fetch)
                p->dialect->fetch(p->peer);
}

/* The certificates of now: what was wrong with the old ones may be mended by the new, and those in force may end soon. */
static void look_at_certificates(struct hv_pool *p) {
        struct hv_err err = {};

        if (p->dialect->reload_credentials(p->peer, &err) < 0 && !hv_streq(p->bad_files, err.msg))
                (void) hv_log_warn(err.code, "the pool's certificates stay as they were: %s", err.msg);
        free(p->bad_files);
        p->bad_files = err.code ? hv_strdup(err.msg) : NULL;
}

static void take(struct hv_pool *p, enum hv_pace_step step) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_pool_node node = {};

        if (p->told == HV_POOL_OFFLINE || step == HV_PACE_REGISTER)
                look_at_certificates(p);
        if (p->told == HV_POOL_OFFLINE && p->dialect->connect)
                p->dialect->connect(p->peer);
        if (step == HV_PACE_LOGIN) {
                p->dialect->login(p->peer, on_step, p);
                return;
        }
        p->o.backend->node(p->o.userdata, arena, &node);
        if (step == HV_PACE_REGISTER)
                p->dialect->enrol(p->peer, &node, on_step, p);
        else
                p->dialect->beat(p->peer, &node, on_step, p);
        if (p->told == HV_POOL_ONLINE)
                hv_live_follow(p->live, node.tasks, node.n_tasks);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        struct hv_pool *p = userdata;
        uint64_t deadline_us;
        enum hv_pace_step step;

        (void) s;
        (void) usec;
        if (p->is_leaving) {
                end_leaving(p, "it does not answer");
                return 0;
        }
        step = hv_pace_next(&p->pace, now_us(), &deadline_us);
        if (step != HV_PACE_WAIT)
                take(p, step);
        enter(p);
        arm(p, deadline_us);
        return 0;
}

/* --- what the dialect brings --- */

static enum hv_pool_verdict on_judge(void *userdata, const struct hv_pool_assignment *a,
                                     const char **ret_message) {
        struct hv_pool *p = userdata;

        return p->o.backend->judge(p->o.userdata, a, ret_message);
}

static void on_verdict(void *userdata, enum hv_pool_verdict verdict, const char *message) {
        struct asking *asking = userdata;
        struct hv_pool *p = asking->pool;
        hv_pool_verdict_fn *done = asking->done;
        void *done_data = asking->done_data;

        if (p)
                TAILQ_REMOVE(&p->askings, asking, entry);
        free(asking);
        if (!p)
                return;
        if (verdict == HV_POOL_ACCEPTED)
                p->n_assignments++;
        done(done_data, verdict, message);
}

static void on_assign(void *userdata, const struct hv_pool_assignment *a, hv_pool_verdict_fn *done,
                      void *done_data) {
        struct hv_pool *p = userdata;
        struct asking *asking = HV_NEW(struct asking);

        *asking = (struct asking){ .pool = p, .done = done, .done_data = done_data };
        TAILQ_INSERT_TAIL(&p->askings, asking, entry);
        p->o.backend->assign(p->o.userdata, a, on_verdict, asking);
}

static bool on_cancel(void *userdata, const char *id, const char *why) {
        struct hv_pool *p = userdata;

        return p->o.backend->cancel(p->o.userdata, id, why);
}

static void on_only(void *userdata, const char *const *ids, size_t n) {
        struct hv_pool *p = userdata;

        p->o.backend->only(p->o.userdata, ids, n);
}

/* A call beside the steps. What speaks against the link is left to the next step to confirm. */
static void on_heard(void *userdata, enum hv_pool_outcome outcome, bool answered, const char *message) {
        struct hv_pool *p = userdata;

        count(p, outcome, answered);
        if (outcome == HV_POOL_OUTCOME_OK)
                return;
        hv_log_debug("pool: %s", message);
        if (outcome == HV_POOL_OUTCOME_RELOGIN || outcome == HV_POOL_OUTCOME_REREGISTER ||
            (outcome == HV_POOL_OUTCOME_AGAIN && !answered)) {
                hv_pace_hint(&p->pace, outcome, now_us());
                if (p->pace.phase != p->told)
                        set_message(p, message);
                arm(p, 0);
        }
}

static void on_refused(void *userdata, const char *id, const char *why) {
        struct hv_pool *p = userdata;

        p->n_refused++;
        hv_log_full(LOG_NOTICE, 0, HV_LOG_FIELDS(.task = id), "refused what the pool assigned%s%s: %s",
                    id ? ", task " : "", id ? id : "", why);
}

static void on_unclaimed(void *userdata) {
        struct hv_pool *p = userdata;

        if (p->o.backend->unclaimed)
                p->o.backend->unclaimed(p->o.userdata);
}

static void on_balance(void *userdata, int64_t balance) {
        struct hv_pool *p = userdata;

        if (p->has_balance && p->balance == balance)
                return;
        p->has_balance = true;
        p->balance = balance;
        tell(p);
}

static const struct hv_pool_sink sink = {
        .judge = on_judge,
        .assign = on_assign,
        .cancel = on_cancel,
        .only = on_only,
        .heard = on_heard,
        .refused = on_refused,
        .unclaimed = on_unclaimed,
        .balance = on_balance,
};

/* --- the whole --- */

static void on_rpc_log(void *userdata, int level, const char *line) {
        (void) userdata;
        hv_log_full(level <= LOG_ERR ? LOG_WARNING : level, 0, NULL, "gRPC: %s", line);
}

static const char *const *copy_list(struct hv_arena *a, const char *const *v, size_t n) {
        const char **copy = HV_ARENA_NEW_N(a, const char *, n);

        for (size_t i = 0; i < n; i++)
                copy[i] = hv_arena_strdup(a, v[i]);
        return copy;
}

/* A password's file ends with a newline where an editor or echo made it. */
static struct hv_secret *one_line(const struct hv_secret *s) {
        const char *bytes = hv_secret_bytes(s);
        size_t len = hv_secret_len(s);

        while (len > 0 && strchr("\r\n", bytes[len - 1]))
                len--;
        return hv_secret_new(bytes, len);
}

static int copy_options(struct hv_pool *p, const struct hv_pool_options *o) {
        struct hv_arena *a = p->texts;

        p->o = *o;
        p->o.node_id = hv_arena_strdup(a, o->node_id);
        p->o.agent_version = hv_arena_strdup(a, o->agent_version);
        p->o.address = hv_arena_strdup(a, o->address);
        p->o.listen = hv_arena_strdup(a, o->listen);
        p->o.listen_cert_file = hv_arena_strdup(a, o->listen_cert_file);
        p->o.listen_key_file = hv_arena_strdup(a, o->listen_key_file);
        p->o.listen_ca_file = hv_arena_strdup(a, o->listen_ca_file);
        p->o.peers = copy_list(a, o->peers, o->n_peers);
        p->o.ca_file = hv_arena_strdup(a, o->ca_file);
        p->o.cert_file = hv_arena_strdup(a, o->cert_file);
        p->o.key_file = hv_arena_strdup(a, o->key_file);
        p->o.username = hv_arena_strdup(a, o->username);
        p->o.inbox = hv_arena_strdup(a, o->inbox);
        if (o->password)
                p->o.password = one_line(o->password);
        return 0;
}

static const struct hv_pool_dialect *dialect_of(enum hv_dialect dialect) {
        return dialect == HV_DIALECT_V1 ? &hv_pool_v1 : &hv_pool_hivemind;
}

static int open_link(struct hv_pool *p, struct hv_err *err) {
        const struct hv_backoff_spec retry = { .initial_us = p->o.retry_initial_us,
                                               .max_us = p->o.retry_max_us,
                                               .factor_milli = p->o.retry_factor_milli };
        const struct hv_pool_dialect *d = p->dialect;
        int r;

        r = d->open(
                &(struct hv_pool_opening){
                        .options = &p->o, .rpc = p->rpc, .inbox = p->inbox, .sink = &sink, .sink_data = p },
                &p->peer, err);
        if (r == 0)
                r = hv_outbox_new(&(struct hv_outbox_options){ .event = p->o.event,
                                                               .dialect = d,
                                                               .peer = p->peer,
                                                               .backend = p->o.backend,
                                                               .backend_data = p->o.userdata,
                                                               .node_id = p->o.node_id,
                                                               .retry = retry,
                                                               .seed = p->o.seed + 3,
                                                               .heard = on_heard,
                                                               .userdata = p },
                                  &p->outbox, err);
        p->live = hv_live_new(&(struct hv_live_options){ .event = p->o.event,
                                                         .dialect = d,
                                                         .peer = p->peer,
                                                         .backend = p->o.backend,
                                                         .backend_data = p->o.userdata,
                                                         .heard = on_heard,
                                                         .userdata = p });
        if (!p->o.insecure)
                p->explainer = hv_explainer_new(&(struct hv_explainer_options){ .target = p->o.address,
                                                                                .ca_file = p->o.ca_file,
                                                                                .cert_file = p->o.cert_file,
                                                                                .key_file = p->o.key_file,
                                                                                .backend = p->o.backend,
                                                                                .backend_data = p->o.userdata,
                                                                                .every_us = p->o.retry_max_us,
                                                                                .explained = on_explained,
                                                                                .userdata = p });
        hv_pace_init(&p->pace,
                     &(struct hv_pace_options){
                             .heartbeat_us = hv_pace_heartbeat(d, p->o.heartbeat_us),
                             .retry = retry,
                             .has_login = d->login && p->o.username,
                             .login_every_us = d->login_every_us,
                             .register_every_us = d->register_every_us,
                             .seed = p->o.seed,
                     },
                     now_us());
        return r;
}

int hv_pool_new(const struct hv_pool_options *options, struct hv_pool **ret, struct hv_err *err) {
        _hv_cleanup_(hv_pool_freep) struct hv_pool *p = HV_NEW(struct hv_pool);
        int r;

        TAILQ_INIT(&p->askings);
        TAILQ_INIT(&p->vouchings);
        p->texts = hv_arena_new();
        p->message = hv_strdup("not tried yet");
        p->since_us = now_us();
        p->dialect = dialect_of(options->dialect);
        copy_options(p, options);
        r = hv_inbox_new(&(struct hv_inbox_options){ .path = p->o.inbox,
                                                     .max_bytes = p->o.inbox_max_bytes,
                                                     .work = p->o.backend->work,
                                                     .userdata = p->o.userdata },
                         &p->inbox, err);
        if (r < 0)
                return r;
        p->rpc = hv_rpc_new(p->o.event, &(struct hv_rpc_options){ .on_log = on_rpc_log });
        r = open_link(p, err);
        if (r < 0)
                return r;
        r = sd_event_add_time(p->o.event, &p->timer, CLOCK_BOOTTIME, 0, HV_USEC_PER_MSEC, on_timer, p);
        if (r < 0)
                return hv_err_errno(err, r, "a timer of the pool");
        *ret = HV_STEAL(p);
        return 0;
}

struct hv_pool *hv_pool_free(struct hv_pool *p) {
        struct asking *asking;

        if (!p)
                return NULL;
        sd_event_source_disable_unref(p->timer);
        hv_outbox_free(p->outbox);
        if (p->peer)
                p->dialect->close(p->peer);
        hv_vouch_end(&p->vouchings);
        hv_live_free(p->live);
        hv_explainer_free(p->explainer);
        hv_inbox_free(p->inbox);
        hv_rpc_free(p->rpc);
        while ((asking = TAILQ_FIRST(&p->askings))) {
                TAILQ_REMOVE(&p->askings, asking, entry);
                asking->pool = NULL;
        }
        hv_secret_free((struct hv_secret *) p->o.password);
        hv_arena_free(p->texts);
        free(p->message);
        free(p->bad_files);
        free(p);
        return NULL;
}

void hv_pool_state(const struct hv_pool *p, struct hv_arena *arena, struct hv_pool_state *ret) {
        *ret = (struct hv_pool_state){
                .phase = p->told,
                .insecure = p->o.insecure,
                .message = p->told == HV_POOL_ONLINE ? "" : hv_arena_strdup(arena, p->message),
                .since_us = p->since_us,
                .answered_us = p->answered_us,
                .next_try_us = p->told == HV_POOL_OFFLINE ? p->pace.not_before_us : 0,
                .n_connects = p->n_connects,
                .n_calls = p->n_calls,
                .n_failures = p->n_failures,
                .n_assignments = p->n_assignments,
                .n_refused = p->n_refused,
                .n_delivered = hv_outbox_n_delivered(p->outbox),
                .lease_until_us = p->lease_until_us,
                .takes_back = p->takes_back,
                .has_balance = p->has_balance,
                .balance = p->balance,
        };
}

void hv_pool_poke(struct hv_pool *p) {
        hv_pace_changed(&p->pace);
        hv_outbox_poke(p->outbox);
        arm(p, 0);
}

bool hv_pool_leave(struct hv_pool *p, void (*done)(void *userdata), void *userdata) {
        if (p->is_leaving || p->told != HV_POOL_ONLINE || !p->dialect->leave)
                return false;
        arm(p, hv_time_add(now_us(), HV_POOL_LEAVE_US));
        p->is_leaving = true;
        p->left = done;
        p->left_data = userdata;
        if (p->pace.in_flight == HV_PACE_WAIT)
                tell_leave(p);
        return true;
}

void hv_pool_vouch(struct hv_pool *p, const char *name, const char *password, hv_pool_vouch_fn *done,
                   void *userdata) {
        hv_vouch_ask(&p->vouchings, p->dialect, p->peer, name, password, done, userdata);
}

int hv_pool_open_input(const struct hv_pool *p, const char *sha256, int *ret_fd, struct hv_err *err) {
        return hv_inbox_open(p->inbox, sha256, ret_fd, err);
}

void hv_pool_keep_inputs(struct hv_pool *p, const char *const *sha256, size_t n) {
        hv_inbox_keep(p->inbox, sha256, n);
}

int hv_pool_reload_credentials(struct hv_pool *p, struct hv_err *err) {
        return p->dialect->reload_credentials(p->peer, err);
}

/* agent/pool_take.c - what a pool assigns, and takes back. See pool.h.
 *
 *      assignment --> document judged by this node --> known? --> core: submit, or run again --> ledger --> answer
 *
 * Same id    the same content is the same promise, whatever lease it comes under: it is run once, and its one result is handed
 *            over under the newest lease; once more where the pool had it and asks again, for it lost it then. A higher attempt of
 *            what has ended and was delivered is a new order: it is run again, or, with another content, forgotten and taken
 *            anew. So is what was handed back, a result asked for again whose files are gone here too, and in the dialect
 *            hivemind what comes under an id that is over (is_new_order()). Everything else under a known id is refused. */
#include <errno.h>

#include "agent/pool.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "log/log.h"
#include "reconcile/gpu.h"
#include "reconcile/trust.h"
#include "spec/task_load.h"
#include "spec/types.h"
#include "spec/yaml.h"
#include "task/results.h"

#define BY_POOL "the pool"

static enum hv_pool_verdict _hv_printf_(3, 4)
        say(struct hv_agent_pool *p, enum hv_pool_verdict verdict, const char *fmt, ...) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        va_list ap;

        va_start(ap, fmt);
        hv_buf_vprintf(&text, fmt, ap);
        va_end(ap);
        free(p->said); /* last: what it says may be told with it */
        p->said = hv_buf_steal(&text);
        return verdict;
}

/* ---- judging ---- */

static unsigned trust_rank(const char *group) {
        return hv_streq(group, "high") ? 2 : hv_streq(group, "medium") ? 1 : 0;
}

static const char *first_error(const struct hv_diags *diags, struct hv_arena *arena) {
        const struct hv_diag *all;
        size_t n;

        all = hv_diags_all(diags, &n);
        for (size_t i = 0; i < n; i++)
                if (all[i].severity == HV_SEVERITY_ERROR)
                        return hv_arena_printf(arena, "%s%s%s (%s)", all[i].path, *all[i].path ? ": " : "",
                                               all[i].message, all[i].code);
        return "its document cannot be used";
}

static enum hv_pool_verdict load(struct hv_agent_pool *p, const struct hv_pool_assignment *a,
                                 struct hv_task **ret) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        const struct hv_task_request request = {
                .document = a->document,
                .len = a->len,
                .read = hv_yaml_read,
                .id = a->id,
                .source = HV_TASK_FROM_POOL,
        };

        if (hv_task_load(&request, p->desired, ret, diags) >= 0)
                return HV_POOL_ACCEPTED;
        hv_diags_sort(diags);
        return say(p, HV_POOL_REFUSED, "%s", first_error(diags, arena));
}

struct known { /* of the ledger; copied, for it must not be asked while it is walked */
        bool is_there, is_pools, is_declared, is_same, has_ended, was_stopped, was_handed_back, is_owed;
        unsigned last_attempt; /* of this node */
        const char *digest;
};

static int on_known(const struct hv_ledger_task *t, void *userdata) {
        struct known *k = userdata;

        k->is_there = true;
        k->is_pools = hv_streq(t->source, hv_task_source_name(HV_TASK_FROM_POOL));
        k->is_declared = hv_streq(t->source, hv_task_source_name(HV_TASK_FROM_FILE));
        k->is_same = hv_streq(t->digest, k->digest);
        k->has_ended = t->ended_us != 0;
        k->was_stopped = hv_streq(t->state, hv_task_state_name(HV_TASK_STOPPED));
        k->was_handed_back = hv_streq(t->cause, hv_task_cause_name(HV_CAUSE_HANDED_BACK));
        k->is_owed = t->is_owed;
        k->last_attempt = t->last_attempt;
        return 0;
}

enum order {
        ORDER_NONE,
        ORDER_NEW,
        ORDER_SAME,    /* known: the lease may be another */
        ORDER_ASKED,   /* known and delivered: the pool wants the result once more */
        ORDER_AGAIN,   /* it ended and was delivered; to be run once more */
        ORDER_INSTEAD, /* as it, with another content */
        ORDER_OUST,    /* the node's own has that id, and runs: it is stopped first */
};

/* A list names what was delivered until the pool has looked at it, so only a newer lease says something. Whoever pushes without any
 * means it. */
static bool asks_again(const struct hv_pool_assignment *a, const struct hv_ledger_assignment *last) {
        return a->lease_epoch > last->lease_epoch || (a->attempt == 0 && a->lease_epoch == 0);
}

/* The files of what was delivered may have been cleaned away. What never ran has none. */
static bool is_still_there(const struct hv_agent_pool *p, const char *id, const struct known *k) {
        const struct hv_attempt attempt = { .id = id, .attempt = k->last_attempt };
        _hv_cleanup_(hv_results_freep) struct hv_results *results = NULL;

        return k->last_attempt == 0 ||
               hv_results_open(p->agent->results_root, &attempt, &results, NULL) < 0 ||
               !hv_results_removed(results);
}

/* What a file declares is declared again by it: nobody can take its place. */
static enum hv_pool_verdict judge_own(struct hv_agent_pool *p, const char *id, const struct known *k,
                                      enum order *ret_order) {
        if (p->master->on_conflict != HV_CONFLICT_MASTER_WINS || k->is_declared)
                return say(p, HV_POOL_REFUSED, "Conflict: %s is a task of this node's own", id);
        *ret_order = k->has_ended ? ORDER_INSTEAD : ORDER_OUST;
        return HV_POOL_ACCEPTED;
}

/* The deployed pool numbers no attempts, and its ids are words of its users, who use them again: once what was known under one is over,
 * another content is another order. So is the same one after a stop: what was stopped is never offered again by itself. */
static bool is_new_order(const struct hv_agent_pool *p, const struct known *k) {
        return p->master->protocol == HV_DIALECT_HIVEMIND && k->has_ended && !k->is_owed &&
               (!k->is_same || k->was_stopped);
}

static enum hv_pool_verdict judge_known(struct hv_agent_pool *p, const struct hv_pool_assignment *a,
                                        const struct known *k, enum order *ret_order) {
        struct hv_ledger_assignment last = {};
        bool is_higher, is_over = k->has_ended && !k->is_owed;
        struct hv_err err = {};
        int r;

        if (!k->is_pools)
                return judge_own(p, a->id, k, ret_order);
        r = hv_ledger_assignment(p->agent->ledger, a->id, &last, &err);
        if (r < 0)
                return say(p, HV_POOL_LATER, "%s", err.msg);
        is_higher = a->attempt > last.attempt;
        if (a->attempt < last.attempt || (a->attempt == last.attempt && a->lease_epoch < last.lease_epoch))
                return say(p, HV_POOL_REFUSED, "attempt %u, lease %llu of %s is known already", last.attempt,
                           (unsigned long long) last.lease_epoch, a->id);
        if (is_new_order(p, k)) {
                *ret_order = k->is_same ? ORDER_AGAIN : ORDER_INSTEAD;
                return HV_POOL_ACCEPTED;
        }
        if (k->is_same && !is_higher && is_over && asks_again(a, &last)) {
                /* A round that began while nothing was owed may have these files on its list. The next one sees the debt. */
                if (p->agent->retention)
                        return say(p, HV_POOL_LATER,
                                   "what tasks left on this node is being cleaned up; %s may be part of it",
                                   a->id);
                *ret_order = !k->was_handed_back && is_still_there(p, a->id, k) ? ORDER_ASKED : ORDER_AGAIN;
                return *ret_order == ORDER_AGAIN
                               ? HV_POOL_ACCEPTED
                               : say(p, HV_POOL_KNOWN, "%s is known, its result comes again", a->id);
        }
        if (k->is_same && !(is_higher && is_over)) {
                *ret_order = ORDER_SAME;
                return say(p, HV_POOL_KNOWN, "%s is known", a->id);
        }
        if (!is_higher)
                return say(p, HV_POOL_REFUSED, "Conflict: %s is known already, with another content", a->id);
        *ret_order = k->is_same ? ORDER_AGAIN : ORDER_INSTEAD;
        if (is_over)
                return HV_POOL_ACCEPTED;
        return say(p, HV_POOL_LATER, "an earlier attempt of %s, with another content, %s", a->id,
                   k->has_ended ? "has a result that is not delivered yet" : "still runs");
}

/* The deployed pool takes "no" for an answer and offers the task to others; what waits here would wait for nothing. */
static enum hv_pool_verdict judge_room(struct hv_agent_pool *p, const struct hv_task *t) {
        struct hv_room all, for_tasks, available;
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const char *short_of, *closed;
        char text[HV_ROOM_TEXT_SIZE];
        enum hv_resource lacks;

        if (!hv_core_room(p->agent->core, &all, &for_tasks, &available))
                return say(p, HV_POOL_LATER, "what this machine has is not known yet");
        if (t->booking.n_gpus && !hv_core_gpus_are_known(p->agent->core))
                return say(p, HV_POOL_LATER, "the GPUs of this machine are not known yet");
        lacks = hv_core_lacks(p->agent->core, &t->booking, false, text);
        if (lacks != HV_RESOURCE_NONE && lacks != HV_RESOURCE_SLOTS)
                return say(p, HV_POOL_REFUSED, "never fits: %s", text);
        closed = hv_orders_closed_text(&p->agent->orders, arena);
        if (closed)
                return say(p, hv_agent_pool_gives_back(p) ? HV_POOL_HANDED_BACK : HV_POOL_LATER, "%s",
                           closed);
        if (p->master->protocol != HV_DIALECT_HIVEMIND)
                return HV_POOL_ACCEPTED;
        if (hv_core_lacks(p->agent->core, &t->booking, true, text) != HV_RESOURCE_NONE)
                return say(p, HV_POOL_LATER, "%s", text);
        short_of = hv_core_pressure(p->agent->core, arena);
        return short_of ? say(p, HV_POOL_LATER, "%s", short_of) : HV_POOL_ACCEPTED;
}

static enum hv_pool_verdict judge_node(struct hv_agent_pool *p, const struct hv_pool_assignment *a) {
        const char *group = hv_trust_group(&p->desired->settings.trust, hv_core_trust(p->agent->core));
        uint64_t n_owed, bytes;
        struct hv_err err = {};

        if (!p->master->accept.tasks)
                return say(p, HV_POOL_REFUSED, "master.accept.tasks is false on this node");
        if (a->required_trust && trust_rank(group) < trust_rank(a->required_trust))
                return say(p, HV_POOL_REFUSED, "wants a node of trust %s, this one is %s", a->required_trust,
                           group);
        if (hv_ledger_count_debts(p->agent->ledger, &n_owed, &bytes, &err) < 0)
                return say(p, HV_POOL_LATER, "%s", err.msg);
        if (bytes >= p->master->outbox.max_size_bytes)
                return say(
                        p, HV_POOL_LATER,
                        "the outbox is full: %llu bytes of %llu results wait for the pool (master.outbox.maxSize)",
                        (unsigned long long) bytes, (unsigned long long) n_owed);
        return HV_POOL_ACCEPTED;
}

static enum hv_pool_verdict judge(struct hv_agent_pool *p, const struct hv_pool_assignment *a,
                                  enum order *ret_order, struct hv_task **ret) {
        struct known known = {};
        enum hv_pool_verdict v;
        struct hv_err err = {};
        int r;

        *ret_order = ORDER_NONE;
        if (p->agent->stopping || !p->agent->ledger)
                return say(p, HV_POOL_LATER,
                           p->agent->stopping ? "the agent is stopping" : "the ledger is not there");
        v = load(p, a, ret);
        if (v != HV_POOL_ACCEPTED)
                return v;
        known.digest = (*ret)->digest;
        r = hv_ledger_task(p->agent->ledger, a->id, on_known, &known, &err);
        if (r < 0 && r != -ENOENT)
                return say(p, HV_POOL_LATER, "%s", err.msg);
        *ret_order = ORDER_NEW;
        if (known.is_there)
                v = judge_known(p, a, &known, ret_order);
        if (v == HV_POOL_ACCEPTED)
                v = judge_node(p, a);
        return v == HV_POOL_ACCEPTED ? judge_room(p, *ret) : v;
}

/* The core first: from there on nobody forgets it. */
static int owe_again(struct hv_agent_pool *p, const char *id, struct hv_err *err) {
        struct hv_input in = { .type = HV_INPUT_TASK_OWED, .text = id };
        int r = hv_agent_input(p->agent, &in, err);

        if (r < 0)
                return r;
        r = hv_ledger_owe_again(p->agent->ledger, id, hv_agent_wall_us(), err);
        if (r < 0) {
                in.type = HV_INPUT_TASK_DELIVERED;
                (void) hv_agent_input(p->agent, &in, NULL);
                return r;
        }
        hv_log_full(LOG_NOTICE, 0, HV_LOG_FIELDS(.task = id),
                    "the pool asks for the result of task %s again, which it had: it is delivered once more",
                    id);
        hv_api_changed(p->agent->api);
        return 0;
}

/* A promise that is known is noted under the newest lease, whoever asks. */
static enum hv_pool_verdict note_lease(struct hv_agent_pool *p, const struct hv_pool_assignment *a,
                                       enum order order) {
        const struct hv_ledger_assignment lease = { .attempt = a->attempt, .lease_epoch = a->lease_epoch };
        struct hv_err err = {};
        int r = 0;

        if (order == ORDER_ASKED)
                r = owe_again(p, a->id, &err);
        if (r >= 0)
                r = hv_ledger_assign(p->agent->ledger, a->id, &lease, &err);
        if (r >= 0)
                return HV_POOL_KNOWN;
        return say(p, r == -ESTALE ? HV_POOL_REFUSED : HV_POOL_LATER, "%s", err.msg);
}

enum hv_pool_verdict hv_agent_pool_judge(void *userdata, const struct hv_pool_assignment *a,
                                         const char **ret_message) {
        _hv_cleanup_(hv_task_unrefp) struct hv_task *t = NULL;
        struct hv_agent_pool *p = userdata;
        enum hv_pool_verdict v;
        enum order order;

        v = judge(p, a, &order, &t);
        if (v == HV_POOL_KNOWN)
                v = note_lease(p, a, order);
        *ret_message = v == HV_POOL_ACCEPTED ? NULL : p->said;
        return v;
}

/* ---- taking ---- */

static void answer(struct hv_agent_pool *p, size_t i, enum hv_pool_verdict verdict, const char *message) {
        struct taking t = p->takings.v[i];

        p->takings.v[i] = p->takings.v[--p->takings.n];
        t.done(t.done_data, verdict, message);
        free(t.id);
}

/* The core refused what the judgement let pass: its reasons are the node's. */
static enum hv_pool_verdict verdict_of(int r) {
        return r == -EAGAIN || r == -EBUSY ? HV_POOL_LATER : HV_POOL_REFUSED;
}

/* 0: the core has it, and its durability is waited for. */
static int order_it(struct hv_agent_pool *p, const struct hv_pool_assignment *a, enum order order,
                    struct hv_task *t, struct hv_err *err) {
        const struct hv_ledger_assignment lease = { .attempt = a->attempt, .lease_epoch = a->lease_epoch };
        struct hv_input in = { .type = HV_INPUT_TASK_SUBMIT, .text = a->id, .task = t };
        int r;

        switch (order) {
        case ORDER_AGAIN:
                in.type = HV_INPUT_TASK_REOPEN;
                r = hv_agent_input(p->agent, &in, err);
                if (r >= 0)
                        r = hv_ledger_assign(p->agent->ledger, a->id, &lease, err);
                return r < 0 ? r : 0;
        case ORDER_INSTEAD:
                in.type = HV_INPUT_TASK_FORGET;
                r = hv_agent_input(p->agent, &in, err);
                return r < 0 ? r : hv_err_set(err, -EAGAIN, "the earlier task of that id is being forgotten");
        case ORDER_OUST:
                in = (struct hv_input){
                        .type = HV_INPUT_TASK_STOP,
                        .text = a->id,
                        .message = BY_POOL,
                        .reason = "it assigned a task of that id: master.onConflict is masterWins"
                };
                r = hv_agent_input(p->agent, &in, err);
                return r < 0 && r != -EALREADY
                               ? r
                               : hv_err_set(err, -EAGAIN, "the node's own task of that id is being stopped");
        default:
                r = hv_agent_input(p->agent, &in, err);
                return r == -EALREADY ? 0 : r;
        }
}

void hv_agent_pool_assign(void *userdata, const struct hv_pool_assignment *a, hv_pool_verdict_fn *done,
                          void *done_data) {
        _hv_cleanup_(hv_task_unrefp) struct hv_task *t = NULL;
        struct hv_agent_pool *p = userdata;
        enum hv_pool_verdict v;
        struct hv_err err = {};
        enum order order;
        int r;

        v = judge(p, a, &order, &t);
        if (v == HV_POOL_KNOWN)
                v = note_lease(p, a, order);
        if (v != HV_POOL_ACCEPTED) {
                done(done_data, v, p->said);
                return;
        }
        /* Before the core hears of it: its action may ask for the lease at once. */
        *hv_vec_add(&p->takings) = (struct taking){ .id = hv_strdup(a->id),
                                                    .assignment = { a->attempt, a->lease_epoch },
                                                    .done = done,
                                                    .done_data = done_data };
        r = order_it(p, a, order, t, &err);
        if (r < 0)
                answer(p, p->takings.n - 1, verdict_of(r), err.msg);
}

/* Durable, or given up: false while neither. */
static bool check(struct hv_agent_pool *p, size_t i, struct hv_arena *arena) {
        struct hv_task_status s;

        if (!hv_core_task_status(p->agent->core, p->takings.v[i].id, hv_agent_now_us(), arena, &s))
                answer(p, i, HV_POOL_LATER, "the task is not known any more");
        else if (s.accepted)
                answer(p, i, HV_POOL_ACCEPTED, "");
        else if (s.ledger_failure)
                answer(p, i, HV_POOL_LATER, s.ledger_failure);
        else if (hv_task_state_is_end(s.state))
                answer(p, i, HV_POOL_REFUSED, s.message);
        else
                return false;
        return true;
}

void hv_agent_pool_taken(struct hv_agent_pool *p) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = p->takings.n ? hv_arena_new() : NULL;

        for (size_t i = 0; i < p->takings.n;)
                if (!check(p, i, arena))
                        i++;
}

void hv_agent_pool_abandon(struct hv_agent_pool *p) {
        for (size_t i = 0; i < p->takings.n; i++)
                free(p->takings.v[i].id);
        p->takings.n = 0;
}

/* ---- taking back ---- */

static bool is_pools_own(struct hv_agent_pool *p, const char *id, struct hv_arena *arena,
                         struct hv_task_status *ret) {
        return hv_core_task_status(p->agent->core, id, hv_agent_now_us(), arena, ret) &&
               ret->source == HV_TASK_FROM_POOL;
}

bool hv_agent_pool_cancel(void *userdata, const char *id, const char *why) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_input in = {
                .type = HV_INPUT_TASK_STOP, .text = id, .message = BY_POOL, .reason = why
        };
        struct hv_agent_pool *p = userdata;
        struct hv_task_status s;

        if (!is_pools_own(p, id, arena, &s))
                return false;
        if (!hv_task_state_is_end(s.state) && !s.stop_by)
                (void) hv_agent_input(p->agent, &in, NULL);
        return true;
}

void hv_agent_pool_only(void *userdata, const char *const *ids, size_t n) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_agent_pool *p = userdata;
        size_t n_live;
        const struct hv_task_status *live =
                hv_core_live_tasks(p->agent->core, hv_agent_now_us(), arena, &n_live);
        struct hv_map *wanted = hv_map_new(NULL);

        for (size_t i = 0; i < n; i++)
                hv_map_put(wanted, ids[i], (void *) ids[i]);
        for (size_t i = 0; i < n_live; i++)
                if (live[i].source == HV_TASK_FROM_POOL && live[i].accepted &&
                    !hv_map_get(wanted, live[i].id))
                        (void) hv_agent_pool_cancel(p, live[i].id, "it is no longer assigned to this node");
        (void) hv_map_free(wanted);
}

#include "http/task_view.h"

#include <errno.h>

#include "base/arena.h"
#include "base/vec.h"
#include "ledger/recall.h"

/* ---- one of each ---- */

static void take_status(struct hv_task_item *item, const struct hv_task_status *s) {
        item->status = s;
        item->id = s->id;
        item->name = s->name;
        item->source = hv_task_source_name(s->source);
        item->cron = s->cron;
        item->state = s->state;
        item->attempt = s->attempt;
        item->priority = s->priority;
        item->reason = s->reason;
        item->message = s->message ? s->message : "";
        item->cause = s->cause == HV_CAUSE_NONE ? NULL : hv_task_cause_name(s->cause);
        item->exit_code = s->exit_code;
        item->accepted_wall_us = s->accepted_wall_us;
        item->started_wall_us = s->started_wall_us;
        item->ended_wall_us =
                hv_task_state_is_end(s->state) ? s->ended_wall_us : 0; /* not that of a run before */
        item->stop_by = s->stop_by;
        item->stop_reason = s->stop_reason;
}

/* What the core says about a live one stays. */
static void take_row(struct hv_task_item *item, const struct hv_ledger_task *t, struct hv_arena *a) {
        const char *reason = t->reason ? t->reason : t->cause;
        bool is_live = item->status != NULL;

        item->recorded = true;
        item->digest = hv_arena_strdup(a, t->digest);
        item->document = hv_arena_strdup(a, t->document);
        item->priority = t->priority;
        item->accepted_wall_us = t->accepted_us;
        item->retried_wall_us = t->retried_us;
        item->stop_by = t->stop_by ? hv_arena_strdup(a, t->stop_by) : item->stop_by;
        item->stop_reason = t->stop_by ? hv_arena_strdup(a, t->stop_reason) : item->stop_reason;
        item->stop_wall_us = t->stop_us;
        if (is_live && !(hv_task_state_is_end(item->state) && t->ended_us))
                return;
        item->reason = hv_arena_strdup(a, reason);
        if (is_live)
                return;
        item->id = hv_arena_strdup(a, t->id);
        item->name = hv_arena_strdup(a, t->name);
        item->source = hv_arena_strdup(a, t->source);
        item->cron = hv_arena_strdup(a, t->cron);
        (void) hv_task_state_parse(t->state, &item->state);
        item->attempt = t->last_attempt;
        item->cause = hv_arena_strdup(a, t->cause);
        item->message = t->message ? hv_arena_strdup(a, t->message) : "";
        item->exit_code = t->exit_code;
        item->started_wall_us = t->started_us;
        item->ended_wall_us = t->ended_us;
}

static const struct hv_task_status *live_one(const struct hv_api_tasks *t, const char *id) {
        for (size_t i = 0; i < t->n_live; i++)
                if (hv_streq(t->live[i].id, id))
                        return &t->live[i];
        return NULL;
}

/* ---- pages ---- */

struct walk {
        const struct hv_api_tasks *tasks;
        const struct hv_task_filter *filter;
        struct hv_arena *arena;
        HV_VEC(struct hv_task_item) items;
        uint64_t last; /* of the ledger's rows that are in `items` */
        bool more;
};

static bool is_found(const char *search, const struct hv_task_item *item) {
        return !search || strcasestr(item->id, search) || (item->name && strcasestr(item->name, search));
}

static bool is_wanted(const struct hv_task_filter *f, const struct hv_task_item *item) {
        return (f->states == 0 || (f->states & (1u << item->state))) &&
               (!f->source || hv_streq(f->source, item->source)) &&
               (!f->name || hv_streq(f->name, item->name)) && (!f->cron || hv_streq(f->cron, item->cron)) &&
               is_found(f->search, item);
}

/* One row more than the page holds tells whether there is another page. */
static int on_row(const struct hv_ledger_task *t, void *userdata) {
        struct walk *w = userdata;
        const struct hv_task_status *live = live_one(w->tasks, t->id);
        struct hv_task_item item = {};

        if (live)
                take_status(&item, live);
        take_row(&item, t, w->arena);
        if (!is_wanted(w->filter, &item))
                return 0;
        if (w->items.n >= w->filter->limit) {
                w->more = true;
                return 1;
        }
        hv_vec_push(&w->items, item);
        w->last = t->seq;
        return 0;
}

/* What the ledger calls a live task: a superset, so that on_row() can choose. */
static size_t ledger_states(unsigned states, const char *ret[HV_N_TASK_STATES]) {
        static const unsigned running = 1u << HV_TASK_RUNNING | 1u << HV_TASK_COLLECTING;
        static const unsigned queued = 1u << HV_TASK_QUEUED | 1u << HV_TASK_ADMITTED | 1u << HV_TASK_FETCHING;
        size_t n = 0;

        if (states == 0)
                return 0;
        /* Between an end and its record, and the other way round, the two differ for a moment. */
        if (states & (queued | running)) {
                ret[n++] = hv_task_state_name(HV_TASK_QUEUED);
                ret[n++] = hv_task_state_name(HV_TASK_RUNNING);
        }
        for (unsigned s = HV_TASK_COMPLETED; s < HV_N_TASK_STATES; s++)
                if (states & (1u << s))
                        ret[n++] = hv_task_state_name((enum hv_task_state) s);
        return n;
}

/* Not in the ledger yet: nothing was promised, but somebody waits for it. */
static void add_unrecorded(struct walk *w) {
        for (size_t i = w->tasks->n_live; i-- > 0;) {
                struct hv_task_item item = {};

                if (w->tasks->ledger && (w->tasks->live[i].accepted || w->tasks->live[i].accepted_wall_us))
                        continue;
                take_status(&item, &w->tasks->live[i]);
                if (is_wanted(w->filter, &item) && w->items.n < w->filter->limit)
                        hv_vec_push(&w->items, item);
        }
}

int hv_task_page_read(const struct hv_api_tasks *t, const struct hv_task_filter *f, struct hv_arena *a,
                      struct hv_task_page *ret, struct hv_err *err) {
        const char *states[HV_N_TASK_STATES];
        struct hv_ledger_filter filter = {
                .states = states,
                .n_states = ledger_states(f->states, states),
                .name = f->name,
                .cron = f->cron,
                .before = f->before,
                .limit = HV_TASK_PAGE_MAX,
        };
        struct walk w = { .tasks = t, .filter = f, .arena = a };
        int r = 0;

        if (f->before == 0)
                add_unrecorded(&w);
        while (t->ledger && r == 0) {
                uint64_t next = 0;

                r = hv_ledger_page(t->ledger, &filter, on_row, &w, &next, err);
                if (next == 0)
                        break;
                filter.before = next;
        }
        *ret = (struct hv_task_page){
                .items = hv_arena_memdup(a, w.items.v, w.items.n * sizeof *w.items.v),
                .n = w.items.n,
                .next = w.more ? w.last : 0,
        };
        hv_vec_done(&w.items);
        return r < 0 ? r : 0;
}

/* ---- one ---- */

struct search {
        struct hv_task_item *item;
        struct hv_arena *arena;
};

static int on_found(const struct hv_ledger_task *t, void *userdata) {
        struct search *s = userdata;

        take_row(s->item, t, s->arena);
        return 0;
}

int hv_task_find(const struct hv_api_tasks *t, const char *id, struct hv_arena *a, struct hv_task_item *ret,
                 struct hv_err *err) {
        const struct hv_task_status *live = live_one(t, id);
        struct search s = { .item = ret, .arena = a };
        int r;

        *ret = (struct hv_task_item){ .exit_code = -1, .message = "" };
        if (live)
                take_status(ret, live);
        if (!t->ledger)
                return live ? 0
                            : hv_err_set(err, -EAGAIN, "the ledger is not there: %s",
                                         t->trouble ? t->trouble : "it is being opened");
        r = hv_ledger_task(t->ledger, id, on_found, &s, err);
        if (r == -ENOENT && live)
                return 0;
        return r < 0 ? r : 0;
}

/* ---- attempts ---- */

struct attempts {
        struct hv_arena *arena;
        HV_VEC(struct hv_ledger_attempt) list;
};

static int on_attempt(const struct hv_ledger_attempt *from, void *userdata) {
        struct attempts *all = userdata;
        struct hv_ledger_attempt to = *from;

        to.container = hv_arena_strdup(all->arena, from->container);
        to.result.cause = hv_arena_strdup(all->arena, from->result.cause);
        to.result.reason = hv_arena_strdup(all->arena, from->result.reason);
        to.result.message = hv_arena_strdup(all->arena, from->result.message);
        to.eviction.reason = hv_arena_strdup(all->arena, from->eviction.reason);
        to.eviction.message = hv_arena_strdup(all->arena, from->eviction.message);
        to.result.log_sha256 = hv_arena_strdup(all->arena, from->result.log_sha256);
        to.result.outputs_sha256 = hv_arena_strdup(all->arena, from->result.outputs_sha256);
        hv_vec_push(&all->list, to);
        return 0;
}

int hv_task_attempts(const struct hv_api_tasks *t, const char *id, struct hv_arena *a,
                     const struct hv_ledger_attempt **ret, size_t *ret_n, struct hv_err *err) {
        struct attempts all = { .arena = a };
        int r = t->ledger ? hv_ledger_attempts(t->ledger, id, on_attempt, &all, err) : 0;

        *ret = hv_arena_memdup(a, all.list.v, all.list.n * sizeof *all.list.v);
        *ret_n = all.list.n;
        hv_vec_done(&all.list);
        return r == -ENOENT ? 0 : r;
}

/* hivepool/pool_task.c - tasks of the pool: submitted, cancelled, removed, and how a lease ends. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "hivepool/pool_private.h"

/* --- the queue --- */

struct hv_pool_live *hv_pool_live_free(struct hv_pool_live *t) {
        if (!t)
                return NULL;
        free(t->id);
        free(t->had_it);
        free(t);
        return NULL;
}

/* Where it stands or belongs. */
static size_t place_of(const struct hv_hivepool *p, const struct hv_pool_live *t) {
        size_t low = 0, high = p->pending.n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (hv_schedule_before(&p->pending.v[middle]->ask, &t->ask))
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

void hv_pool_queue(struct hv_hivepool *p, struct hv_pool_live *t) {
        size_t at = place_of(p, t);

        (void) hv_vec_add(&p->pending);
        memmove(&p->pending.v[at + 1], &p->pending.v[at], (p->pending.n - 1 - at) * sizeof *p->pending.v);
        p->pending.v[at] = t;
}

void hv_pool_unqueue(struct hv_hivepool *p, struct hv_pool_live *t) {
        size_t at = place_of(p, t);

        if (at == p->pending.n || p->pending.v[at] != t)
                return;
        memmove(&p->pending.v[at], &p->pending.v[at + 1], (p->pending.n - 1 - at) * sizeof *p->pending.v);
        p->pending.n--;
}

/* --- the end of a lease --- */

static void is_over(struct hv_hivepool *p, struct hv_pool_live *t) {
        (void) hv_map_take(p->live, t->id);
        if (p->options.on_over)
                p->options.on_over(p->options.userdata, t->id);
        (void) hv_pool_live_free(t);
}

int hv_pool_write_end(struct hv_hivepool *p, struct hv_pool_ending *e, struct hv_err *err) {
        struct hv_pool_live *t = e->task;
        struct hv_store_task row = { .seq = t->ask.seq, .n_attempts = t->n_attempts, .lease = t->lease };
        int r;

        e->attempt.task = t->ask.seq;
        e->attempt.number = t->n_attempts;
        e->attempt.ended_us = hv_pool_wall_us();
        e->next = hv_lease_next(t->state, e->attempt.end, t->n_attempts, t->retries);
        row.state = e->next;
        row.node = t->node ? t->node->id : NULL;
        row.message = e->message;
        row.ended_us = hv_lease_task_is_over(e->next) ? e->attempt.ended_us : 0;
        r = hv_store_end_attempt(p->store, &e->attempt, err);
        if (r >= 0 && e->attempt.result)
                r = hv_store_add_use(p->store, e->attempt.result, t->ask.seq, err);
        return r < 0 ? r : hv_store_set_task(p->store, &row, err);
}

void hv_pool_do_end(struct hv_hivepool *p, const struct hv_pool_ending *e) {
        struct hv_pool_live *t = e->task;

        if (t->node) {
                free(t->had_it);
                t->had_it = hv_strdup(t->node->id);
                hv_pool_node_drop(t->node, t);
        }
        hv_blobs_forget_sender(p->blobs, t->lease); /* what it had begun to send is nobody's */
        t->state = e->next;
        if (e->next == HV_LEASE_PENDING)
                hv_pool_queue(p, t);
        else
                is_over(p, t);
        hv_pool_due(p);
}

/* --- submitting --- */

static int write_new(struct hv_hivepool *p, const struct hv_hivepool_wish *w, struct hv_store_task *row,
                     struct hv_err *err) {
        int r = hv_store_add_task(p->store, row, err);

        for (size_t i = 0; r > 0 && i < w->n_blobs; i++) {
                int used = hv_store_add_use(p->store, w->blobs[i], row->seq, err);

                r = used < 0 ? used : r;
        }
        return r;
}

static int check_wish(struct hv_hivepool *p, const struct hv_hivepool_wish *w, struct hv_err *err) {
        if (!hv_hivepool_is_task_id(w->id))
                return hv_err_set(
                        err, -EINVAL,
                        "the id of a task is 1 to %d letters, digits, '-' and '_' and begins with a letter or digit",
                        HV_HIVEPOOL_ID_MAX);
        for (size_t i = 0; i < w->n_blobs; i++) {
                uint64_t size;
                int fd = hv_blobs_open(p->blobs, w->blobs[i], &size);

                if (fd < 0)
                        return hv_err_set(err, -EINVAL,
                                          "task %s: its input with the SHA-256 %.64s is not here", w->id,
                                          w->blobs[i]);
                (void) close(fd);
        }
        return 0;
}

int hv_hivepool_submit(struct hv_hivepool *p, const struct hv_hivepool_wish *w, struct hv_err *err) {
        struct hv_store_task row = { .id = w->id,
                                     .dialect = w->dialect,
                                     .state = HV_LEASE_PENDING,
                                     .owner = w->owner,
                                     .priority = w->priority,
                                     .retries = w->retries,
                                     .created_us = hv_pool_wall_us(),
                                     .spec = w->spec,
                                     .spec_len = w->spec_len };
        struct hv_pool_live *t;
        int r;

        r = check_wish(p, w, err);
        if (r >= 0)
                r = hv_store_begin(p->store, err);
        if (r < 0)
                return r;
        r = hv_store_finish(p->store, write_new(p, w, &row, err), err);
        if (r <= 0)
                return r;
        t = HV_NEW(struct hv_pool_live);
        t->id = hv_strdup(w->id);
        t->retries = w->retries;
        t->ask = (struct hv_schedule_task){ .asked = w->asked,
                                            .needs = hv_pool_words(p, w->needs, w->n_needs),
                                            .trust = w->trust,
                                            .priority = w->priority,
                                            .seq = row.seq,
                                            .had_it = SIZE_MAX };
        hv_map_put(p->live, t->id, t);
        hv_pool_queue(p, t);
        hv_pool_due(p);
        return 1;
}

/* --- cancelling --- */

static int write_state(struct hv_hivepool *p, const struct hv_pool_live *t, enum hv_lease_task state,
                       const char *message, uint64_t *ret_revision, struct hv_err *err) {
        struct hv_store_task row = { .seq = t->ask.seq,
                                     .state = state,
                                     .n_attempts = t->n_attempts,
                                     .lease = t->lease,
                                     .node = t->node ? t->node->id : t->had_it,
                                     .message = message,
                                     .ended_us = hv_lease_task_is_over(state) ? hv_pool_wall_us() : 0 };
        int r;

        r = hv_store_begin(p->store, err);
        if (r < 0)
                return r;
        r = hv_store_set_task(p->store, &row, err);
        if (r >= 0 && t->node)
                r = hv_pool_write_revision(p, t->node, ret_revision, err);
        return hv_store_finish(p->store, r, err);
}

int hv_hivepool_cancel(struct hv_hivepool *p, const char *id, const char *why, struct hv_err *err) {
        struct hv_pool_live *t = hv_map_get(p->live, id);
        enum hv_lease_task next;
        uint64_t revision = 0;
        int r;

        if (!t) {
                r = hv_store_find_task(p->store, id, NULL, NULL, err);
                return r != 0 ? HV_MIN(r, 0) : hv_err_set(err, -ENOENT, "there is no task %s", id);
        }
        if (t->state == HV_LEASE_CANCELLING)
                return 0;
        next = t->node ? HV_LEASE_CANCELLING : HV_LEASE_CANCELLED;
        r = write_state(p, t, next, why, &revision, err);
        if (r < 0)
                return r;
        t->state = next;
        if (t->node) {
                hv_pool_do_revision(p, t->node, revision);
                return 0;
        }
        hv_pool_unqueue(p, t);
        is_over(p, t);
        return 0;
}

/* --- removing --- */

struct found {
        struct hv_store_task row;
};

static int keep_row(void *userdata, const struct hv_store_task *t) {
        struct found *f = userdata;

        f->row = (struct hv_store_task){ .seq = t->seq, .n_attempts = t->n_attempts };
        return 0;
}

struct garbage {
        HV_VEC(char *) names;
};

static void collect(void *userdata, const char *sha256) {
        struct garbage *g = userdata;

        hv_vec_push(&g->names, hv_strdup(sha256));
}

int hv_hivepool_remove(struct hv_hivepool *p, const char *id, struct hv_err *err) {
        struct garbage garbage = {};
        struct found f = {};
        char name[64];
        int r;

        if (hv_map_get(p->live, id))
                return hv_err_set(err, -EBUSY, "task %s is not over: cancel it first", id);
        r = hv_store_find_task(p->store, id, keep_row, &f, err);
        if (r <= 0)
                return r < 0 ? r : hv_err_set(err, -ENOENT, "there is no task %s", id);
        r = hv_store_begin(p->store, err);
        if (r < 0)
                return r;
        r = hv_store_finish(p->store, hv_store_remove_task(p->store, f.row.seq, collect, &garbage, err), err);
        for (size_t i = 0; i < garbage.names.n; i++) {
                if (r >= 0)
                        hv_blobs_remove(p->blobs, garbage.names.v[i]);
                free(garbage.names.v[i]);
        }
        hv_vec_done(&garbage.names);
        for (unsigned n = 1; r >= 0 && n <= f.row.n_attempts; n++) {
                (void) snprintf(name, sizeof name, "%llu.%u", (unsigned long long) f.row.seq, n);
                (void) unlinkat(p->logs_fd, name, 0);
        }
        return r < 0 ? r : 0;
}

/* --- how it is --- */

bool hv_hivepool_is_live(struct hv_hivepool *p, const char *id) {
        return hv_map_get(p->live, id);
}

const char *hv_hivepool_why_pending(struct hv_hivepool *p, const char *id, struct hv_arena *arena) {
        const struct hv_pool_live *t = hv_map_get(p->live, id);
        size_t n_alive = 0, n_able = 0, n_trusted = 0, n_large = 0, it = 0;
        struct hv_pool_node_entry *n;
        const struct hv_room nothing = {};

        if (!t || t->state != HV_LEASE_PENDING)
                return NULL;
        while (hv_map_next(p->nodes, &it, NULL, (void **) &n)) {
                if (!n->is_alive)
                        continue;
                n_alive++;
                if ((n->slot.has & t->ask.needs) != t->ask.needs)
                        continue;
                n_able++;
                if (n->slot.trust < t->ask.trust)
                        continue;
                n_trusted++;
                n_large += hv_room_fits(&t->ask.asked, &n->slot.total, &nothing) ? 1 : 0;
        }
        if (n_alive == 0)
                return "no node is there";
        if (n_able == 0)
                return hv_arena_printf(arena, "none of the %zu nodes has all that it needs", n_alive);
        if (n_trusted == 0)
                return hv_arena_printf(arena, "none of the %zu nodes that could do it is trusted enough",
                                       n_able);
        if (n_large == 0)
                return hv_arena_printf(
                        arena, "it asks for more than any of the %zu nodes that could do it has", n_trusted);
        return hv_arena_printf(arena, "waits for room on one of %zu nodes", n_large);
}

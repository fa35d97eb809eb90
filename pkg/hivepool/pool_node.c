/* hivepool/pool_node.c - nodes of the pool: registered, heard of, and what each of them is told. */
#include <errno.h>

#include "base/arena.h"
#include "hivepool/pool_private.h"
#include "hivepool/shape.h"

#define STATUS_MAX 120 /* of a node's own words */

void hv_pool_node_free(void *node) {
        struct hv_pool_node_entry *n = node;

        hv_vec_done(&n->tasks);
        free(n->id);
        free(n->status);
        free(n->said);
        free(n);
}

/* --- revisions --- */

int hv_pool_write_revision(struct hv_hivepool *p, struct hv_pool_node_entry *n, uint64_t *ret,
                           struct hv_err *err) {
        int r = hv_store_number(p->store, ret, err);

        return r < 0 ? r : hv_store_set_revision(p->store, n->id, *ret, err);
}

void hv_pool_do_revision(struct hv_hivepool *p, struct hv_pool_node_entry *n, uint64_t revision) {
        n->revision = revision;
        if (p->options.on_node)
                p->options.on_node(p->options.userdata, n->id);
}

uint64_t hv_hivepool_revision(struct hv_hivepool *p, const char *node) {
        const struct hv_pool_node_entry *n = hv_pool_find_node(p, node);

        return n ? n->revision : 0;
}

/* --- its tasks --- */

void hv_pool_node_take(struct hv_pool_node_entry *n, struct hv_pool_live *t) {
        hv_vec_push(&n->tasks, t);
        hv_room_add(&n->slot.taken, &t->ask.asked);
        n->slot.n_tasks++;
        t->node = n;
}

void hv_pool_node_drop(struct hv_pool_node_entry *n, struct hv_pool_live *t) {
        for (size_t i = 0; i < n->tasks.n; i++)
                if (n->tasks.v[i] == t) {
                        memmove(&n->tasks.v[i], &n->tasks.v[i + 1],
                                (n->tasks.n - 1 - i) * sizeof *n->tasks.v);
                        n->tasks.n--;
                        n->slot.n_tasks--;
                        break;
                }
        /* Added up anew: what a node has taken never drifts. */
        n->slot.taken = (struct hv_room){};
        for (size_t i = 0; i < n->tasks.n; i++)
                hv_room_add(&n->slot.taken, &n->tasks.v[i]->ask.asked);
        t->node = NULL;
}

/* --- registration --- */

static void set_has(const struct hv_hivepool *p, struct hv_pool_node_entry *n,
                    const struct hv_hivepool_node *facts) {
        static const char *const dialects[] = { "dialect:v1", "dialect:hivemind" };

        n->slot.has = hv_pool_known_words(p, facts->has, facts->n_has);
        if (facts->has_any)
                n->slot.has |=
                        ~(hv_pool_known_words(p, dialects, HV_ARRAY_SIZE(dialects)) | HV_POOL_BIT_NOBODY);
}

void hv_pool_look_again(struct hv_hivepool *p) {
        struct hv_pool_node_entry *n;
        size_t it = 0;

        while (hv_map_next(p->nodes, &it, NULL, (void **) &n)) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
                struct hv_hivepool_node facts = {};

                if (hv_shape_node(n->dialect, n->said, n->said_len, arena, &facts, NULL) >= 0)
                        set_has(p, n, &facts);
        }
}

static void apply(struct hv_hivepool *p, struct hv_pool_node_entry *n, const struct hv_hivepool_node *facts) {
        void *said = hv_malloc(facts->said_len + 1);

        if (facts->said_len > 0)
                memcpy(said, facts->said, facts->said_len);
        free(n->said);
        n->said = said;
        n->said_len = facts->said_len;
        n->dialect = facts->dialect;
        n->slot.total = facts->total;
        n->slot.trust = facts->trust;
        n->slot.max_tasks = p->options.max_tasks;
        set_has(p, n, facts);
}

static struct hv_pool_node_entry *add(struct hv_hivepool *p, const char *id) {
        struct hv_pool_node_entry *n = HV_NEW(struct hv_pool_node_entry);

        n->id = hv_strdup(id);
        hv_map_put(p->nodes, id, n);
        return n;
}

int hv_pool_load_node(void *userdata, const struct hv_store_node *row) {
        struct hv_hivepool *p = userdata;
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_hivepool_node facts = {};
        struct hv_pool_node_entry *n = add(p, row->id);

        /* It was checked when it came. A later program that thinks otherwise gives it nothing until it registers again. */
        if (hv_shape_node(row->dialect, row->said, row->said_len, arena, &facts, NULL) < 0)
                facts = (struct hv_hivepool_node){ .dialect = row->dialect };
        facts.said = row->said;
        facts.said_len = row->said_len;
        apply(p, n, &facts);
        n->epoch = row->epoch;
        n->revision = row->revision;
        return 0;
}

int hv_hivepool_register(struct hv_hivepool *p, uint64_t now_us, const struct hv_hivepool_node *facts,
                         uint64_t *ret_epoch, struct hv_err *err) {
        struct hv_pool_node_entry *n = hv_pool_find_node(p, facts->id);
        struct hv_store_node row = { .id = facts->id,
                                     .dialect = facts->dialect,
                                     .epoch = n ? n->epoch + 1 : 1,
                                     .registered_us = hv_pool_wall_us(),
                                     .said = facts->said,
                                     .said_len = facts->said_len };
        int r;

        if (!hv_hivepool_is_node_id(facts->id))
                return hv_err_set(err, -EINVAL,
                                  "the id of a node is 1 to %d visible characters, found something else",
                                  HV_HIVEPOOL_NODE_ID_MAX);
        if (n && n->dialect != facts->dialect && n->tasks.n > 0)
                return hv_err_set(err, -EINVAL, "node %s has tasks of another dialect", facts->id);
        /* Nodes of the dialect hivemind say the same every 30 s: that is no new registration. */
        if (n && facts->dialect == HV_STORE_HIVEMIND && n->dialect == facts->dialect &&
            n->said_len == facts->said_len && memcmp(n->said, facts->said, n->said_len) == 0) {
                hv_pool_hear(p, n, now_us);
                *ret_epoch = n->epoch;
                return 0;
        }
        r = hv_store_begin(p->store, err);
        if (r < 0)
                return r;
        row.revision = n ? n->revision : 0;
        if (!n)
                r = hv_store_number(p->store, &row.revision, err);
        if (r >= 0)
                r = hv_store_put_node(p->store, &row, err);
        r = hv_store_finish(p->store, r, err);
        if (r < 0)
                return r;
        n = n ? n : add(p, facts->id);
        n->epoch = row.epoch;
        n->revision = row.revision;
        n->wants = true;
        apply(p, n, facts);
        hv_pool_hear(p, n, now_us);
        hv_pool_due(p);
        *ret_epoch = n->epoch;
        return 0;
}

/* --- signs of life --- */

void hv_pool_hear(struct hv_hivepool *p, struct hv_pool_node_entry *n, uint64_t now_us) {
        bool was_open = n->slot.is_open;

        n->heard_us = now_us;
        n->is_alive = true;
        n->slot.is_open = n->wants;
        if (n->slot.is_open && !was_open)
                hv_pool_due(p);
}

static int unknown(const char *node, struct hv_err *err) {
        return hv_err_set(err, -ENOENT, "node %.253s is not registered here", node);
}

int hv_hivepool_heard(struct hv_hivepool *p, uint64_t now_us, const char *node, struct hv_err *err) {
        struct hv_pool_node_entry *n = hv_pool_find_node(p, node);

        if (!n)
                return unknown(node, err);
        hv_pool_hear(p, n, now_us);
        return 0;
}

int hv_hivepool_beat(struct hv_hivepool *p, uint64_t now_us, const struct hv_hivepool_beat *b,
                     bool *ret_pending, struct hv_err *err) {
        struct hv_pool_node_entry *n = hv_pool_find_node(p, b->node);

        if (!n)
                return unknown(b->node, err);
        if (b->epoch != 0 && b->epoch != n->epoch)
                return hv_err_set(
                        err, -ENOENT,
                        "node %s was registered again since then (%llu, this is %llu): is the id used twice?",
                        n->id, (unsigned long long) n->epoch, (unsigned long long) b->epoch);
        if (b->total && memcmp(b->total, &n->slot.total, sizeof n->slot.total) != 0) {
                n->slot.total = *b->total;
                hv_pool_due(p);
        }
        free(n->status);
        n->status = hv_strndup(b->status ? b->status : "", STATUS_MAX);
        n->wants = b->is_open;
        hv_pool_hear(p, n, now_us);
        *ret_pending = n->fetched != n->revision;
        return 0;
}

int hv_hivepool_forget_node(struct hv_hivepool *p, const char *node, struct hv_err *err) {
        struct hv_pool_node_entry *n = hv_pool_find_node(p, node);
        int r;

        if (!n)
                return unknown(node, err);
        if (n->tasks.n > 0)
                return hv_err_set(err, -EBUSY, "node %s has %zu tasks", node, n->tasks.n);
        r = hv_store_begin(p->store, err);
        if (r >= 0)
                r = hv_store_finish(p->store, hv_store_remove_node(p->store, node, err), err);
        if (r >= 0)
                (void) hv_map_remove(p->nodes, node);
        return r < 0 ? r : 0;
}

/* --- what it is told --- */

struct telling {
        const struct hv_pool_live *task;
        void (*fn)(void *userdata, const struct hv_hivepool_assigned *a);
        void *userdata;
};

static int tell(void *userdata, const struct hv_store_task *row) {
        const struct telling *t = userdata;
        const struct hv_hivepool_assigned a = { .id = row->id,
                                                .attempt = t->task->n_attempts,
                                                .lease = t->task->lease,
                                                .is_cancelled = t->task->state == HV_LEASE_CANCELLING,
                                                .spec = row->spec,
                                                .spec_len = row->spec_len };

        t->fn(t->userdata, &a);
        return 0;
}

int hv_hivepool_assigned(struct hv_hivepool *p, const char *node,
                         void (*fn)(void *userdata, const struct hv_hivepool_assigned *a), void *userdata,
                         struct hv_err *err) {
        struct hv_pool_node_entry *n = hv_pool_find_node(p, node);

        if (!n)
                return unknown(node, err);
        for (size_t i = 0; i < n->tasks.n; i++) {
                struct telling t = { .task = n->tasks.v[i], .fn = fn, .userdata = userdata };
                int r = hv_store_find_task(p->store, t.task->id, tell, &t, err);

                if (r <= 0) /* the list would not be whole */
                        return r < 0 ? r : hv_err_set(err, -EIO, "task %s is not in the store", t.task->id);
        }
        return 0;
}

void hv_hivepool_told(struct hv_hivepool *p, const char *node, uint64_t revision) {
        struct hv_pool_node_entry *n = hv_pool_find_node(p, node);

        if (n)
                n->fetched = revision;
}

void hv_hivepool_nodes(struct hv_hivepool *p,
                       void (*fn)(void *userdata, const struct hv_hivepool_node_state *n), void *userdata) {
        struct hv_pool_node_entry *n;
        size_t it = 0;

        while (hv_map_next(p->nodes, &it, NULL, (void **) &n)) {
                const struct hv_hivepool_node_state s = { .id = n->id,
                                                          .status = n->status ? n->status : "",
                                                          .dialect = n->dialect,
                                                          .is_alive = n->is_alive,
                                                          .is_open = n->slot.is_open,
                                                          .trust = n->slot.trust,
                                                          .total = n->slot.total,
                                                          .taken = n->slot.taken,
                                                          .n_tasks = n->slot.n_tasks,
                                                          .epoch = n->epoch,
                                                          .heard_us = n->heard_us,
                                                          .said = n->said,
                                                          .said_len = n->said_len };

                fn(userdata, &s);
        }
}

/* hivepool/pool.c - see pool.h: how it begins, and the pass that ends leases and gives tasks to nodes. */
#include "hivepool/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/text.h"
#include "hivepool/pool_private.h"
#include "hivepool/shape.h"

#define N_A_PASS 1024 /* assignments: a pass stays short, the next one goes on */

/* --- small things --- */

uint64_t hv_pool_wall_us(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        return (uint64_t) ts.tv_sec * HV_USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

void hv_pool_due(struct hv_hivepool *p) {
        if (p->options.on_due)
                p->options.on_due(p->options.userdata);
}

/* As the nodes take them: no option and no hidden file by its first letter. */
bool hv_hivepool_is_task_id(const char *id) {
        size_t len = *id == '-' || *id == '_'
                             ? 0
                             : strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

        return len > 0 && len <= HV_HIVEPOOL_ID_MAX && !id[len];
}

bool hv_hivepool_is_node_id(const char *id) {
        size_t len = strlen(id);

        if (len == 0 || len > HV_HIVEPOOL_NODE_ID_MAX)
                return false;
        for (size_t i = 0; i < len;) {
                struct hv_character c = hv_text_character(id + i, len - i);

                if (!c.is_valid || !c.is_shown || id[i] == ' ')
                        return false;
                i += c.len;
        }
        return true;
}

static uint64_t word_bit(const struct hv_hivepool *p, const char *word) {
        for (size_t i = 0; i < p->words.n; i++)
                if (hv_streq(p->words.v[i], word))
                        return UINT64_C(1) << i;
        return 0;
}

uint64_t hv_pool_known_words(const struct hv_hivepool *p, const char *const *words, size_t n) {
        uint64_t bits = 0;

        for (size_t i = 0; i < n; i++)
                bits |= word_bit(p, words[i]);
        return bits;
}

uint64_t hv_pool_words(struct hv_hivepool *p, const char *const *words, size_t n) {
        uint64_t bits = 0;
        bool is_new = false;

        for (size_t i = 0; i < n; i++) {
                uint64_t bit = word_bit(p, words[i]);

                if (bit == 0 && p->words.n < 63) {
                        hv_vec_push(&p->words, hv_strdup(words[i]));
                        bit = word_bit(p, words[i]);
                        is_new = true;
                }
                bits |= bit ? bit : HV_POOL_BIT_NOBODY;
        }
        if (is_new)
                hv_pool_look_again(p);
        return bits;
}

struct hv_blobs *hv_hivepool_blobs(struct hv_hivepool *p) {
        return p->blobs;
}

struct hv_store *hv_hivepool_store(struct hv_hivepool *p) {
        return p->store;
}

/* --- life --- */

static int load_task(void *userdata, const struct hv_store_task *row) {
        struct hv_hivepool *p = userdata;
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_pool_live *t = HV_NEW(struct hv_pool_live);
        struct hv_hivepool_wish wish = {};

        t->id = hv_strdup(row->id);
        t->state = row->state;
        t->retries = row->retries;
        t->n_attempts = row->n_attempts;
        t->lease = row->lease;
        t->ask.seq = row->seq;
        t->ask.priority = row->priority;
        t->ask.had_it = SIZE_MAX;
        if (hv_shape_task(row->dialect, row->spec, row->spec_len, arena, &wish, NULL) >= 0) {
                t->ask.asked = wish.asked;
                t->ask.trust = wish.trust;
                t->ask.needs = hv_pool_words(p, wish.needs, wish.n_needs);
        } else { /* no node has that: it is there to be seen and cancelled */
                t->ask.needs = HV_POOL_BIT_NOBODY;
        }
        hv_map_put(p->live, t->id, t);
        if (row->state == HV_LEASE_PENDING) {
                t->had_it = hv_strdup(row->node);
                hv_vec_push(&p->pending, t);
        } else if (row->node && hv_pool_find_node(p, row->node)) {
                hv_pool_node_take(hv_pool_find_node(p, row->node), t);
        }
        return 0;
}

static int by_order(const void *a, const void *b) {
        const struct hv_pool_live *x = *(struct hv_pool_live *const *) a,
                                  *y = *(struct hv_pool_live *const *) b;

        return hv_schedule_before(&x->ask, &y->ask) ? -1 : 1;
}

static int load(struct hv_hivepool *p, uint64_t now_us, struct hv_err *err) {
        struct hv_pool_node_entry *n;
        size_t it = 0;
        int r;

        r = hv_store_nodes(p->store, hv_pool_load_node, p, err);
        if (r >= 0)
                r = hv_store_live_tasks(p->store, load_task, p, err);
        if (p->pending.n > 1)
                qsort(p->pending.v, p->pending.n, sizeof *p->pending.v, by_order);
        /* Whoever has tasks is taken to be alive until its lease is over; new ones it gets when it was heard. */
        while (hv_map_next(p->nodes, &it, NULL, (void **) &n)) {
                n->heard_us = now_us;
                n->is_alive = n->tasks.n > 0;
        }
        return r;
}

int hv_hivepool_new(const struct hv_hivepool_options *options, uint64_t now_us, struct hv_hivepool **ret,
                    struct hv_err *err) {
        _hv_cleanup_(hv_hivepool_freep) struct hv_hivepool *p = HV_NEW(struct hv_hivepool);
        _hv_cleanup_free_ char *logs = hv_asprintf("%s/logs", options->dir);
        int r;

        p->options = *options;
        p->options.dir = NULL;
        p->logs_fd = -1;
        p->live = hv_map_new(NULL);
        p->nodes = hv_map_new(hv_pool_node_free);
        r = hv_store_open(options->dir, &p->store, err);
        if (r >= 0)
                r = hv_blobs_new(options->dir, options->max_blob_bytes, &p->blobs, err);
        if (r < 0)
                return r;
        if (mkdir(logs, 0700) < 0 && errno != EEXIST)
                return hv_err_errno(err, -errno, "%s: cannot make it", logs);
        p->logs_fd = open(logs, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (p->logs_fd < 0)
                return hv_err_errno(err, -errno, "%s: cannot open it", logs);
        r = load(p, now_us, err);
        if (r < 0)
                return r;
        *ret = HV_STEAL(p);
        return 0;
}

struct hv_hivepool *hv_hivepool_free(struct hv_hivepool *p) {
        struct hv_pool_live *t;
        size_t it = 0;

        if (!p)
                return NULL;
        while (hv_map_next(p->live, &it, NULL, (void **) &t))
                (void) hv_pool_live_free(t);
        (void) hv_map_free(p->live);
        (void) hv_map_free(p->nodes);
        hv_vec_done(&p->pending);
        for (size_t i = 0; i < p->words.n; i++)
                free(p->words.v[i]);
        hv_vec_done(&p->words);
        (void) hv_blobs_free(p->blobs);
        (void) hv_store_free(p->store);
        hv_fd_closep(&p->logs_fd);
        free(p);
        return NULL;
}

/* --- leases that are over --- */

static int write_loss(struct hv_hivepool *p, struct hv_pool_node_entry *n, struct hv_pool_ending *endings,
                      uint64_t *ret_revision, struct hv_err *err) {
        int r = hv_pool_write_revision(p, n, ret_revision, err);

        for (size_t i = 0; r >= 0 && i < n->tasks.n; i++) {
                endings[i] =
                        (struct hv_pool_ending){ .task = n->tasks.v[i],
                                                 .attempt = { .end = HV_LEASE_END_LOST, .exit_code = -1 },
                                                 .message = "its node was not heard of for too long" };
                r = hv_pool_write_end(p, &endings[i], err);
        }
        return r;
}

static int lose(struct hv_hivepool *p, struct hv_pool_node_entry *n, struct hv_err *err) {
        _hv_cleanup_free_ struct hv_pool_ending *endings = HV_NEW_N(struct hv_pool_ending, n->tasks.n + 1);
        size_t n_endings = n->tasks.n;
        uint64_t revision = 0;
        int r = 0;

        if (n_endings > 0) {
                r = hv_store_begin(p->store, err);
                if (r >= 0)
                        r = hv_store_finish(p->store, write_loss(p, n, endings, &revision, err), err);
        }
        if (r < 0)
                return r;
        n->is_alive = n->slot.is_open = false;
        for (size_t i = 0; i < n_endings; i++)
                hv_pool_do_end(p, &endings[i]);
        if (n_endings > 0)
                hv_pool_do_revision(p, n, revision);
        return 0;
}

static int end_leases(struct hv_hivepool *p, uint64_t now_us, uint64_t *ret_next, struct hv_err *err) {
        struct hv_pool_node_entry *n;
        size_t it = 0;

        *ret_next = HV_TIME_NEVER;
        while (hv_map_next(p->nodes, &it, NULL, (void **) &n)) {
                int r = 0;

                if (!n->is_alive)
                        continue;
                if (hv_lease_is_over(n->heard_us, p->options.lease_us, now_us))
                        r = lose(p, n, err);
                else
                        *ret_next = HV_MIN(*ret_next, hv_time_add(n->heard_us, p->options.lease_us));
                if (r < 0)
                        return r;
        }
        return 0;
}

/* --- giving --- */

struct giving {
        struct hv_pool_node_entry **nodes;
        struct hv_schedule_node *slots;
        size_t n_nodes;
        const struct hv_schedule_task **asks;
        struct hv_schedule_assignment *given;
        uint64_t *leases, *revisions; /* of each that is given; of each node, 0: nothing changed */
        size_t n_given;
};

static size_t number_of(const struct giving *g, const char *id) {
        for (size_t i = 0; id && i < g->n_nodes; i++)
                if (hv_streq(g->nodes[i]->id, id))
                        return i;
        return SIZE_MAX;
}

/* The plan, on a copy of the nodes' rooms. */
static void plan(struct hv_hivepool *p, struct hv_arena *arena, struct giving *g) {
        struct hv_pool_node_entry *n;
        size_t it = 0;

        g->nodes = HV_ARENA_NEW_N(arena, struct hv_pool_node_entry *, hv_map_size(p->nodes) + 1);
        g->slots = HV_ARENA_NEW_N(arena, struct hv_schedule_node, hv_map_size(p->nodes) + 1);
        while (hv_map_next(p->nodes, &it, NULL, (void **) &n))
                if (n->slot.is_open && n->slot.n_tasks < n->slot.max_tasks) {
                        g->nodes[g->n_nodes] = n;
                        g->slots[g->n_nodes++] = n->slot;
                }
        if (g->n_nodes == 0 || p->pending.n == 0)
                return;
        g->asks = HV_ARENA_NEW_N(arena, const struct hv_schedule_task *, p->pending.n);
        for (size_t i = 0; i < p->pending.n; i++) {
                p->pending.v[i]->ask.had_it = number_of(g, p->pending.v[i]->had_it);
                g->asks[i] = &p->pending.v[i]->ask;
        }
        g->given = HV_ARENA_NEW_N(arena, struct hv_schedule_assignment, N_A_PASS);
        g->n_given = hv_schedule_run(g->asks, p->pending.n, g->slots, g->n_nodes, g->given, N_A_PASS);
        g->leases = HV_ARENA_NEW_N(arena, uint64_t, g->n_given + 1);
        g->revisions = HV_ARENA_NEW_N(arena, uint64_t, g->n_nodes);
}

static int write_gift(struct hv_hivepool *p, const struct hv_pool_live *t, const struct hv_pool_node_entry *n,
                      uint64_t *ret_lease, struct hv_err *err) {
        struct hv_store_attempt a = { .task = t->ask.seq, .number = t->n_attempts + 1, .node = n->id };
        struct hv_store_task row = {
                .seq = t->ask.seq, .state = HV_LEASE_ASSIGNED, .n_attempts = t->n_attempts + 1, .node = n->id
        };
        int r;

        r = hv_store_number(p->store, ret_lease, err);
        if (r < 0)
                return r;
        a.lease = row.lease = *ret_lease;
        a.given_us = hv_pool_wall_us();
        r = hv_store_add_attempt(p->store, &a, err);
        return r < 0 ? r : hv_store_set_task(p->store, &row, err);
}

static int write_gifts(struct hv_hivepool *p, struct giving *g, struct hv_err *err) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < g->n_given; i++) {
                const struct hv_schedule_assignment *a = &g->given[i];

                r = write_gift(p, p->pending.v[a->task], g->nodes[a->node], &g->leases[i], err);
                if (r >= 0 && g->revisions[a->node] == 0)
                        r = hv_pool_write_revision(p, g->nodes[a->node], &g->revisions[a->node], err);
        }
        return r;
}

static void do_gifts(struct hv_hivepool *p, struct giving *g) {
        size_t kept = 0, next = 0;

        for (size_t i = 0; i < p->pending.n; i++) {
                struct hv_pool_live *t = p->pending.v[i];

                if (next == g->n_given || g->given[next].task != i) {
                        p->pending.v[kept++] = t;
                        continue;
                }
                t->state = HV_LEASE_ASSIGNED;
                t->n_attempts++;
                t->lease = g->leases[next];
                hv_pool_node_take(g->nodes[g->given[next].node], t);
                next++;
        }
        p->pending.n = kept;
        for (size_t i = 0; i < g->n_nodes; i++)
                if (g->revisions[i] > 0)
                        hv_pool_do_revision(p, g->nodes[i], g->revisions[i]);
}

static int give(struct hv_hivepool *p, struct hv_err *err) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct giving g = {};
        int r;

        plan(p, arena, &g);
        if (g.n_given == 0)
                return 0;
        r = hv_store_begin(p->store, err);
        if (r >= 0)
                r = hv_store_finish(p->store, write_gifts(p, &g, err), err);
        if (r < 0)
                return r;
        do_gifts(p, &g);
        if (g.n_given == N_A_PASS)
                hv_pool_due(p);
        return 0;
}

int hv_hivepool_pass(struct hv_hivepool *p, uint64_t now_us, uint64_t *ret_next, struct hv_err *err) {
        int r = end_leases(p, now_us, ret_next, err);

        return r < 0 ? r : give(p, err);
}

/* --- taken back --- */

int hv_hivepool_give_back(struct hv_hivepool *p, const char *task, uint64_t lease, const char *why,
                          struct hv_err *err) {
        struct hv_pool_live *t = hv_map_get(p->live, task);
        struct hv_store_task row;
        struct hv_pool_node_entry *n;
        uint64_t revision = 0;
        int r;

        if (!t || !t->node || t->lease != lease)
                return hv_err_set(err, -ENOENT, "task %s has no lease %llu any more", task,
                                  (unsigned long long) lease);
        n = t->node;
        row = (struct hv_store_task){ .seq = t->ask.seq,
                                      .n_attempts = t->n_attempts - 1,
                                      .node = n->id,
                                      .lease = t->lease,
                                      .message = why,
                                      .state = t->state == HV_LEASE_CANCELLING ? HV_LEASE_CANCELLED
                                                                               : HV_LEASE_PENDING };
        row.ended_us = hv_lease_task_is_over(row.state) ? hv_pool_wall_us() : 0;
        r = hv_store_begin(p->store, err);
        if (r < 0)
                return r;
        r = hv_store_drop_attempt(p->store, t->ask.seq, t->n_attempts, err);
        if (r >= 0)
                r = hv_store_set_task(p->store, &row, err);
        if (r >= 0)
                r = hv_pool_write_revision(p, n, &revision, err);
        r = hv_store_finish(p->store, r, err);
        if (r < 0)
                return r;
        t->n_attempts--;
        hv_pool_do_end(p, &(struct hv_pool_ending){ .task = t, .next = row.state });
        hv_pool_do_revision(p, n, revision);
        return 0;
}

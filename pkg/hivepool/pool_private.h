/* hivepool/pool_private.h - what the parts of the pool share. */
#pragma once

#include "base/alloc.h"
#include "base/map.h"
#include "base/vec.h"
#include "hivepool/pool.h"

struct hv_pool_node_entry;

struct hv_pool_live { /* a task that is not over */
        struct hv_schedule_task ask;
        char *id;
        enum hv_lease_task state;
        unsigned retries, n_attempts;
        uint64_t lease;
        struct hv_pool_node_entry *node; /* that has it; NULL: none */
        char *had_it;                    /* id of the node that had it last; NULL: none */
};

struct hv_pool_node_entry {
        struct hv_schedule_node slot;
        char *id, *status;
        enum hv_store_dialect dialect;
        uint64_t epoch, revision, fetched; /* fetched: the revision that it was given last */
        uint64_t heard_us;
        bool is_alive, wants; /* wants: it said that it takes tasks */
        void *said;
        size_t said_len;
        HV_VEC(struct hv_pool_live *) tasks;
};

struct hv_hivepool {
        struct hv_hivepool_options options;
        int logs_fd;
        struct hv_store *store;
        struct hv_blobs *blobs;
        struct hv_map *live;                   /* by id */
        struct hv_map *nodes;                  /* by id */
        HV_VEC(struct hv_pool_live *) pending; /* in their order */
        HV_VEC(char *) words;                  /* capabilities; their place is their bit */
};

static inline struct hv_pool_node_entry *hv_pool_find_node(struct hv_hivepool *p, const char *id) {
        return hv_map_get(p->nodes, id);
}

void hv_pool_due(struct hv_hivepool *p);
/* Bits of the words that a task needs; a word too much is bit 63, which no node has. Only what tasks need has a bit: what nodes
 * say that they have could be anything. */
uint64_t hv_pool_words(struct hv_hivepool *p, const char *const *words, size_t n);
uint64_t hv_pool_known_words(const struct hv_hivepool *p, const char *const *words, size_t n);
#define HV_POOL_BIT_NOBODY (UINT64_C(1) << 63)

/* ---- pool_task.c ---- */

struct hv_pool_live *hv_pool_live_free(struct hv_pool_live *t);
void hv_pool_queue(struct hv_hivepool *p, struct hv_pool_live *t);   /* into `pending` */
void hv_pool_unqueue(struct hv_hivepool *p, struct hv_pool_live *t); /* out of it, if it is there */

/* The end of a lease. First, inside a transaction: what is written; then, after the commit: what is true. */
struct hv_pool_ending {
        struct hv_pool_live *task;
        struct hv_store_attempt
                attempt;         /* end, state, reason, ...; task, number and ended_us are filled in */
        const char *message;     /* of the task, should it be over with this; NULL: none */
        enum hv_lease_task next; /* written by hv_pool_write_end() */
};
int hv_pool_write_end(struct hv_hivepool *p, struct hv_pool_ending *e, struct hv_err *err);
void hv_pool_do_end(struct hv_hivepool *p, const struct hv_pool_ending *e);

/* ---- pool_node.c ---- */

/* A new revision of a node's list: inside a transaction, then after it. */
int hv_pool_write_revision(struct hv_hivepool *p, struct hv_pool_node_entry *n, uint64_t *ret,
                           struct hv_err *err);
void hv_pool_do_revision(struct hv_hivepool *p, struct hv_pool_node_entry *n, uint64_t revision);
void hv_pool_node_take(struct hv_pool_node_entry *n, struct hv_pool_live *t); /* its slot and its list */
void hv_pool_node_drop(struct hv_pool_node_entry *n, struct hv_pool_live *t);
void hv_pool_hear(struct hv_hivepool *p, struct hv_pool_node_entry *n, uint64_t now_us);
void hv_pool_look_again(struct hv_hivepool *p); /* there is a new word: which nodes have it? */
int hv_pool_load_node(void *userdata, const struct hv_store_node *n);
void hv_pool_node_free(void *node);

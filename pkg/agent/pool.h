/* agent/pool.h - the agent's side of the link to a node pool. Private to pkg/agent.
 *
 *      pool.c        when there is a link, with what settings, and how it is
 *      pool_gate.c   the tunnel that the pool is reached through: as long as it is not there, nobody is dialled
 *      pool_node.c   what the node says of itself
 *      pool_take.c   what the pool assigns and takes back --> judged --> core --> durable --> answer
 *      pool_pay.c    what it is owed: results, logs <-- ledger, store
 *      pool_log.c    the live log of a task
 *      pool_drain.c  what becomes of it when the node is drained
 *      pool_lost.c   what becomes of its work when the pool is silent for long
 *      pool_told.c   how much of a log it was told
 *      pool_usage.c  what a task takes while it runs
 */
#pragma once

#include "agent/private.h"
#include "ledger/debt.h"
#include "ledger/recall.h"
#include "pool/pool.h"

struct taking { /* an assignment that is not durable yet */
        char *id;
        struct hv_ledger_assignment assignment;
        hv_pool_verdict_fn *done;
        void *done_data;
};

struct hv_agent_pool {
        struct hv_agent *agent;
        struct hv_pool *link; /* NULL: no pool is asked for, or it cannot be had now */
        char *settings;       /* what `link` was made from, as text */
        char *trouble;        /* why there is no link though one is asked for; NULL */
        sd_event_source *retry;
        struct hv_backoff backoff;
        char *inbox, *told, *advertised; /* advertised: what the pool is told; NULL: nothing is fit */
        const struct hv_spec_master *master;
        struct hv_desired *desired; /* owns master */
        HV_VEC(struct taking) takings;
        struct hv_pool_log *logs;
        struct hv_map *measured; /* of tasks that run; NULL: none yet */
        char *said;              /* message of the last judgement */
        bool inbox_is_due;
        const char *tunnel;       /* that it waits for, of `desired`; NULL: none */
        bool tunnel_wakes;        /* its peer is to be heard first: it shakes hands without being asked */
        bool is_held;             /* there is no link because of it */
        uint64_t heard_us;        /* the last answer of the pool, or when somebody began to listen */
        sd_event_source *silence; /* when that is too long ago */
};

extern const struct hv_pool_backend hv_agent_pool_backend;

/* pool_gate.c */
void hv_agent_pool_find_gate(struct hv_agent_pool *p); /* of `desired` and `master` */
/* Why nobody is dialled now, in the arena; NULL: nothing keeps it. */
const char *hv_agent_pool_gate(const struct hv_agent_pool *p, struct hv_arena *arena);

/* pool_node.c */
void hv_agent_pool_node(void *userdata, struct hv_arena *arena, struct hv_pool_node *ret);
/* What the pool is told to dial; NULL: nothing is fit. The caller frees. */
char *hv_agent_pool_advertised(const struct hv_spec_master *m);

/* pool_take.c */
enum hv_pool_verdict hv_agent_pool_judge(void *userdata, const struct hv_pool_assignment *a,
                                         const char **ret_message);
void hv_agent_pool_assign(void *userdata, const struct hv_pool_assignment *a, hv_pool_verdict_fn *done,
                          void *done_data);
bool hv_agent_pool_cancel(void *userdata, const char *id, const char *why);
void hv_agent_pool_only(void *userdata, const char *const *ids, size_t n);
void hv_agent_pool_taken(struct hv_agent_pool *p);   /* after each pass: what is durable by now? */
void hv_agent_pool_abandon(struct hv_agent_pool *p); /* nobody is told any more */

/* pool_drain.c */
void hv_agent_pool_drain_passed(struct hv_agent_pool *p); /* after each pass */
/* The node is drained, and the pool takes back what has not begun. */
bool hv_agent_pool_gives_back(const struct hv_agent_pool *p);

/* pool_lost.c */
void hv_agent_pool_lost_passed(struct hv_agent_pool *p); /* after each pass */

/* pool_pay.c */
bool hv_agent_pool_owed(void *userdata, uint64_t after, struct hv_arena *arena, struct hv_pool_owed *ret);
void *hv_agent_pool_package(void *userdata, const struct hv_pool_owed *owed, enum hv_pool_shape shape,
                            hv_pool_package_fn *done, void *done_data);
void hv_agent_pool_cancel_package(void *userdata, void *package);
int hv_agent_pool_open_log(void *userdata, const struct hv_pool_owed *owed, struct hv_err *err);
int hv_agent_pool_log_sent(void *userdata, uint64_t seq, uint64_t offset, struct hv_err *err);
int hv_agent_pool_delivered(void *userdata, const struct hv_pool_owed *owed, enum hv_pool_delivery how,
                            const char *message, struct hv_err *err);

/* pool_log.c */
struct hv_pool_log *hv_agent_pool_log_open(void *userdata, const char *id, hv_pool_log_fn *on, void *on_data);
void hv_agent_pool_log_resume(struct hv_pool_log *log);
void hv_agent_pool_log_close(struct hv_pool_log *log);
void hv_agent_pool_logs_passed(struct hv_agent_pool *p);

/* pool_told.c */
uint64_t hv_agent_pool_log_told(void *userdata, const char *id, unsigned number);
void hv_agent_pool_note_log(void *userdata, const char *id, unsigned number, uint64_t offset);
void hv_agent_pool_keep_told(const struct hv_agent_pool *p,
                             const struct hv_map *ids); /* of others nothing is kept */

/* pool_usage.c */
/* Fills in the percentages: of the cores and of the memory that the task may use; < 0: not known (yet). */
void hv_agent_pool_measure(struct hv_agent_pool *p, const struct hv_task_status *s, struct hv_pool_task *ret);
void hv_agent_pool_measured(
        struct hv_agent_pool *p); /* of tasks that were not asked for since the last time nothing is kept */

/* hivepool/admin_read.c - what people ask the pool: its state, tasks, nodes, results and logs. */
#include <errno.h>
#include <nodepool_hivemind.pb-c.h>
#include <nodepool_v1.pb-c.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/time.h"
#include "base/vec.h"
#include "base/version.h"
#include "hivepool/admin_private.h"
#include "hivepool/message.h"
#include "hivepool/shape.h"

#define LIST_MAX 1000
#define LIST_DEFAULT 100
#define BYTES_PER_GB 1073741824.0

static const char *const dialect_names[HV_N_STORE_DIALECTS] = { "v1", "hivemind" };

static char *copy(struct hv_arena *arena, const char *text) {
        return hv_arena_strdup(arena, text ? text : "");
}

/* --- the pool --- */

struct census {
        uint32_t n, n_alive;
};

static void count_node(void *userdata, const struct hv_hivepool_node_state *n) {
        struct census *c = userdata;

        c->n++;
        c->n_alive += n->is_alive ? 1 : 0;
}

void hv_admin_on_pool(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        Hivepool__GetPoolResponse answer = HIVEPOOL__GET_POOL_RESPONSE__INIT;
        Hivepool__Count counts[HV_N_LEASE_TASKS], *list[HV_N_LEASE_TASKS];
        uint64_t n[HV_N_LEASE_TASKS];
        struct hv_admin *a = userdata;
        struct census census = {};
        struct hv_err err = {};
        int r;

        (void) hv_rpc_bytes_free(request);
        r = hv_store_count_tasks(hv_hivepool_store(a->pool), n, &err);
        if (r < 0) {
                hv_message_fail(call, r, &err);
                return;
        }
        for (size_t i = 0; i < HV_N_LEASE_TASKS; i++) {
                hivepool__count__init(&counts[i]);
                counts[i].state = (char *) hv_lease_task_name((enum hv_lease_task) i);
                counts[i].n = n[i];
                list[i] = &counts[i];
        }
        hv_hivepool_nodes(a->pool, count_node, &census);
        answer.version = (char *) hv_version();
        answer.lease_s = a->lease_us / HV_USEC_PER_SEC;
        answer.tasks = list;
        answer.n_tasks = HV_N_LEASE_TASKS;
        answer.nodes = census.n;
        answer.nodes_alive = census.n_alive;
        answer.listen = (char *) a->listen;
        answer.hivemind_listen = (char *) a->hivemind_listen;
        hv_message_reply(call, &answer);
}

/* --- tasks --- */

struct listing {
        struct hv_admin *a;
        struct hv_arena *arena;
        HV_VEC(Hivepool__Task *) tasks;
        const void *spec; /* of the last one, in the arena */
        size_t spec_len;
        bool with_spec;
};

static int list_task(void *userdata, const struct hv_store_task *t) {
        struct listing *l = userdata;
        Hivepool__Task *m = HV_ARENA_NEW(l->arena, Hivepool__Task);
        const char *waits_for = hv_hivepool_why_pending(l->a->pool, t->id, l->arena);

        hivepool__task__init(m);
        m->id = copy(l->arena, t->id);
        m->dialect = (char *) dialect_names[t->dialect];
        m->state = (char *) hv_lease_task_name(t->state);
        m->priority = t->priority;
        m->retries = t->retries;
        m->attempts = t->n_attempts;
        m->node = copy(l->arena, t->node);
        m->message = copy(l->arena, t->message);
        m->created_us = t->created_us;
        m->ended_us = t->ended_us;
        m->owner = copy(l->arena, t->owner);
        m->seq = t->seq;
        m->waits_for = copy(l->arena, waits_for);
        hv_vec_push(&l->tasks, m);
        if (l->with_spec) {
                l->spec = hv_arena_memdup(l->arena, t->spec, t->spec_len);
                l->spec_len = t->spec_len;
        }
        return 0;
}

static int states_of(const Hivepool__ListTasksRequest *m, unsigned *ret, struct hv_err *err) {
        *ret = m->n_states == 0 ? (1u << HV_N_LEASE_TASKS) - 1 : 0;
        for (size_t i = 0; i < m->n_states; i++) {
                enum hv_lease_task state;

                if (!hv_lease_task_parse(m->states[i], &state))
                        return hv_err_set(err, -EINVAL, "\"%.40s\" is no state of a task", m->states[i]);
                *ret |= 1u << state;
        }
        return 0;
}

void hv_admin_on_list(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivepool__ListTasksResponse answer = HIVEPOOL__LIST_TASKS_RESPONSE__INIT;
        struct listing l = { .a = userdata, .arena = arena };
        Hivepool__ListTasksRequest *m;
        struct hv_err err = {};
        unsigned states = 0;
        int r;

        m = hv_message_read(call, &hivepool__list_tasks_request__descriptor, request, arena);
        if (!m)
                return;
        r = states_of(m, &states, &err);
        if (r >= 0)
                r = hv_store_list_tasks(hv_hivepool_store(l.a->pool), states, m->before,
                                        m->limit > 0 ? HV_MIN(m->limit, (uint32_t) LIST_MAX) : LIST_DEFAULT,
                                        list_task, &l, &err);
        answer.tasks = l.tasks.v;
        answer.n_tasks = l.tasks.n;
        if (r < 0)
                hv_message_fail(call, r, &err);
        else
                hv_message_reply(call, &answer);
        hv_vec_done(&l.tasks);
}

struct attempts {
        struct hv_admin *a;
        struct hv_arena *arena;
        HV_VEC(Hivepool__Attempt *) list;
};

static uint64_t log_size(struct hv_admin *a, uint64_t task, unsigned number) {
        _hv_cleanup_(hv_fd_closep) int fd = hv_hivepool_open_log(a->pool, task, number);
        struct stat st;

        return fd >= 0 && fstat(fd, &st) == 0 ? (uint64_t) st.st_size : 0;
}

static int list_attempt(void *userdata, const struct hv_store_attempt *t) {
        struct attempts *l = userdata;
        Hivepool__Attempt *m = HV_ARENA_NEW(l->arena, Hivepool__Attempt);

        hivepool__attempt__init(m);
        m->number = t->number;
        m->node = copy(l->arena, t->node);
        m->lease = t->lease;
        m->given_us = t->given_us;
        m->ended_us = t->ended_us;
        m->end = (char *) (t->is_over ? hv_lease_end_name(t->end) : "");
        m->state = copy(l->arena, t->state);
        m->reason = copy(l->arena, t->reason);
        m->exit_code = t->is_over ? t->exit_code : -1;
        m->result = copy(l->arena, t->result);
        m->result_bytes = t->result_bytes;
        m->receipt = copy(l->arena, t->receipt);
        m->log_bytes = log_size(l->a, t->task, t->number);
        hv_vec_push(&l->list, m);
        return 0;
}

static void answer_task(struct hv_admin *a, struct hv_rpc_server_call *call, const char *id) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivepool__GetTaskResponse answer = HIVEPOOL__GET_TASK_RESPONSE__INIT;
        struct listing l = { .a = a, .arena = arena, .with_spec = true };
        struct attempts attempts = { .a = a, .arena = arena };
        struct hv_err err = {};
        int r;

        r = hv_store_find_task(hv_hivepool_store(a->pool), id, list_task, &l, &err);
        if (r == 0)
                r = hv_err_set(&err, -ENOENT, "there is no task %.64s", id);
        if (r > 0)
                r = hv_store_attempts(hv_hivepool_store(a->pool), l.tasks.v[0]->seq, list_attempt, &attempts,
                                      &err);
        if (r < 0) {
                hv_message_fail(call, r, &err);
        } else {
                answer.task = l.tasks.v[0];
                answer.attempts = attempts.list.v;
                answer.n_attempts = attempts.list.n;
                answer.spec.data = (unsigned char *) l.spec;
                answer.spec.len = l.spec_len;
                hv_message_reply(call, &answer);
        }
        hv_vec_done(&l.tasks);
        hv_vec_done(&attempts.list);
}

void hv_admin_on_task(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivepool__GetTaskRequest *m =
                hv_message_read(call, &hivepool__get_task_request__descriptor, request, arena);

        if (m)
                answer_task(userdata, call, m->id);
}

/* --- waiting for an end --- */

struct hv_admin_waiter {
        struct hv_rpc_server_call *call;
        char *id;
};

void hv_admin_on_wait(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_admin *a = userdata;
        struct hv_admin_waiter *w;
        Hivepool__GetTaskRequest *m =
                hv_message_read(call, &hivepool__get_task_request__descriptor, request, arena);

        if (!m)
                return;
        if (!hv_hivepool_is_live(a->pool, m->id)) {
                answer_task(a, call, m->id);
                return;
        }
        w = HV_NEW(struct hv_admin_waiter);
        *w = (struct hv_admin_waiter){ .call = call, .id = hv_strdup(m->id) };
        hv_rpc_server_call_set_data(call, w);
        hv_vec_push(&a->waiters, w);
}

void hv_admin_on_wait_done(void *userdata, struct hv_rpc_server_call *call, bool written) {
        struct hv_admin_waiter *w = hv_rpc_server_call_data(call);
        struct hv_admin *a = userdata;

        (void) written;
        for (size_t i = 0; i < a->waiters.n; i++)
                if (a->waiters.v[i] == w)
                        a->waiters.v[i] = a->waiters.v[--a->waiters.n];
        if (w)
                free(w->id);
        free(w);
}

void hv_admin_over(struct hv_admin *a, const char *task_id) {
        for (size_t i = 0; i < a->waiters.n; i++)
                if (hv_streq(a->waiters.v[i]->id, task_id))
                        answer_task(a, a->waiters.v[i]->call, task_id);
}

void hv_admin_done(struct hv_admin *a) {
        hv_vec_done(&a->waiters);
}

/* --- nodes --- */

struct nodes {
        struct hv_arena *arena;
        uint64_t now_us;
        HV_VEC(Hivepool__Node *) list;
};

static Hivepool__Resources *room_message(struct hv_arena *arena, const struct hv_room *room) {
        Hivepool__Resources *m = HV_ARENA_NEW(arena, Hivepool__Resources);

        hivepool__resources__init(m);
        m->cpu = (double) room->of[HV_ROOM_CPU] / 1000;
        m->memory_gb = (double) room->of[HV_ROOM_MEMORY] / BYTES_PER_GB;
        m->disk_gb = (double) room->of[HV_ROOM_DISK] / BYTES_PER_GB;
        m->gpu = (double) room->of[HV_ROOM_GPU] / 1000;
        m->gpu_memory_gb = (double) room->of[HV_ROOM_GPU_MEMORY] / BYTES_PER_GB;
        return m;
}

static void say_v1(const struct hv_hivepool_node_state *n, struct hv_arena *arena, Hivepool__Node *m) {
        V1__RegisterNodeRequest *said = v1__register_node_request__unpack(NULL, n->said_len, n->said);

        if (!said)
                return;
        m->address = hv_arena_printf(arena, said->port > 0 ? "%s:%d" : "%s", said->ip_address, said->port);
        m->agent_version = copy(arena, said->agent_version);
        v1__register_node_request__free_unpacked(said, NULL);
}

static void say_hivemind(const struct hv_hivepool_node_state *n, struct hv_arena *arena, Hivepool__Node *m) {
        Hivemind__RegisterWorkerNodeRequest *said =
                hivemind__register_worker_node_request__unpack(NULL, n->said_len, n->said);

        if (!said)
                return;
        m->address = hv_arena_printf(arena, "%s:%d", said->hostname, said->port);
        hivemind__register_worker_node_request__free_unpacked(said, NULL);
}

static void list_node(void *userdata, const struct hv_hivepool_node_state *n) {
        struct nodes *l = userdata;
        Hivepool__Node *m = HV_ARENA_NEW(l->arena, Hivepool__Node);

        hivepool__node__init(m);
        m->id = copy(l->arena, n->id);
        m->dialect = (char *) dialect_names[n->dialect];
        m->alive = n->is_alive;
        m->open = n->is_open;
        m->status = copy(l->arena, n->status);
        m->trust = (char *) hv_shape_trust_name(n->trust);
        m->tasks = n->n_tasks;
        m->total = room_message(l->arena, &n->total);
        m->taken = room_message(l->arena, &n->taken);
        m->epoch = n->epoch;
        m->heard_s = (l->now_us - HV_MIN(l->now_us, n->heard_us)) / HV_USEC_PER_SEC;
        (n->dialect == HV_STORE_V1 ? say_v1 : say_hivemind)(n, l->arena, m);
        hv_vec_push(&l->list, m);
}

void hv_admin_on_nodes(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivepool__ListNodesResponse answer = HIVEPOOL__LIST_NODES_RESPONSE__INIT;
        struct hv_admin *a = userdata;
        struct nodes l = { .arena = arena, .now_us = a->now_us() };

        (void) hv_rpc_bytes_free(request);
        hv_hivepool_nodes(a->pool, list_node, &l);
        answer.nodes = l.list.v;
        answer.n_nodes = l.list.n;
        hv_message_reply(call, &answer);
        hv_vec_done(&l.list);
}

/* --- results and logs --- */

struct place { /* of what is read */
        uint64_t seq;
        unsigned n_attempts;
        unsigned wanted, found;
        char sha256[HV_SHA256_HEX_SIZE];
        uint64_t size;
};

static int find_seq(void *userdata, const struct hv_store_task *t) {
        struct place *p = userdata;

        p->seq = t->seq;
        p->n_attempts = t->n_attempts;
        return 0;
}

static int find_result(void *userdata, const struct hv_store_attempt *t) {
        struct place *p = userdata;

        if (!t->result || (p->wanted > 0 && p->wanted != t->number))
                return 0;
        p->found = t->number;
        p->size = t->result_bytes;
        (void) snprintf(p->sha256, sizeof p->sha256, "%s", t->result);
        return 0;
}

static int find(struct hv_admin *a, const Hivepool__ReadRequest *m, struct place *ret, struct hv_err *err) {
        int r = hv_store_find_task(hv_hivepool_store(a->pool), m->id, find_seq, ret, err);

        ret->wanted = m->attempt;
        return r == 0 ? hv_err_set(err, -ENOENT, "there is no task %.64s", m->id) : r;
}

static int open_result(struct hv_admin *a, const Hivepool__ReadRequest *m, struct place *p,
                       struct hv_err *err) {
        int fd, r;

        r = find(a, m, p, err);
        if (r >= 0)
                r = hv_store_attempts(hv_hivepool_store(a->pool), p->seq, find_result, p, err);
        if (r < 0)
                return r;
        if (p->found == 0)
                return hv_err_set(err, -ENOENT, "task %.64s has no result with files", m->id);
        fd = hv_blobs_open(hv_hivepool_blobs(a->pool), p->sha256, &p->size);
        return fd >= 0 ? fd : hv_err_set(err, -EIO, "blobs/%s is missing", p->sha256);
}

void hv_admin_on_result(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivepool__Piece head = HIVEPOOL__PIECE__INIT;
        Hivepool__ReadRequest *m;
        struct place place = {};
        struct hv_err err = {};
        int fd;

        m = hv_message_read(call, &hivepool__read_request__descriptor, request, arena);
        if (!m)
                return;
        fd = open_result(userdata, m, &place, &err);
        if (fd < 0) {
                hv_message_fail(call, fd, &err);
                return;
        }
        head.total = place.size;
        head.sha256 = place.sha256;
        hv_file_stream_start(call, fd, m->offset, &head.base);
}

void hv_admin_on_log(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_admin *a = userdata;
        Hivepool__ReadRequest *m;
        struct place place = {};
        struct hv_err err = {};
        int fd, r;

        m = hv_message_read(call, &hivepool__read_request__descriptor, request, arena);
        if (!m)
                return;
        r = find(a, m, &place, &err);
        if (r < 0) {
                hv_message_fail(call, r, &err);
                return;
        }
        fd = hv_hivepool_open_log(a->pool, place.seq, m->attempt > 0 ? m->attempt : place.n_attempts);
        if (fd < 0)
                hv_rpc_server_call_end(call, HV_RPC_NOT_FOUND, "there is no log of it");
        else
                hv_file_stream_start(call, fd, m->offset, NULL);
}

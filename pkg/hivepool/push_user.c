/* hivepool/push_user.c - what users of dialect hivemind ask: MasterNodeService. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/vec.h"
#include "hivepool/message.h"
#include "hivepool/push_private.h"
#include "hivepool/shape.h"

#define LIST_MAX 1000
#define LOG_MAX 10240   /* the end of it, as the deployed pool keeps */
#define RESULT_TAG 0x1a /* field 3, bytes */

bool hv_push_is_user(struct hv_push *p, struct hv_rpc_server_call *call, const char *token,
                     const char **ret_name) {
        if (!hv_push_is_allowed(p, call, NULL))
                return false;
        if (hv_accounts_judge(p->options.accounts, token, ret_name) == HV_TOKEN_GOOD)
                return true;
        hv_push_ack(call, false, "INVALID_TOKEN");
        return false;
}

/* --- upload --- */

static void submit(struct hv_push *p, struct hv_rpc_server_call *call, Hivemind__UploadTaskRequest *m,
                   const char *owner, const struct hv_intake_end *end, struct hv_arena *arena) {
        const char *blobs[] = { end->sha256 };
        struct hv_hivepool_wish wish = {};
        struct hv_err err = {};
        unsigned char *spec;
        int r;

        m->token = (char *) "";
        m->task_zip.data = (unsigned char *) end->sha256;
        m->task_zip.len = strlen(end->sha256);
        spec = hv_arena_alloc(arena, hivemind__upload_task_request__get_packed_size(m) + 1);
        r = hv_shape_task(HV_STORE_HIVEMIND, spec, hivemind__upload_task_request__pack(m, spec), arena, &wish,
                          &err);
        wish.owner = owner;
        wish.blobs = blobs;
        wish.n_blobs = 1;
        if (r >= 0)
                r = hv_hivepool_submit(p->options.pool, &wish, &err);
        if (r < 0 && r != -EINVAL && r != -EEXIST)
                hv_message_fail(call, r, &err);
        else
                hv_push_ack(call, r >= 0, r < 0 ? err.msg : "accepted");
}

static void on_upload(struct hv_push_delivery *d, const struct hv_intake_end *end,
                      struct hv_rpc_bytes *rest) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivemind__UploadTaskRequest *m =
                hv_message_read(d->call, &hivemind__upload_task_request__descriptor, rest, arena);
        const char *owner = NULL;

        if (!m || !hv_push_is_user(d->p, d->call, m->token, &owner))
                return;
        if (end->size_bytes == 0)
                hv_push_ack(d->call, false, "the zip is empty");
        else
                submit(d->p, d->call, m, hv_arena_strdup(arena, owner), end, arena);
}

HV_PUSH_HANDLER(upload) {
        hv_push_take_in(userdata, call, request, on_upload);
}

/* --- whose it is --- */

struct mine {
        const char *owner;
        bool is_found;
        uint64_t seq;
        unsigned n_attempts;
        char result[HV_SHA256_HEX_SIZE];
};

static int see_task(void *userdata, const struct hv_store_task *t) {
        struct mine *m = userdata;

        if (!t->owner || !hv_streq(t->owner, m->owner))
                return 0;
        m->is_found = true;
        m->seq = t->seq;
        m->n_attempts = t->n_attempts;
        return 0;
}

static int see_result(void *userdata, const struct hv_store_attempt *a) {
        struct mine *m = userdata;

        if (a->result)
                (void) snprintf(m->result, sizeof m->result, "%s", a->result);
        return 0;
}

/* What is somebody else's does not exist. */
static bool find(struct hv_push *p, const char *id, const char *owner, struct mine *ret) {
        *ret = (struct mine){ .owner = owner };
        return hv_store_find_task(hv_hivepool_store(p->options.pool), id, see_task, ret, NULL) > 0 &&
               ret->is_found;
}

/* --- result and log --- */

static struct hv_rpc_bytes *result_message(int fd, uint64_t size, struct hv_err *err) {
        Hivemind__GetTaskResultResponse head = HIVEMIND__GET_TASK_RESULT_RESPONSE__INIT;
        struct hv_rpc_bytes *b;
        unsigned char tag[12] = { RESULT_TAG };
        uint64_t rest = size;
        size_t n = 1;

        head.success = true;
        b = hv_message_write(&head.base);
        for (; rest >= 0x80; rest >>= 7)
                tag[n++] = (unsigned char) (rest | 0x80);
        tag[n++] = (unsigned char) rest;
        hv_rpc_bytes_add(b, tag, n);
        return hv_rpc_bytes_add_file(b, fd, 0, size, err) < 0 ? hv_rpc_bytes_free(b) : b;
}

HV_PUSH_HANDLER(get_result) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        struct hv_push *p = userdata;
        Hivemind__GetTaskResultRequest *m;
        const char *owner = NULL;
        struct hv_rpc_bytes *b;
        struct hv_err err = {};
        struct mine mine;
        uint64_t size = 0;

        m = hv_message_read(call, &hivemind__get_task_result_request__descriptor, request, arena);
        if (!m || !hv_push_is_user(p, call, m->token, &owner))
                return;
        if (find(p, m->task_id, owner, &mine) &&
            hv_store_attempts(hv_hivepool_store(p->options.pool), mine.seq, see_result, &mine, NULL) >= 0)
                fd = hv_blobs_open(hv_hivepool_blobs(p->options.pool), mine.result, &size);
        if (fd < 0 || size == 0) {
                hv_push_ack(call, false, "there is no result");
                return;
        }
        b = result_message(fd, size, &err);
        if (b)
                hv_rpc_server_call_reply(call, b);
        else
                hv_message_fail(call, err.code, &err);
}

HV_PUSH_HANDLER(get_log) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivemind__GetTasklogResponse answer = HIVEMIND__GET_TASKLOG_RESPONSE__INIT;
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        char text[LOG_MAX + 1] = "", *from = text;
        struct hv_push *p = userdata;
        Hivemind__GetTasklogRequest *m;
        const char *owner = NULL;
        struct mine mine;
        struct stat st;
        ssize_t n;

        m = hv_message_read(call, &hivemind__get_tasklog_request__descriptor, request, arena);
        if (!m || !hv_push_is_user(p, call, m->token, &owner))
                return;
        answer.success = find(p, m->task_id, owner, &mine);
        if (answer.success)
                fd = hv_hivepool_open_log(p->options.pool, mine.seq, mine.n_attempts);
        if (fd >= 0 && fstat(fd, &st) == 0) {
                n = pread(fd, text, LOG_MAX, st.st_size > LOG_MAX ? st.st_size - LOG_MAX : 0);
                text[HV_MAX(n, 0)] = '\0';
                while ((*from & 0xc0) == 0x80) /* the rest of a character that was cut is no text */
                        from++;
        }
        answer.log = hv_arena_printf(arena, "--- Task Output ---\n%s", from);
        hv_message_reply(call, &answer);
}

/* --- list and stop --- */

struct listing {
        struct hv_push *p;
        struct hv_arena *arena;
        const char *owner;
        HV_VEC(Hivemind__UserTask *) tasks;
};

static const char *status_of(const struct hv_store_task *t, const struct hv_offer *o) {
        switch (t->state) {
        case HV_LEASE_COMPLETED:
                return "COMPLETED";
        case HV_LEASE_FAILED:
                return "FAILED";
        case HV_LEASE_CANCELLING:
        case HV_LEASE_CANCELLED:
                return "STOPPED";
        default:
                return o && o->state == HV_OFFER_RUNS ? "RUNNING" : "PENDING";
        }
}

static int list_task(void *userdata, const struct hv_store_task *t) {
        struct listing *l = userdata;
        const struct hv_offer *o = hv_map_get(l->p->offers, t->id);
        Hivemind__UserTask *m;

        m = HV_ARENA_NEW(l->arena, Hivemind__UserTask);
        hivemind__user_task__init(m);
        m->task_id = hv_arena_strdup(l->arena, t->id);
        m->status = (char *) status_of(t, o);
        m->message = hv_arena_strdup(l->arena, t->message ? t->message : "");
        m->worker_ip = hv_arena_strdup(l->arena, t->node ? t->node : "");
        if (o) {
                m->cpu_usage = o->cpu;
                m->memory_usage = o->memory;
                m->gpu_usage = o->gpu;
                m->gpu_memory_usage = o->gpu_memory;
        }
        hv_vec_push(&l->tasks, m);
        return 0;
}

HV_PUSH_HANDLER(list) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivemind__GetAllUserTasksResponse answer = HIVEMIND__GET_ALL_USER_TASKS_RESPONSE__INIT;
        struct listing l = { .p = userdata, .arena = arena };
        Hivemind__GetAllUserTasksRequest *m;
        struct hv_err err = {};
        int r;

        m = hv_message_read(call, &hivemind__get_all_user_tasks_request__descriptor, request, arena);
        if (!m || !hv_push_is_user(l.p, call, m->token, &l.owner))
                return;
        r = hv_store_own_tasks(hv_hivepool_store(l.p->options.pool), l.owner, LIST_MAX, list_task, &l, &err);
        answer.tasks = l.tasks.v;
        answer.n_tasks = l.tasks.n;
        if (r < 0)
                hv_message_fail(call, r, &err);
        else
                hv_message_reply(call, &answer);
        hv_vec_done(&l.tasks);
}

HV_PUSH_HANDLER(stop) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_push *p = userdata;
        Hivemind__StopTaskRequest *m;
        const char *owner = NULL;
        struct hv_err err = {};
        struct mine mine;
        int r;

        m = hv_message_read(call, &hivemind__stop_task_request__descriptor, request, arena);
        if (!m || !hv_push_is_user(p, call, m->token, &owner))
                return;
        if (!find(p, m->task_id, owner, &mine)) {
                hv_push_ack(call, false, "there is no such task");
                return;
        }
        r = hv_hivepool_cancel(p->options.pool, m->task_id, "stopped by its user", &err);
        if (r < 0)
                hv_message_fail(call, r, &err);
        else
                hv_push_ack(call, true, "stopped");
}

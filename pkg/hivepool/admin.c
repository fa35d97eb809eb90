/* hivepool/admin.c - see admin.h: tasks. What is read: admin_read.c. */
#include "hivepool/admin.h"

#include <errno.h>
#include <nodepool_hivemind.pb-c.h>
#include <nodepool_v1.pb-c.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/version.h"
#include "hivepool/admin_private.h"
#include "hivepool/message.h"
#include "hivepool/shape.h"
#include "log/log.h"
#include "pool/wire.h"

#define INPUTS_MAX 1000

/* --- inputs --- */

static void on_put_blob(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivepool__PutBlobResponse answer = HIVEPOOL__PUT_BLOB_RESPONSE__INIT;
        struct hv_admin *a = userdata;
        Hivepool__PutBlobRequest *m;
        struct hv_err err = {};
        int r;

        m = hv_message_read(call, &hivepool__put_blob_request__descriptor, request, arena);
        if (!m)
                return;
        r = hv_blobs_add(hv_hivepool_blobs(a->pool), m->sha256, 0, m->total, m->offset, m->data.data,
                         m->data.len, &answer.next_offset, &err);
        if (r < 0)
                hv_message_fail(call, r, &err);
        else
                hv_message_reply(call, &answer);
}

/* --- submitting --- */

struct submission {
        struct hv_arena *arena;
        const Hivepool__SubmitTaskRequest *m;
        const char *id;
        void *spec;
        size_t spec_len;
};

static const char *new_id(struct hv_arena *arena) {
        unsigned char random[8] = {};
        char hex[17];

        /* Never short for so few bytes (getrandom(2)); an id that is taken would be refused. */
        if (getrandom(random, sizeof random, 0) < 0)
                return "";
        for (size_t i = 0; i < sizeof random; i++)
                (void) snprintf(hex + 2 * i, 3, "%02x", random[i]);
        return hv_arena_printf(arena, "task-%s", hex);
}

static int check_inputs(const Hivepool__SubmitTaskRequest *m, struct hv_err *err) {
        if (m->n_inputs > INPUTS_MAX)
                return hv_err_set(err, -EINVAL, "expected at most %d inputs, found %zu", INPUTS_MAX,
                                  m->n_inputs);
        for (size_t i = 0; i < m->n_inputs; i++)
                for (size_t k = 0; k < i; k++)
                        if (hv_streq(m->inputs[i]->name, m->inputs[k]->name))
                                return hv_err_set(err, -EINVAL, "two inputs have the name \"%.100s\"",
                                                  m->inputs[i]->name);
        return 0;
}

static int write_v1(struct submission *s, struct hv_err *err) {
        V1__Task *t = NULL;
        int r;

        r = hv_wire_unpack(&v1__task__descriptor, s->m->task.data, s->m->task.len, s->arena, &t, err);
        if (r < 0)
                return r;
        if (t->n_input_files > 0 || t->n_input_refs > 0)
                return hv_err_set(err, -EINVAL, "inputs are sent first, and named beside the task");
        if (!*t->id)
                t->id = (char *) new_id(s->arena);
        t->input_refs = HV_ARENA_NEW_N(s->arena, V1__InputFile *, s->m->n_inputs + 1);
        for (size_t i = 0; i < s->m->n_inputs; i++) {
                V1__InputFile *f = HV_ARENA_NEW(s->arena, V1__InputFile);

                v1__input_file__init(f);
                f->name = s->m->inputs[i]->name;
                f->size = s->m->inputs[i]->size;
                f->sha256 = s->m->inputs[i]->sha256;
                t->input_refs[t->n_input_refs++] = f;
        }
        s->id = t->id;
        s->spec = hv_arena_alloc(s->arena, v1__task__get_packed_size(t) + 1);
        s->spec_len = v1__task__pack(t, s->spec);
        return 0;
}

/* The zip is a blob; in the spec its SHA-256 stands in its place. */
static int write_hivemind(struct submission *s, struct hv_err *err) {
        Hivemind__UploadTaskRequest *t = NULL;
        int r;

        r = hv_wire_unpack(&hivemind__upload_task_request__descriptor, s->m->task.data, s->m->task.len,
                           s->arena, &t, err);
        if (r < 0)
                return r;
        if (t->task_zip.len > 0 || s->m->n_inputs != 1)
                return hv_err_set(err, -EINVAL, "a task of the dialect hivemind has one input, its zip");
        if (!*t->task_id)
                t->task_id = (char *) new_id(s->arena);
        t->token = (char *) "";
        t->task_zip.data = (unsigned char *) s->m->inputs[0]->sha256;
        t->task_zip.len = strlen(s->m->inputs[0]->sha256);
        s->id = t->task_id;
        s->spec = hv_arena_alloc(s->arena, hivemind__upload_task_request__get_packed_size(t) + 1);
        s->spec_len = hivemind__upload_task_request__pack(t, s->spec);
        return 0;
}

static int submit(struct hv_admin *a, struct submission *s, struct hv_err *err) {
        bool is_hivemind = hv_streq(s->m->dialect, "hivemind");
        struct hv_hivepool_wish wish = {};
        const char **blobs;
        int r;

        if (!is_hivemind && !hv_streq(s->m->dialect, "v1"))
                return hv_err_set(err, -EINVAL, "dialect: expected v1 or hivemind, found \"%.40s\"",
                                  s->m->dialect);
        r = check_inputs(s->m, err);
        if (r >= 0)
                r = is_hivemind ? write_hivemind(s, err) : write_v1(s, err);
        if (r >= 0)
                r = hv_shape_task(is_hivemind ? HV_STORE_HIVEMIND : HV_STORE_V1, s->spec, s->spec_len,
                                  s->arena, &wish, err);
        if (r < 0)
                return r;
        blobs = HV_ARENA_NEW_N(s->arena, const char *, s->m->n_inputs + 1);
        for (size_t i = 0; i < s->m->n_inputs; i++)
                blobs[i] = s->m->inputs[i]->sha256;
        wish.blobs = blobs;
        wish.n_blobs = s->m->n_inputs;
        return hv_hivepool_submit(a->pool, &wish, err);
}

static void on_submit(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivepool__SubmitTaskResponse answer = HIVEPOOL__SUBMIT_TASK_RESPONSE__INIT;
        struct submission s = { .arena = arena };
        struct hv_admin *a = userdata;
        struct hv_err err = {};
        int r;

        s.m = hv_message_read(call, &hivepool__submit_task_request__descriptor, request, arena);
        if (!s.m)
                return;
        r = submit(a, &s, &err);
        if (r < 0) {
                hv_message_fail(call, r, &err);
                return;
        }
        answer.id = (char *) s.id;
        answer.created = r > 0;
        hv_message_reply(call, &answer);
}

/* --- the end of a task --- */

static void answer_done(struct hv_rpc_server_call *call, int r, const struct hv_err *err) {
        Hivepool__Done done = HIVEPOOL__DONE__INIT;

        if (r < 0)
                hv_message_fail(call, r, err);
        else
                hv_message_reply(call, &done);
}

static void on_cancel(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_admin *a = userdata;
        Hivepool__CancelTaskRequest *m;
        struct hv_err err = {};

        m = hv_message_read(call, &hivepool__cancel_task_request__descriptor, request, arena);
        if (m)
                answer_done(call,
                            hv_hivepool_cancel(a->pool, m->id, *m->reason ? m->reason : "cancelled by hand",
                                               &err),
                            &err);
}

static void on_remove(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_admin *a = userdata;
        Hivepool__RemoveTaskRequest *m;
        struct hv_err err = {};

        m = hv_message_read(call, &hivepool__remove_task_request__descriptor, request, arena);
        if (m)
                answer_done(call, hv_hivepool_remove(a->pool, m->id, &err), &err);
}

static void on_forget(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_admin *a = userdata;
        Hivepool__ForgetNodeRequest *m;
        struct hv_err err = {};

        m = hv_message_read(call, &hivepool__forget_node_request__descriptor, request, arena);
        if (m)
                answer_done(call, hv_hivepool_forget_node(a->pool, m->id, &err), &err);
}

/* --- the table --- */

#define PATH(name) "/hivepool.Admin/" name

const struct hv_rpc_method hv_admin_methods[] = {
        { .path = PATH("GetPool"), .on_request = hv_admin_on_pool },
        { .path = PATH("PutBlob"), .on_request = on_put_blob },
        { .path = PATH("SubmitTask"), .on_request = on_submit },
        { .path = PATH("ListTasks"), .on_request = hv_admin_on_list },
        { .path = PATH("GetTask"), .on_request = hv_admin_on_task },
        { .path = PATH("WaitTask"), .on_request = hv_admin_on_wait, .on_done = hv_admin_on_wait_done },
        { .path = PATH("CancelTask"), .on_request = on_cancel },
        { .path = PATH("RemoveTask"), .on_request = on_remove },
        { .path = PATH("ReadResult"),
          .stream = true,
          .on_request = hv_admin_on_result,
          .on_sent = hv_file_stream_sent,
          .on_done = hv_file_stream_done },
        { .path = PATH("ReadLog"),
          .stream = true,
          .on_request = hv_admin_on_log,
          .on_sent = hv_file_stream_sent,
          .on_done = hv_file_stream_done },
        { .path = PATH("ListNodes"), .on_request = hv_admin_on_nodes },
        { .path = PATH("ForgetNode"), .on_request = on_forget },
};
const size_t hv_admin_n_methods = HV_ARRAY_SIZE(hv_admin_methods);

/* hivepool/v1_list.c - what a node is told: its list, asked for or watched, and the inputs of its tasks. */
#include <errno.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "hivepool/message.h"
#include "hivepool/v1_private.h"
#include "pool/wire.h"

#define SLICE_BYTES ((size_t) 2 << 20) /* below what a node that keeps gRPC's limit of 4 MiB takes */
#define WATCHERS_MAX 8 /* of one node: the one that counts, and some that are lost and not known to be */
#define INLINE_BYTES_MAX (UINT64_C(64) << 20) /* of one input, for nodes that fetch nothing */

/* --- laying out a list --- */

struct list {
        struct hv_v1 *v;
        struct hv_arena *arena;
        uint64_t revision;
        bool is_inline; /* inputs go with the task */
        bool is_broken; /* a task could not be read */
        HV_VEC(V1__Task *) tasks;
};

/* The input as bytes of the task; what is too large or unreadable stays a reference, and the node says what it lacks. */
static bool read_input(struct list *l, const V1__InputFile *ref, V1__Task__InputFilesEntry *ret) {
        uint64_t size = 0, at = 0;
        int fd = hv_blobs_open(hv_hivepool_blobs(l->v->options.pool), ref->sha256, &size);

        ret->key = ref->name;
        ret->value.data = fd >= 0 && size <= INLINE_BYTES_MAX ? hv_arena_alloc(l->arena, size + 1) : NULL;
        ret->value.len = size;
        while (ret->value.data && at < size) {
                ssize_t n = pread(fd, ret->value.data + at, size - at, (off_t) at);

                if (n <= 0)
                        break;
                at += (uint64_t) n;
        }
        hv_fd_closep(&fd);
        return ret->value.data && at == size;
}

static void make_inline(struct list *l, V1__Task *t) {
        size_t n_refs = t->n_input_refs;

        t->input_files = HV_ARENA_NEW_N(l->arena, V1__Task__InputFilesEntry *, n_refs + 1);
        t->n_input_refs = 0;
        for (size_t i = 0; i < n_refs; i++) {
                V1__Task__InputFilesEntry *e = HV_ARENA_NEW(l->arena, V1__Task__InputFilesEntry);

                v1__task__input_files_entry__init(e);
                if (read_input(l, t->input_refs[i], e))
                        t->input_files[t->n_input_files++] = e;
                else
                        t->input_refs[t->n_input_refs++] = t->input_refs[i];
        }
}

static void add_task(void *userdata, const struct hv_hivepool_assigned *a) {
        struct list *l = userdata;
        V1__Task *t = NULL;

        if (hv_wire_unpack(&v1__task__descriptor, a->spec, a->spec_len, l->arena, &t, NULL) < 0) {
                l->is_broken = true;
                return;
        }
        t->attempt = a->attempt;
        t->lease_epoch = a->lease;
        t->cancelled = a->is_cancelled;
        /* The attempts are this pool's to give: the node makes one of each. */
        t->retries_is_case = V1__TASK__RETRIES_IS_RETRIES;
        t->retries = 0;
        if (l->is_inline)
                make_inline(l, t);
        hv_vec_push(&l->tasks, t);
}

struct facts {
        const char *id;
        bool is_inline;
};

/* Whoever says a version knows FetchTaskInput. */
static void look(void *userdata, const struct hv_hivepool_node_state *n) {
        struct facts *f = userdata;
        V1__RegisterNodeRequest *said;

        if (!hv_streq(n->id, f->id))
                return;
        said = v1__register_node_request__unpack(NULL, n->said_len, n->said);
        f->is_inline = !said || !*said->agent_version;
        if (said)
                v1__register_node_request__free_unpacked(said, NULL);
}

static int make_list(struct hv_v1 *v, const char *node, struct list *l, struct hv_err *err) {
        struct facts facts = { .id = node };
        int r;

        hv_hivepool_nodes(v->options.pool, look, &facts);
        l->v = v;
        l->is_inline = facts.is_inline;
        l->revision = hv_hivepool_revision(v->options.pool, node);
        r = hv_hivepool_assigned(v->options.pool, node, add_task, l, err);
        if (r >= 0)
                hv_hivepool_told(v->options.pool, node, l->revision);
        return r;
}

/* --- asked for --- */

void hv_v1_on_list(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        V1__GetAssignedTasksResponse answer = V1__GET_ASSIGNED_TASKS_RESPONSE__INIT;
        struct list list = { .arena = arena };
        struct hv_v1 *v = userdata;
        V1__GetAssignedTasksRequest *m;
        struct hv_err err = {};
        int r;

        m = hv_v1_read(v, call, &v1__get_assigned_tasks_request__descriptor, request, arena);
        if (!m)
                return;
        r = make_list(v, m->node_id, &list, &err);
        if (r < 0) {
                hv_vec_done(&list.tasks);
                hv_message_fail(call, r, &err);
                return;
        }
        answer.revision = list.revision;
        answer.incomplete = list.is_broken;
        answer.unchanged = m->known_revision == list.revision && !list.is_broken;
        if (!answer.unchanged) {
                answer.tasks = list.tasks.v;
                answer.n_tasks = list.tasks.n;
        }
        hv_message_reply(call, &answer);
        hv_vec_done(&list.tasks);
}

/* --- watched --- */

static void end_slice(struct hv_v1_watcher *w, const struct list *l, size_t from, size_t to) {
        V1__GetAssignedTasksResponse slice = V1__GET_ASSIGNED_TASKS_RESPONSE__INIT;

        slice.revision = l->revision;
        slice.incomplete = to < l->tasks.n || l->is_broken;
        slice.tasks = l->tasks.v + from;
        slice.n_tasks = to - from;
        hv_vec_push(&w->slices, hv_message_write(&slice.base));
}

static void lay_out(struct hv_v1_watcher *w, const struct list *l) {
        size_t from = 0, bytes = 0;

        for (size_t i = 0; i < l->tasks.n; i++) {
                size_t size = v1__task__get_packed_size(l->tasks.v[i]);

                if (i > from && bytes + size > SLICE_BYTES) {
                        end_slice(w, l, from, i);
                        from = i;
                        bytes = 0;
                }
                bytes += size;
        }
        end_slice(w, l, from, l->tasks.n);
}

static void send_slice(struct hv_v1_watcher *w) {
        struct hv_rpc_bytes *b;

        if (w->is_sending || w->slices.n == 0)
                return;
        b = w->slices.v[0];
        memmove(w->slices.v, w->slices.v + 1, (w->slices.n - 1) * sizeof *w->slices.v);
        w->slices.n--;
        w->is_sending = hv_rpc_server_call_send(w->call, b) == 0;
}

/* A list that is half sent is ended first: its slices belong together. */
static void go_on(struct hv_v1 *v, struct hv_v1_watcher *w) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct list list = { .arena = arena };
        struct hv_err err = {};
        int r;

        if (w->is_due && !w->is_sending && w->slices.n == 0) {
                w->is_due = false;
                r = make_list(v, w->node, &list, &err);
                if (r >= 0)
                        lay_out(w, &list);
                hv_vec_done(&list.tasks);
                if (r < 0) {
                        hv_message_fail(w->call, r, &err);
                        return;
                }
        }
        send_slice(w);
}

static unsigned n_watchers(const struct hv_v1 *v, const char *node) {
        unsigned n = 0;

        for (size_t i = 0; i < v->watchers.n; i++)
                n += hv_streq(v->watchers.v[i]->node, node);
        return n;
}

void hv_v1_on_watch(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_v1 *v = userdata;
        V1__GetAssignedTasksRequest *m;
        struct hv_v1_watcher *w;

        m = hv_v1_read(v, call, &v1__get_assigned_tasks_request__descriptor, request, arena);
        if (!m)
                return;
        if (n_watchers(v, m->node_id) >= WATCHERS_MAX) {
                hv_rpc_server_call_end(call, HV_RPC_RESOURCE_EXHAUSTED, "this node watches often enough");
                return;
        }
        w = HV_NEW(struct hv_v1_watcher);
        w->call = call;
        w->node = hv_strdup(m->node_id);
        w->is_due = true;
        hv_vec_push(&v->watchers, w);
        hv_rpc_server_call_set_data(call, w);
        go_on(v, w);
}

void hv_v1_on_watch_sent(void *userdata, struct hv_rpc_server_call *call) {
        struct hv_v1_watcher *w = hv_rpc_server_call_data(call);

        if (!w)
                return;
        w->is_sending = false;
        go_on(userdata, w);
}

void hv_v1_on_watch_done(void *userdata, struct hv_rpc_server_call *call, bool written) {
        struct hv_v1_watcher *w = hv_rpc_server_call_data(call);
        struct hv_v1 *v = userdata;

        (void) written;
        if (!w)
                return;
        for (size_t i = 0; i < v->watchers.n; i++)
                if (v->watchers.v[i] == w)
                        v->watchers.v[i] = v->watchers.v[--v->watchers.n];
        for (size_t i = 0; i < w->slices.n; i++)
                (void) hv_rpc_bytes_free(w->slices.v[i]);
        hv_vec_done(&w->slices);
        free(w->node);
        free(w);
}

void hv_v1_changed(struct hv_v1 *v, const char *node) {
        for (size_t i = 0; i < v->watchers.n; i++)
                if (hv_streq(v->watchers.v[i]->node, node)) {
                        v->watchers.v[i]->is_due = true;
                        go_on(v, v->watchers.v[i]);
                }
}

/* --- inputs --- */

struct wanted {
        const V1__FetchTaskInputRequest *m;
        struct hv_blobs *blobs;
        int fd;
};

static void find_input(void *userdata, const struct hv_hivepool_assigned *a) {
        struct wanted *w = userdata;
        V1__Task *t;
        uint64_t size;

        if (w->fd >= 0 || !hv_streq(a->id, w->m->task_id) ||
            (w->m->attempt > 0 && w->m->attempt != a->attempt))
                return;
        t = v1__task__unpack(NULL, a->spec_len, a->spec);
        for (size_t i = 0; t && w->fd < 0 && i < t->n_input_refs; i++)
                if (hv_streq(t->input_refs[i]->name, w->m->name))
                        w->fd = hv_blobs_open(w->blobs, t->input_refs[i]->sha256, &size);
        if (t)
                v1__task__free_unpacked(t, NULL);
}

/* Only to the node that has the task. */
void hv_v1_on_input(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_v1 *v = userdata;
        struct wanted wanted = { .blobs = hv_hivepool_blobs(v->options.pool), .fd = -1 };
        struct hv_err err = {};
        int r;

        wanted.m = hv_v1_read(v, call, &v1__fetch_task_input_request__descriptor, request, arena);
        if (!wanted.m)
                return;
        r = hv_hivepool_assigned(v->options.pool, wanted.m->node_id, find_input, &wanted, &err);
        if (r < 0) {
                hv_fd_closep(&wanted.fd);
                hv_message_fail(call, r, &err);
        } else if (wanted.fd < 0) {
                hv_rpc_server_call_end(call, HV_RPC_NOT_FOUND, "no task of this node has such an input");
        } else {
                hv_file_stream_start(call, wanted.fd, wanted.m->offset, NULL);
        }
}

/* pool/v1.c - dialect v1: the node asks, the pool answers; see v1.h. */
#include "pool/v1.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/time.h"
#include "rpc/credentials.h"

#define GIB ((double) (1 << 30))
#define SLOWEST_BYTES_S 65536 /* a result gets the time that it needs at this rate */

static uint64_t wall_s(void) {
        return (uint64_t) time(NULL);
}

static char *text(const char *s) {
        return (char *) (s ? s : ""); /* protobuf-c takes what it only reads without const */
}

/* success=false with what the pool says to it. */
static void refuse(struct hv_answer *a, enum hv_pool_outcome outcome, const char *method, const char *message,
                   struct hv_arena *arena) {
        char shown[HV_RPC_TEXT_SIZE];

        a->outcome = outcome;
        a->message = hv_arena_printf(arena, "%s: the pool says: %s", method,
                                     hv_rpc_status_text(message, strlen(message), shown));
}

/* --- register --- */

static void on_registered(struct hv_pool_peer *p, const struct v1_caller *caller, struct hv_answer *a,
                          const ProtobufCMessage *reply) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const V1__RegisterNodeResponse *m = (const V1__RegisterNodeResponse *) reply;

        if (a->outcome == HV_POOL_OUTCOME_OK && !m->success) {
                refuse(a, HV_POOL_OUTCOME_REFUSED, "RegisterNode", m->message, arena);
        } else if (a->outcome == HV_POOL_OUTCOME_OK) {
                p->node_epoch = m->node_epoch;
                p->knows_additions = m->node_epoch || m->lease_s;
                a->takes_back = m->takes_back;
                a->lease_us = HV_MIN(m->lease_s, UINT64_C(1) << 40) * HV_USEC_PER_SEC;
        }
        caller->done(caller->data, a);
}

static int32_t port_of(const char *listen) {
        const char *colon = listen ? strrchr(listen, ':') : NULL;
        uint64_t port;

        return colon && hv_parse_uint(colon + 1, 0, 65535, &port) ? (int32_t) port : 0;
}

static void add_gpus(V1__RegisterNodeRequest *m, const struct hv_pool_node *node, struct hv_arena *arena) {
        m->gpus = HV_ARENA_NEW_N(arena, V1__Gpu *, node->n_gpus);
        for (size_t i = 0; i < node->n_gpus; i++) {
                m->gpus[i] = HV_ARENA_NEW(arena, V1__Gpu);
                v1__gpu__init(m->gpus[i]);
                m->gpus[i]->uuid = text(node->gpus[i].uuid);
                m->gpus[i]->name = text(node->gpus[i].name);
                m->gpus[i]->memory_gb = (double) node->gpus[i].memory_bytes / GIB;
        }
        m->n_gpus = node->n_gpus;
}

static void add_labels(V1__RegisterNodeRequest *m, const struct hv_pool_node *node, struct hv_arena *arena) {
        m->labels = HV_ARENA_NEW_N(arena, V1__RegisterNodeRequest__LabelsEntry *, node->n_labels);
        for (size_t i = 0; i < node->n_labels; i++) {
                m->labels[i] = HV_ARENA_NEW(arena, V1__RegisterNodeRequest__LabelsEntry);
                v1__register_node_request__labels_entry__init(m->labels[i]);
                m->labels[i]->key = text(node->labels[i][0]);
                m->labels[i]->value = text(node->labels[i][1]);
        }
        m->n_labels = node->n_labels;
}

static void enrol(struct hv_pool_peer *p, const struct hv_pool_node *node, hv_answer_fn *done,
                  void *done_data) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_pool_options *o = p->with.options;
        V1__RegisterNodeRequest m = V1__REGISTER_NODE_REQUEST__INIT;

        m.node_id = text(o->node_id);
        m.ip_address = text(node->address);
        m.port = port_of(o->listen);
        m.cpu_cores = (int32_t) node->n_cpus;
        m.memory_gb = (double) node->total.memory_bytes / GIB;
        m.disk_gb = (double) node->total.disk_bytes / GIB;
        m.capabilities = (char **) node->capabilities;
        m.n_capabilities = node->n_capabilities;
        add_gpus(&m, node, arena);
        add_labels(&m, node, arena);
        m.agent_version = text(o->agent_version);
        m.trust_score = node->trust_score;
        if (o->password)
                m.token = text(hv_secret_bytes(o->password));
        v1_call_start(p,
                      &(struct v1_request){ .method = "RegisterNode",
                                            .message = &m.base,
                                            .reply = &v1__register_node_response__descriptor },
                      on_registered, (struct v1_caller){ done, done_data, false });
}

/* --- beat --- */

static void on_beaten(struct hv_pool_peer *p, const struct v1_caller *caller, struct hv_answer *a,
                      const ProtobufCMessage *reply) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const V1__UpdateNodeStatusResponse *m = (const V1__UpdateNodeStatusResponse *) reply;

        (void) p;
        if (a->outcome == HV_POOL_OUTCOME_OK && !m->success)
                refuse(a, HV_POOL_OUTCOME_REREGISTER, "UpdateNodeStatus", m->message, arena);
        else if (a->outcome == HV_POOL_OUTCOME_OK)
                a->pending = m->pending_changes;
        caller->done(caller->data, a);
}

/* HiveMind's words. BUSY: there is no room for anything more, and for nothing at all on a node that admits no task. */
static const char *status_word(const struct hv_pool_node *node) {
        if (!node->engine_available)
                return "ERROR";
        if (node->is_cordoned)
                return "BUSY";
        if (node->n_running == 0)
                return "IDLE";
        return node->is_full || node->available.nano_cpus == 0 || node->available.memory_bytes == 0
                       ? "BUSY"
                       : "ACTIVE";
}

static void fill_resources(V1__Resources *m, const struct hv_booking *b) {
        v1__resources__init(m);
        m->cpu = (double) b->nano_cpus / 1e9;
        m->memory_gb = (double) b->memory_bytes / GIB;
        m->gpu = b->n_gpus;
        m->gpu_memory_gb = (double) b->gpu_memory_bytes / GIB;
        m->disk_gb = (double) b->disk_bytes / GIB;
}

/* NULL: nothing is known. */
static V1__TaskUsage *use_of(const struct hv_pool_task *t, struct hv_arena *arena) {
        V1__TaskUsage *m;

        if (t->cpu_percent < 0 && t->memory_percent < 0 && t->gpu_percent < 0 && t->gpu_memory_percent < 0)
                return NULL;
        m = HV_ARENA_NEW(arena, V1__TaskUsage);
        v1__task_usage__init(m);
        m->cpu = t->cpu_percent;
        m->memory = t->memory_percent;
        m->gpu = t->gpu_percent;
        m->gpu_memory = t->gpu_memory_percent;
        return m;
}

static void add_running(V1__UpdateNodeStatusRequest *m, const struct hv_pool_node *node,
                        struct hv_arena *arena) {
        m->running = HV_ARENA_NEW_N(arena, V1__RunningTask *, node->n_tasks);
        for (size_t i = 0; i < node->n_tasks; i++) {
                m->running[i] = HV_ARENA_NEW(arena, V1__RunningTask);
                v1__running_task__init(m->running[i]);
                m->running[i]->task_id = text(node->tasks[i].id);
                m->running[i]->attempt = node->tasks[i].attempt;
                m->running[i]->state = text(node->tasks[i].state);
                m->running[i]->usage = use_of(&node->tasks[i], arena);
        }
        m->n_running = node->n_tasks;
}

static void send_status(struct hv_pool_peer *p, const struct hv_pool_node *node, const char *status,
                        uint64_t timeout_us, struct v1_caller caller) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        V1__UpdateNodeStatusRequest m = V1__UPDATE_NODE_STATUS_REQUEST__INIT;
        V1__Usage usage = V1__USAGE__INIT;
        V1__Resources available, total;

        m.node_id = text(p->with.options->node_id);
        m.status = text(status);
        m.timestamp = (int64_t) wall_s();
        usage.cpu = node->cpu_percent;
        usage.memory = node->memory_percent;
        usage.disk = node->disk_percent;
        usage.gpu = node->gpu_percent;
        m.usage = &usage;
        fill_resources(&available, &node->available);
        fill_resources(&total, &node->total);
        m.available = &available;
        m.total = &total;
        add_running(&m, node, arena);
        m.node_epoch = p->node_epoch;
        m.closed = node->is_cordoned;
        v1_call_start(p,
                      &(struct v1_request){ .method = "UpdateNodeStatus",
                                            .message = &m.base,
                                            .reply = &v1__update_node_status_response__descriptor,
                                            .timeout_us = timeout_us },
                      on_beaten, caller);
}

static void beat(struct hv_pool_peer *p, const struct hv_pool_node *node, hv_answer_fn *done,
                 void *done_data) {
        send_status(p, node, status_word(node), 0, (struct v1_caller){ done, done_data, false });
}

static void leave(struct hv_pool_peer *p, const struct hv_pool_node *node, hv_answer_fn *done,
                  void *done_data) {
        send_status(p, node, "OFFLINE", HV_POOL_LEAVE_US, (struct v1_caller){ done, done_data, false });
}

/* --- logs and results --- */

static void on_log_taken(struct hv_pool_peer *p, const struct v1_caller *caller, struct hv_answer *a,
                         const ProtobufCMessage *reply) {
        const V1__AppendTaskLogResponse *m = (const V1__AppendTaskLogResponse *) reply;

        (void) p;
        if (a->outcome == HV_POOL_OUTCOME_OK)
                a->next_offset = m->next_offset;
        caller->done(caller->data, a);
}

static void put_log(struct hv_pool_peer *p, const struct hv_pool_owed *owed, uint64_t offset,
                    const char *data, size_t len, hv_answer_fn *done, void *done_data) {
        V1__AppendTaskLogRequest m = V1__APPEND_TASK_LOG_REQUEST__INIT;

        m.task_id = text(owed->id);
        m.attempt = owed->attempt;
        m.number = owed->number;
        m.offset = offset;
        m.data = (ProtobufCBinaryData){ .len = len, .data = (uint8_t *) data };
        m.node_id = text(p->with.options->node_id);
        m.lease_epoch = owed->lease_epoch;
        v1_call_start(
                p,
                &(struct v1_request){ .method = "AppendTaskLog",
                                      .message = &m.base,
                                      .reply = &v1__append_task_log_response__descriptor,
                                      .timeout_us = V1_TIMEOUT_US + len * HV_USEC_PER_SEC / SLOWEST_BYTES_S },
                on_log_taken, (struct v1_caller){ done, done_data, false });
}

static void on_result_taken(struct hv_pool_peer *p, const struct v1_caller *caller, struct hv_answer *a,
                            const ProtobufCMessage *reply) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const V1__ReportTaskResultResponse *m = (const V1__ReportTaskResultResponse *) reply;

        if (a->outcome == HV_POOL_OUTCOME_OK) {
                /* A pool that knows only the documented fields has nothing but `success` to say that it is done. */
                a->committed = m->committed || (m->success && caller->is_whole && !p->knows_additions);
                a->next_offset = m->next_offset;
                if (!m->success)
                        refuse(a, HV_POOL_OUTCOME_REFUSED, "ReportTaskResult", m->message, arena);
        }
        caller->done(caller->data, a);
}

static const char *reason_of(const struct hv_pool_owed *owed, struct hv_arena *arena) {
        const char *cause = owed->cause ? owed->cause : "", *message = owed->message ? owed->message : "";

        return hv_arena_printf(arena, "%s%s%s", cause, *cause && *message ? ": " : "", message);
}

static void fill_result(V1__ReportTaskResultRequest *m, const struct hv_pool_peer *p,
                        const struct hv_pool_parcel *parcel, struct hv_arena *arena) {
        const struct hv_pool_owed *owed = parcel->owed;

        v1__report_task_result_request__init(m);
        m->task_id = text(owed->id);
        m->node_id = text(p->with.options->node_id);
        m->status = text(hv_streq(owed->state, "Completed") ? "completed" : "failed");
        m->timestamp = (int64_t) (owed->finished_wall_us / HV_USEC_PER_SEC);
        m->attempt = owed->attempt;
        m->idempotency_key = text(parcel->key);
        m->exit_code = owed->exit_code;
        m->reason = text(reason_of(owed, arena));
        m->receipt = text(owed->receipt);
        m->lease_epoch = owed->lease_epoch;
        m->node_epoch = p->node_epoch;
        m->state = text(owed->state);
        m->handed_back = owed->is_handed_back;
}

static void put_result(struct hv_pool_peer *p, const struct hv_pool_parcel *parcel, uint64_t offset,
                       hv_answer_fn *done, void *done_data) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        bool whole = !p->knows_additions || parcel->size_bytes <= V1_PIECE_BYTES;
        uint64_t left = parcel->size_bytes - offset;
        size_t len = (size_t) (whole ? parcel->size_bytes : HV_MIN(left, (uint64_t) V1_PIECE_BYTES));
        V1__ReportTaskResultRequest m;
        V1__Chunk chunk = V1__CHUNK__INIT;

        fill_result(&m, p, parcel, arena);
        if (!whole) {
                chunk.offset = offset;
                chunk.total = parcel->size_bytes;
                chunk.sha256 = text(parcel->sha256);
                m.chunk = &chunk;
        }
        if (whole || len == left) /* the pool commits with the last piece */
                m.log = (ProtobufCBinaryData){ .len = parcel->log_len, .data = (uint8_t *) parcel->log };
        v1_call_start(
                p,
                &(struct v1_request){ .method = "ReportTaskResult",
                                      .message = &m.base,
                                      .reply = &v1__report_task_result_response__descriptor,
                                      .timeout_us = V1_TIMEOUT_US + len * HV_USEC_PER_SEC / SLOWEST_BYTES_S,
                                      .file_field = 3,
                                      .fd = parcel->fd,
                                      .file_offset = whole ? 0 : offset,
                                      .file_len = parcel->fd < 0 ? 0 : len },
                on_result_taken, (struct v1_caller){ done, done_data, whole });
}

/* --- assignments --- */

static void receive(struct hv_pool_peer *p, bool on) {
        v1_list_receive(p->list, on);
        v1_inputs_receive(p->inputs, on);
}

static void fetch(struct hv_pool_peer *p) {
        v1_list_fetch(p->list);
}

/* --- the whole --- */

static int make_credentials(const struct hv_pool_options *o, struct hv_rpc_credentials **ret,
                            struct hv_err *err) {
        const struct hv_rpc_tls_files files = { o->ca_file, o->cert_file, o->key_file };

        if (!o->insecure)
                return hv_rpc_credentials_new_client(&files, ret, err);
        *ret = hv_rpc_credentials_new_insecure();
        return 0;
}

static void v1_close(struct hv_pool_peer *p) {
        if (!p)
                return;
        p->list = v1_list_free(p->list);
        p->inputs = v1_inputs_free(p->inputs);
        p->refusals = v1_refusals_free(p->refusals);
        hv_rpc_channel_free(p->channel);
        v1_calls_end(p);
        hv_rpc_credentials_free(p->credentials);
        free(p);
}

static int open_parts(struct hv_pool_peer *p, struct hv_err *err) {
        const struct hv_pool_options *o = p->with.options;
        _hv_cleanup_free_ char *agent = hv_asprintf("hivelet/%s", o->agent_version);
        int r = make_credentials(o, &p->credentials, err);

        if (r == 0)
                r = hv_rpc_channel_new(p->with.rpc,
                                       &(struct hv_rpc_channel_options){
                                               .target = o->address,
                                               .credentials = p->credentials,
                                               .user_agent = agent,
                                               .max_reply_bytes = V1_LIST_MAX_BYTES,
                                               .reconnect_min_us = o->retry_initial_us,
                                               .reconnect_max_us = o->retry_max_us,
                                       },
                                       &p->channel, err);
        if (r == 0)
                r = v1_list_new(p, &p->list, err);
        if (r == 0)
                r = v1_inputs_new(p, &p->inputs, err);
        if (r == 0)
                p->refusals = v1_refusals_new(p);
        return r;
}

static int v1_open(const struct hv_pool_opening *opening, struct hv_pool_peer **ret, struct hv_err *err) {
        struct hv_pool_peer *p = HV_NEW(struct hv_pool_peer);
        int r;

        p->with = *opening;
        TAILQ_INIT(&p->calls);
        r = open_parts(p, err);
        if (r < 0) {
                v1_close(p);
                return hv_err_prefix(err, r, "pool %s", opening->options->address);
        }
        *ret = p;
        return 0;
}

static int reload_credentials(struct hv_pool_peer *p, struct hv_err *err) {
        return hv_rpc_credentials_reload(p->credentials, NULL, err);
}

static void connect_now(struct hv_pool_peer *p) {
        hv_rpc_channel_connect(p->channel);
}

const struct hv_pool_dialect hv_pool_v1 = {
        .name = "v1",
        .shape = HV_POOL_SHAPE_OUTPUTS,
        .log_bytes = V1_PIECE_BYTES,
        .open = v1_open,
        .close = v1_close,
        .reload_credentials = reload_credentials,
        .connect = connect_now,
        .enrol = enrol,
        .beat = beat,
        .leave = leave,
        .receive = receive,
        .fetch = fetch,
        .put_log = put_log,
        .put_result = put_result,
};

/* hivepool/v1.c - see v1.h: registration, beats, results and logs. Lists and inputs: v1_list.c. */
#include "hivepool/v1.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "hivepool/message.h"
#include "hivepool/shape.h"
#include "hivepool/v1_private.h"
#include "log/log.h"

struct hv_v1 *hv_v1_new(const struct hv_v1_options *options) {
        struct hv_v1 *v = HV_NEW(struct hv_v1);

        v->options = *options;
        return v;
}

struct hv_v1 *hv_v1_free(struct hv_v1 *v) {
        if (!v)
                return NULL;
        hv_vec_done(&v->watchers);
        free(v);
        return NULL;
}

/* Every request of this service says its node in a field of that name. */
static const char *node_of(const ProtobufCMessage *m) {
        const ProtobufCFieldDescriptor *f =
                protobuf_c_message_descriptor_get_field_by_name(m->descriptor, "node_id");

        return *(char *const *) ((const char *) m + f->offset);
}

void *hv_v1_read(struct hv_v1 *v, struct hv_rpc_server_call *call, const ProtobufCMessageDescriptor *d,
                 struct hv_rpc_bytes *request, struct hv_arena *arena) {
        ProtobufCMessage *m = hv_message_read(call, d, request, arena);

        if (!m || !v->options.names || hv_rpc_peer_has_name(hv_rpc_server_call_peer(call), node_of(m)))
                return m;
        hv_rpc_server_call_end(call, HV_RPC_PERMISSION_DENIED,
                               "the certificate names somebody else: it must carry the id of the node");
        return NULL;
}

/* --- registration --- */

/* Takes as long for a wrong one as for the right one. */
static bool is_token(const struct hv_secret *token, const char *said) {
        const unsigned char *a = hv_secret_bytes(token);
        size_t len = hv_secret_len(token), said_len = strlen(said);
        unsigned char difference = said_len == len ? 0 : 1;

        for (size_t i = 0; i < len; i++)
                difference |= (unsigned char) (a[i] ^ (unsigned char) said[said_len > 0 ? i % said_len : 0]);
        return difference == 0;
}

static int take_registration(struct hv_v1 *v, V1__RegisterNodeRequest *m, struct hv_arena *arena,
                             uint64_t *ret_epoch, struct hv_err *err) {
        struct hv_hivepool_node node = {};
        unsigned char *said;
        size_t len;
        int r;

        if (v->options.token && !is_token(v->options.token, m->token))
                return hv_err_set(err, -EACCES, "the token is not this pool's");
        m->token = (char *) ""; /* nothing of it is kept */
        said = hv_arena_alloc(arena, v1__register_node_request__get_packed_size(m) + 1);
        len = v1__register_node_request__pack(m, said);
        r = hv_shape_node(HV_STORE_V1, said, len, arena, &node, err);
        return r < 0 ? r : hv_hivepool_register(v->options.pool, v->options.now_us(), &node, ret_epoch, err);
}

static void on_register(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        V1__RegisterNodeResponse answer = V1__REGISTER_NODE_RESPONSE__INIT;
        struct hv_v1 *v = userdata;
        V1__RegisterNodeRequest *m;
        struct hv_err err = {};
        int r;

        m = hv_v1_read(v, call, &v1__register_node_request__descriptor, request, arena);
        if (!m)
                return;
        r = take_registration(v, m, arena, &answer.node_epoch, &err);
        if (r < 0 && r != -EINVAL && r != -EACCES && r != -EBADMSG) {
                hv_message_fail(call, r, &err);
                return;
        }
        if (r < 0)
                hv_log_warn(r, "a registration was refused: %s", err.msg);
        else
                hv_log_info("node %s is registered (its registration %llu)", m->node_id,
                            (unsigned long long) answer.node_epoch);
        answer.success = r >= 0;
        answer.message = r < 0 ? err.msg : (char *) "registered";
        answer.takes_back = true;
        answer.lease_s = v->options.lease_us / HV_USEC_PER_SEC;
        hv_message_reply(call, &answer);
}

/* --- beats --- */

static int total_of(const V1__Resources *m, struct hv_room *ret, struct hv_err *err) {
        const struct hv_shape_amounts a = { .cpus = m->cpu,
                                            .memory_gb = m->memory_gb,
                                            .disk_gb = m->disk_gb,
                                            .gpus = m->gpu,
                                            .gpu_memory_gb = m->gpu_memory_gb };

        return hv_shape_room(&a, false, ret, err);
}

static void on_beat(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        V1__UpdateNodeStatusResponse answer = V1__UPDATE_NODE_STATUS_RESPONSE__INIT;
        struct hv_v1 *v = userdata;
        struct hv_hivepool_beat beat;
        V1__UpdateNodeStatusRequest *m;
        struct hv_err err = {};
        struct hv_room total;
        bool pending = false;
        int r = 0;

        m = hv_v1_read(v, call, &v1__update_node_status_request__descriptor, request, arena);
        if (!m)
                return;
        beat = (struct hv_hivepool_beat){ .node = m->node_id,
                                          .epoch = m->node_epoch,
                                          .status = m->status,
                                          .is_open = strcasecmp(m->status, "ERROR") != 0 &&
                                                     strcasecmp(m->status, "OFFLINE") != 0 && !m->closed };
        if (m->total) {
                r = total_of(m->total, &total, &err);
                beat.total = &total;
        }
        if (r >= 0)
                r = hv_hivepool_beat(v->options.pool, v->options.now_us(), &beat, &pending, &err);
        answer.success = r >= 0;
        answer.message = r < 0 ? err.msg : (char *) "";
        answer.pending_changes = pending;
        hv_message_reply(call, &answer);
}

/* --- results --- */

static bool is_completed(const char *status) {
        return strcasecmp(status, "completed") == 0 || strcasecmp(status, "success") == 0;
}

static const char *or_none(const char *text) {
        return *text ? text : NULL;
}

static void result_of(const V1__ReportTaskResultRequest *m, struct hv_hivepool_result *ret) {
        *ret = (struct hv_hivepool_result){
                .claim = { .task = m->task_id,
                           .node = m->node_id,
                           .lease = m->lease_epoch,
                           .attempt = m->attempt },
                .end = is_completed(m->status) ? HV_LEASE_END_COMPLETED : HV_LEASE_END_FAILED,
                .state = or_none(m->state),
                .reason = or_none(m->reason),
                .key = or_none(m->idempotency_key),
                .receipt = or_none(m->receipt),
                .exit_code = m->exit_code,
                .is_handed_back = m->handed_back,
                .data = m->result.data,
                .len = m->result.len,
                .log = m->log.data,
                .log_len = m->log.len,
        };
        if (m->chunk) {
                ret->sha256 = m->chunk->sha256;
                ret->total = m->chunk->total;
                ret->offset = m->chunk->offset;
        }
}

static void on_result(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        V1__ReportTaskResultResponse answer = V1__REPORT_TASK_RESULT_RESPONSE__INIT;
        struct hv_v1 *v = userdata;
        struct hv_hivepool_result result;
        V1__ReportTaskResultRequest *m;
        struct hv_err err = {};
        int r;

        m = hv_v1_read(v, call, &v1__report_task_result_request__descriptor, request, arena);
        if (!m)
                return;
        result_of(m, &result);
        r = hv_hivepool_report(v->options.pool, v->options.now_us(), &result, &answer.next_offset, &err);
        if (r < 0) {
                hv_log_warn(r, "a result of task %.64s could not be kept: %s", m->task_id, err.msg);
                hv_message_fail(call, r, &err);
                return;
        }
        if (r == HV_HIVEPOOL_REFUSED)
                hv_log_notice("a result of task %.64s from node %.100s was refused: %s", m->task_id,
                              m->node_id, err.msg);
        if (result.is_handed_back && r == HV_HIVEPOOL_COMMITTED)
                hv_log_info("node %.100s handed task %.64s back: %s", m->node_id, m->task_id, m->reason);
        answer.success = r != HV_HIVEPOOL_REFUSED;
        answer.committed = r != HV_HIVEPOOL_GO_ON;
        answer.message = err.msg;
        hv_message_reply(call, &answer);
}

static void on_log(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        V1__AppendTaskLogResponse answer = V1__APPEND_TASK_LOG_RESPONSE__INIT;
        struct hv_v1 *v = userdata;
        struct hv_hivepool_claim claim;
        V1__AppendTaskLogRequest *m;
        struct hv_err err = {};
        int r;

        m = hv_v1_read(v, call, &v1__append_task_log_request__descriptor, request, arena);
        if (!m)
                return;
        claim = (struct hv_hivepool_claim){ .task = m->task_id,
                                            .node = m->node_id,
                                            .lease = m->lease_epoch,
                                            .attempt = m->attempt,
                                            .number = m->number };
        r = hv_hivepool_log(v->options.pool, v->options.now_us(), &claim, m->offset, m->data.data,
                            m->data.len, &answer.next_offset, &err);
        if (r < 0)
                hv_message_fail(call, r, &err);
        else
                hv_message_reply(call, &answer);
}

/* --- the table --- */

#define PATH(name) "/nodepool.NodeManager/" name
/* A node that knows the documented fields only sends its result in one piece. */
#define MAX_RESULT_BYTES ((size_t) 100 << 20)

const struct hv_rpc_method hv_v1_methods[] = {
        { .path = PATH("RegisterNode"), .on_request = on_register },
        { .path = PATH("UpdateNodeStatus"), .on_request = on_beat },
        { .path = PATH("GetAssignedTasks"), .on_request = hv_v1_on_list },
        { .path = PATH("ReportTaskResult"), .max_request_bytes = MAX_RESULT_BYTES, .on_request = on_result },
        { .path = PATH("WatchAssignments"),
          .stream = true,
          .on_request = hv_v1_on_watch,
          .on_sent = hv_v1_on_watch_sent,
          .on_done = hv_v1_on_watch_done },
        { .path = PATH("AppendTaskLog"), .on_request = on_log },
        { .path = PATH("FetchTaskInput"),
          .stream = true,
          .on_request = hv_v1_on_input,
          .on_sent = hv_file_stream_sent,
          .on_done = hv_file_stream_done },
};
const size_t hv_v1_n_methods = HV_ARRAY_SIZE(hv_v1_methods);

/* docker/outcome.c - see outcome.h. */
#include "docker/outcome.h"

#include <errno.h>

#include "docker/quirks.h"

static const struct hv_docker_op_facts facts[HV_DOCKER_N_OPS] = {
        [HV_DOCKER_OP_PING] = { "ping", HV_METHOD_GET, false },
        [HV_DOCKER_OP_INFO] = { "info", HV_METHOD_GET, false },
        [HV_DOCKER_OP_EVENTS] = { "events", HV_METHOD_GET, false },
        [HV_DOCKER_OP_CONTAINER_LIST] = { "container_list", HV_METHOD_GET, false },
        [HV_DOCKER_OP_CONTAINER_INSPECT] = { "container_inspect", HV_METHOD_GET, false },
        [HV_DOCKER_OP_CONTAINER_CREATE] = { "container_create", HV_METHOD_POST, true },
        [HV_DOCKER_OP_CONTAINER_START] = { "container_start", HV_METHOD_POST, true },
        [HV_DOCKER_OP_CONTAINER_STOP] = { "container_stop", HV_METHOD_POST, true },
        [HV_DOCKER_OP_CONTAINER_KILL] = { "container_kill", HV_METHOD_POST, true },
        [HV_DOCKER_OP_CONTAINER_REMOVE] = { "container_remove", HV_METHOD_DELETE, true },
        [HV_DOCKER_OP_CONTAINER_UPDATE] = { "container_update", HV_METHOD_POST, true },
        [HV_DOCKER_OP_CONTAINER_RENAME] = { "container_rename", HV_METHOD_POST, true },
        [HV_DOCKER_OP_CONTAINER_PAUSE] = { "container_pause", HV_METHOD_POST, true },
        [HV_DOCKER_OP_CONTAINER_UNPAUSE] = { "container_unpause", HV_METHOD_POST, true },
        [HV_DOCKER_OP_CONTAINER_WAIT] = { "container_wait", HV_METHOD_POST, false },
        [HV_DOCKER_OP_CONTAINER_LOGS] = { "container_logs", HV_METHOD_GET, false },
        [HV_DOCKER_OP_CONTAINER_STATS] = { "container_stats", HV_METHOD_GET, false },
        [HV_DOCKER_OP_ARCHIVE_LOOK] = { "archive_look", HV_METHOD_HEAD, false },
        [HV_DOCKER_OP_ARCHIVE_GET] = { "archive_get", HV_METHOD_GET, false },
        [HV_DOCKER_OP_ARCHIVE_PUT] = { "archive_put", HV_METHOD_PUT, true },
        [HV_DOCKER_OP_EXEC_CREATE] = { "exec_create", HV_METHOD_POST, true },
        [HV_DOCKER_OP_EXEC_RESIZE] = { "exec_resize", HV_METHOD_POST, true },
        [HV_DOCKER_OP_EXEC_INSPECT] = { "exec_inspect", HV_METHOD_GET, false },
        [HV_DOCKER_OP_IMAGE_LIST] = { "image_list", HV_METHOD_GET, false },
        [HV_DOCKER_OP_IMAGE_INSPECT] = { "image_inspect", HV_METHOD_GET, false },
        [HV_DOCKER_OP_IMAGE_PULL] = { "image_pull", HV_METHOD_POST, true },
        [HV_DOCKER_OP_IMAGE_LOAD] = { "image_load", HV_METHOD_POST, true },
        [HV_DOCKER_OP_IMAGE_TAG] = { "image_tag", HV_METHOD_POST, true },
        [HV_DOCKER_OP_IMAGE_REMOVE] = { "image_remove", HV_METHOD_DELETE, true },
        [HV_DOCKER_OP_NETWORK_LIST] = { "network_list", HV_METHOD_GET, false },
        [HV_DOCKER_OP_NETWORK_INSPECT] = { "network_inspect", HV_METHOD_GET, false },
        [HV_DOCKER_OP_NETWORK_CREATE] = { "network_create", HV_METHOD_POST, true },
        [HV_DOCKER_OP_NETWORK_REMOVE] = { "network_remove", HV_METHOD_DELETE, true },
        [HV_DOCKER_OP_NETWORK_CONNECT] = { "network_connect", HV_METHOD_POST, true },
        [HV_DOCKER_OP_NETWORK_DISCONNECT] = { "network_disconnect", HV_METHOD_POST, true },
        [HV_DOCKER_OP_VOLUME_LIST] = { "volume_list", HV_METHOD_GET, false },
        [HV_DOCKER_OP_VOLUME_INSPECT] = { "volume_inspect", HV_METHOD_GET, false },
        [HV_DOCKER_OP_VOLUME_CREATE] = { "volume_create", HV_METHOD_POST, true },
        [HV_DOCKER_OP_VOLUME_REMOVE] = { "volume_remove", HV_METHOD_DELETE, true },
};

const struct hv_docker_op_facts *hv_docker_op_facts(enum hv_docker_op op) {
        return &facts[op];
}

const char *hv_docker_op_name(enum hv_docker_op op) {
        return facts[op].name;
}

bool hv_docker_op_is_mutating(enum hv_docker_op op) {
        return facts[op].mutating;
}

const char *hv_docker_outcome_name(enum hv_docker_outcome outcome) {
        static const char *const names[HV_DOCKER_N_OUTCOMES] = {
                [HV_DOCKER_OK] = "ok",
                [HV_DOCKER_NOT_MODIFIED] = "not_modified",
                [HV_DOCKER_NOT_FOUND] = "not_found",
                [HV_DOCKER_CONFLICT] = "conflict",
                [HV_DOCKER_DENIED] = "denied",
                [HV_DOCKER_REFUSED] = "refused",
                [HV_DOCKER_UNSUPPORTED] = "unsupported",
                [HV_DOCKER_ENGINE_ERROR] = "engine_error",
                [HV_DOCKER_UNREACHABLE] = "unreachable",
                [HV_DOCKER_UNKNOWN] = "unknown",
        };

        return names[outcome];
}

static void set(struct hv_docker_result *result, enum hv_docker_outcome outcome, int error, bool no_effect) {
        result->outcome = outcome;
        result->error = error;
        result->no_effect = no_effect || !hv_docker_op_is_mutating(result->op);
}

static void judge_status(unsigned status, struct hv_docker_result *result) {
        switch (status) {
        case 304:
                set(result, HV_DOCKER_NOT_MODIFIED, 0, true);
                return;
        case 401:
        case 403:
                set(result, HV_DOCKER_DENIED, -EACCES, true);
                return;
        case 404:
                set(result, HV_DOCKER_NOT_FOUND, -ENOENT, true);
                return;
        case 408: /* the engine, or a proxy before it, did not wait for us: another try may do */
        case 429:
                set(result, HV_DOCKER_ENGINE_ERROR, -EAGAIN, true);
                return;
        case 409:
                set(result, HV_DOCKER_CONFLICT, -EBUSY, true);
                return;
        case 501:
                set(result, HV_DOCKER_UNSUPPORTED, -EOPNOTSUPP, true);
                return;
        default:
                if (status < 500)
                        set(result, HV_DOCKER_REFUSED, -EINVAL, true);
                else /* a failed start has created, a failed create may have left something */
                        set(result, HV_DOCKER_ENGINE_ERROR, -EIO, false);
        }
}

void hv_docker_judge_garbled(int error, struct hv_docker_result *result) {
        /* What was to be read was not read; what was to be done was probably done. */
        set(result, hv_docker_op_is_mutating(result->op) ? HV_DOCKER_UNKNOWN : HV_DOCKER_ENGINE_ERROR, error,
            false);
}

void hv_docker_judge(enum hv_docker_op op, enum hv_docker_kind kind, const struct hv_reply *reply,
                     const char *message, struct hv_docker_result *result) {
        unsigned status = reply->status;

        result->op = op;
        result->status = reply->status;
        if (!reply->sent) {
                set(result, HV_DOCKER_UNREACHABLE, reply->error ? reply->error : -ENOTCONN, true);
                return;
        }
        if (status >= 300) {
                judge_status(hv_docker_quirk_status(op, kind, status, message), result);
                return;
        }
        switch (reply->end) {
        case HV_TRANSFER_DONE:
                set(result, HV_DOCKER_OK, 0, false);
                return;
        case HV_TRANSFER_TOO_BIG:
        case HV_TRANSFER_ABORTED:
                hv_docker_judge_garbled(reply->error, result);
                return;
        case HV_TRANSFER_UNREACHABLE: /* never with `sent` */
        case HV_TRANSFER_CUT:
        case HV_TRANSFER_LATE:
        case HV_TRANSFER_STALLED:
                set(result, HV_DOCKER_UNKNOWN, reply->error, false);
                return;
        }
}

/* hivepool/push.c - see push.h: life, who calls, and the table of methods. */
#include "hivepool/push.h"

#include <errno.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "hivepool/message.h"
#include "hivepool/push_private.h"
#include "log/log.h"
#include "rpc/credentials.h"

int hv_push_new(const struct hv_push_options *options, struct hv_push **ret, struct hv_err *err) {
        struct hv_push *p = HV_NEW(struct hv_push);
        int r;

        p->options = *options;
        p->offers = hv_map_new(hv_push_offer_free);
        p->channels = hv_map_new(NULL);
        p->plain = hv_rpc_credentials_new_insecure();
        p->is_fresh = true;
        r = hv_push_start_rounds(p, err);
        if (r < 0) {
                (void) hv_push_free(p);
                return r;
        }
        *ret = p;
        return 0;
}

struct hv_push *hv_push_free(struct hv_push *p) {
        if (!p)
                return NULL;
        p->round = sd_event_source_disable_unref(p->round);
        hv_push_drop_channels(p);
        (void) hv_map_free(p->channels);
        (void) hv_map_free(p->offers);
        (void) hv_rpc_credentials_free(p->plain);
        free(p);
        return NULL;
}

/* --- who calls --- */

static void reject(struct hv_push *p, struct hv_rpc_server_call *call) {
        if (p->options.like_deployed)
                hv_rpc_server_call_end(call, HV_RPC_INTERNAL, "Exception deserializing request!");
        else
                hv_rpc_server_call_end(
                        call, HV_RPC_UNAUTHENTICATED,
                        "log in: the token in `authorization` is missing, expired or not this pool's");
}

bool hv_push_is_allowed(struct hv_push *p, struct hv_rpc_server_call *call, const char **ret_name) {
        const char *said = hv_rpc_server_call_header(call, "authorization");

        if (said && hv_has_prefix(said, "Bearer ") &&
            hv_accounts_judge(p->options.accounts, said + strlen("Bearer "), ret_name) == HV_TOKEN_GOOD)
                return true;
        reject(p, call);
        return false;
}

void hv_push_ack(struct hv_rpc_server_call *call, bool success, const char *message) {
        Hivemind__Ack ack = HIVEMIND__ACK__INIT;

        ack.success = success;
        ack.message = (char *) message;
        hv_message_reply(call, &ack);
}

/* --- calls with a zip --- */

static void on_intake(void *userdata, const struct hv_intake_end *end) {
        struct hv_push_delivery *d = userdata;
        struct hv_rpc_bytes *rest;

        d->intake = NULL;
        if (end->error < 0) {
                hv_message_fail(d->call, end->error, end->err);
                return;
        }
        rest = hv_rpc_bytes_new();
        hv_rpc_bytes_add(rest, end->fields, end->fields_len);
        d->on(d, end, rest);
}

void hv_push_take_in(struct hv_push *p, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request,
                     void (*on)(struct hv_push_delivery *d, const struct hv_intake_end *end,
                                struct hv_rpc_bytes *rest)) {
        const char *account = NULL;
        struct hv_push_delivery *d;
        struct hv_intake *intake;

        if (!hv_push_is_allowed(p, call, &account)) {
                (void) hv_rpc_bytes_free(request);
                return;
        }
        d = HV_NEW(struct hv_push_delivery);
        *d = (struct hv_push_delivery){ .p = p, .call = call, .account = hv_strdup(account), .on = on };
        hv_rpc_server_call_set_data(call, d);
        intake = hv_intake_start(p->options.event, hv_hivepool_blobs(p->options.pool), request, on_intake, d);
        if (intake)
                d->intake = intake;
}

void hv_push_on_intake_done(void *userdata, struct hv_rpc_server_call *call, bool written) {
        struct hv_push_delivery *d = hv_rpc_server_call_data(call);

        (void) userdata, (void) written;
        if (!d)
                return;
        hv_intake_cancel(d->intake);
        free(d->account);
        free(d);
}

/* --- the table --- */

#define MAX_ZIP_BYTES ((size_t) 1 << 30) /* as the deployed pool */

const struct hv_rpc_method hv_push_methods[] = {
        { .path = "/nodepool.UserService/Login",
          .on_request = hv_push_on_login,
          .on_done = hv_push_on_login_done },
        { .path = "/nodepool.UserService/GetBalance", .on_request = hv_push_on_balance },
        { .path = "/nodepool.UserService/RefreshToken", .on_request = hv_push_on_refresh },
        { .path = "/nodepool.UserService/Transfer", .on_request = hv_push_on_transfer },
        { .path = "/nodepool.NodeManagerService/RegisterWorkerNode", .on_request = hv_push_on_register },
        { .path = "/nodepool.NodeManagerService/ReportStatus", .on_request = hv_push_on_status },
        { .path = "/nodepool.WorkerNodeService/TaskOutputUpload", .on_request = hv_push_on_output },
        { .path = "/nodepool.WorkerNodeService/TaskUsage", .on_request = hv_push_on_usage },
        { .path = "/nodepool.WorkerNodeService/TaskResultUpload",
          .max_request_bytes = MAX_ZIP_BYTES,
          .on_request = hv_push_on_result,
          .on_done = hv_push_on_intake_done },
        { .path = "/nodepool.MasterNodeService/UploadTask",
          .max_request_bytes = MAX_ZIP_BYTES,
          .on_request = hv_push_on_upload,
          .on_done = hv_push_on_intake_done },
        { .path = "/nodepool.MasterNodeService/GetTaskResult", .on_request = hv_push_on_get_result },
        { .path = "/nodepool.MasterNodeService/GetAllUserTasks", .on_request = hv_push_on_list },
        { .path = "/nodepool.MasterNodeService/StopTask", .on_request = hv_push_on_stop },
        { .path = "/nodepool.MasterNodeService/GetTasklog", .on_request = hv_push_on_get_log },
};
const size_t hv_push_n_methods = HV_ARRAY_SIZE(hv_push_methods);

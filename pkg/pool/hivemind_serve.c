/* pool/hivemind_serve.c - see hivemind.h.
 *
 *      ExecuteTask --> allowed? --> fields --> zip into the inbox --> document --> assign, durable --> Ack
 *
 * "No" is success=false: the pool then offers the task again, here or elsewhere, every 10 s (SEEN). */
#include <errno.h>

#include "base/alloc.h"
#include "log/log.h"
#include "pool/hivemind.h"
#include "pool/hivemind_document.h"
#include "pool/inbox.h"
#include "pool/message.h"
#include "pool/wire.h"
#include "rpc/credentials.h"
#include "spec/value_net.h"

#define EXECUTE_MAX_BYTES ((size_t) 520 << 20) /* a user may give the pool 500 MB */
#define STOP_MAX_BYTES ((size_t) 65536)

struct hivemind_offer {
        TAILQ_ENTRY(hivemind_offer) entry;
        struct hv_pool_peer *peer;
        struct hv_rpc_server_call *call; /* NULL: it is over, nobody hears the answer */
        struct hv_arena *arena;
        Hivemind__ExecuteTaskRequest *m;
        struct hivemind_intake *intake;
        const char *sha256; /* held in the inbox */
        bool is_asked;      /* on_verdict() is to come */
        bool is_taken;      /* a promise names it */
};

static void reply(struct hv_rpc_server_call *call, bool success, const char *message) {
        Hivemind__Ack ack = HIVEMIND__ACK__INIT;

        ack.success = success;
        ack.message = (char *) message;
        hv_rpc_server_call_reply(call, hv_message_pack(&ack.base));
}

/* --- ExecuteTask --- */

static void free_offer(struct hivemind_offer *o) {
        const struct hv_pool_opening *with = &o->peer->with;

        TAILQ_REMOVE(&o->peer->offers, o, entry);
        hivemind_intake_free(o->intake);
        if (o->sha256) {
                hv_inbox_release(with->inbox, o->sha256);
                if (!o->is_taken)
                        with->sink->unclaimed(with->sink_data);
        }
        hv_arena_free(o->arena);
        free(o);
}

static void answer(struct hivemind_offer *o, bool success, const char *message) {
        if (o->call)
                reply(o->call, success, message);
}

static void refuse(struct hivemind_offer *o, const char *id, const char *why) {
        o->peer->with.sink->refused(o->peer->with.sink_data, id, why);
        answer(o, false, why);
}

static void on_verdict(void *userdata, enum hv_pool_verdict verdict, const char *message) {
        struct hivemind_offer *o = userdata;

        o->is_asked = false;
        o->is_taken = verdict == HV_POOL_ACCEPTED || verdict == HV_POOL_KNOWN;
        if (verdict == HV_POOL_REFUSED)
                refuse(o, o->m->task_id, message ? message : "");
        else
                answer(o, o->is_taken, message ? message : "");
        if (!o->call)
                free_offer(o);
}

static void on_taken(void *userdata, const struct hivemind_taken *taken) {
        struct hivemind_offer *o = userdata;
        struct hv_pool_assignment a;

        if (taken->err) {
                refuse(o, o->m->task_id, taken->err->msg);
                return;
        }
        o->sha256 = hv_arena_strdup(o->arena, taken->sha256);
        if (!o->call) { /* it will be offered again: to somebody else, perhaps */
                free_offer(o);
                return;
        }
        hivemind_document(o->m, o->sha256, o->arena, &a);
        o->is_asked = true;
        o->peer->with.sink->assign(o->peer->with.sink_data, &a, on_verdict, o);
}

/* 0: its zip is on the way. The message is used up. */
static int begin(struct hivemind_offer *o, struct hv_rpc_bytes *message, struct hv_err *err) {
        size_t zip_at, zip_len;
        int r;

        r = hivemind_intake_read(message, o->arena, &o->m, &zip_at, &zip_len, err);
        if (r == 0)
                r = hivemind_document_check(o->m, zip_len, err);
        if (r < 0) {
                o->m = NULL;
                hv_rpc_bytes_free(message);
                return r;
        }
        hivemind_offer_began(o->peer, o->m->task_id);
        return hivemind_intake_start(o->peer, message, zip_at, zip_len, on_taken, o, &o->intake, err);
}

static void on_execute(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        struct hv_pool_peer *p = userdata;
        struct hivemind_offer *o;
        struct hv_err err = {};

        if (!p->receives) {
                hv_rpc_bytes_free(request);
                hv_rpc_server_call_end(call, HV_RPC_UNAVAILABLE, "this node is not registered yet");
                return;
        }
        o = HV_NEW(struct hivemind_offer);
        o->peer = p;
        o->call = call;
        o->arena = hv_arena_new();
        TAILQ_INSERT_TAIL(&p->offers, o, entry);
        hv_rpc_server_call_set_data(call, o);
        if (begin(o, request, &err) < 0)
                refuse(o, o->m ? o->m->task_id : NULL, err.msg);
}

/* The answer was written, or nobody waits for it any more. */
static void on_execute_done(void *userdata, struct hv_rpc_server_call *call, bool written) {
        struct hivemind_offer *o = hv_rpc_server_call_data(call);

        (void) userdata;
        if (!o)
                return;
        if (!written)
                hv_log_debug("pool: ExecuteTask was given up before it was answered");
        o->call = NULL;
        if (o->m)
                hivemind_offer_ended(o->peer, o->m->task_id);
        if (!o->is_asked)
                free_offer(o);
}

/* --- StopTaskExecution --- */

static void on_stop(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        _hv_cleanup_(hv_rpc_bytes_freep) struct hv_rpc_bytes *bytes = request;
        struct hv_pool_peer *p = userdata;
        Hivemind__StopTaskExecutionRequest *m;
        struct hv_err err = {};
        bool known;

        if (hv_wire_unpack(&hivemind__stop_task_execution_request__descriptor, hv_rpc_bytes_flat(bytes),
                           hv_rpc_bytes_len(bytes), arena, &m, &err) < 0) {
                hv_rpc_server_call_end(call, HV_RPC_INVALID_ARGUMENT, err.msg);
                return;
        }
        known = p->with.sink->cancel(p->with.sink_data, m->task_id, "the pool stopped it");
        reply(call, known, known ? "" : "no such task of the pool is on this node");
}

/* --- the server --- */

static enum hv_rpc_status may_call(void *userdata, const struct hv_rpc_peer *caller, const char *path,
                                   const char **text) {
        const struct hv_pool_peer *p = userdata;

        (void) path;
        if (!hivemind_peers_allow(p->peers, &caller->address)) {
                *text = "this address is not among the pool's (master.peers)";
                return HV_RPC_PERMISSION_DENIED;
        }
        if (p->pool_host && !hv_rpc_peer_has_name(caller, p->pool_host)) {
                *text = "the certificate does not name the pool's host (master.address)";
                return HV_RPC_PERMISSION_DENIED;
        }
        return HV_RPC_OK;
}

static const struct hv_rpc_method methods[] = {
        { .path = "/nodepool.WorkerNodeService/ExecuteTask",
          .max_request_bytes = EXECUTE_MAX_BYTES,
          .on_request = on_execute,
          .on_done = on_execute_done },
        { .path = "/nodepool.WorkerNodeService/StopTaskExecution",
          .max_request_bytes = STOP_MAX_BYTES,
          .on_request = on_stop },
};

/* --- what callers are shown --- */

static int make_shown(struct hv_pool_peer *p, struct hv_err *err) {
        const struct hv_pool_options *o = p->with.options;
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_endpoint e;
        int r;

        if (!o->listen_cert_file) {
                p->shown = hv_rpc_credentials_new_insecure();
                return 0;
        }
        r = hv_rpc_credentials_new_server(&(struct hv_rpc_tls_files){ .ca_file = o->listen_ca_file,
                                                                      .cert_file = o->listen_cert_file,
                                                                      .key_file = o->listen_key_file },
                                          &p->shown, err);
        if (r < 0 || !o->listen_ca_file)
                return r;
        if (hv_value_endpoint(o->address, "E0501", arena, &e, NULL) < 0)
                return hv_err_set(err, -EINVAL, "%s is not host:port", o->address);
        p->pool_host = hv_strdup(e.host);
        return 0;
}

int hivemind_serve_reload(struct hv_pool_peer *p, struct hv_err *err) {
        bool changed = false;
        int r = hv_rpc_credentials_reload(p->shown, &changed, err);

        if (changed)
                hv_log_notice("pool: callers are shown the new certificate of %s",
                              p->with.options->listen_cert_file);
        return r;
}

/* --- life --- */

int hivemind_serve(struct hv_pool_peer *p, struct hv_err *err) {
        int r = hivemind_peers_new(p->with.options, &p->peers, err);

        if (r == 0)
                r = make_shown(p, err);
        if (r < 0)
                return r;
        hivemind_peers_look(p->peers);
        r = hv_rpc_server_new(p->with.rpc,
                              &(struct hv_rpc_server_options){
                                      .listen = p->with.options->listen,
                                      .credentials = p->shown,
                                      .methods = methods,
                                      .n_methods = HV_ARRAY_SIZE(methods),
                                      .accept = may_call,
                                      /* One large message at a time, and room to stop a task beside it. */
                                      .max_held_bytes = EXECUTE_MAX_BYTES + 16 * STOP_MAX_BYTES,
                                      .userdata = p,
                              },
                              &p->server, err);
        return r < 0 ? hv_err_prefix(err, r, "the pool cannot call this node") : 0;
}

void hivemind_serve_end(struct hv_pool_peer *p) {
        struct hivemind_offer *o;

        p->server = hv_rpc_server_free(p->server); /* ends the calls */
        while ((o = TAILQ_FIRST(&p->offers)))
                free_offer(o);
        p->peers = hivemind_peers_free(p->peers);
        p->shown = hv_rpc_credentials_free(p->shown);
        free(HV_STEAL(p->pool_host));
}

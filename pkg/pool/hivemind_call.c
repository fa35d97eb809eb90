/* pool/hivemind_call.c - see hivemind.h. */
#include "base/alloc.h"
#include "pool/hivemind.h"
#include "pool/message.h"
#include "pool/wire.h"

/* SEEN: a handler that rejects a token cannot read the request, and says that instead. */
#define REJECTED "Exception deserializing request!"
#define TIMEOUT_US (15 * HV_USEC_PER_SEC)

struct hivemind_call {
        TAILQ_ENTRY(hivemind_call) entry;
        struct hv_pool_peer *peer;
        char *path;
        const char *method;
        const ProtobufCMessageDescriptor *reply;
        bool shows_token; /* what is said of the caller is said of the node's token */
        hivemind_reply_fn *on_reply;
        struct hivemind_caller caller;
        sd_event_source *known; /* there was no call: says so in the next turn of the loop */
        struct hv_answer answer;
        char *message;
};

static void free_call(struct hivemind_call *c) {
        TAILQ_REMOVE(&c->peer->calls, c, entry);
        sd_event_source_disable_unref(c->known);
        free(c->path);
        free(c->message);
        free(c);
}

static int on_known(sd_event_source *s, void *userdata) {
        struct hivemind_call *c = userdata;
        struct hv_pool_peer *peer = c->peer;
        const struct hivemind_caller caller = c->caller;
        struct hv_answer answer = c->answer;
        hivemind_reply_fn *on_reply = c->on_reply;
        _hv_cleanup_free_ char *message = HV_STEAL(c->message);

        (void) s;
        answer.message = message;
        free_call(c);
        if (on_reply)
                on_reply(peer, &caller, &answer, NULL);
        else
                caller.done(caller.data, &answer);
        return 0;
}

static struct hivemind_call *add_call(struct hv_pool_peer *peer, const struct hivemind_caller *caller) {
        struct hivemind_call *c = HV_NEW(struct hivemind_call);

        c->peer = peer;
        c->caller = *caller;
        TAILQ_INSERT_TAIL(&peer->calls, c, entry);
        return c;
}

static void answer_later(struct hivemind_call *c, const struct hv_answer *answer) {
        c->answer = *answer;
        c->message = hv_strdup(answer->message ? answer->message : "");
        (void) sd_event_add_defer(c->peer->with.options->event, &c->known, on_known, c);
}

void hivemind_answer_later(struct hv_pool_peer *peer, const struct hv_answer *answer,
                           const struct hivemind_caller *caller) {
        answer_later(add_call(peer, caller), answer);
}

static void read_end(const struct hivemind_call *c, const struct hv_rpc_end *end, struct hv_arena *arena,
                     struct hv_answer *answer, ProtobufCMessage **reply) {
        struct hv_err err;

        answer->outcome = hv_pool_outcome_of_status(end->status, &answer->answered);
        if (end->status == HV_RPC_INTERNAL && strstr(end->text, REJECTED)) {
                answer->outcome = HV_POOL_OUTCOME_RELOGIN;
                answer->answered = true;
        }
        if (answer->outcome == HV_POOL_OUTCOME_RELOGIN && c->shows_token)
                c->peer->token_holds = false;
        if (answer->outcome != HV_POOL_OUTCOME_OK) {
                answer->message =
                        hv_arena_printf(arena, "%s: %s%s%s", c->method, hv_rpc_status_name(end->status),
                                        *end->text ? ": " : "", end->text);
        } else if (hv_wire_unpack(c->reply, hv_rpc_bytes_flat(end->reply), hv_rpc_bytes_len(end->reply),
                                  arena, reply, &err) < 0) {
                answer->outcome = HV_POOL_OUTCOME_AGAIN;
                answer->message =
                        hv_arena_printf(arena, "%s: the answer cannot be read: %s", c->method, err.msg);
        }
}

static void on_end(void *userdata, const struct hv_rpc_end *end) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hivemind_call *c = userdata;
        struct hv_pool_peer *peer = c->peer;
        const struct hivemind_caller caller = c->caller;
        hivemind_reply_fn *on_reply = c->on_reply;
        struct hv_answer answer = { .message = "" };
        ProtobufCMessage *reply = NULL;

        read_end(c, end, arena, &answer, &reply);
        (void) hv_rpc_bytes_free(end->reply);
        free_call(c);
        on_reply(peer, &caller, &answer, reply);
}

/* -errno: it could not even be started. */
static int start(struct hivemind_call *c, const struct hivemind_request *r, struct hv_err *err) {
        struct hv_pool_peer *peer = c->peer;
        struct hv_rpc_bytes *request = hv_message_pack(r->message);
        char *bearer = peer->token && !r->has_no_token
                               ? hv_asprintf("Bearer %s", (const char *) hv_secret_bytes(peer->token))
                               : NULL;
        const struct hv_rpc_header header = { .name = "authorization", .value = bearer };
        int ok = 0;

        if (r->file_len)
                ok = hv_message_add_file(request, r->file_field, r->fd, 0, r->file_len, err);
        if (ok < 0)
                hv_rpc_bytes_free(request);
        else
                ok = hv_rpc_call_start(peer->channel,
                                       &(struct hv_rpc_call_options){
                                               .method = c->path,
                                               .request = request,
                                               .headers = &header,
                                               .n_headers = bearer ? 1 : 0,
                                               .timeout_us = r->timeout_us ? r->timeout_us : TIMEOUT_US,
                                               .on_end = on_end,
                                               .userdata = c,
                                       },
                                       NULL, err);
        if (bearer)
                explicit_bzero(bearer, strlen(bearer));
        free(bearer);
        return ok;
}

void hivemind_call_start(struct hv_pool_peer *peer, const struct hivemind_request *r,
                         hivemind_reply_fn *on_reply, const struct hivemind_caller *caller) {
        struct hivemind_call *c = add_call(peer, caller);
        struct hv_err err = {};

        c->path = hv_asprintf("/nodepool.%s", r->method);
        c->method = strchr(r->method, '/') + 1;
        c->reply = r->reply ? r->reply : &hivemind__ack__descriptor;
        c->shows_token = !r->has_no_token;
        c->on_reply = on_reply;
        if (start(c, r, &err) < 0)
                answer_later(c, &(struct hv_answer){ .outcome = HV_POOL_OUTCOME_AGAIN,
                                                     .answered = true,
                                                     .message = err.msg });
}

void hivemind_calls_end(struct hv_pool_peer *peer) {
        struct hivemind_call *c;

        while ((c = TAILQ_FIRST(&peer->calls)))
                free_call(c);
}

void hivemind_judge_ack(struct hv_answer *answer, const ProtobufCMessage *reply, enum hv_pool_outcome no,
                        const char *method, struct hv_arena *arena) {
        const Hivemind__Ack *m = (const Hivemind__Ack *) reply;
        char shown[HV_RPC_TEXT_SIZE];

        if (answer->outcome != HV_POOL_OUTCOME_OK || m->success)
                return;
        answer->outcome = no;
        answer->message = hv_arena_printf(arena, "%s: the pool says: %s", method,
                                          hv_rpc_status_text(m->message, strlen(m->message), shown));
}

/* pool/v1_call.c - see v1.h. */
#include <errno.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "base/text.h"
#include "pool/message.h"
#include "pool/v1.h"
#include "pool/wire.h"

struct v1_call {
        TAILQ_ENTRY(v1_call) entry;
        struct hv_pool_peer *peer;
        const char *method;
        const ProtobufCMessageDescriptor *reply;
        v1_reply_fn *on_reply;
        struct v1_caller caller;
        sd_event_source *failed; /* it could not even be started: says so in the next turn of the loop */
        struct hv_err err;
};

const char *v1_say(struct hv_arena *arena, const char *method, const struct hv_rpc_end *end) {
        return hv_arena_printf(arena, "%s: %s%s%s", method, hv_rpc_status_name(end->status),
                               *end->text ? ": " : "", end->text);
}

static void end_call(struct v1_call *c, struct hv_answer *answer, const ProtobufCMessage *reply) {
        TAILQ_REMOVE(&c->peer->calls, c, entry);
        sd_event_source_disable_unref(c->failed);
        c->on_reply(c->peer, &c->caller, answer, reply);
        free(c);
}

static int on_failed(sd_event_source *s, void *userdata) {
        struct v1_call *c = userdata;
        struct hv_answer answer = { .outcome = HV_POOL_OUTCOME_AGAIN,
                                    .answered = true,
                                    .message = c->err.msg };

        (void) s;
        end_call(c, &answer, NULL);
        return 0;
}

static void on_end(void *userdata, const struct hv_rpc_end *end) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        _hv_cleanup_(hv_rpc_bytes_freep) struct hv_rpc_bytes *bytes = end->reply;
        struct v1_call *c = userdata;
        struct hv_answer answer = { .message = "" };
        ProtobufCMessage *reply = NULL;
        struct hv_err err;

        answer.outcome = hv_pool_outcome_of_status(end->status, &answer.answered);
        if (answer.outcome != HV_POOL_OUTCOME_OK) {
                answer.message = v1_say(arena, c->method, end);
        } else if (hv_wire_unpack(c->reply, hv_rpc_bytes_flat(bytes), hv_rpc_bytes_len(bytes), arena, &reply,
                                  &err) < 0) {
                answer.outcome = HV_POOL_OUTCOME_AGAIN;
                answer.message =
                        hv_arena_printf(arena, "%s: the answer cannot be read: %s", c->method, err.msg);
        }
        end_call(c, &answer, reply);
}

void v1_call_start(struct hv_pool_peer *peer, const struct v1_request *r, v1_reply_fn *on_reply,
                   struct v1_caller caller) {
        struct v1_call *c = HV_NEW(struct v1_call);
        _hv_cleanup_free_ char *path = hv_asprintf(V1_METHOD("%s"), r->method);
        struct hv_rpc_bytes *request = hv_message_pack(r->message);
        int ok = 0;

        c->peer = peer;
        c->method = r->method;
        c->reply = r->reply;
        c->on_reply = on_reply;
        c->caller = caller;
        TAILQ_INSERT_TAIL(&peer->calls, c, entry);
        if (r->file_len)
                ok = hv_message_add_file(request, r->file_field, r->fd, r->file_offset, r->file_len, &c->err);
        if (ok < 0)
                hv_rpc_bytes_free(request);
        else
                ok = hv_rpc_call_start(peer->channel,
                                       &(struct hv_rpc_call_options){
                                               .method = path,
                                               .request = request,
                                               .timeout_us = r->timeout_us ? r->timeout_us : V1_TIMEOUT_US,
                                               .on_end = on_end,
                                               .userdata = c,
                                       },
                                       NULL, &c->err);
        if (ok < 0)
                (void) sd_event_add_defer(peer->with.options->event, &c->failed, on_failed, c);
}

void v1_calls_end(struct hv_pool_peer *peer) {
        struct v1_call *c;

        while ((c = TAILQ_FIRST(&peer->calls))) {
                TAILQ_REMOVE(&peer->calls, c, entry);
                sd_event_source_disable_unref(c->failed);
                free(c);
        }
}

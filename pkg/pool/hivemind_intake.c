/* pool/hivemind_intake.c - see hivemind.h. A message of hundreds of megabytes: a mebibyte in each turn of the loop, from where
 * gRPC has put it, whose memory is given back behind it. */
#include <errno.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "pool/hivemind.h"
#include "pool/inbox.h"
#include "pool/wire.h"
#include "rpc/large_field.h"

#define ZIP_FIELD 2
#define REST_BYTES_MAX ((size_t) 65536)
#define TURN_BYTES ((size_t) 1 << 20)

struct hivemind_intake {
        struct hv_pool_peer *peer;
        struct hv_rpc_bytes *message;
        size_t left; /* of the zip, at the front of the message */
        struct hv_inbox_blob *blob;
        sd_event_source *turn;
        hivemind_taken_fn *done;
        void *userdata;
};

int hivemind_intake_read(const struct hv_rpc_bytes *message, struct hv_arena *arena,
                         Hivemind__ExecuteTaskRequest **ret, size_t *ret_zip_at, size_t *ret_zip_len,
                         struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf rest = {};
        int r;

        r = hv_rpc_large_field(message, ZIP_FIELD, REST_BYTES_MAX, &rest, ret_zip_at, ret_zip_len);
        if (r < 0)
                return hv_err_set(err, -EBADMSG, "ExecuteTaskRequest is cut or not a message");
        return hv_wire_unpack(&hivemind__execute_task_request__descriptor, hv_buf_str(&rest), rest.len, arena,
                              ret, err);
}

/* --- turn by turn --- */

static void on_stored(void *userdata, const char *sha256, int error, const char *message) {
        struct hivemind_intake *i = userdata;
        struct hv_err err = {};

        if (error)
                (void) hv_err_set(&err, error, "%s", message);
        i->done(i->userdata, &(struct hivemind_taken){ .err = error ? &err : NULL, .sha256 = sha256 });
}

/* One piece of the message, or what is left of this turn. */
static int take_piece(struct hivemind_intake *i, size_t *budget, struct hv_err *err) {
        const void *data;
        size_t it = 0, len;
        int r;

        if (!hv_rpc_bytes_next(i->message, &it, &data, &len))
                return hv_err_set(err, -EBADMSG, "ExecuteTaskRequest is shorter than it says");
        len = HV_MIN(len, HV_MIN(i->left, *budget));
        r = hv_inbox_blob_add(i->blob, data, len, err);
        hv_rpc_bytes_drop(i->message, len);
        i->left -= len;
        *budget -= len;
        return r;
}

static int on_turn(sd_event_source *source, void *userdata) {
        struct hivemind_intake *i = userdata;
        size_t budget = TURN_BYTES;
        struct hv_err err = {};
        int r = 0;

        while (r == 0 && i->left && budget)
                r = take_piece(i, &budget, &err);
        if (r == 0 && i->left)
                return 0;
        (void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
        i->message = hv_rpc_bytes_free(i->message);
        if (r < 0) {
                hv_inbox_blob_drop(HV_STEAL(i->blob));
                i->done(i->userdata, &(struct hivemind_taken){ .err = &err });
                return 0;
        }
        hv_inbox_blob_finish(HV_STEAL(i->blob), on_stored, i);
        return 0;
}

int hivemind_intake_start(struct hv_pool_peer *peer, struct hv_rpc_bytes *message, size_t zip_at,
                          size_t zip_len, hivemind_taken_fn *done, void *userdata,
                          struct hivemind_intake **ret, struct hv_err *err) {
        struct hivemind_intake *i = HV_NEW(struct hivemind_intake);
        int r;

        *i = (struct hivemind_intake){
                .peer = peer, .message = message, .left = zip_len, .done = done, .userdata = userdata
        };
        hv_rpc_bytes_drop(message, zip_at);
        r = hv_inbox_receive(peer->with.inbox, NULL, zip_len, &i->blob, err);
        if (r == 0) {
                r = sd_event_add_defer(peer->with.options->event, &i->turn, on_turn, i);
                if (r >= 0)
                        r = sd_event_source_set_enabled(i->turn, SD_EVENT_ON);
                if (r < 0)
                        (void) hv_err_errno(err, r, "a turn of the loop");
        }
        if (r < 0) {
                hivemind_intake_free(i);
                return r;
        }
        *ret = i;
        return 0;
}

struct hivemind_intake *hivemind_intake_free(struct hivemind_intake *i) {
        if (!i)
                return NULL;
        hv_inbox_forget(i->peer->with.inbox, i);
        if (i->blob)
                hv_inbox_blob_drop(i->blob);
        sd_event_source_disable_unref(i->turn);
        hv_rpc_bytes_free(i->message);
        free(i);
        return NULL;
}

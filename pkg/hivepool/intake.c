/* hivepool/intake.c - see intake.h. */
#include "hivepool/intake.h"

#include <errno.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "rpc/large_field.h"

#define ZIP_FIELD 2
#define REST_BYTES_MAX ((size_t) 1 << 20)
#define TURN_BYTES ((size_t) 4 << 20)
#define PIECE_BYTES ((size_t) 1 << 20)

struct hv_intake {
        sd_event_source *source;
        struct hv_blobs *blobs;
        struct hv_rpc_bytes *message;
        void (*done)(void *userdata, const struct hv_intake_end *end);
        void *userdata;

        struct hv_buf rest;
        size_t zip_at, zip_len, at; /* at: how far of the zip */
        bool is_hashed;
        struct hv_sha256 hash;
        char sha256[HV_SHA256_HEX_SIZE];
        unsigned char *piece;
};

/* --- turn by turn --- */

static void finish(struct hv_intake *i, int error, const struct hv_err *err) {
        const struct hv_intake_end end = { .error = error,
                                           .err = err,
                                           .fields = hv_buf_str(&i->rest),
                                           .fields_len = i->rest.len,
                                           .sha256 = i->sha256,
                                           .size_bytes = i->zip_len };

        i->message = hv_rpc_bytes_free(i->message);
        i->done(i->userdata, &end);
        hv_intake_cancel(i);
}

/* One piece: hashed, or written. */
static int do_piece(struct hv_intake *i, struct hv_err *err) {
        size_t len = HV_MIN(i->zip_len - i->at, PIECE_BYTES);
        uint64_t next = 0;
        int r;

        (void) hv_rpc_bytes_read(i->message, i->zip_at + i->at, i->piece, len);
        if (!i->is_hashed) {
                hv_sha256_add(&i->hash, i->piece, len);
                i->at += len;
                return 0;
        }
        r = hv_blobs_add(i->blobs, i->sha256, (uint64_t) (uintptr_t) i, i->zip_len, i->at, i->piece, len,
                         &next, err);
        if (r < 0)
                return r;
        i->at = next;
        return 0;
}

static int on_turn(sd_event_source *source, void *userdata) {
        struct hv_intake *i = userdata;
        struct hv_err err = {};

        (void) source;
        for (size_t done = 0; done < TURN_BYTES && i->at < i->zip_len; done += PIECE_BYTES) {
                int r = do_piece(i, &err);

                if (r < 0) {
                        finish(i, r, &err);
                        return 0;
                }
        }
        if (i->at < i->zip_len)
                return 0;
        if (i->is_hashed) {
                finish(i, 0, NULL);
                return 0;
        }
        hv_sha256_finish_hex(&i->hash, i->sha256);
        i->is_hashed = true;
        i->at = 0;
        if (i->zip_len == 0)
                finish(i, 0, NULL);
        return 0;
}

struct hv_intake *hv_intake_start(struct sd_event *event, struct hv_blobs *blobs,
                                  struct hv_rpc_bytes *message,
                                  void (*done)(void *userdata, const struct hv_intake_end *end),
                                  void *userdata) {
        struct hv_intake *i = HV_NEW(struct hv_intake);
        struct hv_err err = {};
        int r;

        *i = (struct hv_intake){ .blobs = blobs, .message = message, .done = done, .userdata = userdata };
        i->piece = hv_malloc(PIECE_BYTES);
        hv_sha256_init(&i->hash);
        r = hv_rpc_large_field(i->message, ZIP_FIELD, REST_BYTES_MAX, &i->rest, &i->zip_at, &i->zip_len);
        if (r >= 0)
                r = sd_event_add_defer(event, &i->source, on_turn, i);
        if (r >= 0)
                r = sd_event_source_set_enabled(i->source, SD_EVENT_ON);
        if (r >= 0)
                return i;
        finish(i, r, (hv_err_set(&err, r, "the message cannot be read"), &err));
        return NULL;
}

void hv_intake_cancel(struct hv_intake *i) {
        if (!i)
                return;
        if (i->is_hashed && i->at < i->zip_len)
                hv_blobs_forget_sender(i->blobs, (uint64_t) (uintptr_t) i);
        i->source = sd_event_source_disable_unref(i->source);
        i->message = hv_rpc_bytes_free(i->message);
        hv_buf_done(&i->rest);
        free(i->piece);
        free(i);
}

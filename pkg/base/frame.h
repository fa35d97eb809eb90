/* base/frame.h - several streams over one connection: frames of a type, a length and what they carry.
 *
 *     type (1 byte)  length (4 bytes, big endian)  payload (at most HV_FRAME_MAX_BYTES)
 *
 * Model    Pure. What comes is fed as it comes, and given frame by frame: whoever cannot take the next one stops feeding, and the
 *          connection's own back-pressure does the rest. A frame that breaks the rules ends the stream: nothing behind it could
 *          be trusted.
 * Use      hivectl exec and hivectl cp, between hivectl and the agent (docs/http-api.md, "Sessions").
 */
#pragma once

#include "base/buf.h"

#define HV_FRAME_MAX_BYTES ((size_t) 32 << 10)
#define HV_FRAME_HEADER_BYTES 5

enum hv_frame_type {
        HV_FRAME_INPUT,    /* to the far side; empty: its end */
        HV_FRAME_OUTPUT,   /* from there */
        HV_FRAME_ERRORS,   /* its standard error */
        HV_FRAME_RESIZE,   /* rows, columns: 2 bytes each, big endian */
        HV_FRAME_EXIT,     /* the end: exit code, 4 bytes, big endian */
        HV_FRAME_DETACHED, /* the end: the command goes on without anybody */
        HV_FRAME_FAILED,   /* the end: a sentence that says why */
        HV_FRAME_N_TYPES
};

struct hv_frame {
        enum hv_frame_type type;
        const char *data; /* terminated, may hold NUL bytes; good until the next call */
        size_t len;
};

struct hv_frames { /* zeroed to begin */
        unsigned char header[HV_FRAME_HEADER_BYTES];
        size_t n_header;
        struct hv_buf payload;
};

void hv_frames_done(struct hv_frames *f); /* what it holds may be a secret: wiped */

/* 1: *ret is the next frame; 0: all was taken, and more is needed; -EBADMSG: no frame of ours. *ret_used tells how much of
 * `data` was taken. */
int hv_frames_take(struct hv_frames *f, const void *data, size_t len, size_t *ret_used, struct hv_frame *ret);

/* Appends what is given as frames of this type; one that is empty where nothing is given. */
void hv_frame_put(struct hv_buf *buf, enum hv_frame_type type, const void *data, size_t len);
void hv_frame_put_exit(struct hv_buf *buf, unsigned code);
void hv_frame_put_size(struct hv_buf *buf, unsigned rows, unsigned columns);

/* How much may be given to hv_frame_put() so that it adds at most `room` bytes. */
size_t hv_frame_fits(size_t room);

/* False: it is no such frame. */
bool hv_frame_exit(const struct hv_frame *f, unsigned *ret_code);
bool hv_frame_size(const struct hv_frame *f, unsigned *ret_rows, unsigned *ret_columns);

/* transfer/duplex.h - a connection that HTTP opens and that carries bytes both ways from then on (RFC 9110 section 7.8).
 *
 *     hv_duplex_open() -> [on_open -> on_data* | on_room*] -> on_done          every step on the loop, never from the call itself
 *                 `-> hv_duplex_free(): nothing more is called
 *
 * Model    libcurl connects (TLS, name, authorities, unix sockets) and hands the connection over; the request's head and the
 *          answer's are ours, since libcurl 7.88 cannot take up where an answer of 101 ends. Both directions are held back on
 *          their own: what is written waits in a queue that is bounded, what comes is not read while it is held.
 * Owner    Options are copied or used up by hv_duplex_open(), except the callbacks' userdata. hv_duplex_free() is allowed inside
 *          every callback; after on_done it is still the caller's.
 */
#pragma once

#include "base/err.h"
#include "base/time.h"

struct sd_event;
struct hv_duplex;

struct hv_duplex_end {
        unsigned status;  /* HTTP, of an answer that was not 101; 0: it was opened, or no answer came */
        const char *body; /* of that answer, up to 64 KiB; terminated, never NULL */
        size_t body_len;
        int error;           /* 0: the other side closed it in order; else -errno */
        bool is_sent;        /* false: certain that the server has seen nothing */
        const char *message; /* for people; "" where all is well */
};

struct hv_duplex_options {
        const char *url;                   /* "http://..." or "https://...", the path escaped already */
        const char *unix_socket, *ca_file; /* as of struct hv_request_options */
        const char *const *headers;        /* "Name: value", ends with NULL; may be NULL. Wiped after use */
        const char *protocol;              /* what it is upgraded to */
        const void *body;                  /* of the POST: JSON. Wiped after use */
        size_t body_len;
        uint64_t open_us;       /* from now to the answer; 0: any */
        size_t queue_max_bytes; /* of what is written and not sent; 0: 256 KiB */

        void (*on_open)(void *userdata);
        void (*on_data)(void *userdata, const char *data, size_t len);
        void (*on_room)(void *userdata); /* may be NULL: all that was written is sent */
        void (*on_done)(void *userdata, const struct hv_duplex_end *end);
        void *userdata;
};

int hv_duplex_open(struct sd_event *event, const struct hv_duplex_options *options, struct hv_duplex **ret,
                   struct hv_err *err);
struct hv_duplex *hv_duplex_free(struct hv_duplex *d); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_duplex, hv_duplex_free);

/* At most hv_duplex_room() bytes (asserted). */
void hv_duplex_write(struct hv_duplex *d, const void *data, size_t len);
size_t hv_duplex_room(const struct hv_duplex *d);
/* Nothing more is written: the other side sees the end, and may go on. Not over TLS. */
void hv_duplex_end_writing(struct hv_duplex *d);
/* While held nothing is read, and the other side is held back by its own full socket. */
void hv_duplex_hold(struct hv_duplex *d, bool held);

/* http/upgrade.h - an answer of 101: from then on the connection carries bytes both ways, and HTTP is over.
 *
 * Model    What is written waits in a queue that is bounded: the producer asks for room, and goes on when `drained` is called.
 *          What the client sends is given as it comes, unless it is held: then the client is held back by its own full socket.
 *          A client that leaves is seen all the same.
 * Life     hv_http_upgrade_open() ends the request and makes the session. It lives until hv_http_upgrade_end(), or until `gone`
 *          was called (client left, server stops); it must not be used afterwards. `gone` never comes after hv_http_upgrade_end(),
 *          and may still write: a server that stops sends it. No callback comes from inside a call.
 */
#pragma once

#include "http/request.h"

struct hv_http_upgrade;

struct hv_http_upgrade_options {
        const char *protocol; /* what the client must have asked for; static */
        size_t queue_max_bytes;
        void (*data)(const void *data, size_t len, void *userdata);
        void (*drained)(void *userdata); /* all that was written is sent */
        void (*gone)(const char *reason, void *userdata);
        void *userdata;
};

/* Whether the request asks for it; else it was answered with 426. */
bool hv_http_upgrade_wanted(struct hv_http_request *req, const char *protocol);

/* NULL when the request is already answered: the server stops (503). */
struct hv_http_upgrade *hv_http_upgrade_open(struct hv_http_request *req,
                                             const struct hv_http_upgrade_options *options);
size_t hv_http_upgrade_room(const struct hv_http_upgrade *u);
void hv_http_upgrade_write(struct hv_http_upgrade *u, const void *data,
                           size_t len); /* no more than the room */
void hv_http_upgrade_hold(struct hv_http_upgrade *u, bool held);
void hv_http_upgrade_end(struct hv_http_upgrade *u); /* the client gets the queue, then the end */

/* http/sse.h - server-sent events (HTML standard, section 9.2) to one client, and to all of a group.
 *
 * Model    A hub is a group of clients that see the same events. A handler lets its client join, sends
 *          the backlog after hv_http_sse_last_id() to that one, and whoever has news broadcasts. One
 *          thread, so nothing is lost or doubled between backlog and broadcast. Every
 *          HV_HTTP_SSE_HEARTBEAT_US each client gets a comment line, for the proxies: those cut what is
 *          silent for a minute (nginx, HAProxy and most of their kind). Who died without a word is the
 *          kernel's to find (http/stream.h), so nothing is gained by beating more often, and beats are
 *          all that a thousand viewers of a quiet node cost.
 * Limits   those of http/stream.h: a client that does not keep up is dropped and resumes by
 *          Last-Event-ID.
 */
#pragma once

#include "http/stream.h"

#define HV_HTTP_SSE_HEARTBEAT_US (45 * UINT64_C(1000000))

typedef struct sd_event sd_event; /* systemd/sd-event.h */

struct hv_http_sse_hub;
struct hv_http_sse; /* one client */

int hv_http_sse_hub_new(sd_event *event, size_t clients_max, struct hv_http_sse_hub **ret,
                        struct hv_err *err);
struct hv_http_sse_hub *hv_http_sse_hub_free(struct hv_http_sse_hub *hub); /* ends all streams; takes NULL */
HV_DEFINE_CLEANUP(struct hv_http_sse_hub, hv_http_sse_hub_free);
void hv_http_sse_hub_set_heartbeat(struct hv_http_sse_hub *hub, uint64_t every_us); /* before anybody joins */
void hv_http_sse_hub_set_max(struct hv_http_sse_hub *hub, size_t clients_max);      /* who has joined stays */
size_t hv_http_sse_hub_size(const struct hv_http_sse_hub *hub); /* clients at this moment */

/* Answers req with an event stream. NULL when it is answered otherwise (too many clients, HEAD). The client
 * belongs to the hub: the pointer is for the backlog only and is good until the handler returns. past_bytes: size of
 * that backlog, for which the stream's queue gets room on top. */
struct hv_http_sse *hv_http_sse_join(struct hv_http_sse_hub *hub, struct hv_http_request *req,
                                     size_t past_bytes);

/* id and event may be NULL; data may have several lines. False: too slow a client, it will be dropped. */
bool hv_http_sse_send(struct hv_http_sse *client, const char *id, const char *event, const char *data);
void hv_http_sse_broadcast(struct hv_http_sse_hub *hub, const char *id, const char *event, const char *data);

/* Where the client goes on: the Last-Event-ID header, else `?since=`; NULL: from now. To be read before
 * joining. */
const char *hv_http_sse_last_id(const struct hv_http_request *req);

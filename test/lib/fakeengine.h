/* lib/fakeengine.h - an HTTP server on a unix socket that misbehaves as told; for faults that no real engine
 * can be made to show.
 *
 * Model    Lives on the test's own loop. Rules are looked up in the order they were added; the first unused
 * one whose text begins the request's "METHOD /path" (a /vN.NN in front of the path is left out) is played,
 * raw byte for raw byte. A request that no rule fits gets 599, which no test expects.
 */
#pragma once

#include <systemd/sd-event.h>

#include "base/macros.h"

struct hv_fake_engine;

struct hv_fake_engine *hv_fake_engine_new(sd_event *event, const char *socket_path);
struct hv_fake_engine *hv_fake_engine_free(struct hv_fake_engine *f);
HV_DEFINE_CLEANUP(struct hv_fake_engine, hv_fake_engine_free);

enum hv_fake_then {
        HV_FAKE_KEEP,  /* the connection stays for the next request */
        HV_FAKE_CLOSE, /* after the last byte */
        HV_FAKE_HANG,  /* neither: no byte more, connection open */
};

struct hv_fake_rule {
        const char *match; /* "GET /_ping" */
        const char *raw;   /* whole reply, status line first; NULL: none */
        size_t raw_len;    /* 0: strlen(raw) */
        enum hv_fake_then then;
        uint64_t delay_us;  /* before the first byte */
        bool forever;       /* used any number of times */
        size_t repeat_body; /* after raw, so many bytes of 'x' */
        bool at_head;       /* without waiting for the rest of a body */
};

void hv_fake_add(struct hv_fake_engine *f, const struct hv_fake_rule *rule); /* copied */

/* A well-formed reply with Content-Length. */
void hv_fake_reply(struct hv_fake_engine *f, const char *match, unsigned status, const char *body);

/* /_ping of Docker with this newest version, as often as asked. */
void hv_fake_ping(struct hv_fake_engine *f, const char *api_version);

/* More bytes on every connection that hangs: a stream goes on. len 0: they are closed. */
void hv_fake_push(struct hv_fake_engine *f, const char *bytes, size_t len);

unsigned hv_fake_requests(const struct hv_fake_engine *f);    /* seen in total */
unsigned hv_fake_connections(const struct hv_fake_engine *f); /* accepted in total */
unsigned hv_fake_open(const struct hv_fake_engine *f);        /* open now */
const char *hv_fake_request(const struct hv_fake_engine *f,
                            unsigned i);                              /* "POST /containers/create?name=x" */
const char *hv_fake_head(const struct hv_fake_engine *f, unsigned i); /* request line and headers */
const char *hv_fake_body(const struct hv_fake_engine *f, unsigned i);

/* tap.h - a wire between a client and an engine that remembers each request line. */
#pragma once

#include <systemd/sd-event.h>

#include "base/macros.h"

struct tap;

struct tap *tap_new(sd_event *event, const char *engine_url); /* listens on a socket of its own */
struct tap *tap_free(struct tap *t);
HV_DEFINE_CLEANUP(struct tap, tap_free);
const char *tap_url(const struct tap *t);

size_t tap_requests(const struct tap *t);
const char *tap_request(const struct tap *t, size_t i); /* "GET /v1.41/containers/json?all=1 HTTP/1.1" */

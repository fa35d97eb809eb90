/* cli/event_stream.h - reads server-sent events (HTML standard, section 9.2) as they come in pieces. */
#pragma once

#include "base/buf.h"

struct hv_event_stream {
        void (*on_event)(void *userdata, const char *id, const char *event, const char *data);
        void *userdata;
        struct hv_buf line, data;
        char id[64], event[64];
};

void hv_event_stream_add(struct hv_event_stream *s, const char *text, size_t len);
void hv_event_stream_done(struct hv_event_stream *s);

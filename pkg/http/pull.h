/* http/pull.h - a long answer that is made while the client reads it: archives, kept logs. Flat memory.
 *
 * Owner    hv_http_pull() takes `source`: `done` is called once, when the answer ended in whatever way.
 */
#pragma once

#include "http/request.h"

struct hv_http_pull {
        const char *content_type;
        ssize_t (*fill)(void *source, char *buf,
                        size_t cap); /* 0: the end; -errno: the client sees a break */
        void (*done)(void *source);
        void *source;
};

void hv_http_pull(struct hv_http_request *req, const struct hv_http_pull *pull);

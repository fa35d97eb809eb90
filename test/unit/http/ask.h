/* ask.h - requests to a stage, in one line. */
#pragma once

#include "stage.h"
#include "web.h"
#include "json/json.h"

struct answer {
        unsigned status;
        struct hv_buf text; /* head and body */
        struct hv_json *json;
};

/* Over the unix socket, or with `tcp` over the loopback address. headers may be NULL, else each ends with \r\n. */
struct answer ask(struct stage *s, bool tcp, const char *method, const char *path, const char *headers,
                  const char *body);
struct answer get(struct stage *s, const char *path);
struct answer post(struct stage *s, const char *path, const char *json);
void answer_done(struct answer *a);

/* A client that stays: for streams. */
int open_get(struct stage *s, const char *path, const char *headers);
void wait_for(struct stage *s, int fd, struct hv_buf *got, const char *text);
void turn_until_idle(struct stage *s);

/* Value at "spec.ports.0.host". */
const struct hv_json *at(const struct hv_json *j, const char *path);
const char *text_at(const struct hv_json *j, const char *path);

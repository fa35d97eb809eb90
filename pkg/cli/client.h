/* cli/client.h - the agent's API, over its unix socket or HTTPS.
 *
 * Model    A loop of its own that runs while an answer is awaited: calls look blocking to the verbs, streams
 *          hand over what comes as it comes.
 * Errors   -ENOENT no socket, -ECONNREFUSED nobody answers there, -EACCES not allowed to connect, -ETIMEDOUT
 *          too late, others: the connection broke. err is a sentence with a hint.
 */
#pragma once

#include "base/err.h"
#include "transfer/duplex.h"
#include "transfer/transfer.h"

struct hv_json;
struct hv_secret;

struct hv_client;

struct hv_client_target {            /* copied */
        const char *socket_path;     /* or */
        const char *host;            /* "https://NAME:PORT"; http only for this machine's loopback */
        const char *ca_file;         /* NULL: the system's authorities */
        const struct hv_secret *key; /* of a session; NULL: none is shown */
};

/* -EINVAL: the host is none. */
int hv_client_new(const struct hv_client_target *target, uint64_t timeout_us, struct hv_client **ret,
                  struct hv_err *err);
struct hv_client *hv_client_free(struct hv_client *c); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_client, hv_client_free);

struct hv_client_answer {
        unsigned status;      /* HTTP */
        struct hv_json *json; /* the body; NULL when it is none */
};
void hv_client_answer_done(struct hv_client_answer *a);

/* One request, one answer, whatever its status. body NULL: none; else it is of the content type, NULL: JSON. Not from inside a callback:
 * the loop runs once. */
int hv_client_call(struct hv_client *c, enum hv_method method, const char *path, const char *body,
                   size_t body_len, const char *content_type, struct hv_client_answer *ret,
                   struct hv_err *err);

/* A stream: hands over the body of a 2xx answer piece by piece. `on_end` comes once; `answer` is not NULL when
 * the agent refused (status and problem), `err` is not NULL when the connection ended otherwise than in order. */
struct hv_client_stream {
        const char *path, *accept; /* accept may be NULL */
        void (*on_data)(void *userdata, const char *data, size_t len);
        void (*on_end)(void *userdata, const struct hv_client_answer *answer, const struct hv_err *err);
        void *userdata;
};
int hv_client_stream_start(struct hv_client *c, const struct hv_client_stream *stream, struct hv_err *err);

/* A PUT whose body is made while it is sent: `read` as of struct hv_request_options. The request, for hv_request_wake(), is good until
 * on_end, which is that of a stream. */
struct hv_client_upload {
        const char *path, *content_type;
        ssize_t (*read)(void *userdata, void *buf, size_t size);
        void (*on_end)(void *userdata, const struct hv_client_answer *answer, const struct hv_err *err);
        void *userdata;
};
int hv_client_upload_start(struct hv_client *c, const struct hv_client_upload *upload,
                           struct hv_request **ret, struct hv_err *err);

/* A connection that goes both ways: url, unix_socket, ca_file, headers and open_us of the options are the client's. */
int hv_client_duplex(struct hv_client *c, const char *path, const struct hv_duplex_options *options,
                     struct hv_duplex **ret, struct hv_err *err);
struct sd_event *hv_client_event(struct hv_client *c); /* for what runs beside; the client's */
/* The sentence for an agent that could not be connected to. */
int hv_client_unreachable(const struct hv_client *c, const char *why, struct hv_err *err);

/* Runs the loop until hv_client_stop(), or until `timeout_us` is over (0: never): -ETIMEDOUT. */
int hv_client_run(struct hv_client *c, uint64_t timeout_us);
void hv_client_stop(struct hv_client *c); /* from inside a callback: hv_client_run() returns 0 */

/* docker/call.h - one call on its way: everything that all calls have in common. Private to the module.
 *
 *     hv_call_new() -> path, query, body, hooks -> hv_call_send()  ..loop..  parse / at_end -> then
 *
 * Model    A call is built by the function of its header, sent, and ends in one callback. What cannot be sent is marked by
 *          hv_call_refuse() and ends the same way, from the loop. A callback may cancel the call it belongs to, or free
 *          the whole client: hooks look at hv_call_is_dead() after each callback and then touch nothing.
 */
#pragma once

#include <sys/queue.h>

#include "base/buf.h"
#include "docker/client.h"
#include "docker/outcome.h"
#include "transfer/transfer.h"
#include "json/json.h"

struct hv_docker_call {
        TAILQ_ENTRY(hv_docker_call) entry;
        struct hv_docker *d; /* NULL: the client is gone */
        enum hv_docker_op op;
        struct hv_docker_then then;
        struct hv_request *request;
        struct sd_event_source *refusal;
        uint64_t begun_us;
        bool inside, dead, ended;

        /* how it is sent */
        struct hv_buf path, body; /* path with query, escaped, without a version */
        bool has_query, unversioned,
                patient; /* patient: may take long by nature, so it gets the streams' lane */
        uint64_t timeout_us, open_us, idle_us; /* 0: none; then.timeout_us wins over the first */
        const char *headers[2];                /* borrowed until sent */
        ssize_t (*read)(void *userdata, void *buf, size_t size); /* userdata: the call */
        struct hv_err refused;                                   /* code 0: not refused */

        /* what is done with the reply */
        int (*parse)(const struct hv_json *j,
                     struct hv_docker_result *result); /* of a complete 2xx body; -errno: garbled */
        void (*on_open)(struct hv_docker_call *c);
        int (*on_data)(struct hv_docker_call *c, const char *data, size_t len);
        void (*at_end)(struct hv_docker_call *c, const struct hv_reply *reply,
                       struct hv_docker_result *result);
        void *state; /* of these hooks */
        void (*free_state)(void *state);
};

/* `path` begins with '/' and is a literal; names go behind it by hv_call_add_name(). */
struct hv_docker_call *hv_call_new(struct hv_docker *d, enum hv_docker_op op, struct hv_docker_then then,
                                   const char *path);
/* Appends an object's name or id as one part of the path; refuses the call when it cannot be one. */
void hv_call_add_name(struct hv_docker_call *c, const char *what, const char *name);
void hv_call_add_image(struct hv_docker_call *c, const char *image); /* may hold '/', ':' and '@' */
void hv_call_add_path(struct hv_docker_call *c, const char *literal);
/* Refuses the call when there is no value: an engine would take its default for it. */
void hv_call_add_query(struct hv_docker_call *c, const char *name, const char *value);
void hv_call_add_query_int(struct hv_docker_call *c, const char *name, int64_t value);
void hv_call_add_query_instant(struct hv_docker_call *c, const char *name,
                               uint64_t ns); /* seconds.nanoseconds */
void hv_call_add_managed_filter(struct hv_docker_call *c);

/* The first refusal is kept. */
void hv_call_refuse(struct hv_docker_call *c, const struct hv_err *err);
struct hv_docker_call *hv_call_send(struct hv_docker_call *c); /* gives c */

static inline bool hv_call_is_dead(const struct hv_docker_call *c) {
        return c->dead;
}

/* The engine's words in a reply, as people should see them; in the arena, never NULL. */
const char *hv_call_message(struct hv_arena *arena, const struct hv_reply *reply);

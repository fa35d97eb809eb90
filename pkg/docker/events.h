/* docker/events.h - what happens in an engine, as it happens.
 *
 *     hv_docker_events() -> on_open -> on_event* -> then (always; the reason why it ended)
 *
 * Model    One stream, which lives until it is cancelled or lost. An event is a hint to look: it may come
 *          twice, late, or not at all (an engine keeps the last 256 for `since`, and none over a restart).
 *          Lines that are no event are counted and skipped. A stream that was lost is not opened again here.
 */
#pragma once

#include "docker/client.h"

struct hv_docker_event {
        const char *type;   /* "container", "image", "network", "volume", ... */
        const char *action; /* "start", "die", "destroy"; "exec_start: sh" is cut to "exec_start" */
        const char *id;     /* of the object */
        const char *name;   /* attribute "name"; "" when it has none */
        const char
                *container; /* attribute "container" of a network's event: the container's id; "" otherwise */
        bool has_exit_code;
        int exit_code;              /* of "die" */
        struct hv_pairs attributes; /* all of them, sorted; a container's labels are among them */
        uint64_t time_ns;           /* the engine's clock; what `since_ns` takes */
};

typedef void hv_docker_event_fn(void *userdata,
                                const struct hv_docker_event *event); /* good during the call */

struct hv_docker_events {
        uint64_t since_ns;    /* events at or after this instant are given again; 0: only new ones */
        struct hv_strv types; /* "container", ...; none: all */
        void (*on_open)(void *userdata); /* from now on nothing is missed; may be NULL */
        hv_docker_event_fn *on_event;
        void *userdata; /* of both; `then` has its own */
};

/* `then` comes when the stream is gone: OK the engine ended it in order, UNKNOWN it was cut, else what a call
 * would get. No timeout of its own once it is open; until then the call timeout. */
struct hv_docker_call *hv_docker_events(struct hv_docker *d, const struct hv_docker_events *events,
                                        struct hv_docker_then then);

uint64_t hv_docker_events_junk_total(const struct hv_docker *d); /* lines that were no event */

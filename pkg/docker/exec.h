/* docker/exec.h - another process in a container that runs, with its streams.
 *
 *     hv_docker_exec_create() -> hv_docker_exec_start() -> opened -> output* -> ended -> hv_docker_exec_look()
 *
 * Model    The engine makes the process, and hands over the connection on which it was asked: bytes for its standard input go up,
 *          frames (with a terminal: bare bytes) come down. An engine has no call that ends such a process: when the connection
 *          ends, its standard input ends, and it may go on.
 * Source   Docker Engine API, "Exec" and "Attach to a container: stream format"; podman 4.3.1 as measured.
 */
#pragma once

#include "docker/container.h"

struct hv_docker_exec {
        struct hv_strv command, env;  /* env: "NAME=VALUE" */
        const char *user, *directory; /* NULL: the container's own */
        bool tty, input;
        unsigned rows, columns; /* of the terminal; 0: not known */
};

struct hv_docker_exec_state {
        bool is_running;
        int code; /* once it does not run */
};

/* result->created->id names it. NOT_FOUND: no such container; CONFLICT: it does not run. */
struct hv_docker_call *hv_docker_exec_create(struct hv_docker *d, const char *container,
                                             const struct hv_docker_exec *exec, struct hv_docker_then then);
struct hv_docker_call *hv_docker_exec_resize(struct hv_docker *d, const char *exec_id, unsigned rows,
                                             unsigned columns, struct hv_docker_then then);
/* result->exec */
struct hv_docker_call *hv_docker_exec_look(struct hv_docker *d, const char *exec_id,
                                           struct hv_docker_then then);

struct hv_docker_streams; /* of a process that was begun */

struct hv_docker_streams_hooks {
        void (*opened)(
                void *userdata); /* it runs, or failed to in a way that its streams and its exit code tell */
        void (*output)(void *userdata, enum hv_docker_output output, const char *data, size_t len);
        void (*room)(void *userdata); /* all input that was written is sent */
        /* Comes once; err NULL: the streams ended in order. The streams are still the caller's. */
        void (*ended)(void *userdata, const struct hv_err *err);
        void *userdata;
};

/* Of exec: whether it has a terminal, and its size. */
int hv_docker_exec_start(struct hv_docker *d, const char *exec_id, const struct hv_docker_exec *exec,
                         const struct hv_docker_streams_hooks *hooks, struct hv_docker_streams **ret,
                         struct hv_err *err);
struct hv_docker_streams *hv_docker_streams_free(struct hv_docker_streams *s); /* takes NULL, gives NULL */
void hv_docker_streams_write(struct hv_docker_streams *s, const void *data, size_t len);
size_t hv_docker_streams_room(const struct hv_docker_streams *s);
void hv_docker_streams_end_input(struct hv_docker_streams *s);
void hv_docker_streams_hold(struct hv_docker_streams *s, bool held); /* no output while held */

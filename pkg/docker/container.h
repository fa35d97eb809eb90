/* docker/container.h - containers of an engine.
 *
 * Model    `id` is a name or an id (any unambiguous start of one). Every field of a reply is optional: what
 *          an engine leaves out, sets to null or gives in another type is "", 0, false or an empty array,
 *          never NULL. The environment of a container is not read back: it may hold secrets.
 */
#pragma once

#include "docker/client.h"
#include "docker/create.h"

enum hv_docker_state {
        HV_DOCKER_STATE_UNKNOWN, /* a word this client does not know */
        HV_DOCKER_STATE_CREATED,
        HV_DOCKER_STATE_RUNNING,
        HV_DOCKER_STATE_PAUSED,
        HV_DOCKER_STATE_RESTARTING,
        HV_DOCKER_STATE_REMOVING,
        HV_DOCKER_STATE_EXITED,
        HV_DOCKER_STATE_DEAD,
};

const char *hv_docker_state_name(enum hv_docker_state state); /* "running", ... */

enum hv_docker_health {
        HV_DOCKER_HEALTH_NONE, /* no check, or not known */
        HV_DOCKER_HEALTH_STARTING,
        HV_DOCKER_HEALTH_HEALTHY,
        HV_DOCKER_HEALTH_UNHEALTHY,
};

struct hv_docker_endpoint { /* a container in a network */
        const char *network, *network_id;
        const char *ip, *gateway, *mac;
        struct hv_strv aliases; /* inspect only */
};

struct hv_docker_mount_seen {
        const char *type; /* "bind", "volume", "tmpfs" */
        const char *name; /* of a volume */
        const char *source, *target;
        bool read_only;
};

struct hv_docker_port_seen {
        uint16_t container, host; /* host 0: not published */
        const char *protocol, *address;
};

struct hv_docker_container {
        /* list and inspect */
        const char *id, *name;        /* name without the slash */
        const char *image, *image_id; /* image as it was asked for */
        enum hv_docker_state state;
        struct hv_pairs labels; /* sorted by name */
        uint64_t created_us;
        const char *network_mode;
        const struct hv_docker_endpoint *endpoints; /* sorted by network */
        size_t n_endpoints;
        const struct hv_docker_mount_seen *mounts; /* sorted by target */
        size_t n_mounts;
        const struct hv_docker_port_seen *ports; /* sorted by container port, protocol, address */
        size_t n_ports;

        bool detailed; /* from an inspect: what follows is known too */
        enum hv_docker_health health;
        int exit_code;
        bool oom_killed;
        const char *error;                /* why the engine could not start it */
        int pid;                          /* 0: not running */
        uint64_t started_us, finished_us; /* 0: never */
        unsigned restart_count;
        const char *restart_policy; /* "no", "always", ... */
        struct hv_limits limits;
        uint64_t memory_swap_bytes; /* 0: no limit */
        bool tty, privileged, read_only_root, init, no_new_privileges;
        const char *user, *hostname, *stop_signal, *cgroup_parent, *log_driver;
        uint64_t written_bytes; /* outside of its mounts; 0: nothing, or not asked for */
        const char *log_path;   /* a file of the engine's machine; "": not known */
        struct hv_strv cap_add, cap_drop, security_opt;
        struct hv_strv command, args; /* entrypoint and its arguments */
};

struct hv_docker_containers {
        const struct hv_docker_container *v; /* sorted by name */
        size_t n;
};

struct hv_docker_created {
        const char *id;
        struct hv_strv warnings; /* the engine's; empty for networks */
};

struct hv_docker_exit {
        int code;
        const char *error; /* the engine's own trouble with the container; "" when none */
};

struct hv_docker_usage {
        uint64_t read_us;               /* when it was measured */
        uint64_t cpu_ns, system_cpu_ns; /* since the start; two samples make a rate */
        unsigned online_cpus;
        uint64_t memory_bytes; /* without the page cache that can be dropped at once, as `docker stats` shows
                                  it */
        uint64_t memory_limit_bytes, pids;
        uint64_t received_bytes, sent_bytes; /* all interfaces */
        uint64_t read_bytes, written_bytes;  /* block devices */
};

/* result->containers: all, stopped ones too. `managed_only` asks for those with label
 * io.hivelet.managed=true; an agent wants all, for a stranger may hold a name it needs. On engine 20.10 a
 * list may say "running" for up to 190 ms after the container's `die` event: inspect after an event. */
struct hv_docker_call *hv_docker_container_list(struct hv_docker *d, bool managed_only,
                                                struct hv_docker_then then);

struct hv_docker_call *hv_docker_container_inspect(struct hv_docker *d, const char *id,
                                                   struct hv_docker_then then); /* result->container */

/* The same with `written_bytes`, for which the engine walks through all that the container wrote. */
struct hv_docker_call *hv_docker_container_measure(struct hv_docker *d, const char *id,
                                                   struct hv_docker_then then);

/* result->created. REFUSED without a call when create.h or the policy forbids what is asked for. */
struct hv_docker_call *hv_docker_container_create(struct hv_docker *d, const struct hv_docker_create *create,
                                                  struct hv_docker_then then);

struct hv_docker_call *hv_docker_container_start(struct hv_docker *d, const char *id,
                                                 struct hv_docker_then then);

/* Answered when the container has ended; default timeout: grace + the call timeout. `signal` NULL: the
 * container's own; another one needs API 1.42 and is left out below that. grace_us HV_TIME_NEVER: the
 * container's own. */
struct hv_docker_call *hv_docker_container_stop(struct hv_docker *d, const char *id, const char *signal,
                                                uint64_t grace_us, struct hv_docker_then then);

struct hv_docker_call *hv_docker_container_kill(struct hv_docker *d, const char *id,
                                                const char *signal, /* NULL: SIGKILL */
                                                struct hv_docker_then then);

struct hv_docker_call *hv_docker_container_remove(struct hv_docker *d, const char *id, bool force,
                                                  bool anonymous_volumes, struct hv_docker_then then);

/* Changes limits in place. 0 leaves memory and CPU as they are: an engine cannot take such a limit away
 * again, only a new container can. pids is always set, 0 = no limit; and a restart policy that somebody gave it is taken away. */
struct hv_docker_call *hv_docker_container_update(struct hv_docker *d, const char *id,
                                                  const struct hv_limits *limits, struct hv_docker_then then);

struct hv_docker_call *hv_docker_container_rename(struct hv_docker *d, const char *id, const char *name,
                                                  struct hv_docker_then then);
struct hv_docker_call *hv_docker_container_pause(struct hv_docker *d, const char *id,
                                                 struct hv_docker_then then);
struct hv_docker_call *hv_docker_container_unpause(struct hv_docker *d, const char *id,
                                                   struct hv_docker_then then);

enum hv_docker_wait {
        HV_DOCKER_WAIT_NOT_RUNNING, /* answered at once for one that does not run */
        HV_DOCKER_WAIT_NEXT_EXIT,
        HV_DOCKER_WAIT_REMOVED,
};

/* result->exit. No timeout of its own. */
struct hv_docker_call *hv_docker_container_wait(struct hv_docker *d, const char *id,
                                                enum hv_docker_wait until, struct hv_docker_then then);

/* One sample: result->usage. On 20.10 it takes about a second (the engine's own clock). */
struct hv_docker_call *hv_docker_container_stats(struct hv_docker *d, const char *id,
                                                 struct hv_docker_then then);

/* --- logs --- */

enum hv_docker_output {
        HV_DOCKER_STDOUT = 1,
        HV_DOCKER_STDERR = 2,
};

/* What one write of the container left in its log: usually a line, with its newline; a long line comes in
 * pieces (16 KiB on Docker), the last of which ends in the newline. The order of stdout and stderr among each
 * other is not certain. */
struct hv_docker_log {
        enum hv_docker_output output; /* always STDOUT for a container with a terminal */
        uint64_t time_us;             /* 0: not asked for, or not given */
        const char *data;             /* until the callback returns; terminated, but may hold NUL bytes */
        size_t len;
};

typedef void hv_docker_log_fn(void *userdata, const struct hv_docker_log *log);

struct hv_docker_logs {
        bool follow;   /* go on until the container ends */
        bool out, err; /* which outputs; neither: both */
        bool timestamps; /* fill time_us; with Docker's driver `local` also what shows every newline (docker/logs.c) */
        bool tty;          /* the container has a terminal: its log is not framed (from inspect) */
        uint64_t since_us; /* 0: from the beginning */
        uint64_t until_us; /* 0: to the end */
        int64_t tail; /* last lines only; -1: all; 0: none, with follow: only what comes. Taken of the log before until_us is */
        hv_docker_log_fn *fn;
        void *userdata; /* of fn; `then` has its own */
};

/* No timeout of its own. */
struct hv_docker_call *hv_docker_container_logs(struct hv_docker *d, const char *id,
                                                const struct hv_docker_logs *logs,
                                                struct hv_docker_then then);

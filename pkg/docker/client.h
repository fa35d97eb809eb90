/* docker/client.h - one engine, spoken to over its API, on the event loop.
 *
 *     hv_docker_new() -> hv_docker_connect() -> calls, streams       container.h, image.h, network.h,
 *                             |                                      volume.h, events.h
 *                             `-> hv_docker_info(), beside: it holds nothing up
 *
 * Model    Every call is asynchronous and ends in exactly one callback, never from inside the call itself:
 *          what is refused on this side (plan mode, a body that security forbids, no version agreed on yet)
 *          takes the same way back as what the engine refuses. Nothing is retried here: an agent that plans
 *          from observations retries better than a client that guesses. After hv_docker_call_cancel() or
 *          hv_docker_free() no callback comes; both may be called from inside any callback.
 * Engine   Docker 20.10 (API 1.41) and newer, and podman's service of the same API (docs/podman.md).
 * Units    Times are microseconds; instants since the epoch, UTC.
 * Owner    Texts and arrays given to a call are copied or used up before it returns. What a result points to
 *          lives in its arena until the callback returns, or longer: take it with HV_STEAL(result->arena).
 * Source   Docker Engine API reference v1.41 to v1.51; behaviour measured on 20.10.24, 26.1, 28.5, podman
 *          4.3.1.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/time.h"
#include "spec/desired.h"

struct sd_event;

struct hv_docker;      /* one engine */
struct hv_docker_call; /* one call or stream in flight */

#define HV_DOCKER_SOCKET_URL "unix:///var/run/docker.sock"

/* What an agent can act on. Everything but OK and NOT_MODIFIED is some kind of failure. */
enum hv_docker_outcome {
        HV_DOCKER_OK,
        HV_DOCKER_NOT_MODIFIED, /* 304: it was so already (start of a running container) */
        HV_DOCKER_NOT_FOUND,    /* 404; of a create: its image (or network) is not there */
        HV_DOCKER_CONFLICT, /* 409: the name is taken, or the object is in another state or being changed */
        HV_DOCKER_DENIED,   /* 401, 403, or a registry that wants another login */
        HV_DOCKER_REFUSED,  /* other 4xx, or refused on this side: the same request will be refused again */
        HV_DOCKER_UNSUPPORTED,  /* 501, or no such route: this engine cannot do that to anything */
        HV_DOCKER_ENGINE_ERROR, /* 5xx, 429, an error inside a stream, a reply that makes no sense */
        HV_DOCKER_UNREACHABLE,  /* no byte of the request left: certainly no effect */
        HV_DOCKER_UNKNOWN,      /* sent; the reply was lost, cut or late: effect or not, only looking tells */
        HV_DOCKER_N_OUTCOMES
};

const char *hv_docker_outcome_name(
        enum hv_docker_outcome outcome); /* "ok", "not_found", ...: metrics, logs */

enum hv_docker_op {
        HV_DOCKER_OP_PING,
        HV_DOCKER_OP_INFO,
        HV_DOCKER_OP_EVENTS,
        HV_DOCKER_OP_CONTAINER_LIST,
        HV_DOCKER_OP_CONTAINER_INSPECT,
        HV_DOCKER_OP_CONTAINER_CREATE,
        HV_DOCKER_OP_CONTAINER_START,
        HV_DOCKER_OP_CONTAINER_STOP,
        HV_DOCKER_OP_CONTAINER_KILL,
        HV_DOCKER_OP_CONTAINER_REMOVE,
        HV_DOCKER_OP_CONTAINER_UPDATE,
        HV_DOCKER_OP_CONTAINER_RENAME,
        HV_DOCKER_OP_CONTAINER_PAUSE,
        HV_DOCKER_OP_CONTAINER_UNPAUSE,
        HV_DOCKER_OP_CONTAINER_WAIT,
        HV_DOCKER_OP_CONTAINER_LOGS,
        HV_DOCKER_OP_CONTAINER_STATS,
        HV_DOCKER_OP_ARCHIVE_LOOK,
        HV_DOCKER_OP_ARCHIVE_GET,
        HV_DOCKER_OP_ARCHIVE_PUT,
        HV_DOCKER_OP_EXEC_CREATE,
        HV_DOCKER_OP_EXEC_RESIZE,
        HV_DOCKER_OP_EXEC_INSPECT,
        HV_DOCKER_OP_IMAGE_LIST,
        HV_DOCKER_OP_IMAGE_INSPECT,
        HV_DOCKER_OP_IMAGE_PULL,
        HV_DOCKER_OP_IMAGE_LOAD,
        HV_DOCKER_OP_IMAGE_TAG,
        HV_DOCKER_OP_IMAGE_REMOVE,
        HV_DOCKER_OP_NETWORK_LIST,
        HV_DOCKER_OP_NETWORK_INSPECT,
        HV_DOCKER_OP_NETWORK_CREATE,
        HV_DOCKER_OP_NETWORK_REMOVE,
        HV_DOCKER_OP_NETWORK_CONNECT,
        HV_DOCKER_OP_NETWORK_DISCONNECT,
        HV_DOCKER_OP_VOLUME_LIST,
        HV_DOCKER_OP_VOLUME_INSPECT,
        HV_DOCKER_OP_VOLUME_CREATE,
        HV_DOCKER_OP_VOLUME_REMOVE,
        HV_DOCKER_N_OPS
};

const char *hv_docker_op_name(enum hv_docker_op op); /* "container_list", ...: metrics, logs */
bool hv_docker_op_is_mutating(enum hv_docker_op op); /* asks the engine to change something */

struct hv_docker_result {
        enum hv_docker_op op;
        enum hv_docker_outcome outcome;
        int error;           /* 0 for OK and NOT_MODIFIED, else -errno that fits the outcome */
        unsigned status;     /* HTTP; 0 when no reply came */
        bool no_effect;      /* certain that the engine changed nothing (always so for what only reads) */
        const char *message; /* for people: the engine's words, or ours; "" when all is well, never NULL */
        uint64_t duration_us;
        struct hv_arena *arena; /* owns all that is pointed to; HV_STEAL() it to keep it */
        union {                 /* only with HV_DOCKER_OK; which one says the function that was called */
                const struct hv_docker_engine *engine;
                const struct hv_docker_containers *containers;
                const struct hv_docker_container *container;
                const struct hv_docker_created *created;
                const struct hv_docker_exit *exit;
                const struct hv_docker_path *path;
                const struct hv_docker_exec_state *exec;
                const struct hv_docker_usage *usage;
                const struct hv_docker_images *images;
                const struct hv_docker_image *image;
                const struct hv_docker_networks *networks;
                const struct hv_docker_network *network;
                const struct hv_docker_volumes *volumes;
                const struct hv_docker_volume *volume;
        };
};

typedef void hv_docker_done_fn(void *userdata, struct hv_docker_result *result);

/* What happens at the end of a call. */
struct hv_docker_then {
        hv_docker_done_fn *fn; /* may be NULL: nobody wants to know */
        void *userdata;
        uint64_t timeout_us; /* from now to the end of the reply; 0: what the call's own header says */
};

/* The last line of defence: what a create may ask for. Strict when zeroed. */
struct hv_docker_policy {
        bool privileged;           /* privileged containers */
        bool host_network;         /* network mode "host" */
        struct hv_strv host_paths; /* prefixes a bind mount's source must be below; none: no bind mounts */
        struct hv_strv
                capabilities; /* that may be added, without CAP_; none: those an engine gives by default */
};

struct hv_docker_options {
        const char *url; /* "unix:///run/docker.sock", "tcp://127.0.0.1:2375"; NULL: HV_DOCKER_SOCKET_URL */
        bool read_only;  /* nothing but GET and HEAD leaves this process (`hivectl plan`) */
        uint64_t call_timeout_us; /* 0: 30 s */
        struct hv_strv
                private_paths; /* never mounted, whatever the policy says: the agent's own directories; the
                                  engine's socket and root need not be among them */
};

/* -EINVAL: a URL of another form. Nothing is sent yet. */
int hv_docker_new(struct sd_event *event, const struct hv_docker_options *options, struct hv_docker **ret,
                  struct hv_err *err);
struct hv_docker *hv_docker_free(struct hv_docker *d); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_docker, hv_docker_free);

void hv_docker_set_policy(struct hv_docker *d, const struct hv_docker_policy *policy); /* copied */

/* Ends a call without a callback; the connection it used is closed, so the engine may notice. NULL is fine. A
 * handle is good until its callback has begun. */
void hv_docker_call_cancel(struct hv_docker_call *call);

/* Holds back a stream (logs, events, a pull's progress) that comes faster than it is used; the engine waits. Some more may
 * come before it takes effect, and again first when it goes on, in a later turn of the loop. */
void hv_docker_call_pause(struct hv_docker_call *call, bool paused);

/* --- the engine itself --- */

enum hv_docker_kind {
        HV_DOCKER_KIND_DOCKER,
        HV_DOCKER_KIND_PODMAN,
};

enum hv_docker_cgroup_driver {
        HV_DOCKER_CGROUP_UNKNOWN, /* not asked yet, or another one */
        HV_DOCKER_CGROUP_CGROUPFS,
        HV_DOCKER_CGROUP_SYSTEMD,
        HV_DOCKER_CGROUP_NONE, /* rootless without delegation */
};

struct hv_docker_engine {
        enum hv_docker_kind kind;
        const char *api_version;     /* spoken from now on: min(own newest, engine's) */
        const char *max_api_version; /* the engine's newest */
        /* from /info; "" and 0 until hv_docker_info() was answered */
        const char *id, *name, *version, *storage_driver, *root_dir;
        enum hv_docker_cgroup_driver cgroup_driver;
        unsigned cgroup_version;
        bool live_restore;
        unsigned n_containers, n_running;
};

/* Greets the engine (GET /_ping, no version in the path) and agrees on a version. result->engine. May be
 * repeated: after a loss it is the question "is it back?". Own timeout 2 s, for an engine that restarts
 * accepts connections before it answers. REFUSED with a clear text when the engine's newest version is
 * below 1.41. Every other call is answered UNREACHABLE until this succeeded once. */
struct hv_docker_call *hv_docker_connect(struct hv_docker *d, struct hv_docker_then then);

/* GET /info: result->engine, complete. */
struct hv_docker_call *hv_docker_info(struct hv_docker *d, struct hv_docker_then then);

/* Versions of its API that this client can speak: "1.41". */
const char *hv_docker_api_oldest(void);
const char *hv_docker_api_newest(void);
const struct hv_docker_engine *hv_docker_engine(const struct hv_docker *d); /* what is known; never NULL */

/* --- what it did: metrics and tests --- */

#define HV_DOCKER_N_BUCKETS 13

extern const double
        hv_docker_bucket_s[HV_DOCKER_N_BUCKETS]; /* upper bounds in seconds; the last is infinite */

struct hv_docker_counters { /* of one op; they only grow */
        uint64_t n_begun;   /* handed to the transport; not what is refused on this side */
        uint64_t n_ended[HV_DOCKER_N_OUTCOMES];
        uint64_t n_cancelled;
        uint64_t n_duration[HV_DOCKER_N_BUCKETS]; /* ended, by duration; not cumulative */
        uint64_t duration_us, bytes_in, bytes_out;
};

const struct hv_docker_counters *hv_docker_counters(const struct hv_docker *d, enum hv_docker_op op);
uint64_t hv_docker_calls_total(const struct hv_docker *d,
                               enum hv_docker_op op);          /* begun; HV_DOCKER_N_OPS: all */
uint64_t hv_docker_mutations_total(const struct hv_docker *d); /* begun that change something */

/* Told of every call before it is sent (result NULL) and when it ended (not for cancelled ones). `target` is
 * method and path, without query: "POST /containers/hive-web/start". It must not call into the client. NULL:
 * nobody. */
typedef void hv_docker_observer_fn(void *userdata, enum hv_docker_op op, const char *target,
                                   const struct hv_docker_result *result);
void hv_docker_set_observer(struct hv_docker *d, hv_docker_observer_fn *fn, void *userdata);

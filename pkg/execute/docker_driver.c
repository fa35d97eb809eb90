/* execute/docker_driver.c - see docker_driver.h.
 *
 *      CONNECT   greet --> open events, ask info (both at once) --> done when both are
 *      LIST      containers, networks, volumes (at once)        --> done when all ended
 *      the rest  one call                                       --> done
 */
#include "execute/docker_driver.h"

#include <errno.h>
#include <sys/queue.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "docker/events.h"
#include "docker/network.h"
#include "docker/volume.h"
#include "execute/attempt_cgroup.h"
#include "execute/create.h"
#include "execute/observe.h"
#include "log/redact.h"
#include "reconcile/labels.h"

/* A container that no revision wants any more may have been given any grace; an engine that does not answer
 * at all shows elsewhere long before. */
#define UNKNOWN_GRACE_US (5 * HV_USEC_PER_MIN)

struct docker_driver;

struct flight {
        TAILQ_ENTRY(flight) link;
        struct docker_driver *d;
        const struct hv_action *action;
        struct hv_docker_call
                *calls[3]; /* one; of a LIST one for each part; of a CONNECT greet or info, and events */
        struct hv_image_fetch *fetch; /* of a PULL */
        unsigned n_pending;
        struct hv_arena *arenas[3]; /* of the answers that the listing borrows from */
        struct hv_arena *arena;     /* of what is made here */
        struct hv_listing listing;
        enum hv_outcome outcome; /* of the parts so far: the one that says most */
        char *message;
};

struct docker_driver {
        struct hv_driver base;
        struct hv_docker_driver_options o;
        char *node_id;
        TAILQ_HEAD(, flight) flights;
        struct hv_docker_call *stream; /* of events; NULL: closed */
        bool stream_is_open;
        struct flight *connect; /* waits for the stream to open */
        uint64_t last_event_ns;
};

/* --- flights --- */

static struct flight *flight_new(struct docker_driver *d, const struct hv_action *action) {
        struct flight *f = HV_NEW(struct flight);

        f->d = d;
        f->action = action;
        f->arena = hv_arena_new();
        TAILQ_INSERT_TAIL(&d->flights, f, link);
        return f;
}

static void flight_free(struct flight *f) {
        TAILQ_REMOVE(&f->d->flights, f, link);
        if (f->d->connect == f)
                f->d->connect = NULL;
        for (size_t i = 0; i < HV_ARRAY_SIZE(f->calls); i++) {
                hv_docker_call_cancel(f->calls[i]);
                (void) hv_arena_free(f->arenas[i]);
        }
        (void) hv_image_fetch_free(f->fetch);
        (void) hv_arena_free(f->arena);
        free(f->message);
        free(f);
}

/* Ends the flight, then tells: whoever is told may submit the next action. */
static void done(struct flight *f, struct hv_input *in) {
        _hv_cleanup_free_ char *redacted = hv_log_redact(in->message);
        struct docker_driver *d = f->d;

        if (redacted) /* an engine may quote what it was sent, and its words go into status, plan and log */
                in->message = redacted;
        in->type = HV_INPUT_DONE;
        in->action_id = f->action->id;
        if (d->connect == f)
                d->connect = NULL;
        d->o.input(d->o.input_userdata, in);
        flight_free(f);
}

static void done_with(struct flight *f, enum hv_outcome outcome, const char *message) {
        struct hv_input in = { .outcome = outcome, .message = hv_str_empty(message) ? NULL : message };

        done(f, &in);
}

static void fail_here(struct flight *f, int code, const struct hv_err *err) {
        /* "Not there" on this machine must not read as the engine's "no such image". */
        done_with(f, code == -EAGAIN ? HV_OUTCOME_FAILED : HV_OUTCOME_REFUSED, err->msg);
}

static struct hv_docker_then then(struct flight *f, hv_docker_done_fn *fn) {
        const struct hv_desired *desired = f->action->desired;

        return (struct hv_docker_then){
                .fn = fn,
                .userdata = f,
                .timeout_us = desired ? desired->settings.call_timeout_us : 0,
        };
}

static struct hv_create_for who(const struct flight *f) {
        return (struct hv_create_for){
                .node_id = f->d->node_id,
                .revision = f->action->desired ? f->action->desired->revision : "",
                .engine = hv_docker_engine(f->d->o.docker),
                .work_root = f->d->o.work_root,
        };
}

/* --- one call, one outcome --- */

static void on_done(void *userdata, struct hv_docker_result *result) {
        struct flight *f = userdata;

        f->calls[0] = NULL;
        done_with(f, hv_observe_docker_outcome(result->outcome, f->action->type), result->message);
}

/* Docker's words and podman's. */
static bool says_no_image(const char *message) {
        return strcasestr(message, "no such image") || strcasestr(message, "image not known");
}

static void on_created(void *userdata, struct hv_docker_result *result) {
        struct flight *f = userdata;
        struct hv_input in = { .outcome = hv_observe_docker_outcome(result->outcome, f->action->type) };

        f->calls[0] = NULL;
        if (result->outcome == HV_DOCKER_OK)
                in.created_id = result->created->id;
        else
                in.message = result->message;
        /* 404 for something else than the image (a network that vanished) must not start a pull. */
        if (in.outcome == HV_OUTCOME_NOT_FOUND && !says_no_image(result->message))
                in.outcome = HV_OUTCOME_FAILED;
        done(f, &in);
}

static void on_inspected(void *userdata, struct hv_docker_result *result) {
        struct flight *f = userdata;
        struct hv_input in = { .outcome = hv_observe_docker_outcome(result->outcome, f->action->type) };
        struct hv_seen_container seen;

        f->calls[0] = NULL;
        if (result->outcome == HV_DOCKER_OK) {
                hv_observe_docker_container(result->container, f->d->node_id, f->arena, &seen);
                if (seen.ours && seen.state == HV_CONTAINER_CREATED)
                        seen.never_ran = seen.error ||
                                         hv_attempt_cgroups_untouched(f->d->o.cgroups, result->container);
                in.container = &seen;
        } else {
                in.message = result->message;
        }
        done(f, &in);
}

/* An engine answers a create with the volume of that name that is there already, whosever it is. */
static void on_volume_created(void *userdata, struct hv_docker_result *result) {
        struct flight *f = userdata;
        struct hv_docker_volumes one = { .v = result->volume, .n = 1 };
        struct hv_listing seen = {};

        f->calls[0] = NULL;
        if (result->outcome == HV_DOCKER_OK) {
                hv_observe_docker_volumes(&one, f->d->node_id, f->arena, &seen);
                if (!seen.volumes[0].ours || !hv_streq(seen.volumes[0].digest, f->action->volume->digest)) {
                        done_with(f, HV_OUTCOME_CONFLICT, "a volume of this name is there already");
                        return;
                }
        }
        done_with(f, hv_observe_docker_outcome(result->outcome, f->action->type), result->message);
}

/* --- create --- */

static void create(struct flight *f) {
        struct hv_docker_create body;
        struct hv_create_for by = who(f);
        struct hv_err err = {};
        int r;

        by.gpus = f->action->gpus;
        by.node_has_gpus = f->action->node_has_gpus;
        r = hv_create_container(f->action->unit, &by, f->arena, &body, &err);
        body.limits = f->action->limits;
        if (r < 0) {
                fail_here(f, r, &err);
                return;
        }
        hv_attempt_cgroups_make_room(f->d->o.cgroups, f->action->unit);
        f->calls[0] = hv_docker_container_create(f->d->o.docker, &body, then(f, on_created));
}

static void create_network(struct flight *f) {
        struct hv_docker_network_create body;
        struct hv_create_for by = who(f);

        hv_create_network(f->action->network, &by, f->arena, &body);
        f->calls[0] = hv_docker_network_create(f->d->o.docker, &body, then(f, on_created));
}

static void create_volume(struct flight *f) {
        struct hv_docker_volume_create body;
        struct hv_create_for by = who(f);

        hv_create_volume(f->action->volume, &by, f->arena, &body);
        f->calls[0] = hv_docker_volume_create(f->d->o.docker, &body, then(f, on_volume_created));
}

static void connect_network(struct flight *f) {
        const struct hv_action *a = f->action;
        const struct hv_strv *aliases = NULL;

        for (size_t i = 0; a->unit && i < a->unit->n_networks; i++)
                if (hv_streq(a->unit->networks[i].name, a->endpoint))
                        aliases = &a->unit->networks[i].aliases;
        f->calls[0] =
                hv_docker_network_connect(f->d->o.docker, a->endpoint, a->target, aliases, then(f, on_done));
}

/* --- pull --- */

static void on_fetched(void *userdata, const struct hv_image_fetched *result) {
        struct flight *f = userdata;
        struct docker_driver *d = f->d;

        f->fetch = NULL;
        if (result->no_room && d->o.no_room)
                d->o.no_room(d->o.userdata);
        done_with(f, hv_observe_docker_outcome(result->outcome, HV_ACTION_PULL), result->message);
}

static void pull(struct flight *f) {
        const struct hv_image_fetch_options options = {
                .source = f->d->o.images,
                .image = f->action->image,
                .desired = (struct hv_desired *) f->action->desired,
                .done = on_fetched,
                .userdata = f,
        };

        f->fetch = hv_image_fetch_new(&options);
}

/* --- stop --- */

static void stop(struct flight *f) {
        const struct hv_action *a = f->action;
        struct hv_docker_then t = then(f, on_done);

        /* The engine answers when the container has ended. Without a revision the client adds the grace. */
        if (a->stop_grace_us == HV_TIME_NEVER)
                t.timeout_us = hv_time_add(t.timeout_us, UNKNOWN_GRACE_US);
        else if (t.timeout_us)
                t.timeout_us = hv_time_add(t.timeout_us, a->stop_grace_us);
        f->calls[0] =
                hv_docker_container_stop(f->d->o.docker, a->target, a->stop_signal, a->stop_grace_us, t);
}

/* --- list --- */

/* Of several failures the one that says most: an engine that cannot be reached, then one that did not answer. */
static void note_failure(struct flight *f, const struct hv_docker_result *result) {
        enum hv_outcome outcome = hv_observe_docker_outcome(result->outcome, f->action->type);
        bool first = f->outcome == HV_OUTCOME_OK;

        if (!first && outcome != HV_OUTCOME_UNREACHABLE &&
            !(outcome == HV_OUTCOME_UNKNOWN && f->outcome != HV_OUTCOME_UNREACHABLE))
                return;
        f->outcome = outcome;
        free(f->message);
        f->message = hv_strdup(result->message);
}

static void part_ended(struct flight *f, size_t part, struct hv_docker_result *result) {
        struct hv_input in = {};
        bool down;

        f->calls[part] = NULL;
        if (result->outcome == HV_DOCKER_OK)
                f->arenas[part] = HV_STEAL(result->arena);
        else
                note_failure(f, result);
        if (--f->n_pending > 0)
                return;
        down = f->outcome == HV_OUTCOME_UNREACHABLE || f->outcome == HV_OUTCOME_UNKNOWN;
        in.outcome = f->listing.parts && !down ? HV_OUTCOME_OK : f->outcome;
        in.listing = in.outcome == HV_OUTCOME_OK ? &f->listing : NULL;
        in.message = f->message;
        done(f, &in);
}

static void on_containers(void *userdata, struct hv_docker_result *result) {
        struct flight *f = userdata;

        if (result->outcome == HV_DOCKER_OK)
                hv_observe_docker_containers(result->containers, f->d->node_id, f->arena, &f->listing);
        part_ended(f, 0, result);
}

static void on_networks(void *userdata, struct hv_docker_result *result) {
        struct flight *f = userdata;

        if (result->outcome == HV_DOCKER_OK)
                hv_observe_docker_networks(result->networks, f->d->node_id, f->arena, &f->listing);
        part_ended(f, 1, result);
}

static void on_volumes(void *userdata, struct hv_docker_result *result) {
        struct flight *f = userdata;

        if (result->outcome == HV_DOCKER_OK)
                hv_observe_docker_volumes(result->volumes, f->d->node_id, f->arena, &f->listing);
        part_ended(f, 2, result);
}

static void list(struct flight *f) {
        struct hv_docker *d = f->d->o.docker;
        unsigned parts = f->action->parts;

        f->n_pending = (unsigned) __builtin_popcount(parts & HV_LOOK_ALL);
        if (parts & HV_LOOK_CONTAINERS)
                f->calls[0] = hv_docker_container_list(d, false, then(f, on_containers));
        if (parts & HV_LOOK_NETWORKS)
                f->calls[1] = hv_docker_network_list(d, false, then(f, on_networks));
        if (parts & HV_LOOK_VOLUMES)
                f->calls[2] = hv_docker_volume_list(d, false, then(f, on_volumes));
}

/* --- connect --- */

static void connect_step_ended(struct flight *f) {
        if (--f->n_pending == 0)
                done_with(f, HV_OUTCOME_OK, NULL);
}

static void on_stream_open(void *userdata) {
        struct docker_driver *d = userdata;

        d->stream_is_open = true;
        if (d->connect)
                connect_step_ended(d->connect);
}

static void on_event(void *userdata, const struct hv_docker_event *event) {
        struct docker_driver *d = userdata;
        struct hv_input in = { .type = HV_INPUT_EVENT };

        if (event->time_ns > d->last_event_ns)
                d->last_event_ns = event->time_ns;
        if (hv_observe_docker_event(event, d->node_id, &in.event))
                d->o.input(d->o.input_userdata, &in);
}

static void on_stream_end(void *userdata, struct hv_docker_result *result) {
        struct docker_driver *d = userdata;
        bool was_open = d->stream_is_open;
        struct hv_input lost = {
                .type = HV_INPUT_ENGINE_LOST,
                .message = *result->message ? result->message : "the engine closed its stream of events",
        };
        enum hv_outcome outcome = hv_observe_docker_outcome(result->outcome, HV_ACTION_CONNECT);

        d->stream = NULL;
        d->stream_is_open = false;
        if (d->connect)
                done_with(d->connect, outcome == HV_OUTCOME_OK ? HV_OUTCOME_FAILED : outcome, lost.message);
        else if (was_open)
                d->o.input(d->o.input_userdata, &lost);
}

static void on_info(void *userdata, struct hv_docker_result *result) {
        struct flight *f = userdata;

        f->calls[0] = NULL;
        if (result->outcome != HV_DOCKER_OK)
                done_with(f, hv_observe_docker_outcome(result->outcome, HV_ACTION_CONNECT), result->message);
        else
                connect_step_ended(f);
}

static void open_stream(struct docker_driver *d) {
        static const char *const types[] = { "container", "image", "network", "volume", NULL };
        const struct hv_docker_events events = {
                .since_ns = d->last_event_ns,
                .types = { .v = types, .n = HV_ARRAY_SIZE(types) - 1 },
                .on_open = on_stream_open,
                .on_event = on_event,
                .userdata = d,
        };

        hv_docker_call_cancel(d->stream);
        d->stream_is_open = false;
        d->stream = hv_docker_events(d->o.docker, &events,
                                     (struct hv_docker_then){ .fn = on_stream_end, .userdata = d });
}

static void on_greeted(void *userdata, struct hv_docker_result *result) {
        struct flight *f = userdata;

        f->calls[0] = NULL;
        if (result->outcome != HV_DOCKER_OK) {
                done_with(f, hv_observe_docker_outcome(result->outcome, HV_ACTION_CONNECT), result->message);
                return;
        }
        f->n_pending = 2;
        f->d->connect = f;
        open_stream(f->d);
        f->calls[0] = hv_docker_info(f->d->o.docker, then(f, on_info));
}

/* The greeting has its own short timeout: an engine that restarts accepts connections before it answers. */
static void connect(struct flight *f) {
        f->calls[0] =
                hv_docker_connect(f->d->o.docker, (struct hv_docker_then){ .fn = on_greeted, .userdata = f });
}

/* --- the table --- */

static void inspect(struct flight *f) {
        f->calls[0] = hv_docker_container_inspect(f->d->o.docker, f->action->target, then(f, on_inspected));
}

static void inspect_image(struct flight *f) {
        f->calls[0] = hv_docker_image_inspect(f->d->o.docker, f->action->image, then(f, on_done));
}

static void remove_network(struct flight *f) {
        f->calls[0] = hv_docker_network_remove(f->d->o.docker, f->action->target, then(f, on_done));
}

static void disconnect_network(struct flight *f) {
        f->calls[0] = hv_docker_network_disconnect(f->d->o.docker, f->action->endpoint, f->action->target,
                                                   false, then(f, on_done));
}

static void remove_volume(struct flight *f) {
        f->calls[0] = hv_docker_volume_remove(f->d->o.docker, f->action->target, then(f, on_done));
}

static void start(struct flight *f) {
        f->calls[0] = hv_docker_container_start(f->d->o.docker, f->action->target, then(f, on_done));
}

static void unpause(struct flight *f) {
        f->calls[0] = hv_docker_container_unpause(f->d->o.docker, f->action->target, then(f, on_done));
}

/* Never by force: one that runs again meanwhile is a conflict, and is looked at. Its anonymous volumes
 * (VOLUME of the image) go with it; nobody could ever find them again. */
static void remove_container(struct flight *f) {
        f->calls[0] =
                hv_docker_container_remove(f->d->o.docker, f->action->target, false, true, then(f, on_done));
}

static void update(struct flight *f) {
        f->calls[0] = hv_docker_container_update(f->d->o.docker, f->action->target, &f->action->limits,
                                                 then(f, on_done));
}

static void (*const perform[HV_N_ACTIONS])(struct flight *f) = {
        [HV_ACTION_CONNECT] = connect,
        [HV_ACTION_LIST] = list,
        [HV_ACTION_INSPECT] = inspect,
        [HV_ACTION_INSPECT_IMAGE] = inspect_image,
        [HV_ACTION_PULL] = pull,
        [HV_ACTION_NETWORK_CREATE] = create_network,
        [HV_ACTION_NETWORK_REMOVE] = remove_network,
        [HV_ACTION_NETWORK_CONNECT] = connect_network,
        [HV_ACTION_NETWORK_DISCONNECT] = disconnect_network,
        [HV_ACTION_VOLUME_CREATE] = create_volume,
        [HV_ACTION_VOLUME_REMOVE] = remove_volume,
        [HV_ACTION_CREATE] = create,
        [HV_ACTION_START] = start,
        [HV_ACTION_STOP] = stop,
        [HV_ACTION_UNPAUSE] = unpause,
        [HV_ACTION_REMOVE] = remove_container,
        [HV_ACTION_UPDATE] = update,
};

static bool can(const struct hv_driver *driver, enum hv_action_type type) {
        (void) driver;
        return type < HV_N_ACTIONS && perform[type];
}

static void submit(struct hv_driver *driver, const struct hv_action *action) {
        struct docker_driver *d = (struct docker_driver *) driver;

        perform[action->type](flight_new(d, action));
}

static struct hv_driver *driver_free(struct hv_driver *driver) {
        struct docker_driver *d = (struct docker_driver *) driver;
        struct flight *f;

        while ((f = TAILQ_FIRST(&d->flights)))
                flight_free(f);
        hv_docker_call_cancel(d->stream);
        free(d->node_id);
        free(d);
        return NULL;
}

static const struct hv_driver_ops ops = {
        .name = "docker", .can = can, .submit = submit, .free = driver_free
};

struct hv_driver *hv_docker_driver_new(const struct hv_docker_driver_options *options) {
        struct docker_driver *d = HV_NEW(struct docker_driver);

        d->base.ops = &ops;
        d->o = *options;
        d->node_id = hv_strdup(options->node_id);
        d->o.node_id = d->node_id;
        TAILQ_INIT(&d->flights);
        return &d->base;
}

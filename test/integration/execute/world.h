/* world.h - core, executor and driver around a real engine: the agent without its sources and publishers. */
#pragma once

#include "base/vec.h"
#include "docker/container.h"
#include "docker/network.h"
#include "docker/volume.h"
#include "execute/docker_driver.h"
#include "execute/executor.h"
#include "lib/engine.h"
#include "lib/loop.h"
#include "reconcile/status.h"

#define IMAGE "docker.io/hv/busybox:1"
#define NODE_ID "node-1"

struct world {
        sd_event *event;
        struct hv_engine *engine;
        struct hv_docker *docker; /* the agent's */
        struct hv_image_source images;
        struct hv_docker *own; /* the test's: what it does is somebody else's doing */
        struct hv_core *core;
        struct hv_executor *executor;
        sd_event_source *pass, *deadline;
        struct hv_desired *desired;
        HV_VEC(char *) effects; /* "create service/web/1", in the order in which they were handed out */
        struct hv_arena *arena; /* until the test ends, as the answers */
        HV_VEC(struct hv_arena *) answers;
        unsigned n_lost;
};

int set_up(void **state);     /* an engine without containers, a core without a wish */
int set_up_own(void **state); /* the same with an engine of its own, which may be hurt */
int tear_down(void **state);
void start_agent(struct world *w); /* a fresh core and driver: a restart */
void stop_agent(struct world *w);

/* Wishes a list of services (and more fields of `spec`, in block style; NULL: none). */
void wish_for(struct world *w, const char *services, const char *more);
struct hv_desired *desired_of(const char *services, const char *more);
void converge(struct world *w); /* runs until synced */
bool is_synced(const struct world *w);
void forget_effects(struct world *w);
bool has_effect(const struct world *w, const char *effect);

/* What the engine says, asked by the test's own client. */
const struct hv_docker_container *inspect(struct world *w, const char *name); /* NULL: not there */
void sh(const char *fmt, ...) _hv_printf_(1, 2); /* fails the test when the command does */

/* The test's own calls: makes one, waits for its end, gives its result. */
struct hv_docker_then own_begin(struct world *w);
const struct hv_docker_result *own_end(struct world *w);
#define OWN(w, function, ...)                                    \
        ({                                                       \
                struct hv_docker_then _then = own_begin(w);      \
                (void) function((w)->own, ##__VA_ARGS__, _then); \
                own_end(w);                                      \
        })

/* harness.h - the engine client used as if it could wait, and what engines do differently.
 *
 *     const struct hv_docker_result *r = CALL(x, hv_docker_container_start, "web");
 *     expect(r, HV_DOCKER_OK);
 */
#pragma once

#include "base/vec.h"
#include "docker/container.h"
#include "docker/events.h"
#include "docker/image.h"
#include "docker/network.h"
#include "docker/volume.h"
#include "lib/engine.h"
#include "lib/loop.h"

/* Where podman is not Docker (docs/podman.md). A member is what the engine does, not what would be right. */
struct differences {
        enum hv_docker_outcome update; /* of limits */
        enum hv_docker_outcome remove_network_in_use;
        enum hv_docker_outcome start_of_nonsense; /* a command that does not exist */
        bool adds_newline;                        /* to the last words, when `tail` is asked for */
        const char *gone_event;                   /* action of the event when a container is removed */
        bool knows_oom;
};

struct fixture {
        sd_event *event;
        struct hv_engine *engine;
        struct hv_engine *own; /* that a test hurts; NULL: none */
        struct hv_docker *d;
        const struct differences *differs;
        HV_VEC(struct hv_docker_result *) results; /* until the test ends */
        bool done;
};

int set_up(void **state);    /* client of the shared engine, connected, which holds no container */
int tear_down(void **state); /* removes all it finds */
struct hv_docker *new_client(struct fixture *x, const struct hv_engine *engine, bool read_only);

struct hv_docker_then call_begin(struct fixture *x);
const struct hv_docker_result *call_end(struct fixture *x);

/* Makes the call, runs the loop until it ends, gives its result. */
#define CALL(x, function, ...)                                 \
        ({                                                     \
                struct hv_docker_then _then = call_begin(x);   \
                (void) function((x)->d, ##__VA_ARGS__, _then); \
                call_end(x);                                   \
        })

void expect_at(const struct hv_docker_result *r, enum hv_docker_outcome outcome, const char *file, int line);
#define expect(r, outcome) expect_at(r, outcome, __FILE__, __LINE__)

/* A container of hv/busybox:1 that runs `script` in sh, with what `more` says (NULL: nothing more). */
struct hv_docker_create container(const char *name, const char *script, const struct hv_docker_create *more);
const char *create(struct fixture *x, const char *name, const char *script); /* gives its id */
const char *run(struct fixture *x, const char *name, const char *script);    /* created and started */
void wait_said(struct fixture *x, const char *id, const char *text);         /* on its standard output */
const struct hv_docker_container *inspect(struct fixture *x, const char *id);
const struct hv_docker_container *find(const struct hv_docker_containers *list,
                                       const char *name); /* NULL: none */

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

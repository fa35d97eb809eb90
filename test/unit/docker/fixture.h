/* fixture.h - the client in front of a fake engine: only for what a real engine cannot be made to show. */
#pragma once

#include "docker/container.h"
#include "docker/events.h"
#include "docker/image.h"
#include "docker/network.h"
#include "docker/volume.h"
#include "lib/fakeengine.h"
#include "lib/loop.h"

struct fixture {
        sd_event *event;
        char dir[64];
        char *socket;
        struct hv_fake_engine *fake;
        struct hv_docker *d;
        /* of the last call */
        bool done;
        struct hv_docker_result result;
        struct hv_arena *kept;
};

int set_up(void **state); /* connected; one request was seen */
int set_up_unconnected(void **state);
int tear_down(void **state);

struct hv_docker_then call_begin(struct fixture *x);
const struct hv_docker_result *call_end(struct fixture *x);

#define CALL(x, function, ...)                                 \
        ({                                                     \
                struct hv_docker_then _then = call_begin(x);   \
                (void) function((x)->d, ##__VA_ARGS__, _then); \
                call_end(x);                                   \
        })

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

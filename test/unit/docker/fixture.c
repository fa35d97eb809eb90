/* fixture.c - see fixture.h. */
#include "fixture.h"

#include <unistd.h>

#include "base/alloc.h"

int set_up_unconnected(void **state) {
        struct fixture *x = HV_NEW(struct fixture);
        struct hv_docker_options options = { .call_timeout_us =
                                                     2 * HV_TEST_PATIENCE_US }; /* never the first to end */
        _hv_cleanup_free_ char *url = NULL;

        assert_true(sd_event_new(&x->event) >= 0);
        strcpy(x->dir, "/tmp/hv-docker-XXXXXX");
        assert_non_null(mkdtemp(x->dir));
        x->socket = hv_asprintf("%s/sock", x->dir);
        url = hv_asprintf("unix://%s", x->socket);
        x->fake = hv_fake_engine_new(x->event, x->socket);
        options.url = url;
        assert_int_equal(hv_docker_new(x->event, &options, &x->d, NULL), 0);
        *state = x;
        return 0;
}

int set_up(void **state) {
        (void) set_up_unconnected(state);
        hv_fake_ping(((struct fixture *) *state)->fake, "1.41");
        assert_int_equal(CALL((struct fixture *) *state, hv_docker_connect)->outcome, HV_DOCKER_OK);
        return 0;
}

int tear_down(void **state) {
        struct fixture *x = *state;

        hv_docker_free(x->d);
        hv_fake_engine_free(x->fake);
        sd_event_unref(x->event);
        hv_arena_free(x->kept);
        (void) rmdir(x->dir);
        free(x->socket);
        free(x);
        return 0;
}

static void on_done(void *userdata, struct hv_docker_result *result) {
        struct fixture *x = userdata;

        assert_false(x->done);
        x->done = true;
        hv_arena_free(x->kept);
        x->kept = HV_STEAL(result->arena);
        x->result = *result;
}

struct hv_docker_then call_begin(struct fixture *x) {
        x->done = false;
        return (struct hv_docker_then){ .fn = on_done, .userdata = x };
}

const struct hv_docker_result *call_end(struct fixture *x) {
        assert_false(x->done); /* never from inside the call */
        hv_test_run_until(x->event, x->done);
        return &x->result;
}

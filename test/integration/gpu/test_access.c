/* May what runs in a cgroup of version 2 use a device: rules that let all through, and none, in itself and above it; what cannot be
 * said is no denial. Each test has a cgroup of its own in the kernel's tree. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "cgroup/tree.h"
#include "gpu/access.h"
#include "lib/devices/rules.h"
#include "testing.h"

#define DEVICE "/dev/null"

struct bed {
        char *dir, *below;
};

static int set_up(void **state) {
        _hv_cleanup_(hv_cgroup_tree_freep) struct hv_cgroup_tree *tree = NULL;
        struct bed *b = HV_NEW(struct bed);
        struct hv_cgroup_place place;

        assert_int_equal(hv_cgroup_tree_new(NULL, &tree, NULL), 0);
        assert_int_equal(hv_cgroup_find(tree, "no controller of version 1", "", &place, NULL), 0);
        assert_true(place.is_v2);
        b->dir = hv_asprintf("%s/hivelet-test-%d", place.dir, (int) getpid());
        b->below = hv_asprintf("%s/below", b->dir);
        free(place.dir);
        assert_int_equal(mkdir(b->dir, 0755), 0);
        assert_int_equal(mkdir(b->below, 0755), 0);
        *state = b;
        return 0;
}

static int tear_down(void **state) {
        struct bed *b = *state;

        assert_int_equal(rmdir(b->below), 0); /* and nobody was left in there */
        assert_int_equal(rmdir(b->dir), 0);
        free(b->dir);
        free(b->below);
        free(b);
        return 0;
}

static void put(const char *dir, const char *file, const char *text) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%s", dir, file);
        _hv_cleanup_(hv_fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t) strlen(text));
}

static void test_the_rules_answer(void **state) {
        struct bed *b = *state;

        assert_int_equal(hv_gpu_access_within(b->dir, DEVICE), 0);
        assert_int_equal(hv_test_devices_replace(b->dir, true), 0);
        assert_int_equal(hv_gpu_access_within(b->dir, DEVICE), 0);
        assert_int_equal(hv_test_devices_replace(b->dir, false), 0);
        assert_int_equal(hv_gpu_access_within(b->dir, DEVICE), -EPERM);
        assert_int_equal(access(DEVICE, R_OK | W_OK), 0); /* who asks stands outside */
        assert_int_equal(hv_test_devices_replace(b->dir, true), 0);
        assert_int_equal(hv_gpu_access_within(b->dir, DEVICE), 0);
}

static void test_rules_above_it_count(void **state) {
        struct bed *b = *state;

        assert_int_equal(hv_test_devices_replace(b->below, true), 0);
        assert_int_equal(hv_gpu_access_within(b->below, DEVICE), 0);
        assert_int_equal(hv_test_devices_replace(b->dir, false), 0);
        assert_int_equal(hv_gpu_access_within(b->below, DEVICE), -EPERM);
}

static void test_what_cannot_be_said(void **state) {
        struct bed *b = *state;
        _hv_cleanup_free_ char *beside = hv_asprintf("%s/beside", b->dir);

        assert_int_equal(hv_gpu_access_within("/nowhere", DEVICE), -ENOENT);
        assert_int_equal(hv_gpu_access_within(b->dir, "/dev/no-such-device"), -ENOENT);
        /* Beside one of threads nobody may stand, whatever the rules are. */
        put(b->below, "cgroup.type", "threaded");
        assert_int_equal(mkdir(beside, 0755), 0);
        assert_int_equal(hv_test_devices_replace(beside, false), 0);
        assert_int_equal(hv_gpu_access_within(beside, DEVICE), -EBUSY);
        assert_int_equal(rmdir(beside), 0);
}

/* A container that is paused: who joins it stands still with it. */
static void test_one_that_is_frozen(void **state) {
        struct bed *b = *state;

        put(b->dir, "cgroup.freeze", "1");
        assert_int_equal(hv_gpu_access_within(b->dir, DEVICE), -ETIMEDOUT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_the_rules_answer, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_rules_above_it_count, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_what_cannot_be_said, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_one_that_is_frozen, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

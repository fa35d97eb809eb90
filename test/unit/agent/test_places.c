/* Where the agent keeps what is its own: the directories, their modes, and that nobody mounts them. */
#include "testing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/private.h"

/* The usual way to start it names no directory at all. */
static void own_directories_have_names_without_flags(void **state) {
        const struct hv_agent_options none = {}, both = { .state_dir = "/srv/s", .run_dir = "/srv/r" };
        const char *paths[2];

        (void) state;
        hv_agent_private_paths(&none, paths);
        assert_string_equal(paths[0], HV_AGENT_STATE_DIR);
        assert_string_equal(paths[1], HV_AGENT_RUN_DIR);
        hv_agent_private_paths(&both, paths);
        assert_string_equal(paths[0], "/srv/s");
        assert_string_equal(paths[1], "/srv/r");
}

/* The agent writes with umask 077; the group of the socket has to get to it all the same. */
static void run_directory_lets_the_group_in(void **state) {
        char base[] = "/tmp/hv-places-XXXXXX", dir[64];
        struct hv_err err = {};
        struct stat st;
        mode_t mask;

        (void) state;
        assert_non_null(mkdtemp(base));
        (void) snprintf(dir, sizeof dir, "%s/run", base);
        mask = umask(077);
        assert_int_equal(hv_agent_make_run_dir(dir, &err), 0);
        (void) umask(mask);
        assert_int_equal(stat(dir, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0755);

        assert_int_equal(chmod(dir, 0750), 0); /* what is there already is somebody's choice */
        assert_int_equal(hv_agent_make_run_dir(dir, &err), 0);
        assert_int_equal(stat(dir, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0750);
        assert_int_equal(rmdir(dir), 0);
        assert_int_equal(rmdir(base), 0);
        assert_int_equal(hv_agent_make_run_dir(dir, &err), -ENOENT);
        assert_non_null(strstr(err.msg, dir));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(own_directories_have_names_without_flags),
                cmocka_unit_test(run_directory_lets_the_group_in),
        };

        return cmocka_run_group_tests_name("agent_places", tests, NULL, NULL);
}

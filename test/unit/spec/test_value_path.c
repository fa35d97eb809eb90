/* spec: paths as text, and the paths of the host that no container may see. */
#include "testing.h"

#include "fault.h"

#include "base/arena.h"
#include "spec/value_path.h"

static void absolute_paths_get_one_form(void **state) {
        static const char *const rows[][3] = {
                { "/", "/", NULL },
                { "//", "/", NULL },
                { "/data", "/data", NULL },
                { "/data/", "/data", NULL },
                { "//a///b/./c/.", "/a/b/c", NULL },
                { "/a/..b/...", "/a/..b/...", NULL },
                { "", NULL, "the path is empty" },
                { "data", NULL, "\"data\" must be an absolute path" },
                { "./data", NULL, "must be an absolute path" },
                { "~/data", NULL, "must be an absolute path" },
                { "/a/../b", NULL, "\"..\" is not allowed in \"/a/../b\"" },
                { "/..", NULL, "\"..\" is not allowed" },
                { "/a\nb", NULL, "holds a control character" },
        };
        char big[5000];

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
                struct hv_fault fault = {};
                const char *path = NULL;
                int r = hv_value_absolute_path(rows[i][0], a, &path, &fault);

                assert_int_equal(r == 0, rows[i][1] != NULL);
                if (r == 0)
                        assert_string_equal(path, rows[i][1]);
                else
                        expect_fault(rows[i][0], &fault, "E0364", rows[i][2]);
        }
        memset(big, '/', sizeof big);
        big[sizeof big - 1] = '\0';
        assert_true(hv_value_absolute_path(big, NULL, NULL, NULL) < 0);
}

static void relative_paths_stay_inside(void **state) {
        static const char *const rows[][3] = {
                { "results", "results", NULL },
                { "./a//b/", "a/b", NULL },
                { "..a/b", "..a/b", NULL },
                { "../../etc/passwd", NULL, "\"../../etc/passwd\" leaves the workspace" },
                { "a/../../b", NULL, "leaves the workspace" },
                { "a/../b", NULL, "\"..\" is not allowed in \"a/../b\"" },
                { "/etc/passwd", NULL, "must be relative to the workspace" },
                { ".", NULL, "is the workspace itself" },
                { "", NULL, "the path is empty" },
                { "a\tb", NULL, "control character" },
        };
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        const char *path;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_fault fault = {};
                int r = hv_value_relative_path(rows[i][0], "E0451", "workspace", false, a, &path, &fault);

                assert_int_equal(r == 0, rows[i][1] != NULL);
                if (r == 0)
                        assert_string_equal(path, rows[i][1]);
                else
                        expect_fault(rows[i][0], &fault, "E0451", rows[i][2]);
        }
        assert_int_equal(hv_value_relative_path("./", "E0455", "workdir", true, a, &path, NULL), 0);
        assert_string_equal(path, ".");
}

static void no_disguise_gets_past_the_list(void **state) {
        static const struct {
                const char *path, *code; /* code NULL: allowed */
        } rows[] = {
                { "/srv/data", NULL },
                { "/srv/data/../data2", NULL },
                { "/home/run", NULL },
                { "/etcetera", NULL },
                { "/runner", NULL },
                { "/var/lib/hivelet2", NULL },
                { "/var/lib/dockers", NULL },
                { "/var/run/docker.sock", "E0367" },
                { "/run/docker.sock", "E0367" },
                { "//run///docker.sock", "E0367" },
                { "/run/docker.sock/", "E0367" },
                { "/run/./docker.sock", "E0367" },
                { "/var/run/../run/docker.sock", "E0367" },
                { "/srv/data/../../run/docker.sock", "E0367" },
                { "/../../run/docker.sock", "E0367" },
                { "/srv/docker.sock", "E0367" },
                { "/proc/1/root/run/docker.sock", "E0367" },
                { "/run", "E0367" },
                { "/var/run", "E0367" },
                { "/var/run/", "E0367" },
                { "/", "E0367" },
                { "/.", "E0367" },
                { "/srv/..", "E0367" },
                { "/run/containerd/containerd.sock", "E0367" },
                { "/run/containerd", "E0367" },
                { "/run/podman/podman.sock", "E0367" },
                { "/run/user/1000/podman/podman.sock", "E0367" },
                { "/run/systemd", "E0365" },
                { "/var/lock", "E0365" },
                { "/proc", "E0365" },
                { "/proc/sys/kernel", "E0365" },
                { "/sys/fs/cgroup", "E0365" },
                { "/dev/sda", "E0365" },
                { "/etc", "E0365" },
                { "/etc/passwd", "E0365" },
                { "/srv/../etc/shadow", "E0365" },
                { "/boot", "E0365" },
                { "/var", "E0365" },
                { "/var/lib", "E0365" },
                { "/var/lib/docker/overlay2", "E0365" },
                { "/var/lib/hivelet", "E0365" },
                { "/var/lib/hivelet/secrets", "E0365" },
        };
        struct hv_fault fault = {};

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                int r = hv_value_host_path_allowed(rows[i].path, NULL, &fault);

                if ((r == 0) != (rows[i].code == NULL) || (r < 0 && strcmp(fault.code, rows[i].code) != 0))
                        fail_msg("%s: %s", rows[i].path, r < 0 ? fault.message : "allowed");
        }
        assert_true(hv_value_host_path_allowed("/srv/hive/x", "/srv/hive", &fault) < 0);
        assert_string_equal(fault.message, "\"/srv/hive/x\" is inside /srv/hive, which may never be mounted");
        assert_true(hv_value_host_path_allowed("/srv", "/srv/hive", &fault) < 0);
        assert_string_equal(fault.message, "\"/srv\" holds /srv/hive, which may never be mounted");
}

static void below_means_whole_parts(void **state) {
        (void) state;
        assert_true(hv_path_is_below("/srv/data", "/srv/data"));
        assert_true(hv_path_is_below("/srv/data/x", "/srv/data"));
        assert_false(hv_path_is_below("/srv/database", "/srv/data"));
        assert_false(hv_path_is_below("/srv", "/srv/data"));
        assert_true(hv_path_is_below("/srv", "/"));
}

static void http_paths_start_with_a_slash(void **state) {
        struct hv_fault fault = {};

        (void) state;
        assert_int_equal(hv_value_http_path("/healthz?full=1", NULL), 0);
        assert_true(hv_value_http_path("healthz", &fault) < 0);
        assert_string_equal(fault.message, "path \"healthz\" must start with \"/\"");
        assert_string_equal(fault.code, "E0403");
        assert_true(hv_value_http_path("", NULL) < 0);
        assert_true(hv_value_http_path("/a\r\nHost: x", &fault) < 0);
        assert_non_null(strstr(fault.message, "must be written as %0D"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(absolute_paths_get_one_form),
                cmocka_unit_test(relative_paths_stay_inside),
                cmocka_unit_test(no_disguise_gets_past_the_list),
                cmocka_unit_test(below_means_whole_parts),
                cmocka_unit_test(http_paths_start_with_a_slash),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* host_path: what may be mounted by name, and that nobody can slip in something else (S5). */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testing.h"

#include "base/alloc.h"
#include "execute/host_path.h"

static char root[] = "/tmp/hv-path-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        (void) st;
        (void) flag;
        (void) ftw;
        return remove(path);
}

static int set_up(void **state) {
        (void) state;
        (void) umask(0);
        return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state) {
        (void) state;
        return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *below(const char *name) {
        static char ring[4][128];
        static unsigned at;
        char *path = ring[at++ % 4];

        (void) snprintf(path, sizeof ring[0], "%s/%s", root, name);
        return path;
}

static void make_dir(const char *name, mode_t mode) {
        assert_int_equal(mkdir(below(name), 0700), 0);
        assert_int_equal(chmod(below(name), mode), 0);
}

static void paths_are_resolved_or_refused(void **state) {
        static const struct {
                const char *what, *path;
                int code;
                const char *says; /* the result below the root, or part of the error */
        } rows[] = {
                { "a directory", "good/data", 0, "good/data" },
                { "noise in it", "good//./data/", 0, "good/data" },
                { "what anybody may write to, at the end", "good/open", 0, "good/open" },
                { "below what anybody may write to", "good/open/x", -EPERM,
                  "everyone could put something else" },
                { "below a sticky one, ours", "good/sticky/ours", 0, "good/sticky/ours" },
                { "a link at the end", "good/link", -ELOOP, "is a symbolic link" },
                { "a link on the way", "good/link/data", -ELOOP, "good/link is a symbolic link" },
                { "not there", "good/none", -ENOENT, "good/none: No such file" },
                { "upwards", "good/../good/data", -EINVAL, "\"..\" is not allowed" },
        };

        (void) state;
        make_dir("good", 0755);
        make_dir("good/data", 0755);
        make_dir("good/open", 0777);
        make_dir("good/open/x", 0755);
        make_dir("good/sticky", 01777);
        make_dir("good/sticky/ours", 0755);
        assert_int_equal(symlink(".", below("good/link")), 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *resolved = NULL;
                struct hv_err err = {};
                int r = hv_host_path_resolve(below(rows[i].path), &resolved, &err);

                if (r != rows[i].code)
                        fail_msg("%s: %d %s", rows[i].what, r, err.msg);
                if (r == 0)
                        assert_string_equal(resolved, below(rows[i].says));
                else if (!strstr(err.msg, rows[i].says))
                        fail_msg("%s: %s", rows[i].what, err.msg);
        }
}

static void what_is_no_path_is_refused(void **state) {
        static const char *const bad[] = { "", "relative", "./x", "..", "../../etc" };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(bad); i++) {
                char *resolved = NULL;

                if (hv_host_path_resolve(bad[i], &resolved, NULL) != -EINVAL)
                        fail_msg("\"%s\" was taken", bad[i]);
        }
        assert_int_equal(hv_host_path_resolve(NULL, &(char *){ NULL }, NULL), -EINVAL);
}

static void magic_links_are_links(void **state) {
        char *resolved = NULL;

        (void) state;
        assert_int_equal(hv_host_path_resolve("/proc/self/root/etc", &resolved, NULL), -ELOOP);
}

static void a_directory_of_somebody_else_is_no_way(void **state) {
        _hv_cleanup_free_ char *resolved = NULL;
        struct hv_err err = {};

        (void) state;
        if (geteuid() != 0)
                return; /* nobody else can give a directory away */
        make_dir("foreign", 0755);
        make_dir("foreign/data", 0755);
        assert_int_equal(chown(below("foreign"), 1234, 1234), 0);
        assert_int_equal(hv_host_path_resolve(below("foreign/data"), &resolved, &err), -EPERM);
        assert_non_null(strstr(err.msg, "uid 1234"));
        assert_int_equal(hv_host_path_resolve(below("foreign"), &resolved, &err), 0);
}

/* Somebody turns a directory into a link to another place and back, all the time. What is given out is always the name of
 * the real place, or nothing. */
struct swapper {
        bool end;
};

static void *swap(void *userdata) {
        struct swapper *s = userdata;
        char a[128], b[128];

        (void) snprintf(a, sizeof a, "%s/race/data", root);
        (void) snprintf(b, sizeof b, "%s/race/evil", root);
        for (unsigned i = 0; i < 100000; i++)
                (void) renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
        __atomic_store_n(&s->end, true, __ATOMIC_RELEASE);
        return NULL;
}

static void a_link_that_comes_and_goes_is_never_followed(void **state) {
        struct swapper s = {};
        unsigned n_refused = 0;
        pthread_t thread;
        char path[128];

        (void) state;
        make_dir("race", 0700);
        make_dir("race/data", 0700);
        make_dir("race/data/inner", 0700);
        make_dir("elsewhere", 0700);
        make_dir("elsewhere/inner", 0700);
        assert_int_equal(symlink("../elsewhere", below("race/evil")), 0);
        (void) snprintf(path, sizeof path, "%s/race/data/inner", root);
        assert_int_equal(pthread_create(&thread, NULL, swap, &s), 0);
        while (!__atomic_load_n(&s.end, __ATOMIC_ACQUIRE)) {
                _hv_cleanup_free_ char *resolved = NULL;
                int r = hv_host_path_resolve(path, &resolved, NULL);

                if (r == 0)
                        assert_string_equal(resolved, path);
                else
                        assert_int_equal(r, -ELOOP);
                n_refused += r < 0;
        }
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(n_refused > 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(paths_are_resolved_or_refused),
                cmocka_unit_test(what_is_no_path_is_refused),
                cmocka_unit_test(magic_links_are_links),
                cmocka_unit_test(a_directory_of_somebody_else_is_no_way),
                cmocka_unit_test(a_link_that_comes_and_goes_is_never_followed),
        };

        return cmocka_run_group_tests_name("host_path", tests, set_up, tear_down);
}

/* facts about a path whose file system does not answer. stat(2) of the one path waits, as on a hard mount of a network file system
 * whose server is away: the linker leads the call here (--wrap). */
#include "testing.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "base/within.h"
#include "log/log.h"
#include "source/facts.h"

#define DEAD "/srv/dead"

static int gate[2]; /* who reads from it waits until it is closed */
static unsigned n_looks, n_told;

int __real_stat(const char *path, struct stat *st);
int __wrap_stat(const char *path, struct stat *st);

int __wrap_stat(const char *path, struct stat *st) {
        char c;

        if (!hv_streq(path, DEAD))
                return __real_stat(path, st);
        n_looks++;
        (void) !read(gate[0], &c, 1);
        return __real_stat("/", st);
}

static void on_log(const struct hv_log_record *r, void *userdata) {
        (void) userdata;
        n_told += strstr(r->message, DEAD " does not answer") != NULL;
}

static void what_does_not_answer_is_unknown(void **state) {
        _hv_cleanup_(hv_facts_freep) struct hv_facts *facts = hv_facts_new(NULL);
        const struct hv_spec_facts *f = hv_facts_get(facts);

        (void) state;
        assert_int_equal(pipe(gate), 0);
        hv_log_set_sink(on_log, NULL);
        assert_null(f->file(f->userdata, DEAD));
        assert_null(f->file(f->userdata, DEAD)); /* once a load */
        assert_int_equal(n_told, 1);
        assert_non_null(f->file(f->userdata, "/"));

        f = hv_facts_get(facts); /* the next load: still away, and not waited for again */
        assert_null(f->file(f->userdata, DEAD));
        assert_int_equal(n_looks, 1);
        assert_int_equal(n_told, 2);

        assert_int_equal(close(gate[1]), 0); /* the server is back */
        while (hv_within_n_waiting() > 0)
                (void) usleep(1000);
        f = hv_facts_get(facts);
        assert_non_null(f->file(f->userdata, DEAD));
        assert_int_equal(f->file(f->userdata, DEAD)->error, 0);
        hv_log_set_sink(NULL, NULL);
        (void) close(gate[0]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_does_not_answer_is_unknown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

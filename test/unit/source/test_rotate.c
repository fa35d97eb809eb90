/* Keys that are rotated: whatever fails, and wherever the power is cut, the key is the old one or the new one, and the old one can be
 * had again. */
#include "source/rotate.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"
#include "scratch.h"
#include "source/secrets.h"

struct fixture {
        struct scratch *scratch;
        struct hv_disk dir;
        enum hv_rotation how;
        char *old, *before; /* contents of k and k.previous when the change begins; before: NULL, none */
        char *next;         /* of k.next */
        unsigned n_new;
        struct hv_err err;
};

static int rotate(struct fixture *x, enum hv_rotation how, char **ret) {
        _hv_cleanup_(hv_secret_freep) struct hv_secret *key = NULL;
        int r = hv_rotate_key(&x->dir, "k", how, &key, &x->err);

        if (r >= 0 && ret)
                *ret = hv_strdup(hv_secret_bytes(key));
        return r;
}

static char *key(const struct fixture *x, const char *file) {
        _hv_cleanup_free_ char *path = hv_asprintf("secrets/%s", file);

        return scratch_read(x->scratch, path);
}

static void forget(struct fixture *x) {
        free(x->old);
        free(x->before);
        free(x->next);
        x->old = x->before = x->next = NULL;
}

static void empty(struct fixture *x) {
        hv_disk_close(&x->dir);
        scratch_remove(scratch_path(x->scratch, "secrets"));
        assert_int_equal(hv_disk_open(scratch_path(x->scratch, "secrets"), &x->dir, &x->err), 0);
}

static void begin(struct fixture *x) {
        _hv_cleanup_(hv_secret_freep) struct hv_secret *first = NULL;

        empty(x);
        assert_int_equal(hv_secret_make_wireguard(&x->dir, "k", &first, &x->err), 0);
        forget(x);
        x->old = key(x, "k");
}

static void a_new_key_and_back_again(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_free_ char *new = NULL, *back = NULL, *again = NULL, *now = NULL, *previous = NULL;
        struct stat st;

        begin(x);
        assert_int_equal(rotate(x, HV_ROTATION_UNDO, NULL), -ENOENT); /* there was none before */
        scratch_write(x->scratch, "secrets/k.previous", x->old);      /* a NOW that ended in the middle */
        assert_int_equal(rotate(x, HV_ROTATION_UNDO, NULL), -EALREADY);
        assert_int_equal(rotate(x, HV_ROTATION_NOW, &new), 0);
        now = key(x, "k");
        previous = key(x, "k.previous");
        assert_string_equal(now, new);
        assert_string_not_equal(new, x->old);
        assert_string_equal(previous, x->old);
        assert_int_equal(stat(scratch_path(x->scratch, "secrets/k.previous"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(rotate(x, HV_ROTATION_UNDO, &back), 0);
        assert_string_equal(back, x->old);
        assert_int_equal(rotate(x, HV_ROTATION_UNDO, &again), 0);
        assert_string_equal(again, new);
}

static void a_key_that_was_told_is_the_next_one(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_free_ char *told = NULL, *once_more = NULL, *new = NULL, *now = NULL, *left = NULL;

        begin(x);
        assert_int_equal(rotate(x, HV_ROTATION_PREPARE, &told), 0);
        now = key(x, "k");
        assert_string_equal(now, x->old); /* not in use yet */
        assert_int_equal(rotate(x, HV_ROTATION_PREPARE, &once_more), 0);
        assert_string_equal(once_more, told);
        assert_int_equal(rotate(x, HV_ROTATION_NOW, &new), 0);
        assert_string_equal(new, told);
        left = key(x, "k.next");
        assert_null(left);
}

static void what_is_no_key_is_not_used(void **state) {
        static const char *const rows[] = { "", "nonsense\n",
                                            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n" };
        struct fixture *x = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *now = NULL;

                begin(x);
                scratch_write(x->scratch, "secrets/k.next", rows[i]);
                assert_int_equal(rotate(x, HV_ROTATION_NOW, NULL), -EBADMSG);
                now = key(x, "k");
                assert_string_equal(now, x->old);
                scratch_write(x->scratch, "secrets/k.previous", rows[i]);
                assert_int_equal(rotate(x, HV_ROTATION_UNDO, NULL), -EBADMSG);
        }
        empty(x);
        assert_int_equal(rotate(x, HV_ROTATION_NOW, NULL), -ENOENT); /* it was never made */
}

/* --- faults --- */

static void prepare(void *userdata) {
        struct fixture *x = userdata;

        begin(x);
        if (x->how != HV_ROTATION_UNDO)
                return;
        assert_int_equal(rotate(x, HV_ROTATION_NOW, NULL), 0);
        free(x->old);
        x->old = key(x, "k");
        x->before = key(x, "k.previous");
}

static int change(void *userdata) {
        struct fixture *x = userdata;

        return rotate(x, x->how, NULL);
}

static void nothing_is_lost(void *userdata, bool crashed, int code) {
        struct fixture *x = userdata;
        _hv_cleanup_free_ char *now = key(x, "k"), *previous = key(x, "k.previous"), *again = NULL;

        assert_non_null(now);
        assert_int_equal(strlen(now), 45);
        if (!crashed)
                assert_true(code < 0);
        if (!hv_streq(now, x->old)) { /* the old one is the way back, and nowhere else */
                x->n_new++;
                assert_string_equal(previous, x->old);
        }
        if (x->before && !hv_streq(now, x->before))
                assert_string_equal(previous, x->before);
        /* The same once more, with a disk that works: it goes on. */
        assert_int_equal(rotate(x, HV_ROTATION_NOW, &again), 0);
        assert_int_equal(strlen(again), 45);
}

static void a_cut_leaves_the_old_key_or_the_new_one(void **state) {
        static const enum hv_rotation ways[] = { HV_ROTATION_NOW, HV_ROTATION_UNDO };
        struct fixture *x = *state;
        const struct fault_run run = { prepare, change, nothing_is_lost, x };

        for (size_t i = 0; i < HV_ARRAY_SIZE(ways); i++) {
                unsigned least = ways[i] == HV_ROTATION_NOW ? 11 : 2;

                x->how = ways[i];
                assert_in_range(fault_everywhere(&run, FAULT_EIO), least, 40);
                x->n_new = 0;
                assert_in_range(fault_everywhere(&run, FAULT_CRASH), least, 40);
                assert_in_range(x->n_new, 1, 1); /* behind the last rename, before it is flushed */
        }
        x->how = HV_ROTATION_NOW;
        assert_in_range(fault_everywhere(&run, FAULT_ENOSPC), 11, 40);
}

static int set_up(void **state) {
        struct fixture *x = HV_NEW(struct fixture);

        (void) scratch_set_up((void **) &x->scratch);
        assert_int_equal(hv_disk_open(scratch_path(x->scratch, "secrets"), &x->dir, &x->err), 0);
        *state = x;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *x = *state;

        hv_disk_close(&x->dir);
        (void) scratch_tear_down((void **) &x->scratch);
        forget(x);
        free(x);
        return 0;
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                T(a_new_key_and_back_again),
                T(a_key_that_was_told_is_the_next_one),
                T(what_is_no_key_is_not_used),
                T(a_cut_leaves_the_old_key_or_the_new_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

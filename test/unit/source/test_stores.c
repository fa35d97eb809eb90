/* stores: objects of the API, revisions, the node id; each whole after any fault at any point. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"
#include "scratch.h"

#include "base/alloc.h"
#include "source/node_id.h"
#include "source/object_store.h"
#include "source/revision_store.h"

#define REV_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define REV_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define REV_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

struct fixture {
        struct scratch *scratch;
        struct hv_disk state;
        struct hv_err err;
        unsigned n_new; /* of a fault run: how often the new state was found */
};

static int set_up(void **state) {
        struct fixture *x = HV_NEW(struct fixture);

        (void) scratch_set_up((void **) &x->scratch);
        assert_int_equal(hv_disk_open(scratch_path(x->scratch, "state"), &x->state, &x->err), 0);
        *state = x;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *x = *state;

        hv_disk_close(&x->state);
        (void) scratch_tear_down((void **) &x->scratch);
        free(x);
        return 0;
}

/* --- objects --- */

static struct hv_stored_object put(const char *name, const char *text) {
        return (struct hv_stored_object){ .kind = HV_KIND_SERVICE,
                                          .name = (char *) name,
                                          .text = (char *) text,
                                          .len = text ? strlen(text) : 0 };
}

static struct hv_object_store *open_objects(struct fixture *x) {
        struct hv_object_store *s = NULL;

        if (hv_object_store_open(&x->state, false, &s, &x->err) < 0)
                fail_msg("%s", x->err.msg);
        return s;
}

static const char *object(const struct hv_object_store *s, const char *name) {
        const struct hv_stored_object *o = hv_object_store_get(s, HV_KIND_SERVICE, name);

        return o ? o->text : "-";
}

static void objects_are_kept_over_a_restart(void **state) {
        const struct hv_stored_object first[] = { put("web", "1"), put("db", "2") };
        const struct hv_stored_object second[] = { put("web", "3"),
                                                   put("db", NULL),
                                                   { HV_KIND_VOLUME, (char *) "data", (char *) "v", 1 } };
        _hv_cleanup_(hv_object_store_freep) struct hv_object_store *s = open_objects(*state);
        struct fixture *x = *state;
        struct stat st;
        size_t n;

        assert_int_equal(hv_object_store_change(s, first, 2, NULL), 1);
        assert_int_equal(hv_object_store_change(s, first, 2, NULL), 0);
        assert_int_equal(hv_object_store_change(s, second, 3, NULL), 1);
        s = hv_object_store_free(s);
        s = open_objects(x);
        assert_string_equal(object(s, "web"), "3");
        assert_string_equal(object(s, "db"), "-");
        assert_string_equal(hv_object_store_all(s, &n)[1].name, "data");
        assert_int_equal(n, 2);
        assert_int_equal(stat(scratch_path(x->scratch, "state/api/service/web.yaml"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
}

static void what_is_there_already_costs_no_write(void **state) {
        const struct hv_stored_object web[] = { put("web", "1"), put("gone", NULL) };
        _hv_cleanup_(hv_object_store_freep) struct hv_object_store *s = open_objects(*state);

        assert_int_equal(hv_object_store_change(s, web, 1, NULL), 1);
        fault_arm(FAULT_NONE, 0);
        assert_int_equal(hv_object_store_change(s, web, 2, NULL), 0);
        (void) fault_disarm();
        assert_string_equal(fault_trace(), "");
}

/* The new text and its name in the directory are on the disk before "change" says that they are. */
static void a_change_is_flushed_in_order(void **state) {
        const struct hv_stored_object old = put("web", "1"), new = put("web", "2");
        _hv_cleanup_(hv_object_store_freep) struct hv_object_store *s = open_objects(*state);

        assert_int_equal(hv_object_store_change(s, &old, 1, NULL), 1);
        fault_arm(FAULT_NONE, 0);
        assert_int_equal(hv_object_store_change(s, &new, 1, NULL), 1);
        (void) fault_disarm();
        assert_string_equal(fault_trace(), "uows"
                                           "s"
                                           "uowsrs"
                                           "rs"
                                           "us");
}

static void only_names_that_are_safe_are_stored(void **state) {
        static const struct hv_stored_object bad[] = {
                { HV_KIND_SERVICE, (char *) "../web", (char *) "x", 1 },
                { HV_KIND_SERVICE, (char *) "", (char *) "x", 1 },
                { HV_KIND_SERVICE, (char *) "Web", (char *) "x", 1 },
                { HV_KIND_NODESTATE, (char *) "node", (char *) "x", 1 },
                { HV_KIND_NONE, (char *) "web", (char *) "x", 1 },
        };
        _hv_cleanup_(hv_object_store_freep) struct hv_object_store *s = open_objects(*state);

        for (size_t i = 0; i < HV_ARRAY_SIZE(bad); i++)
                if (hv_object_store_change(s, &bad[i], 1, NULL) != -EINVAL)
                        fail_msg("%s was stored", bad[i].name);
}

static void a_foreign_file_is_told_not_ignored(void **state) {
        struct fixture *x = *state;
        struct hv_object_store *s = open_objects(x);
        const struct hv_stored_object web = put("web", "1");

        assert_int_equal(hv_object_store_change(s, &web, 1, NULL), 1);
        s = hv_object_store_free(s);
        scratch_write(x->scratch, "state/api/service/README", "hello");
        assert_int_equal(hv_object_store_open(&x->state, false, &s, &x->err), -EINVAL);
        assert_non_null(strstr(x->err.msg, "README"));
}

static void looking_only_makes_nothing(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(hv_object_store_freep) struct hv_object_store *s = NULL;
        const struct hv_stored_object web = put("web", "1");
        size_t n;

        assert_int_equal(hv_object_store_open(&x->state, true, &s, &x->err), 0);
        (void) hv_object_store_all(s, &n);
        assert_int_equal(n, 0);
        assert_int_equal(hv_object_store_change(s, &web, 1, NULL), -EROFS);
        assert_int_equal(access(scratch_path(x->scratch, "state/api"), F_OK), -1);
}

/* Two objects change, one goes, one comes: after any fault at any point all of it is so, or nothing. */
static void prepare_objects(void *userdata) {
        struct fixture *x = userdata;
        const struct hv_stored_object old[] = { put("web", "old"), put("db", "old"), put("going", "old"),
                                                put("coming", NULL) };
        struct hv_object_store *s = open_objects(x);

        assert_true(hv_object_store_change(s, old, 4, NULL) >= 0);
        (void) hv_object_store_free(s);
}

static int change_objects(void *userdata) {
        struct fixture *x = userdata;
        const struct hv_stored_object new[] = { put("web", "new"), put("db", "new"), put("going", NULL),
                                                put("coming", "new") };
        struct hv_object_store *s = NULL;
        int r;

        r = hv_object_store_open(&x->state, false, &s, &x->err);
        if (r >= 0)
                r = hv_object_store_change(s, new, 4, &x->err);
        (void) hv_object_store_free(s);
        return r;
}

static void objects_are_whole(void *userdata, bool crashed, int code) {
        struct fixture *x = userdata;
        _hv_cleanup_(hv_object_store_freep) struct hv_object_store *s = open_objects(x);
        _hv_cleanup_free_ char *all = hv_asprintf("%s %s %s %s", object(s, "web"), object(s, "db"),
                                                  object(s, "going"), object(s, "coming"));

        if (hv_streq(all, "new new - new"))
                x->n_new++;
        else if (!hv_streq(all, "old old old -"))
                fail_msg("neither old nor new: %s", all);
        if (!crashed)
                assert_true(code < 0);
}

static void a_change_of_objects_is_all_or_nothing(void **state) {
        struct fixture *x = *state;
        const struct fault_run run = { prepare_objects, change_objects, objects_are_whole, x };

        assert_in_range(fault_everywhere(&run, FAULT_ENOSPC), 15, 100);
        assert_in_range(fault_everywhere(&run, FAULT_EIO), 15, 100);
        x->n_new = 0;
        assert_in_range(fault_everywhere(&run, FAULT_CRASH), 15, 100);
        assert_in_range(x->n_new, 1, 100); /* a crash after the point of no return is carried to its end */
}

/* --- revisions --- */

static const struct hv_revision_file files[] = {
        { "file", "/etc/hivelet/node.yaml", true, "kind: NodeState\n", 16 },
        { "api", "odd name\nwith a line end", false, "text without a line end", 23 },
        { "file", "empty", false, "", 0 },
};

static struct hv_revision_store *open_revisions(struct fixture *x) {
        struct hv_revision_store *s = NULL;

        if (hv_revision_store_open(&x->state, &s, &x->err) < 0)
                fail_msg("%s", x->err.msg);
        return s;
}

static int activate(struct hv_revision_store *s, const char *revision, size_t keep, struct hv_err *err) {
        return hv_revision_store_activate(s, revision, 42, files, HV_ARRAY_SIZE(files), 7, "ana of the night",
                                          keep, err);
}

static void revisions_are_kept_over_a_restart(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(hv_revision_store_freep) struct hv_revision_store *s = open_revisions(x);
        struct hv_revision_files read;
        size_t n;

        assert_null(hv_revision_store_active(s));
        assert_int_equal(activate(s, REV_A, 10, NULL), 1);
        assert_int_equal(activate(s, REV_B, 10, NULL), 1);
        s = hv_revision_store_free(s);
        s = open_revisions(x);
        assert_string_equal(hv_revision_store_active(s), REV_B);
        assert_string_equal(hv_revision_store_all(s, &n)[1].revision, REV_A);
        assert_int_equal(hv_revision_store_all(s, &n)[0].activated_us, 42);
        assert_int_equal(hv_revision_store_all(s, &n)[1].n_objects, 7);
        assert_string_equal(hv_revision_store_all(s, &n)[0].before, REV_A);
        assert_string_equal(hv_revision_store_all(s, &n)[0].by, "ana of the night");
        assert_string_equal(hv_revision_store_all(s, &n)[1].before, "");
        assert_int_equal(n, 2);
        assert_int_equal(hv_revision_store_read(s, REV_A, &read, &x->err), 0);
        assert_int_equal(read.n, HV_ARRAY_SIZE(files));
        for (size_t i = 0; i < read.n; i++) {
                assert_string_equal(read.v[i].source, files[i].source);
                assert_string_equal(read.v[i].name, files[i].name);
                assert_int_equal(read.v[i].primary, files[i].primary);
                assert_int_equal(read.v[i].len, files[i].len);
                assert_string_equal(read.v[i].text, files[i].text);
        }
        hv_revision_files_done(&read);
        assert_int_equal(hv_revision_store_read(s, REV_C, &read, &x->err), -ENOENT);
        assert_int_equal(hv_revision_store_read(s, "../../x", &read, &x->err), -EINVAL);
}

/* Whoever wanted it may be called anything: the list stays one line each. */
static void who_wanted_it_is_one_word_of_a_line(void **state) {
        static const char *const rows[][2] = {
                { "eve\n" REV_C " 9 9 - root", "eve?" REV_C },
                { "\t\r\x1b[31m", "???[31m" },
                { NULL, "" },
                { "", "" },
                { "-", "" },
                { "unix:uid=0", "unix:uid=0" },
        };
        struct fixture *x = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_revision_store_freep) struct hv_revision_store *s = open_revisions(x);
                char want[64]; /* as much as is kept */
                const char *by;
                size_t n;

                assert_int_equal(hv_revision_store_activate(s, i % 2 ? REV_B : REV_A, 42, files,
                                                            HV_ARRAY_SIZE(files), 7, rows[i][0], 10, NULL),
                                 1);
                s = hv_revision_store_free(s);
                s = open_revisions(x);
                by = hv_revision_store_all(s, &n)[0].by;
                assert_int_equal(n, i > 0 ? 2 : 1);
                (void) snprintf(want, sizeof want, "%s", rows[i][1]);
                assert_string_equal(by, want);
        }
}

static void a_revision_in_force_costs_no_write(void **state) {
        _hv_cleanup_(hv_revision_store_freep) struct hv_revision_store *s = open_revisions(*state);

        assert_int_equal(activate(s, REV_A, 10, NULL), 1);
        fault_arm(FAULT_NONE, 0);
        assert_int_equal(activate(s, REV_A, 10, NULL), 0);
        (void) fault_disarm();
        assert_string_equal(fault_trace(), "");
}

static void old_revisions_make_room(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(hv_revision_store_freep) struct hv_revision_store *s = open_revisions(x);
        size_t n;

        assert_int_equal(activate(s, REV_A, 2, NULL), 1);
        assert_int_equal(activate(s, REV_B, 2, NULL), 1);
        assert_int_equal(activate(s, REV_C, 2, NULL), 1);
        (void) hv_revision_store_all(s, &n);
        assert_int_equal(n, 2);
        assert_int_equal(access(scratch_path(x->scratch, "state/revisions/" REV_A ".rev"), F_OK), -1);
        /* back to an older one: it moves to the front, and is listed once */
        assert_int_equal(activate(s, REV_B, 2, NULL), 1);
        assert_string_equal(hv_revision_store_all(s, &n)[1].revision, REV_C);
        assert_int_equal(n, 2);
}

static void a_damaged_revision_is_told_and_not_used(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(hv_revision_store_freep) struct hv_revision_store *s = open_revisions(x);
        _hv_cleanup_(hv_disk_close) struct hv_disk d = HV_DISK_NONE;
        _hv_cleanup_(hv_buf_done) struct hv_buf whole = {};
        struct hv_revision_files read;

        assert_int_equal(activate(s, REV_A, 10, NULL), 1);
        assert_int_equal(hv_disk_open_below(&x->state, "revisions", &d, NULL), 0);
        assert_int_equal(hv_disk_read(&d, REV_A ".rev", 10000, &whole, NULL), 0);
        for (size_t i = 0; i < whole.len; i++) {
                assert_int_equal(hv_disk_replace(&d, REV_A ".rev", whole.data, i, NULL), 0);
                if (hv_revision_store_read(s, REV_A, &read, &x->err) != -EBADMSG)
                        fail_msg("cut after %zu bytes: not noticed", i);
                assert_non_null(strstr(x->err.msg, REV_A));
        }
        /* whole, but another revision's */
        assert_int_equal(hv_disk_replace(&d, REV_B ".rev", whole.data, whole.len, NULL), 0);
        assert_int_equal(hv_revision_store_read(s, REV_B, &read, &x->err), -EBADMSG);
}

static void a_damaged_list_is_put_aside(void **state) {
        struct fixture *x = *state;
        struct hv_revision_store *s = open_revisions(x);

        assert_int_equal(activate(s, REV_A, 10, NULL), 1);
        s = hv_revision_store_free(s);
        scratch_write(x->scratch, "state/revisions/index", "hivelet-revisions 1\nrubbish\n");
        assert_int_equal(hv_revision_store_open(&x->state, &s, &x->err), -EBADMSG);
        assert_non_null(s);
        assert_null(hv_revision_store_active(s));
        assert_int_equal(access(scratch_path(x->scratch, "state/revisions/index.damaged"), F_OK), 0);
        /* what the list named is not thrown away */
        assert_int_equal(access(scratch_path(x->scratch, "state/revisions/" REV_A ".rev"), F_OK), 0);
        assert_int_equal(activate(s, REV_B, 10, NULL), 1);
        s = hv_revision_store_free(s);
        s = open_revisions(x);
        assert_string_equal(hv_revision_store_active(s), REV_B);
        (void) hv_revision_store_free(s);
}

static void prepare_revisions(void *userdata) {
        struct fixture *x = userdata;
        struct hv_revision_store *s = open_revisions(x);

        assert_true(activate(s, REV_A, 1, NULL) >= 0);
        (void) hv_revision_store_free(s);
}

static int change_revision(void *userdata) {
        struct fixture *x = userdata;
        struct hv_revision_store *s = NULL;
        int r;

        r = hv_revision_store_open(&x->state, &s, &x->err);
        if (r >= 0)
                r = activate(s, REV_B, 1, &x->err);
        (void) hv_revision_store_free(s);
        return r;
}

static void revisions_are_whole(void *userdata, bool crashed, int code) {
        struct fixture *x = userdata;
        _hv_cleanup_(hv_revision_store_freep) struct hv_revision_store *s = open_revisions(x);
        const char *active = hv_revision_store_active(s);
        struct hv_revision_files read;

        (void) crashed;
        (void) code;
        assert_non_null(active);
        assert_true(hv_streq(active, REV_A) || hv_streq(active, REV_B));
        x->n_new += hv_streq(active, REV_B);
        if (hv_revision_store_read(s, active, &read, &x->err) < 0)
                fail_msg("the revision in force cannot be read: %s", x->err.msg);
        hv_revision_files_done(&read);
}

static void a_change_of_revision_is_all_or_nothing(void **state) {
        struct fixture *x = *state;
        const struct fault_run run = { prepare_revisions, change_revision, revisions_are_whole, x };

        assert_in_range(fault_everywhere(&run, FAULT_ENOSPC), 9, 100);
        assert_in_range(fault_everywhere(&run, FAULT_EIO), 9, 100);
        assert_in_range(fault_everywhere(&run, FAULT_CRASH), 9, 100);
        assert_in_range(x->n_new, 1, 100);
}

/* --- node id --- */

static void the_first_node_id_stays(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_free_ char *kept = NULL;

        assert_int_equal(hv_node_id_claim(&x->state, "worker-1", false, &x->err), 0);
        fault_arm(FAULT_NONE, 0);
        assert_int_equal(hv_node_id_claim(&x->state, "worker-1", false, &x->err), 0);
        (void) fault_disarm();
        assert_string_equal(fault_trace(), "");
        assert_int_equal(hv_node_id_claim(&x->state, "worker-2", false, &x->err), -EEXIST);
        assert_non_null(strstr(x->err.msg, "--change-node-id"));
        assert_non_null(strstr(x->err.msg, "\"worker-1\""));
        assert_int_equal(hv_node_id_claim(&x->state, "worker-2", true, &x->err), 0);
        assert_int_equal(hv_node_id_read(&x->state, &kept, &x->err), 0);
        assert_string_equal(kept, "worker-2");
        assert_int_equal(hv_node_id_claim(&x->state, "", false, &x->err), -EINVAL);
}

static void a_node_id_that_makes_no_sense_is_told(void **state) {
        struct fixture *x = *state;

        scratch_write(x->scratch, "state/node-id", "two words\n");
        assert_int_equal(hv_node_id_claim(&x->state, "worker-1", false, &x->err), -EBADMSG);
        scratch_write(x->scratch, "state/node-id", "");
        assert_int_equal(hv_node_id_claim(&x->state, "worker-1", false, &x->err), -EBADMSG);
        assert_int_equal(hv_node_id_claim(&x->state, "worker-1", true, &x->err), 0);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                T(objects_are_kept_over_a_restart),
                T(what_is_there_already_costs_no_write),
                T(a_change_is_flushed_in_order),
                T(only_names_that_are_safe_are_stored),
                T(a_foreign_file_is_told_not_ignored),
                T(looking_only_makes_nothing),
                T(a_change_of_objects_is_all_or_nothing),
                T(revisions_are_kept_over_a_restart),
                T(who_wanted_it_is_one_word_of_a_line),
                T(a_revision_in_force_costs_no_write),
                T(old_revisions_make_room),
                T(a_damaged_revision_is_told_and_not_used),
                T(a_damaged_list_is_put_aside),
                T(a_change_of_revision_is_all_or_nothing),
                T(the_first_node_id_stays),
                T(a_node_id_that_makes_no_sense_is_told),
        };

        return cmocka_run_group_tests_name("stores", tests, NULL, NULL);
}

/* set_trial: a change that nobody confirms is as if it had not been, in files and objects, wherever the machine stops. */
#include <errno.h>
#include <unistd.h>

#include "faults.h"
#include "scratch.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "source/set.h"

#define NODE(services)                                                                                                     \
        "apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: node-1}\nspec:\n  node: {safety: {keepRevisions: 1}}\n" \
        "  services:\n" services
#define NODE_KEEPS(services)                                                                                               \
        "apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: node-1}\nspec:\n  node: {safety: {keepRevisions: 3}}\n" \
        "  services:\n" services
#define SERVICE(name) "  - {name: " name ", image: docker.io/library/busybox:1.36}\n"
#define OBJECT(name)                                                    \
        "apiVersion: hivelet/v1\nkind: Service\nmetadata: {name: " name \
        "}\nspec: {image: docker.io/library/busybox:1.36}\n"
#define BOOT "11111111-2222-3333-4444-555555555555"

struct fixture {
        struct scratch *scratch;
        char *config, *config_dir, *state_dir;
        struct hv_source_set *set;
        struct hv_source_load *load;
        char active[HV_SHA256_HEX_SIZE], before[HV_SHA256_HEX_SIZE]; /* in force, and what was before it */
        char *text;                                                  /* of words() */
        unsigned n_old, n_new;                                       /* what crashes left */
};

static void stop(struct fixture *x) {
        x->load = hv_source_load_free(x->load);
        x->set = hv_source_set_free(x->set);
}

static void start(struct fixture *x) {
        const struct hv_source_options options = { .config = x->config,
                                                   .config_dir = x->config_dir,
                                                   .state_dir = x->state_dir,
                                                   .hostname = "host" };
        struct hv_err err = {};

        stop(x);
        if (hv_source_set_new(&options, &x->set, &err) < 0)
                fail_msg("%s", err.msg);
}

/* The services of a load, or why there are none. */
static const char *words(struct fixture *x, struct hv_source_load *l) {
        struct hv_buf out = {};

        hv_source_load_free(x->load);
        x->load = l;
        for (size_t i = 0; l->desired && i < l->desired->n_units; i++)
                hv_buf_printf(&out, "%s%s", i ? " " : "", l->desired->units[i].object);
        if (!l->desired)
                hv_buf_printf(&out, "refused: %s", l->err.msg);
        free(x->text);
        return x->text = hv_buf_steal(&out);
}

static const char *load(struct fixture *x) {
        return words(x, hv_source_set_load(x->set));
}

static const char *last_good(struct fixture *x) {
        return words(x, hv_source_set_last_good(x->set));
}

static int in_force(struct fixture *x) {
        struct hv_err err = {};

        if (!hv_streq(x->active, x->load->desired->revision)) {
                memcpy(x->before, x->active, sizeof x->before);
                memcpy(x->active, x->load->desired->revision, sizeof x->active);
        }
        return hv_source_set_in_force(x->set, x->load, 1, &err);
}

/* window_us 0: for good. `text` NULL: the primary file, as it is. */
static const char *apply(struct fixture *x, const char *text, uint64_t window_us) {
        _hv_cleanup_free_ char *file = text ? NULL : scratch_read(x->scratch, "node.yaml");
        const struct hv_source_text t = { .name = "given.yaml",
                                          .path = text ? NULL : x->config,
                                          .text = text ? text : file,
                                          .len = strlen(text ? text : file) };
        const struct hv_trial_wish wish = { .base = x->active,
                                            .by = "unix:uid=0",
                                            .window_us = window_us,
                                            .now = { .boot_id = BOOT, .boot_us = 100, .wall_us = 1 } };
        const struct hv_source_change change = { .texts = &t,
                                                 .n_texts = 1,
                                                 .trial = window_us ? &wish : NULL,
                                                 .trial_before = *x->before ? x->before : NULL };

        return words(x, hv_source_set_change(x->set, &change));
}

static int revert(struct fixture *x, enum hv_trial_cause cause) {
        struct hv_err err = {};

        return hv_source_set_revert(x->set, cause, 2, &err);
}

static enum hv_trial_phase phase(const struct fixture *x) {
        return hv_source_set_trial(x->set)->phase;
}

/* What the agent does about a decision: what was in force before is in force again, then the sources are read. */
static const char *go_back(struct fixture *x) {
        (void) last_good(x);
        assert_true(in_force(x) >= 0);
        return load(x);
}

/* A life of its own: a node that runs `web` of its file, and `obj` of the API. */
static void settle(struct fixture *x) {
        stop(x);
        if (access(x->state_dir, F_OK) == 0)
                scratch_remove(x->state_dir);
        *x->active = *x->before = '\0';
        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("web")));
        start(x);
        assert_string_equal(load(x), "web");
        assert_true(in_force(x) >= 0);
        assert_string_equal(apply(x, OBJECT("obj"), 0), "obj web");
        assert_true(in_force(x) >= 0);
        *x->before = '\0';
}

static int set_up(void **state) {
        struct fixture *x = HV_NEW(struct fixture);

        fault_without_flush();
        (void) scratch_set_up((void **) &x->scratch);
        x->config = hv_strdup(scratch_path(x->scratch, "node.yaml"));
        x->config_dir = hv_strdup(scratch_path(x->scratch, "conf.d"));
        x->state_dir = hv_strdup(scratch_path(x->scratch, "state"));
        settle(x);
        *state = x;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *x = *state;

        stop(x);
        (void) scratch_tear_down((void **) &x->scratch);
        free(x->config);
        free(x->config_dir);
        free(x->state_dir);
        free(x->text);
        free(x);
        return 0;
}

/* --- objects --- */

static void objects_are_as_they_were(void **state) {
        struct fixture *x = *state;
        size_t n;

        assert_string_equal(apply(x, OBJECT("new") "---\n" OBJECT("obj") "# another text\n", HV_TRIAL_MIN_US),
                            "new obj web");
        assert_int_equal(phase(x), HV_TRIAL_PENDING);
        assert_true(in_force(x) >= 0);
        assert_int_equal(revert(x, HV_TRIAL_DEADLINE), 0);
        assert_string_equal(load(x), "obj web"); /* nothing of the disk was touched yet */
        assert_string_equal(go_back(x), "obj web");
        assert_int_equal(phase(x), HV_TRIAL_REVERTED);
        assert_string_equal(hv_source_set_trial(x->set)->held, "");
        (void) hv_object_store_all(hv_source_set_objects(x->set), &n);
        assert_int_equal(n, 1);
        start(x);
        assert_string_equal(last_good(x), "obj web");
        assert_string_equal(load(x), "obj web");
        /* What comes next makes what is known of it old. */
        assert_string_equal(apply(x, OBJECT("other"), 0), "obj other web");
        assert_true(in_force(x) >= 0);
        assert_int_equal(phase(x), HV_TRIAL_NONE);
}

static void an_object_that_was_deleted_on_trial_comes_back(void **state) {
        struct fixture *x = *state;
        struct hv_err err = {};
        const struct hv_trial_wish wish = { .base = x->active,
                                            .window_us = HV_TRIAL_MIN_US,
                                            .now = { .boot_id = BOOT } };
        const struct hv_source_change change = { .forget_kind = HV_KIND_SERVICE,
                                                 .forget_name = "obj",
                                                 .trial = &wish };

        assert_string_equal(words(x, hv_source_set_change(x->set, &change)), "web");
        assert_true(in_force(x) >= 0);
        assert_int_equal(hv_source_set_revert(x->set, HV_TRIAL_ASKED, 2, &err), 0);
        assert_string_equal(go_back(x), "obj web");
}

static void a_yes_makes_it_stay(void **state) {
        struct fixture *x = *state;
        struct hv_err err = {};

        assert_string_equal(apply(x, OBJECT("new"), HV_TRIAL_MIN_US), "new obj web");
        assert_true(in_force(x) >= 0);
        assert_int_equal(hv_source_set_confirm(x->set, &err), 0);
        assert_int_equal(phase(x), HV_TRIAL_NONE);
        assert_int_equal(revert(x, HV_TRIAL_DEADLINE), -ENOENT);
        start(x);
        assert_int_equal(phase(x), HV_TRIAL_NONE);
        assert_string_equal(last_good(x), "new obj web");
        assert_string_equal(load(x), "new obj web");
}

static void a_change_without_a_deadline_waits_for_the_verdict(void **state) {
        struct fixture *x = *state;
        char base[HV_SHA256_HEX_SIZE];

        memcpy(base, x->active, sizeof base);
        assert_string_equal(apply(x, OBJECT("new"), HV_TRIAL_MIN_US), "new obj web");
        assert_true(in_force(x) >= 0);
        assert_non_null(strstr(apply(x, OBJECT("more"), 0), "is on trial: confirm it"));
        assert_int_equal(x->load->err.code, -EBUSY);
        assert_string_equal(load(x), "new obj web");
        /* With a deadline it joins, and the way back is as long as before, though one revision is kept only. */
        assert_string_equal(apply(x, OBJECT("more"), HV_TRIAL_MIN_US), "more new obj web");
        assert_true(in_force(x) >= 0);
        assert_string_equal(hv_source_set_trial(x->set)->base, base);
        assert_int_equal(revert(x, HV_TRIAL_DEADLINE), 0);
        assert_string_equal(go_back(x), "obj web");
}

static void a_refused_change_begins_no_trial(void **state) {
        struct fixture *x = *state;

        (void) apply(x, "apiVersion: hivelet/v1\nkind: Service\nmetadata: {name: bad}\nspec: {}\n",
                     HV_TRIAL_MIN_US);
        assert_null(x->load->desired);
        assert_int_equal(phase(x), HV_TRIAL_NONE);
        assert_non_null(strstr(apply(x, OBJECT("new"), 1), "too short"));
        assert_int_equal(phase(x), HV_TRIAL_NONE);
        assert_string_equal(load(x), "obj web");
}

static void what_cannot_be_gone_back_to_is_not_left(void **state) {
        struct fixture *x = *state;

        memset(x->active, 'f', sizeof x->active - 1);
        assert_non_null(
                strstr(apply(x, OBJECT("new"), HV_TRIAL_MIN_US), "revision ffffffff cannot be gone back to"));
        assert_string_equal(load(x), "obj web");
}

/* --- files --- */

/* The file says `mail` instead of `web`, on trial, and nobody said yes. */
static void lose_mail(struct fixture *x) {
        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("mail")));
        assert_string_equal(apply(x, NULL, HV_TRIAL_MIN_US), "mail obj");
        assert_true(in_force(x) >= 0);
        assert_int_equal(revert(x, HV_TRIAL_DEADLINE), 0);
        assert_string_equal(load(x), "obj web"); /* from the decision on, however far the disk has come */
        assert_string_equal(go_back(x), "obj web");
        assert_true(in_force(x) >= 0);
        assert_int_equal(phase(x), HV_TRIAL_REVERTED);
        assert_true(x->load->held);
}

static void a_file_is_held_off_until_it_changes(void **state) {
        struct fixture *x = *state;
        char was[HV_SHA256_HEX_SIZE];

        memcpy(was, x->active, sizeof was);
        lose_mail(x);
        assert_string_equal(x->active, was);
        start(x);
        assert_string_equal(last_good(x), "obj web");
        assert_string_equal(load(x), "obj web");
        assert_true(x->load->held);
        /* Objects may come and go beside it. */
        assert_string_equal(apply(x, OBJECT("more"), 0), "more obj web");
        assert_true(x->load->held);
        assert_true(in_force(x) >= 0);
        assert_int_equal(phase(x), HV_TRIAL_REVERTED);
        /* Broken and mended as it was: still the one that nobody wanted. */
        scratch_write(x->scratch, "node.yaml", "kind: Nonsense\n");
        (void) load(x);
        assert_null(x->load->desired);
        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("mail")));
        assert_string_equal(load(x), "more obj web");
        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("mail") SERVICE("dns")));
        assert_string_equal(load(x), "dns mail more obj");
        assert_false(x->load->held);
        assert_true(in_force(x) >= 0);
        assert_int_equal(phase(x), HV_TRIAL_NONE);
        /* What is past is past. */
        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("mail")));
        assert_string_equal(load(x), "mail more obj");
}

static void a_drop_in_is_held_off_too(void **state) {
        struct fixture *x = *state;

        scratch_mkdir(x->scratch, "conf.d");
        scratch_write(x->scratch, "conf.d/10.yaml", OBJECT("extra"));
        assert_string_equal(apply(x, NULL, HV_TRIAL_MIN_US), "extra obj web");
        assert_true(in_force(x) >= 0);
        assert_int_equal(revert(x, HV_TRIAL_DEADLINE), 0);
        assert_string_equal(go_back(x), "obj web");
        scratch_remove(scratch_path(x->scratch, "conf.d/10.yaml"));
        assert_string_equal(load(x), "obj web");
        assert_false(x->load->held);
}

static void a_file_that_is_applied_by_name_is_taken_as_it_is(void **state) {
        struct fixture *x = *state;
        const struct hv_source_change reload = { .is_reload = true };

        lose_mail(x);
        assert_string_equal(words(x, hv_source_set_change(x->set, &reload)), "obj web");
        assert_int_equal(phase(x), HV_TRIAL_REVERTED);
        assert_non_null(strstr(apply(x, OBJECT("more"), HV_TRIAL_MIN_US), "the files are held off"));
        /* On trial once more, and lost once more. */
        *x->before = '\0';
        lose_mail(x);
        assert_string_equal(apply(x, NULL, 0), "mail obj");
        assert_int_equal(phase(x), HV_TRIAL_NONE);
        assert_string_equal(load(x), "mail obj");
}

/* The watch was faster: the file is in force when the trial is asked for. */
static void a_file_that_was_saved_just_before_is_on_trial(void **state) {
        struct fixture *x = *state;
        char base[HV_SHA256_HEX_SIZE];

        memcpy(base, x->active, sizeof base);
        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("mail")));
        assert_string_equal(load(x), "mail obj");
        x->load->desired->settings.keep_revisions = 2; /* of two that are kept, this is the older */
        assert_true(in_force(x) >= 0);
        assert_string_equal(apply(x, NULL, HV_TRIAL_MIN_US), "mail obj");
        assert_string_equal(hv_source_set_trial(x->set)->base, base);
        assert_int_equal(revert(x, HV_TRIAL_DEADLINE), 0);
        assert_string_equal(go_back(x), "obj web");
        assert_true(x->load->held);
}

static void a_way_back_that_is_lost_keeps_what_is_there(void **state) {
        struct fixture *x = *state;
        const struct hv_source_options options = { .config = x->config,
                                                   .config_dir = x->config_dir,
                                                   .state_dir = x->state_dir,
                                                   .hostname = "host" };
        _hv_cleanup_free_ char *file = NULL;
        struct hv_err err = {};

        assert_string_equal(apply(x, OBJECT("new"), HV_TRIAL_MIN_US), "new obj web");
        assert_true(in_force(x) >= 0);
        scratch_write(x->scratch, "state/trial", "scribbled\n");
        stop(x);
        assert_int_equal(hv_source_set_new(&options, &x->set, &err), -EBADMSG);
        assert_non_null(strstr(err.msg, "trial"));
        assert_int_equal(phase(x), HV_TRIAL_NONE);
        assert_string_equal(last_good(x), "new obj web");
        start(x);
        assert_int_equal(phase(x), HV_TRIAL_NONE);

        /* The revision itself is gone: better what is there than nothing. */
        assert_string_equal(apply(x, OBJECT("newer"), HV_TRIAL_MIN_US), "new newer obj web");
        assert_true(in_force(x) >= 0);
        file = hv_asprintf("state/revisions/%s.rev", hv_source_set_trial(x->set)->base);
        scratch_remove(scratch_path(x->scratch, file));
        stop(x);
        assert_int_equal(hv_source_set_new(&options, &x->set, &err), -EBADMSG);
        assert_non_null(strstr(err.msg, "cannot be gone back to"));
        assert_int_equal(phase(x), HV_TRIAL_NONE);
        assert_string_equal(load(x), "new newer obj web");
}

/* --- a disk that fails, and a machine that stops, at each call --- */

static void prepare_try(void *userdata) {
        struct fixture *x = userdata;

        settle(x);
        stop(x);
}

/* Quietly, for the disk may fail: assertions are for the checks. */
static int try_new(void *userdata) {
        struct fixture *x = userdata;
        const struct hv_source_options options = { .config = x->config,
                                                   .config_dir = x->config_dir,
                                                   .state_dir = x->state_dir,
                                                   .hostname = "host" };
        struct hv_err err = {};
        int r = hv_source_set_new(&options, &x->set, &err);

        if (r < 0)
                return r;
        (void) apply(x, OBJECT("new"), HV_TRIAL_MIN_US);
        r = x->load->desired ? in_force(x) : -EIO;
        stop(x);
        return r;
}

/* Old and perhaps with a deadline, or new and certainly with one. */
static void new_only_with_a_deadline(void *userdata, bool crashed, int code) {
        struct fixture *x = userdata;
        const char *now;

        (void) crashed;
        (void) code;
        stop(x);
        start(x);
        now = load(x);
        if (hv_streq(now, "obj web"))
                x->n_old++;
        else {
                assert_string_equal(now, "new obj web");
                assert_int_equal(phase(x), HV_TRIAL_PENDING);
                x->n_new++;
        }
        assert_true(in_force(x) >= 0);
        if (phase(x) != HV_TRIAL_PENDING)
                return;
        assert_int_equal(revert(x, HV_TRIAL_DEADLINE), 0);
        assert_string_equal(go_back(x), "obj web");
        assert_false(x->load->held && *hv_source_set_trial(x->set)->held);
}

static void what_is_new_is_never_without_its_deadline(void **state) {
        struct fixture *x = *state;
        const struct fault_run run = { prepare_try, try_new, new_only_with_a_deadline, x };

        assert_in_range(fault_everywhere(&run, FAULT_ENOSPC), 15, 100);
        assert_in_range(fault_everywhere(&run, FAULT_EIO), 15, 100);
        x->n_old = x->n_new = 0;
        assert_in_range(fault_everywhere(&run, FAULT_CRASH), 15, 100);
        assert_in_range(x->n_old, 1, 100);
        assert_in_range(x->n_new, 1, 100);
}

static void prepare_back(void *userdata) {
        struct fixture *x = userdata;

        settle(x);
        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("mail")));
        assert_string_equal(load(x), "mail obj");
        assert_string_equal(apply(x, NULL, HV_TRIAL_MIN_US), "mail obj");
        assert_true(in_force(x) >= 0);
        assert_string_equal(apply(x, OBJECT("new"), HV_TRIAL_MIN_US), "mail new obj");
        assert_true(in_force(x) >= 0);
        stop(x);
}

static int back(void *userdata) {
        struct fixture *x = userdata;
        const struct hv_source_options options = { .config = x->config,
                                                   .config_dir = x->config_dir,
                                                   .state_dir = x->state_dir,
                                                   .hostname = "host" };
        struct hv_err err = {};
        int r = hv_source_set_new(&options, &x->set, &err);

        if (r < 0)
                return r;
        r = revert(x, HV_TRIAL_DEADLINE);
        if (phase(x) == HV_TRIAL_REVERTING) {
                (void) last_good(x);
                if (x->load->desired && in_force(x) < 0)
                        r = -EIO;
        }
        stop(x);
        return r;
}

/* A start finds the trial with its deadline, which is over, or the way back; and both lead to the same. */
static void the_way_is_gone_to_its_end(void *userdata, bool crashed, int code) {
        struct fixture *x = userdata;

        (void) crashed;
        (void) code;
        stop(x);
        start(x);
        if (phase(x) == HV_TRIAL_PENDING) {
                x->n_old++;
                assert_int_equal(revert(x, HV_TRIAL_DEADLINE), 0);
        } else
                x->n_new++;
        assert_string_equal(go_back(x), "obj web");
        assert_int_equal(phase(x), HV_TRIAL_REVERTED);
        assert_true(x->load->held);
        start(x);
        assert_string_equal(last_good(x), "obj web");
        assert_string_equal(load(x), "obj web");
}

static void a_way_back_that_was_begun_is_gone_to_its_end(void **state) {
        struct fixture *x = *state;
        const struct fault_run run = { prepare_back, back, the_way_is_gone_to_its_end, x };

        assert_in_range(fault_everywhere(&run, FAULT_ENOSPC), 15, 100);
        assert_in_range(fault_everywhere(&run, FAULT_EIO), 15, 100);
        x->n_old = x->n_new = 0;
        assert_in_range(fault_everywhere(&run, FAULT_CRASH), 15, 100);
        assert_in_range(x->n_old, 1, 100);
        assert_in_range(x->n_new, 1, 100);
}

static void prepare_yes(void *userdata) {
        struct fixture *x = userdata;

        settle(x);
        assert_string_equal(apply(x, OBJECT("new"), HV_TRIAL_MIN_US), "new obj web");
        assert_true(in_force(x) >= 0);
        stop(x);
}

static int yes(void *userdata) {
        struct fixture *x = userdata;
        const struct hv_source_options options = { .config = x->config,
                                                   .config_dir = x->config_dir,
                                                   .state_dir = x->state_dir,
                                                   .hostname = "host" };
        struct hv_err err = {};
        int r = hv_source_set_new(&options, &x->set, &err);

        if (r >= 0)
                r = hv_source_set_confirm(x->set, &err);
        stop(x);
        return r;
}

static void it_is_new_and_pending_or_for_good(void *userdata, bool crashed, int code) {
        struct fixture *x = userdata;

        (void) crashed;
        (void) code;
        stop(x);
        start(x);
        assert_string_equal(load(x), "new obj web");
        x->n_old += phase(x) == HV_TRIAL_PENDING;
        x->n_new += phase(x) == HV_TRIAL_NONE;
}

static void a_yes_is_durable_or_was_none(void **state) {
        struct fixture *x = *state;
        const struct fault_run run = { prepare_yes, yes, it_is_new_and_pending_or_for_good, x };
        unsigned n;

        x->n_old = x->n_new = 0;
        n = fault_everywhere(&run, FAULT_CRASH);
        assert_in_range(n, 2, 20);
        assert_int_equal(x->n_old + x->n_new, n);
}

/* --- going back --- */

static int roll_back(struct fixture *x, const char *to, struct hv_err *err) {
        const struct hv_trial_wish wish = { .base = to,
                                            .tried = x->active,
                                            .by = "unix:uid=0",
                                            .now = { .boot_id = BOOT, .boot_us = 100, .wall_us = 1 } };

        return hv_source_set_roll_back(x->set, &wish, err);
}

/* `web` and `obj` were in force, `mail` and `obj` are. */
static void move_on(struct fixture *x) {
        scratch_write(x->scratch, "node.yaml", NODE_KEEPS(SERVICE("mail")));
        assert_string_equal(load(x), "mail obj");
        assert_true(in_force(x) >= 0);
}

static void what_was_gone_back_to_stays_until_the_files_change(void **state) {
        struct fixture *x = *state;
        char first[HV_SHA256_HEX_SIZE];
        size_t n;

        memcpy(first, x->active, sizeof first);
        move_on(x);
        assert_string_equal(apply(x, OBJECT("new"), 0), "mail new obj");
        assert_true(in_force(x) >= 0);
        assert_int_equal(roll_back(x, first, NULL), 0);
        assert_string_equal(load(x), "obj web"); /* nothing of the disk was touched yet */
        assert_string_equal(go_back(x), "obj web");
        assert_int_equal(phase(x), HV_TRIAL_REVERTED);
        assert_true(x->load->held);
        (void) hv_object_store_all(hv_source_set_objects(x->set), &n);
        assert_int_equal(n, 1);
        start(x);
        assert_string_equal(last_good(x), "obj web");
        assert_string_equal(load(x), "obj web");
        assert_true(x->load->held);

        scratch_write(x->scratch, "node.yaml", NODE_KEEPS(SERVICE("next")));
        assert_string_equal(load(x), "next obj");
        assert_false(x->load->held);
        assert_true(in_force(x) >= 0);
        assert_int_equal(phase(x), HV_TRIAL_NONE);
        start(x);
        assert_string_equal(load(x), "next obj");
}

static void what_is_not_kept_or_on_trial_is_not_gone_back_from(void **state) {
        struct fixture *x = *state;
        char other[HV_SHA256_HEX_SIZE], first[HV_SHA256_HEX_SIZE];
        struct hv_err err = {};

        memcpy(first, x->active, sizeof first);
        memset(other, 'd', sizeof other - 1);
        other[sizeof other - 1] = '\0';
        move_on(x);
        assert_int_equal(roll_back(x, other, &err), -ENOENT);
        assert_non_null(strstr(err.msg, "cannot be gone back to"));
        assert_int_equal(phase(x), HV_TRIAL_NONE);
        assert_string_equal(load(x), "mail obj");
        assert_string_equal(apply(x, OBJECT("new"), HV_TRIAL_MIN_US), "mail new obj");
        assert_true(in_force(x) >= 0);
        assert_int_equal(roll_back(x, first, &err), -EBUSY);
        assert_int_equal(phase(x), HV_TRIAL_PENDING);
}

static void prepare_rolling(void *userdata) {
        struct fixture *x = userdata;

        settle(x);
        move_on(x);
        stop(x);
}

static int roll(void *userdata) {
        struct fixture *x = userdata;
        const struct hv_source_options options = { .config = x->config,
                                                   .config_dir = x->config_dir,
                                                   .state_dir = x->state_dir,
                                                   .hostname = "host" };
        struct hv_err err = {};
        int r = hv_source_set_new(&options, &x->set, &err);

        if (r < 0)
                return r;
        r = roll_back(x, x->before, &err);
        if (phase(x) == HV_TRIAL_REVERTING) {
                (void) last_good(x);
                if (x->load->desired && in_force(x) < 0)
                        r = -EIO;
        }
        stop(x);
        return r;
}

static void it_is_as_it_was_or_gone_back_whole(void *userdata, bool crashed, int code) {
        struct fixture *x = userdata;

        (void) crashed;
        (void) code;
        stop(x);
        start(x);
        if (phase(x) == HV_TRIAL_NONE) {
                x->n_old++;
                assert_string_equal(load(x), "mail obj");
                return;
        }
        x->n_new++;
        assert_string_equal(go_back(x), "obj web");
        assert_int_equal(phase(x), HV_TRIAL_REVERTED);
        assert_true(x->load->held);
}

static void a_machine_that_stops_has_gone_back_or_not_begun(void **state) {
        struct fixture *x = *state;
        const struct fault_run run = { prepare_rolling, roll, it_is_as_it_was_or_gone_back_whole, x };
        unsigned n;

        x->n_old = x->n_new = 0;
        n = fault_everywhere(&run, FAULT_CRASH);
        assert_int_equal(x->n_old + x->n_new, n);
        assert_in_range(x->n_old, 1, 100);
        assert_in_range(x->n_new, 1, 100);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                T(objects_are_as_they_were),
                T(an_object_that_was_deleted_on_trial_comes_back),
                T(a_yes_makes_it_stay),
                T(a_change_without_a_deadline_waits_for_the_verdict),
                T(a_refused_change_begins_no_trial),
                T(what_cannot_be_gone_back_to_is_not_left),
                T(a_file_is_held_off_until_it_changes),
                T(a_drop_in_is_held_off_too),
                T(a_file_that_is_applied_by_name_is_taken_as_it_is),
                T(a_file_that_was_saved_just_before_is_on_trial),
                T(a_way_back_that_is_lost_keeps_what_is_there),
                T(what_is_new_is_never_without_its_deadline),
                T(a_way_back_that_was_begun_is_gone_to_its_end),
                T(a_yes_is_durable_or_was_none),
                T(what_was_gone_back_to_stays_until_the_files_change),
                T(what_is_not_kept_or_on_trial_is_not_gone_back_from),
                T(a_machine_that_stops_has_gone_back_or_not_begun),
        };

        return cmocka_run_group_tests_name("set_trial", tests, NULL, NULL);
}

/* power cuts and failing disks at every single operation: after each, the ledger is as before the interrupted change or as
 * after it, and never without what was confirmed. */
#include <errno.h>
#include <sys/stat.h>

#include "helpers.h"
#include "power.h"
#include "story.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "ledger/private.h"

#define MAX_STEPS 40

/* What the ledger holds after opening and after each step. */
struct chapters {
        struct scratch *scratch;
        char *dumps[MAX_STEPS]; /* 0: opened; k: k steps done */
        unsigned n_places;      /* at which something struck */
};

/* The log is carried over every few pages, so that it happens often in a short story. */
static struct hv_ledger *open_small(const char *dir, struct hv_err *err) {
        struct hv_ledger *l = NULL;

        if (hv_ledger_open(dir, NODE, NOW, &l, err) < 0)
                return NULL;
        assert_int_equal(hv_db_exec(&l->db, "PRAGMA wal_autocheckpoint = 12", NULL), 0);
        return l;
}

static const char *fresh(struct chapters *c, const char *name) {
        const char *path = scratch_path(c->scratch, name);
        struct stat st;

        if (stat(path, &st) == 0)
                scratch_remove(path);
        scratch_mkdir(c->scratch, name);
        return path;
}

static int write_chapters(void **state) {
        struct chapters *c = HV_NEW(struct chapters);
        struct hv_ledger *l;
        const char *dir;

        assert_true(n_story_steps < MAX_STEPS);
        /* In memory: what is durable is up to power.c, and thousands of directories come and go. */
        c->scratch = HV_NEW(struct scratch);
        (void) snprintf(c->scratch->path, sizeof c->scratch->path, "/dev/shm/hv-ledger-XXXXXX");
        assert_non_null(mkdtemp(c->scratch->path));
        dir = fresh(c, "whole");
        l = open_small(dir, NULL);
        assert_non_null(l);
        c->dumps[0] = dump(dir);
        for (unsigned k = 0; k < n_story_steps; k++) {
                assert_true(story_step(l, k, NULL) >= 0);
                c->dumps[k + 1] = dump(dir);
                assert_string_not_equal(c->dumps[k], c->dumps[k + 1]);
        }
        (void) hv_ledger_free(l);
        *state = c;
        return 0;
}

static int burn_chapters(void **state) {
        struct chapters *c = *state;

        for (unsigned k = 0; k < MAX_STEPS; k++)
                free(c->dumps[k]);
        (void) scratch_tear_down((void **) &c->scratch);
        free(c);
        return 0;
}

/* --- power --- */

/* Tells the story until the power fails; how many steps were confirmed, -1: not even the opening. */
static int tell_until_cut(const char *dir, unsigned cut) {
        struct hv_err err = {};
        struct hv_ledger *l;
        int confirmed = -1;

        power_on(dir);
        power_cut_at(cut);
        l = open_small(dir, &err);
        if (!l)
                return -1;
        confirmed = 0;
        for (unsigned k = 0; k < n_story_steps; k++) {
                bool is_over = power_struck();
                int r = story_step(l, k, &err);

                if (is_over && r >= 0)
                        fail_msg("cut %u: step %u was confirmed without power", cut, k);
                if (r >= 0)
                        confirmed = (int) k + 1;
        }
        (void) hv_ledger_free(l);
        return confirmed;
}

/* The survivors are a ledger, with all that was confirmed and at most the one step that was under way; and it goes on. */
static void expect_whole(struct chapters *c, const char *dir, int confirmed, unsigned cut, unsigned loss,
                         bool goes_on) {
        _hv_cleanup_free_ char *found = NULL;
        struct hv_err err = {};
        struct hv_ledger *l;
        unsigned k = confirmed < 0 ? 0 : (unsigned) confirmed;

        power_on(dir); /* a good one, and quicker than a real one */
        l = open_small(dir, &err);
        if (!l)
                fail_msg("cut %u, loss %u, %d steps confirmed: %s", cut, loss, confirmed, err.msg);
        found = dump(dir);
        if (strcmp(found, c->dumps[k]) != 0) {
                if (confirmed < 0 || k == n_story_steps || strcmp(found, c->dumps[k + 1]) != 0)
                        fail_msg("cut %u, loss %u, %d steps confirmed, found:\n%s", cut, loss, confirmed,
                                 found);
                k++;
        }
        for (; goes_on && k < n_story_steps; k++)
                if (story_step(l, k, &err) < 0)
                        fail_msg("cut %u, loss %u: step %u after it: %s", cut, loss, k, err.msg);
        (void) hv_ledger_free(l);
        if (goes_on) {
                _hv_cleanup_free_ char *end = dump(dir);

                assert_string_equal(end, c->dumps[n_story_steps]);
        }
        power_off();
}

static void a_power_cut_loses_nothing_that_was_confirmed(void **state) {
        static const char *const names[] = { "all", "some", "torn" };
        struct chapters *c = *state;
        unsigned cut = 1;

        for (;; cut++) {
                int confirmed = tell_until_cut(fresh(c, "told"), cut);
                bool is_over = !power_struck();

                for (unsigned loss = 0; loss < HV_ARRAY_SIZE(names); loss++)
                        power_survivors(fresh(c, names[loss]), (enum power_loss) loss, cut * 8 + loss);
                power_off();
                for (unsigned loss = 0; loss < HV_ARRAY_SIZE(names); loss++)
                        expect_whole(c, scratch_path(c->scratch, names[loss]), confirmed, cut, loss,
                                     loss == POWER_TEARS);
                if (is_over)
                        break;
        }
        print_message("power was cut at %u places, with 3 kinds of loss\n", cut - 1);
        assert_true(cut > 200);
}

/* A second cut, at operation `again`, while the ledger mends what the first one left. Gives whether it struck; *ret_is_over:
 * the first one did not. */
static bool cut_twice(struct chapters *c, unsigned cut, unsigned again, uint64_t seed, bool *ret_is_over) {
        int confirmed = tell_until_cut(fresh(c, "told"), cut);
        bool has_struck;

        *ret_is_over = !power_struck();
        power_survivors(fresh(c, "first"), POWER_TEARS, seed);
        power_off();
        power_on(scratch_path(c->scratch, "first"));
        power_cut_at(again);
        (void) hv_ledger_free(open_small(scratch_path(c->scratch, "first"), NULL));
        has_struck = power_struck();
        power_survivors(fresh(c, "second"), POWER_TEARS, ~seed);
        power_off();
        expect_whole(c, scratch_path(c->scratch, "second"), confirmed, cut, POWER_TEARS, false);
        return has_struck;
}

/* While a ledger is made most can go wrong: there every pair of places is tried, each with several losses. */
#define N_MAKING 14
#define N_MENDING 6
#define N_LOSSES 4

static void a_power_cut_in_the_recovery_does_no_more_harm(void **state) {
        struct chapters *c = *state;
        unsigned n_struck = 0;
        bool is_over = false;

        for (unsigned i = 0; i < N_MAKING * N_MENDING * N_LOSSES; i++)
                n_struck += cut_twice(c, 1 + i % N_MAKING, 1 + i / N_MAKING % N_MENDING, i, &is_over);
        for (unsigned cut = N_MAKING + 1; !is_over; cut++) {
                struct hv_rng rng = { cut };

                n_struck += cut_twice(c, cut, 1 + (unsigned) hv_rng_below(&rng, N_MENDING), cut, &is_over);
        }
        print_message("power was cut again at %u places\n", n_struck);
        assert_true(n_struck > 200);
}

/* --- a disk that is full, broken, read-only --- */

struct fault {
        const char *what;
        int error;
        bool is_persistent;
};

/* Opens, or does step k - 1; when that fails, it failed as it should and changed nothing, and works once the disk does. */
static void move_on(struct chapters *c, const char *dir, struct hv_ledger **l, unsigned k,
                    const struct fault *f, unsigned place) {
        struct hv_err err = {};

        for (unsigned attempt = 0;; attempt++) {
                int r = k > 0 ? story_step(*l, k - 1, &err) : 0;
                _hv_cleanup_free_ char *found = NULL;

                if (k == 0 && !(*l = open_small(dir, &err)))
                        r = err.code;
                if (r >= 0)
                        return;
                if (!power_struck() || r != -f->error || !strstr(err.msg, HV_LEDGER_FILE))
                        fail_msg("%s at %u, step %u: %d \"%s\"", f->what, place, k, r, err.msg);
                if (k > 0) {
                        found = dump(dir);
                        assert_string_equal(found, c->dumps[k - 1]);
                }
                if (attempt == 1 || !f->is_persistent)
                        power_fail_at(0, 0, false); /* there is room again */
                if (attempt > 2)
                        fail_msg("%s at %u, step %u never works again: %s", f->what, place, k, err.msg);
        }
}

static unsigned fail_everywhere(struct chapters *c, const struct fault *f) {
        for (unsigned place = 1;; place++) {
                const char *dir = fresh(c, "failing");
                _hv_cleanup_free_ char *end = NULL;
                struct hv_ledger *l = NULL;
                bool has_struck;

                power_on(dir);
                power_fail_at(place, f->error, f->is_persistent);
                for (unsigned k = 0; k <= n_story_steps; k++)
                        move_on(c, dir, &l, k, f, place);
                (void) hv_ledger_free(l);
                has_struck = power_operations() >= place;
                power_off();
                power_on(dir);
                l = open_ledger(dir);
                end = dump(dir);
                assert_string_equal(end, c->dumps[n_story_steps]);
                (void) hv_ledger_free(l);
                power_off();
                if (!has_struck)
                        return place - 1;
        }
}

static void a_failing_disk_changes_nothing_and_is_survived(void **state) {
        static const struct fault faults[] = {
                { "full", ENOSPC, true },
                { "broken once", EIO, false },
                { "read-only", EROFS, true },
        };
        struct chapters *c = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(faults); i++) {
                unsigned n = fail_everywhere(c, &faults[i]);

                print_message("%s: at %u places\n", faults[i].what, n);
                assert_true(n > 200);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_power_cut_loses_nothing_that_was_confirmed),
                cmocka_unit_test(a_power_cut_in_the_recovery_does_no_more_harm),
                cmocka_unit_test(a_failing_disk_changes_nothing_and_is_survived),
        };

        return cmocka_run_group_tests(tests, write_chapters, burn_chapters);
}

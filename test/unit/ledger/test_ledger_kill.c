/* SIGKILL: a process that writes is ended at places nobody chose; what it had confirmed is there, and at most one step more. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helpers.h"

#include "base/rng.h"

#define N_ROUNDS 50
#define MAX_CONFIRMED 60 /* steps until the kill, at most */

/* Step 3k accepts task k of the round, 3k + 1 begins it, 3k + 2 ends it with a receipt and a change of trust. */
static int do_step(struct hv_ledger *l, unsigned round, unsigned step) {
        char id[32], last[HV_SHA256_HEX_SIZE], sha256[HV_SHA256_HEX_SIZE];
        struct hv_ledger_trust_change trust = { 0, 50, "medium", "none" };
        struct hv_ledger_new_receipt receipt = { "{}", sha256, last };
        struct hv_ledger_promise p;
        struct hv_ledger_end e;
        int r;

        (void) snprintf(id, sizeof id, "r%u-%u", round, step / 3);
        if (step % 3 == 0) {
                p = promise(id);
                return hv_ledger_accept(l, &p, NULL, NULL) == 1 ? 0 : -1;
        }
        if (step % 3 == 1)
                return hv_ledger_begin(l, id, 1, "task-x", AT(NOW), NULL);
        r = hv_ledger_receipt_last(l, last, NULL);
        if (r < 0)
                return r;
        if (r == 0)
                receipt.previous = NULL;
        hv_sha256_hex(id, strlen(id), sha256);
        e = ending(id, 1, "Completed");
        e.trust = &trust;
        e.receipt = &receipt;
        return hv_ledger_end(l, &e, NULL);
}

/* Confirms each step with a byte, until it is killed. */
static void write_for_ever(const char *dir, unsigned round, int fd) {
        struct hv_ledger *l = NULL;

        if (hv_ledger_open(dir, NODE, NOW, &l, NULL) < 0)
                _exit(1);
        for (unsigned step = 0; do_step(l, round, step) == 0; step++)
                if (write(fd, "+", 1) != 1)
                        _exit(2);
        _exit(3);
}

/* Kills the child as soon as it has confirmed `n` steps; gives how many it had confirmed by then. */
static unsigned kill_after(const char *dir, unsigned round, unsigned n) {
        unsigned confirmed = 0;
        int fds[2], status;
        char byte;
        pid_t pid;

        assert_int_equal(pipe(fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void) close(fds[0]);
                write_for_ever(dir, round, fds[1]);
        }
        assert_int_equal(close(fds[1]), 0);
        while (confirmed < n && read(fds[0], &byte, 1) == 1)
                confirmed++;
        assert_int_equal(kill(pid, SIGKILL), 0);
        while (read(fds[0], &byte, 1) == 1)
                confirmed++;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status)); /* else a step failed */
        assert_int_equal(close(fds[0]), 0);
        return confirmed;
}

/* --- what is there --- */

struct found {
        char prefix[16];
        unsigned n_steps, n_ended_in_all, n_receipts, n_trust;
        char last[HV_SHA256_HEX_SIZE];
};

static int count_task(const struct hv_ledger_task *t, void *userdata) {
        struct found *f = userdata;

        f->n_ended_in_all += t->ended_us > 0;
        if (hv_has_prefix(t->id, f->prefix))
                f->n_steps += t->ended_us > 0 ? 3 : t->last_begun_us > 0 ? 2 : 1;
        return 0;
}

static int count_trust(const struct hv_ledger_trust *t, void *userdata) {
        (void) t;
        ((struct found *) userdata)->n_trust++;
        return 0;
}

static int follow_receipt(const struct hv_ledger_receipt *r, void *userdata) {
        struct found *f = userdata;

        assert_string_equal(r->previous ? r->previous : "", f->last);
        (void) snprintf(f->last, sizeof f->last, "%s", r->sha256);
        f->n_receipts++;
        return 0;
}

static void a_killed_writer_leaves_what_it_confirmed(void **state) {
        struct fixture *x = *state;
        struct hv_rng rng = { (uint64_t) getpid() };

        print_message("seed %d\n", (int) getpid());
        for (unsigned round = 0; round < N_ROUNDS; round++) {
                struct found f = {};
                unsigned confirmed;

                x->ledger = hv_ledger_free(x->ledger);
                confirmed = kill_after(x->scratch->path, round, (unsigned) hv_rng_below(&rng, MAX_CONFIRMED));
                (void) snprintf(f.prefix, sizeof f.prefix, "r%u-", round);
                x->ledger = open_ledger(x->scratch->path);
                assert_int_equal(hv_ledger_recall(x->ledger, count_task, &f, NULL), 0);
                if (f.n_steps != confirmed && f.n_steps != confirmed + 1)
                        fail_msg("round %u: %u steps confirmed, %u found", round, confirmed, f.n_steps);
                assert_int_equal(hv_ledger_trust_page(x->ledger, 0, 100000, count_trust, &f, NULL, NULL), 0);
                assert_int_equal(hv_ledger_receipts(x->ledger, NULL, 0, 100000, follow_receipt, &f, NULL), 0);
                assert_int_equal(f.n_trust, f.n_ended_in_all);
                assert_int_equal(f.n_receipts, f.n_ended_in_all);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_killed_writer_leaves_what_it_confirmed, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

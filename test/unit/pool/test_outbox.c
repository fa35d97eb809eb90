/* What is owed, brought to a pool that is a script: faults that a real one cannot be made to show in this order. */
#include "pool/outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "lib/loop.h"
#include "log/log.h"

#define N_DEBTS_MAX 64

struct stage {
        sd_event *event;
        struct hv_outbox *outbox;
        struct hv_pool_dialect dialect;

        /* the ledger */
        struct hv_pool_owed debts[N_DEBTS_MAX];
        size_t n_debts;
        bool settle_fails, package_fails;
        uint64_t archive_bytes;
        char settled[512];
        unsigned n_packages, n_cancelled;

        /* the pool: one call at a time */
        void (*script)(struct stage *s, struct hv_answer *a);
        unsigned n_results, n_logs, n_heard;
        char calls[1024];
        uint64_t offset; /* of the call that is to be answered */
        const char *id, *key;
        uint64_t log_has; /* bytes of the log that it has */
        size_t log_len;
        sd_event_source *answering;
        hv_answer_fn *done;
        void *done_data;
        bool is_log;
};

struct hv_pool_peer {
        struct stage s;
};

static struct stage *stage_of(struct hv_pool_peer *p) {
        return &p->s;
}

/* --- the pool --- */

static int answer(sd_event_source *source, void *userdata) {
        struct stage *s = userdata;
        struct hv_answer a = { .outcome = HV_POOL_OUTCOME_OK, .answered = true, .message = "" };

        (void) source;
        s->answering = sd_event_source_disable_unref(s->answering);
        if (s->is_log) {
                s->log_has = s->offset + s->log_len;
                a.next_offset = s->log_has;
        } else {
                a.committed = true;
        }
        if (s->script)
                s->script(s, &a);
        s->done(s->done_data, &a);
        return 0;
}

static void answer_later(struct stage *s, hv_answer_fn *done, void *done_data) {
        assert_null(s->answering); /* one at a time */
        s->done = done;
        s->done_data = done_data;
        assert_true(sd_event_add_defer(s->event, &s->answering, answer, s) >= 0);
}

static void put_log(struct hv_pool_peer *p, const struct hv_pool_owed *owed, uint64_t offset,
                    const char *data, size_t len, hv_answer_fn *done, void *done_data) {
        struct stage *s = stage_of(p);
        size_t used = strlen(s->calls);

        for (size_t i = 0; i < len; i++)
                assert_int_equal(data[i], (char) ('a' + (offset + i) % 26));
        (void) snprintf(s->calls + used, sizeof s->calls - used, "%s.log@%llu ", owed->id,
                        (unsigned long long) offset);
        s->n_logs++;
        s->is_log = true;
        s->offset = offset;
        s->log_len = len;
        s->id = owed->id;
        answer_later(s, done, done_data);
}

static void put_result(struct hv_pool_peer *p, const struct hv_pool_parcel *parcel, uint64_t offset,
                       hv_answer_fn *done, void *done_data) {
        struct stage *s = stage_of(p);
        size_t used = strlen(s->calls);

        (void) snprintf(s->calls + used, sizeof s->calls - used, "%s@%llu ", parcel->owed->id,
                        (unsigned long long) offset);
        s->n_results++;
        s->is_log = false;
        s->offset = offset;
        s->id = parcel->owed->id;
        s->key = parcel->key;
        answer_later(s, done, done_data);
}

static void heard(void *userdata, enum hv_pool_outcome outcome, bool answered, const char *message) {
        struct stage *s = userdata;

        (void) outcome;
        (void) answered;
        assert_non_null(message);
        s->n_heard++;
}

/* --- the ledger --- */

static bool owed(void *userdata, uint64_t after, struct hv_arena *a, struct hv_pool_owed *ret) {
        struct stage *s = userdata;

        for (size_t i = 0; i < s->n_debts; i++) {
                if (s->debts[i].seq <= after)
                        continue;
                *ret = s->debts[i];
                ret->id = hv_arena_strdup(a, ret->id);
                return true;
        }
        return false;
}

static struct hv_pool_owed *find(struct stage *s, uint64_t seq) {
        for (size_t i = 0; i < s->n_debts; i++)
                if (s->debts[i].seq == seq)
                        return &s->debts[i];
        fail_msg("no debt %llu", (unsigned long long) seq);
        return NULL;
}

struct packing {
        struct stage *s;
        sd_event_source *source;
        hv_pool_package_fn *done;
        void *done_data;
};

static int packed(sd_event_source *source, void *userdata) {
        struct packing *p = userdata;
        const struct hv_err err = { -EIO, "the archive cannot be made" };
        struct hv_pool_package package = { .fd = -1, .err = &err, .size_bytes = p->s->archive_bytes };

        (void) source;
        if (!p->s->package_fails)
                package.fd = memfd_create("archive", MFD_CLOEXEC);
        sd_event_source_disable_unref(p->source);
        p->done(p->done_data, &package);
        free(p);
        return 0;
}

static void *package(void *userdata, const struct hv_pool_owed *o, enum hv_pool_shape shape,
                     hv_pool_package_fn *done, void *done_data) {
        struct stage *s = userdata;
        struct packing *p = HV_NEW(struct packing);

        (void) o;
        (void) shape;
        s->n_packages++;
        *p = (struct packing){ s, NULL, done, done_data };
        assert_true(sd_event_add_defer(s->event, &p->source, packed, p) >= 0);
        return p;
}

static void cancel_package(void *userdata, void *data) {
        struct packing *p = data;

        ((struct stage *) userdata)->n_cancelled++;
        sd_event_source_disable_unref(p->source);
        free(p);
}

static int open_log(void *userdata, const struct hv_pool_owed *o, struct hv_err *err) {
        int fd = memfd_create("log", MFD_CLOEXEC);

        (void) userdata;
        (void) err;
        for (uint64_t i = 0; i < o->log_bytes; i++)
                assert_int_equal(hv_fd_write(fd, &(char){ (char) ('a' + i % 26) }, 1), 0);
        return fd;
}

static int log_sent(void *userdata, uint64_t seq, uint64_t offset, struct hv_err *err) {
        (void) err;
        find(userdata, seq)->log_sent = offset;
        return 0;
}

static int delivered(void *userdata, const struct hv_pool_owed *owed, enum hv_pool_delivery how,
                     const char *message, struct hv_err *err) {
        struct stage *s = userdata;
        struct hv_pool_owed *d = find(s, owed->seq);
        size_t used = strlen(s->settled);

        (void) message;
        if (s->settle_fails)
                return hv_err_set(err, -EIO, "the ledger is in trouble");
        (void) snprintf(s->settled + used, sizeof s->settled - used, "%s%s ", d->id,
                        how == HV_POOL_UNWANTED ? "!" : "");
        memmove(d, d + 1, (size_t) (s->debts + s->n_debts - (d + 1)) * sizeof *d);
        s->n_debts--;
        return 0;
}

static const struct hv_pool_backend backend = {
        .owed = owed,
        .package = package,
        .cancel_package = cancel_package,
        .open_log = open_log,
        .log_sent = log_sent,
        .delivered = delivered,
};

/* --- the stage --- */

static void no_log(const struct hv_log_record *record, void *userdata) {
        (void) record;
        (void) userdata;
}

static int set_up(void **state) {
        struct hv_pool_peer *p = HV_NEW(struct hv_pool_peer);
        struct stage *s = &p->s;
        struct hv_err err = {};

        hv_log_set_sink(no_log, NULL);
        assert_true(sd_event_new(&s->event) >= 0);
        s->dialect = (struct hv_pool_dialect){
                .name = "script", .log_bytes = 100, .put_log = put_log, .put_result = put_result
        };
        s->archive_bytes = 10;
        if (hv_outbox_new(
                    &(struct hv_outbox_options){
                            .event = s->event,
                            .dialect = &s->dialect,
                            .peer = p,
                            .backend = &backend,
                            .backend_data = s,
                            .node_id = "n1",
                            .retry = { .initial_us = 2000, .max_us = 20000, .factor_milli = 2000 },
                            .heard = heard,
                            .userdata = s },
                    &s->outbox, &err) < 0)
                fail_msg("%s", err.msg);
        *state = p;
        return 0;
}

static int tear_down(void **state) {
        struct hv_pool_peer *p = *state;

        hv_outbox_free(p->s.outbox);
        sd_event_source_disable_unref(p->s.answering);
        sd_event_unref(p->s.event);
        hv_log_set_sink(NULL, NULL);
        free(p);
        return 0;
}

static void owe(struct stage *s, const char *id, unsigned number, uint64_t log_bytes) {
        static uint64_t seq;

        s->debts[s->n_debts++] = (struct hv_pool_owed){ .seq = ++seq,
                                                        .id = id,
                                                        .attempt = 2,
                                                        .number = number,
                                                        .state = "Completed",
                                                        .log_bytes = log_bytes };
        hv_outbox_poke(s->outbox);
}

static void run_until_settled(struct stage *s) {
        hv_test_run_until(s->event, s->n_debts == 0);
}

/* --- the tests --- */

static void test_debts_are_settled_oldest_first(void **state) {
        struct stage *s = stage_of(*state);

        owe(s, "a", 1, 0);
        owe(s, "b", 3, 0);
        owe(s, "c", 0, 0);
        hv_test_drain(s->event);
        assert_string_equal(s->calls, ""); /* not online */
        hv_outbox_set_online(s->outbox, true);
        run_until_settled(s);
        assert_string_equal(s->settled, "a b c ");
        assert_string_equal(s->calls, "a@0 b@0 c@0 ");
        assert_int_equal(s->n_packages, 2); /* what never ran has no archive */
        assert_int_equal(hv_outbox_n_delivered(s->outbox), 3);
        assert_int_equal(s->n_heard, 3);
        owe(s, "d", 1, 0);
        run_until_settled(s);
        assert_string_equal(s->settled, "a b c d ");
}

static void keys_repeat(struct stage *s, struct hv_answer *a) {
        assert_string_equal(s->key, "n1/a/2/7");
        if (s->n_results < 5)
                *a = (struct hv_answer){ .outcome = HV_POOL_OUTCOME_AGAIN, .message = "lost" };
}

static void test_each_try_has_the_same_key(void **state) {
        struct stage *s = stage_of(*state);

        s->script = keys_repeat;
        hv_outbox_set_online(s->outbox, true);
        owe(s, "a", 7, 0);
        run_until_settled(s);
        assert_string_equal(s->calls, "a@0 a@0 a@0 a@0 a@0 ");
        assert_string_equal(s->settled, "a ");
}

static void one_is_poison(struct stage *s, struct hv_answer *a) {
        if (hv_streq(s->id, "bad"))
                *a = (struct hv_answer){ .outcome = HV_POOL_OUTCOME_AGAIN, .message = "the pool broke" };
}

static void test_one_that_is_never_taken_does_not_hold_up_the_others(void **state) {
        struct stage *s = stage_of(*state);

        s->script = one_is_poison;
        owe(s, "bad", 1, 0);
        owe(s, "b", 1, 0);
        owe(s, "c", 1, 0);
        hv_outbox_set_online(s->outbox, true);
        hv_test_run_until(s->event, s->n_debts == 1);
        assert_string_equal(s->settled, "b c ");
        hv_test_run_until(s->event, s->n_results > 8); /* and it is never given up */
        assert_string_equal(s->debts[0].id, "bad");
        s->script = NULL;
        run_until_settled(s);
        assert_string_equal(s->settled, "b c bad ");
}

static void in_pieces(struct stage *s, struct hv_answer *a) {
        a->committed = s->offset + 4 >= s->archive_bytes;
        a->next_offset = HV_MIN(s->offset + 4, s->archive_bytes);
}

static void test_pieces_go_on_where_the_pool_says(void **state) {
        struct stage *s = stage_of(*state);

        s->script = in_pieces;
        hv_outbox_set_online(s->outbox, true);
        owe(s, "a", 1, 0);
        run_until_settled(s);
        assert_string_equal(s->calls, "a@0 a@4 a@8 ");
        assert_int_equal(s->n_packages, 1);
}

static void has_half(struct stage *s, struct hv_answer *a) {
        in_pieces(s, a);
        if (s->n_results == 1) /* of a try before */
                a->committed = false, a->next_offset = 8;
}

static void test_what_the_pool_has_is_not_sent_again(void **state) {
        struct stage *s = stage_of(*state);

        s->script = has_half;
        hv_outbox_set_online(s->outbox, true);
        owe(s, "a", 1, 0);
        run_until_settled(s);
        assert_string_equal(s->calls, "a@0 a@8 ");
}

static void never_further(struct stage *s, struct hv_answer *a) {
        if (s->n_results > 30)
                return;
        a->committed = false;
        a->next_offset = 0;
}

static void test_a_pool_that_never_gets_further_is_not_called_in_a_loop(void **state) {
        struct stage *s = stage_of(*state);
        unsigned before;

        s->script = never_further;
        hv_outbox_set_online(s->outbox, true);
        owe(s, "a", 1, 0);
        hv_test_run_until(s->event, s->n_packages == 2); /* it was put back, and is tried anew */
        before = s->n_results;
        assert_in_range(before, 2, 6);
        run_until_settled(s);
}

static void beyond_the_end(struct stage *s, struct hv_answer *a) {
        if (s->n_results == 1)
                a->committed = false, a->next_offset = 11;
        if (s->n_results == 2)
                a->committed = false, a->next_offset = 10; /* it has all of it, and says no word */
}

static void test_an_offset_that_cannot_be_is_a_failure(void **state) {
        struct stage *s = stage_of(*state);

        s->script = beyond_the_end;
        hv_outbox_set_online(s->outbox, true);
        owe(s, "a", 1, 0);
        run_until_settled(s);
        assert_string_equal(s->calls, "a@0 a@0 a@0 ");
}

static void not_wanted(struct stage *s, struct hv_answer *a) {
        a->outcome = HV_POOL_OUTCOME_REFUSED;
        a->message = "it has a newer lease";
        a->committed = s->n_results > 1; /* the first time it does not say that it is for good */
}

static void test_what_is_not_wanted_for_good_is_settled(void **state) {
        struct stage *s = stage_of(*state);

        s->script = not_wanted;
        hv_outbox_set_online(s->outbox, true);
        owe(s, "a", 1, 0);
        run_until_settled(s);
        assert_string_equal(s->calls, "a@0 a@0 ");
        assert_string_equal(s->settled, "a! ");
}

static void test_a_ledger_in_trouble_settles_nothing(void **state) {
        struct stage *s = stage_of(*state);

        s->settle_fails = true;
        hv_outbox_set_online(s->outbox, true);
        owe(s, "a", 1, 0);
        hv_test_run_until(s->event, s->n_results >= 3);
        assert_string_equal(s->settled, "");
        s->settle_fails = false;
        run_until_settled(s);
        assert_string_equal(s->settled, "a ");
}

static void test_an_archive_that_cannot_be_made_is_made_later(void **state) {
        struct stage *s = stage_of(*state);

        s->package_fails = true;
        hv_outbox_set_online(s->outbox, true);
        owe(s, "a", 1, 0);
        owe(s, "never-ran", 0, 0);
        hv_test_run_until(s->event, s->n_packages >= 3);
        assert_string_equal(s->settled, "never-ran ");
        s->package_fails = false;
        run_until_settled(s);
}

static void go_offline(struct stage *s, struct hv_answer *a) {
        *a = (struct hv_answer){ .outcome = HV_POOL_OUTCOME_AGAIN, .message = "lost" };
        hv_outbox_set_online(s->outbox, false);
}

static void test_nothing_is_sent_while_the_link_is_down(void **state) {
        struct stage *s = stage_of(*state);

        s->script = go_offline;
        hv_outbox_set_online(s->outbox, true);
        owe(s, "a", 1, 0);
        hv_test_run_until(s->event, s->n_results == 1);
        hv_test_drain(s->event);
        owe(s, "b", 1, 0);
        hv_test_drain(s->event);
        assert_int_equal(s->n_results, 1);
        s->script = NULL;
        hv_outbox_set_online(s->outbox, true);
        run_until_settled(s);
}

static void test_the_end_in_the_middle_of_packing(void **state) {
        struct stage *s = stage_of(*state);

        hv_outbox_set_online(s->outbox, true);
        owe(s, "a", 1, 0);
        hv_test_run_until(s->event, s->n_packages == 1);
        s->outbox = hv_outbox_free(s->outbox);
        assert_int_equal(s->n_cancelled, 1);
        hv_test_drain(s->event);
}

static void test_the_log_goes_first_in_pieces(void **state) {
        struct stage *s = stage_of(*state);

        hv_outbox_set_online(s->outbox, true);
        owe(s, "a", 1, 250);
        run_until_settled(s);
        assert_string_equal(s->calls, "a.log@0 a.log@100 a.log@200 a@0 ");
}

static void log_is_there(struct stage *s, struct hv_answer *a) {
        if (s->is_log)
                a->next_offset = s->n_logs == 1 ? 220 : 250;
}

static void test_what_was_heard_live_is_not_sent_again(void **state) {
        struct stage *s = stage_of(*state);

        s->script = log_is_there;
        hv_outbox_set_online(s->outbox, true);
        owe(s, "a", 1, 250);
        run_until_settled(s);
        assert_string_equal(s->calls, "a.log@0 a.log@220 a@0 ");
}

static void log_is_lost(struct stage *s, struct hv_answer *a) {
        if (s->is_log && s->n_logs == 2)
                *a = (struct hv_answer){ .outcome = HV_POOL_OUTCOME_AGAIN, .message = "lost" };
        if (s->is_log && s->n_logs == 3)
                a->next_offset = 50; /* it lost some of it */
}

static void test_a_log_goes_on_where_the_pool_is(void **state) {
        struct stage *s = stage_of(*state);

        s->script = log_is_lost;
        hv_outbox_set_online(s->outbox, true);
        owe(s, "a", 1, 250);
        run_until_settled(s);
        assert_string_equal(s->calls, "a.log@0 a.log@100 a.log@0 a.log@50 a.log@150 a@0 ");
}

static void log_never(struct stage *s, struct hv_answer *a) {
        if (s->is_log && hv_streq(s->id, "refused"))
                a->outcome = HV_POOL_OUTCOME_REFUSED;
        if (s->is_log && hv_streq(s->id, "unsupported"))
                a->outcome = HV_POOL_OUTCOME_UNSUPPORTED;
        if (s->is_log && hv_streq(s->id, "stuck"))
                a->next_offset = 0;
}

static void test_a_log_that_is_not_wanted_does_not_keep_the_result_back(void **state) {
        struct stage *s = stage_of(*state);

        s->script = log_never;
        owe(s, "refused", 1, 250);
        owe(s, "unsupported", 1, 250);
        owe(s, "stuck", 1, 250);
        hv_outbox_set_online(s->outbox, true);
        run_until_settled(s);
        assert_string_equal(s->settled, "refused unsupported stuck ");
        assert_true(s->n_logs < 10);
}

static void log_busy(struct stage *s, struct hv_answer *a) {
        if (s->is_log)
                *a = (struct hv_answer){ .outcome = HV_POOL_OUTCOME_AGAIN,
                                         .answered = s->n_logs > 15,
                                         .message = "busy" };
}

/* No answer is the link's fault and is waited for, for ever; a pool that answers is believed. */
static void test_a_pool_that_is_always_too_busy_for_a_log_gets_the_result(void **state) {
        struct stage *s = stage_of(*state);

        s->script = log_busy;
        owe(s, "a", 1, 250);
        hv_outbox_set_online(s->outbox, true);
        run_until_settled(s);
        assert_int_equal(s->n_logs, 16);
        assert_string_equal(s->settled, "a ");
}

static void test_what_a_status_means(void **state) {
        static const struct {
                enum hv_rpc_status status;
                enum hv_pool_outcome outcome;
                bool answered;
        } rows[] = {
                { HV_RPC_OK, HV_POOL_OUTCOME_OK, true },
                { HV_RPC_UNIMPLEMENTED, HV_POOL_OUTCOME_UNSUPPORTED, true },
                { HV_RPC_UNAUTHENTICATED, HV_POOL_OUTCOME_RELOGIN, true },
                { HV_RPC_FAILED_PRECONDITION, HV_POOL_OUTCOME_REFUSED, true }, /* a lease that was lost */
                { HV_RPC_NOT_FOUND, HV_POOL_OUTCOME_REFUSED, true },
                { HV_RPC_RESOURCE_EXHAUSTED, HV_POOL_OUTCOME_AGAIN, true },
                { HV_RPC_ABORTED, HV_POOL_OUTCOME_AGAIN, true },
                { HV_RPC_UNAVAILABLE, HV_POOL_OUTCOME_AGAIN, false },
                { HV_RPC_DEADLINE_EXCEEDED, HV_POOL_OUTCOME_AGAIN, false },
                { HV_RPC_INTERNAL, HV_POOL_OUTCOME_AGAIN, false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                bool answered;

                if (hv_pool_outcome_of_status(rows[i].status, &answered) != rows[i].outcome ||
                    answered != rows[i].answered)
                        fail_msg("%s", hv_rpc_status_name(rows[i].status));
        }
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_debts_are_settled_oldest_first),
                TEST(test_each_try_has_the_same_key),
                TEST(test_one_that_is_never_taken_does_not_hold_up_the_others),
                TEST(test_pieces_go_on_where_the_pool_says),
                TEST(test_what_the_pool_has_is_not_sent_again),
                TEST(test_a_pool_that_never_gets_further_is_not_called_in_a_loop),
                TEST(test_an_offset_that_cannot_be_is_a_failure),
                TEST(test_what_is_not_wanted_for_good_is_settled),
                TEST(test_a_ledger_in_trouble_settles_nothing),
                TEST(test_an_archive_that_cannot_be_made_is_made_later),
                TEST(test_nothing_is_sent_while_the_link_is_down),
                TEST(test_the_end_in_the_middle_of_packing),
                TEST(test_the_log_goes_first_in_pieces),
                TEST(test_what_was_heard_live_is_not_sent_again),
                TEST(test_a_log_goes_on_where_the_pool_is),
                TEST(test_a_log_that_is_not_wanted_does_not_keep_the_result_back),
                TEST(test_a_pool_that_is_always_too_busy_for_a_log_gets_the_result),
                TEST(test_what_a_status_means),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Cron tasks over the API: how they are, a run now, suspend, resume. */
#include "testing.h"

#include <errno.h>

#include "ask.h"

#define NIGHTLY "/api/v1/crontasks/nightly"

static void it_tells_its_schedule_and_its_runs(void **state) {
        static const char *const live[] = { "nightly-202611210315", "nightly-202611220315" };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, runs = {}, why = {};

        (void) state;
        a = get(s, NIGHTLY);
        assert_int_equal(a.status, 200);
        assert_string_equal(text_at(a.json, "status.phase"), "Scheduled");
        assert_true(hv_json_as_bool(at(a.json, "status.inSync"), false));
        assert_string_equal(text_at(a.json, "status.schedule"), "15 3 * * *");
        assert_string_equal(text_at(a.json, "status.timeZone"), "Europe/Berlin");
        assert_false(hv_json_as_bool(at(a.json, "status.suspended"), true));
        assert_non_null(text_at(a.json, "status.next"));
        assert_non_null(text_at(a.json, "status.dealtWithUntil"));
        assert_int_equal(hv_json_size(at(a.json, "status.live")), 0);
        s->cron.live = live;
        s->cron.n_live = 2;
        stage_changed(s);
        runs = get(s, NIGHTLY "/status");
        assert_string_equal(text_at(runs.json, "phase"), "Running");
        assert_string_equal(text_at(runs.json, "live.1"), "nightly-202611220315");
        why = get(s, NIGHTLY "/why");
        assert_string_equal(text_at(why.json, "wanted"),
                            "a run at each time of \"15 3 * * *\" in Europe/Berlin");
        assert_string_equal(text_at(why.json, "seen"),
                            "not ended: nightly-202611210315, nightly-202611220315");
        assert_null(text_at(why.json, "blocking"));
        assert_true(hv_has_prefix(text_at(why.json, "next"), "a run at 20"));
}

static void what_keeps_it_is_said(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer suspended = {}, why = {}, zone = {}, ledger = {}, node = {},
                                                orders = {}, none = {}, metrics = {};

        (void) state;
        s->cron.suspend = (struct hv_order){ "ana", "the disk moves", UINT64_C(1763780400000000) };
        s->cron.message =
                "suspended by ana since 2025-11-22T03:00:00Z: the disk moves; until hivectl cron resume";
        s->cron.next_wall_us = 0;
        suspended = get(s, NIGHTLY "/status");
        assert_string_equal(text_at(suspended.json, "phase"), "Suspended");
        assert_true(hv_json_bool(suspended.json, "inSync", false));
        assert_int_equal(hv_json_type(at(suspended.json, "next")), HV_JSON_NULL);
        assert_true(hv_json_bool(suspended.json, "suspended", false));
        assert_string_equal(text_at(suspended.json, "suspension.by"), "ana");
        assert_string_equal(text_at(suspended.json, "suspension.reason"), "the disk moves");
        assert_string_equal(text_at(suspended.json, "suspension.since"), "2025-11-22T03:00:00Z");
        why = get(s, NIGHTLY "/why");
        assert_string_equal(
                text_at(why.json, "blocking"),
                "Suspended: suspended by ana since 2025-11-22T03:00:00Z: the disk moves; until hivectl cron "
                "resume");
        assert_string_equal(text_at(why.json, "next"), "nothing before it is resumed: hivectl cron resume");
        orders = get(s, "/api/v1/cordon");
        assert_string_equal(text_at(orders.json, "cronTasks.0.name"), "nightly");
        assert_string_equal(text_at(orders.json, "cronTasks.0.suspend.by"), "ana");
        metrics = get(s, "/metrics");
        assert_non_null(strstr(hv_buf_str(&metrics.text), "\nhivelet_cron_tasks_suspended 1\n"));
        s->cron.suspend = (struct hv_order){};
        stage_changed(s);
        none = get(s, NIGHTLY "/status");
        assert_int_equal(hv_json_type(at(none.json, "suspension")), HV_JSON_NULL);
        s->cron.can_run = false;
        s->cron.message = "this machine has no file of the time zone Europe/Berlin";
        zone = get(s, NIGHTLY "/why");
        assert_string_equal(text_at(zone.json, "blocking"),
                            "Pending: this machine has no file of the time zone Europe/Berlin");
        node = get(s, "/api/v1/why");
        assert_string_equal(text_at(node.json, "items.0.name"), "nightly");
        s->cron.can_run = true;
        s->cron.ledger_failure = "no space left on device";
        ledger = get(s, NIGHTLY "/why");
        assert_string_equal(text_at(ledger.json, "blocking"), "LedgerFailed: no space left on device");
}

static void changes_reach_the_backend(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer run = {}, suspend = {}, resume = {}, other = {}, again = {},
                                                early = {}, tcp = {}, bad = {};

        (void) state;
        stage_tasks(s);
        s->task_id = "nightly-202611210315"; /* the run */
        run = post(s, NIGHTLY "/trigger", NULL);
        assert_int_equal(run.status, 201);
        assert_true(web_has_header(&run.text, "Location: /api/v1/tasks/nightly-202611210315"));
        assert_string_equal(text_at(run.json, "metadata.cronTask"), "nightly");
        assert_true(hv_has_prefix(s->last_change, "trigger id=nightly "));
        s->task_id = NULL;
        suspend = post(s, NIGHTLY "/suspend", "{\"reason\": \"the disk moves\", \"by\": \"mallory\"}");
        assert_int_equal(suspend.status, 200);
        assert_string_equal(text_at(suspend.json, "kind"), "CronTask");
        assert_true(hv_has_prefix(s->last_change, "suspend id=nightly by=unix:uid="));
        assert_non_null(strstr(s->last_change, " reason=the disk moves "));
        s->task_outcome = HV_API_TASK_SAME;
        resume = post(s, NIGHTLY "/resume", NULL);
        assert_int_equal(resume.status, 200);
        assert_true(hv_has_prefix(s->last_change, "resume id=nightly "));
        other = post(s, "/api/v1/crontasks/nightli/trigger", NULL);
        assert_int_equal(other.status, 404);
        assert_non_null(strstr(text_at(other.json, "detail"), "did you mean \"nightly\"?"));
        s->task_outcome = HV_API_TASK_FAILED;
        (void) hv_err_set(&s->err, -EEXIST, "cron task nightly has a run of this minute already");
        again = post(s, NIGHTLY "/trigger", NULL);
        assert_int_equal(again.status, 409);
        (void) hv_err_set(&s->err, -EAGAIN, "nothing can be recorded: the ledger is not there");
        early = post(s, NIGHTLY "/suspend", NULL);
        assert_int_equal(early.status, 503);
        bad = post(s, NIGHTLY "/suspend", "{");
        assert_int_equal(bad.status, 400);
        assert_int_equal(s->n_changes, 5);
        tcp = ask(s, true, "POST", NIGHTLY "/suspend", NULL, NULL);
        assert_int_equal(tcp.status, 401);
        assert_int_equal(s->n_changes, 5);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_tells_its_schedule_and_its_runs),
                cmocka_unit_test(what_keeps_it_is_said),
                cmocka_unit_test(changes_reach_the_backend),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

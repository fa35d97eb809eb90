/* Tasks over the API: who is shown from where, what a change answers, what a task left. */
#include "testing.h"

#include <errno.h>
#include <unistd.h>

#include "ask.h"
#include "http/file_reply.h"
#include "ledger/attempt.h"

#define DOCUMENT "kind: Task\nmetadata: {name: prime}\nspec: {image: busybox}\n"
#define YAML "Content-Type: application/yaml\r\n"

static struct answer send_task(struct stage *s, const char *path, const char *headers) {
        char all[512];

        (void) snprintf(all, sizeof all, YAML "%s", headers ? headers : "");
        return ask(s, false, "POST", path, all, DOCUMENT);
}

/* The body without its chunks; in the answer's own memory, so once. */
static const char *body_of(struct answer *a) {
        char *head = (char *) hv_buf_str(&a->text), *from = strstr(head, "\r\n\r\n"), *to;

        if (!from)
                return "";
        from += 4;
        to = from;
        if (!web_has_header(&a->text, "Transfer-Encoding: chunked"))
                return from;
        for (unsigned long n; (n = strtoul(from, &from, 16)) > 0; from += n + 2) {
                memmove(to, from + 2, n);
                to += n;
                from += 2;
        }
        *to = '\0';
        return strstr(head, "\r\n\r\n") + 4;
}

static size_t count(const struct answer *a) {
        return hv_json_size(hv_json_get(a->json, "items"));
}

/* ---- looking ---- */

static void the_list_joins_the_core_and_the_ledger(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {};

        (void) state;
        stage_tasks(s);
        a = get(s, "/api/v1/tasks");
        assert_int_equal(a.status, 200);
        assert_int_equal(count(&a), 5);
        assert_string_equal(text_at(a.json, "items.0.metadata.name"), "big-1"); /* newest first */
        assert_string_equal(text_at(a.json, "items.0.status.phase"), "Queued");
        assert_string_equal(text_at(a.json, "items.0.status.reason"), "WaitingMemory");
        assert_string_equal(text_at(a.json, "items.1.status.phase"), "Running");
        assert_string_equal(text_at(a.json, "items.1.status.container"), "task-train-1");
        assert_string_equal(text_at(a.json, "items.2.status.phase"), "Failed");
        assert_string_equal(text_at(a.json, "items.2.status.cause"), "exitCode");
        assert_int_equal(hv_json_as_int(at(a.json, "items.2.status.exitCode"), -1), 3);
        assert_int_equal(hv_json_as_int(at(a.json, "items.2.status.attempt"), -1), 2);
        assert_string_equal(text_at(a.json, "items.3.metadata.task"), "sieve");
        assert_string_equal(text_at(a.json, "items.4.metadata.cronTask"), "nightly");
        assert_true(hv_json_as_bool(at(a.json, "metadata.complete"), false));
        assert_int_equal(hv_json_type(at(a.json, "metadata.continue")), HV_JSON_NULL);
}

static void the_list_can_be_filtered(void **state) {
        static const struct {
                const char *query, *names;
        } rows[] = {
                { "state=live", "big-1 train-1 " },
                { "state=ended", "resize-7 sieve-0a1b2c3d nightly-202611210315 " },
                { "state=Running", "train-1 " },
                { "state=running,timedout", "train-1 nightly-202611210315 " },
                { "state=Admitted", "" },
                { "source=file", "sieve-0a1b2c3d " },
                { "source=api&state=Failed", "resize-7 " },
                { "name=nightly", "nightly-202611210315 " },
                { "cron=nightly", "nightly-202611210315 " },
                { "name=nobody", "" },
                { "search=iEv", "sieve-0a1b2c3d " },
                { "search=0315", "nightly-202611210315 " },
                { "search=a&state=live", "train-1 " },
                { "search=nobody", "" },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        stage_tasks(s);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char path[120], names[200] = "";
                _hv_cleanup_(answer_done) struct answer a = {};

                (void) snprintf(path, sizeof path, "/api/v1/tasks?%s", rows[i].query);
                a = get(s, path);
                assert_int_equal(a.status, 200);
                for (size_t k = 0; k < count(&a); k++) {
                        const struct hv_json *item = hv_json_at(hv_json_get(a.json, "items"), k);

                        (void) snprintf(names + strlen(names), sizeof names - strlen(names), "%s ",
                                        hv_json_str(hv_json_get(item, "metadata"), "name"));
                }
                assert_string_equal(names, rows[i].names);
        }
}

static void pages_follow_each_other(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        char path[120] = "/api/v1/tasks?limit=2", names[200] = "";
        unsigned pages = 0;

        (void) state;
        stage_tasks(s);
        for (;;) {
                _hv_cleanup_(answer_done) struct answer a = get(s, path);
                const char *next = text_at(a.json, "metadata.continue");

                pages++;
                assert_true(count(&a) <= 2);
                for (size_t k = 0; k < count(&a); k++) {
                        const struct hv_json *item = hv_json_at(hv_json_get(a.json, "items"), k);

                        (void) snprintf(names + strlen(names), sizeof names - strlen(names), "%s ",
                                        hv_json_str(hv_json_get(item, "metadata"), "name"));
                }
                if (!next)
                        break;
                (void) snprintf(path, sizeof path, "/api/v1/tasks?limit=2&continue=%s", next);
        }
        assert_int_equal(pages, 3);
        assert_string_equal(names, "big-1 train-1 resize-7 sieve-0a1b2c3d nightly-202611210315 ");
}

static void what_a_query_cannot_mean_is_said(void **state) {
        static const char *const paths[] = { "/api/v1/tasks?state=Runing",
                                             "/api/v1/tasks?limit=0",
                                             "/api/v1/tasks?continue=x",
                                             "/api/v1/tasks/train-1/logs?attempt=none",
                                             "/api/v1/tasks/sieve-0a1b2c3d/results?format=rar",
                                             "/api/v1/trust/ledger?limit=x" };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        stage_tasks(s);
        for (size_t i = 0; i < HV_ARRAY_SIZE(paths); i++) {
                _hv_cleanup_(answer_done) struct answer a = get(s, paths[i]);

                assert_int_equal(a.status, 400);
                assert_non_null(text_at(a.json, "detail"));
        }
}

/* While it is being stopped, when it has ended for that, and when it waits for its next attempt. */
static void why_the_node_stopped_a_task_is_told(void **state) {
        static const struct hv_ledger_eviction pressure = { "Pressure", "the disk is full", 9 };
        static const struct hv_ledger_result result = { .cause = "nodeError",
                                                        .reason = "Pressure",
                                                        .message = "stopped: the disk is full",
                                                        .exit_code = 143 };
        _hv_cleanup_(answer_done) struct answer open = {}, ended = {}, why = {}, again = {};
        struct hv_ledger_end end = { .id = "train-1", .number = 1, .now_wall_us = 10, .result = result };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct hv_err err = {};

        (void) state;
        stage_tasks(s);
        assert_int_equal(hv_ledger_evict(s->ledger, "train-1", 1, &pressure, &err), 1);
        open = get(s, "/api/v1/tasks/train-1");
        assert_int_equal(hv_json_type(at(open.json, "attempts.0.cause")), HV_JSON_NULL);
        assert_string_equal(text_at(open.json, "attempts.0.reason"), "Pressure");
        assert_string_equal(text_at(open.json, "attempts.0.message"), "the disk is full");

        assert_int_equal(hv_ledger_end(s->ledger, &end, &err), 0);
        s->live[0].state = HV_TASK_QUEUED;
        again = get(s, "/api/v1/tasks/train-1/why");
        assert_string_equal(text_at(again.json, "seen"),
                            "it is Queued; attempt 1: stopped: the disk is full (Pressure)");

        assert_int_equal(hv_ledger_begin(s->ledger, "train-1", 2, "task-train-1.2",
                                         &(struct hv_ledger_instant){ .wall_us = 11 }, &err),
                         0);
        end.number = 2;
        end.state = "Failed";
        assert_int_equal(hv_ledger_end(s->ledger, &end, &err), 0);
        s->live[0].state = HV_TASK_FAILED; /* not forgotten by the core yet */
        s->live[0].reason = "nodeError";
        ended = get(s, "/api/v1/tasks/train-1");
        assert_string_equal(text_at(ended.json, "status.reason"), "Pressure");
        assert_string_equal(text_at(ended.json, "attempts.1.reason"), "Pressure");
        assert_string_equal(text_at(ended.json, "attempts.1.message"), "stopped: the disk is full");
        s->n_live = 0;
        why = get(s, "/api/v1/tasks/train-1/why");
        assert_string_equal(text_at(why.json, "blocking"), "stopped: the disk is full (Pressure)");
}

static void one_task_tells_all_but_its_secrets(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, live = {}, status = {}, why = {}, waits = {},
                                                none = {};

        (void) state;
        stage_tasks(s);
        a = get(s, "/api/v1/tasks/resize-7");
        assert_int_equal(a.status, 200);
        assert_int_equal(hv_json_size(at(a.json, "attempts")), 2);
        assert_string_equal(text_at(a.json, "attempts.0.cause"), "nodeError");
        assert_string_equal(text_at(a.json, "attempts.1.container"), "task-resize-7.2");
        assert_string_equal(text_at(a.json, "spec.image"), "docker.io/library/python:3.12");
        assert_string_equal(text_at(a.json, "spec.env.0"), "TOKEN");
        assert_int_equal(hv_json_as_int(at(a.json, "spec.inputs.0.inlineBytes"), 0), 19);
        assert_null(strstr(hv_buf_str(&a.text), "hunter2"));
        assert_non_null(strstr(text_at(a.json, "paths.results"), "/results/resize-7"));
        assert_int_equal(hv_json_type(at(a.json, "paths.workspace")), HV_JSON_NULL);
        live = get(s, "/api/v1/tasks/train-1");
        assert_string_equal(text_at(live.json, "paths.workspace"),
                            "/var/lib/hivelet/tasks/train-1/1/workspace");
        status = get(s, "/api/v1/tasks/train-1/status");
        assert_string_equal(text_at(status.json, "phase"), "Running");
        assert_true(hv_json_bool(status.json, "booked", false));
        why = get(s, "/api/v1/tasks/resize-7/why");
        assert_string_equal(text_at(why.json, "blocking"), "ended with exit code 3 (exitCode)");
        waits = get(s, "/api/v1/tasks/big-1/why");
        assert_string_equal(text_at(waits.json, "blocking"),
                            "waits for room: asks for 7Gi memory, 6Gi are left (WaitingMemory)");
        none = get(s, "/api/v1/tasks/train-2");
        assert_int_equal(none.status, 404);
        assert_non_null(strstr(text_at(none.json, "detail"), "did you mean \"train-1\"?"));
}

static void without_a_ledger_what_lives_is_shown(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer list = {}, one = {}, other = {}, trust = {}, receipt = {};

        (void) state;
        stage_tasks(s);
        s->ledger = hv_ledger_free(s->ledger);
        list = get(s, "/api/v1/tasks");
        assert_int_equal(count(&list), 2);
        assert_false(hv_json_as_bool(at(list.json, "metadata.complete"), true));
        one = get(s, "/api/v1/tasks/train-1");
        assert_int_equal(one.status, 200);
        other = get(s, "/api/v1/tasks/resize-7");
        assert_int_equal(other.status, 503);
        assert_string_equal(text_at(other.json, "detail"), "the ledger is not there: it is damaged");
        trust = get(s, "/api/v1/trust/ledger");
        assert_int_equal(trust.status, 503);
        receipt = get(s, "/api/v1/tasks/resize-7/receipt");
        assert_int_equal(receipt.status, 503);
}

static void trust_is_a_score_and_its_changes(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer score = {}, ledger = {};

        (void) state;
        stage_tasks(s);
        score = get(s, "/api/v1/trust");
        assert_int_equal(hv_json_int(score.json, "score", 0), 7);
        assert_string_equal(text_at(score.json, "group"), "low");
        assert_int_equal(hv_json_as_int(at(score.json, "rules.failure"), 0), -5);
        ledger = get(s, "/api/v1/trust/ledger");
        assert_int_equal(count(&ledger), 1);
        assert_string_equal(text_at(ledger.json, "items.0.task"), "sieve-0a1b2c3d");
        assert_int_equal(hv_json_as_int(at(ledger.json, "items.0.change"), 0), 2);
        assert_int_equal(hv_json_as_int(at(ledger.json, "items.0.nominal"), 0), 2);
}

/* ---- changing ---- */

static void a_submitted_task_is_answered_when_it_is_promised(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer made = {}, same = {};

        (void) state;
        stage_tasks(s);
        made = send_task(s, "/api/v1/tasks?id=train-1&file=run.yaml", NULL);
        assert_int_equal(made.status, 201);
        assert_true(web_has_header(&made.text, "Location: /api/v1/tasks/train-1"));
        assert_string_equal(s->last_change, "submit id=train-1 by= reason= file=run.yaml text=" DOCUMENT);
        assert_string_equal(text_at(made.json, "metadata.name"), "train-1");
        s->task_outcome = HV_API_TASK_SAME;
        same = send_task(s, "/api/v1/tasks?id=train-1", NULL);
        assert_int_equal(same.status, 200);
}

/* The id is made of the key, so the same key is the same task. */
static void the_key_is_the_id(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, b = {}, c = {}, d = {}, e = {};
        char first[200], long_key[300];

        (void) state;
        stage_tasks(s);
        s->task_id = "train-1";
        a = send_task(s, "/api/v1/tasks", "Idempotency-Key: 6f1c\r\n");
        assert_int_equal(a.status, 201);
        assert_true(hv_has_prefix(s->last_change, "submit id=t-"));
        (void) snprintf(first, sizeof first, "%.40s", s->last_change);
        b = send_task(s, "/api/v1/tasks", "Idempotency-Key: 6f1c\r\n");
        assert_true(hv_has_prefix(s->last_change, first));
        c = send_task(s, "/api/v1/tasks", "Idempotency-Key: 6f1d\r\n");
        assert_false(hv_has_prefix(s->last_change, first));
        d = send_task(s, "/api/v1/tasks?id=mine", "Idempotency-Key: 6f1c\r\n");
        assert_true(hv_has_prefix(s->last_change, "submit id=mine "));
        (void) snprintf(long_key, sizeof long_key, "Idempotency-Key: %0250d\r\n", 0);
        e = send_task(s, "/api/v1/tasks", long_key);
        assert_int_equal(e.status, 400);
}

static void what_is_no_task_is_refused(void **state) {
        static const struct {
                enum hv_api_task_outcome outcome;
                int error;
                unsigned status;
                const char *code;
        } rows[] = {
                { HV_API_TASK_REFUSED, 0, 422, "TaskRejected" },
                { HV_API_TASK_FAILED, -EEXIST, 409, "AlreadyExists" },
                { HV_API_TASK_FAILED, -ESTALE, 410, "Forgotten" },
                { HV_API_TASK_FAILED, -ENOSPC, 507, "NeverFits" },
                { HV_API_TASK_FAILED, -EAGAIN, 503, "LedgerFailed" },
                { HV_API_TASK_FAILED, -EPERM, 403, "PolicyForbids" },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer empty = {}, type = {}, id = {};

        (void) state;
        stage_tasks(s);
        stage_refuse(s);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(answer_done) struct answer a = {};

                s->task_outcome = rows[i].outcome;
                (void) hv_err_set(&s->err, rows[i].error, "because");
                a = send_task(s, "/api/v1/tasks", NULL);
                assert_int_equal(a.status, rows[i].status);
                assert_string_equal(text_at(a.json, "code"), rows[i].code);
                if (rows[i].outcome == HV_API_TASK_REFUSED)
                        assert_int_equal(hv_json_size(at(a.json, "errors")), 2);
        }
        s->n_changes = 0;
        empty = ask(s, false, "POST", "/api/v1/tasks", YAML, NULL);
        assert_int_equal(empty.status, 400);
        type = ask(s, false, "POST", "/api/v1/tasks", "Content-Type: text/html\r\n", "<p>");
        assert_int_equal(type.status, 415);
        id = send_task(s, "/api/v1/tasks?id=a.2", NULL);
        assert_int_equal(id.status, 400);
        assert_int_equal(s->n_changes, 0);
}

static void stop_retry_and_forget_reach_the_backend(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer stop = {}, said = {}, retry = {}, gone = {}, bad = {},
                                                declared = {}, busy = {};

        (void) state;
        stage_tasks(s);
        stop = post(s, "/api/v1/tasks/train-1/stop", NULL);
        assert_int_equal(stop.status, 200);
        assert_true(hv_has_prefix(s->last_change, "stop id=train-1 by=unix:uid=0 reason= "));
        said = post(s, "/api/v1/tasks/train-1/stop", "{\"by\":\"anna\",\"reason\":\"maintenance\"}");
        assert_true(hv_has_prefix(s->last_change, "stop id=train-1 by=anna reason=maintenance "));
        bad = post(s, "/api/v1/tasks/train-1/stop", "{\"by\":");
        assert_int_equal(bad.status, 400);
        retry = post(s, "/api/v1/tasks/resize-7/retry", NULL);
        assert_int_equal(retry.status, 200);
        assert_true(hv_has_prefix(s->last_change, "retry id=resize-7 "));
        gone = ask(s, false, "DELETE", "/api/v1/tasks/resize-7", NULL, NULL);
        assert_int_equal(gone.status, 200);
        assert_true(hv_has_prefix(s->last_change, "forget id=resize-7 "));
        assert_true(hv_json_bool(gone.json, "forgotten", false));
        declared = ask(s, false, "DELETE", "/api/v1/tasks/sieve", NULL, NULL); /* the object, not a run */
        assert_true(hv_has_prefix(s->last_change, "forget=task/sieve "));
        s->task_outcome = HV_API_TASK_FAILED;
        (void) hv_err_set(&s->err, -EBUSY, "task train-1 has not ended: stop it first");
        busy = ask(s, false, "DELETE", "/api/v1/tasks/train-1", NULL, NULL);
        assert_int_equal(busy.status, 409);
}

static void a_fit_is_told_with_its_numbers(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, unknown = {}, refused = {};

        (void) state;
        s->fit = (struct hv_api_fit){ .verdict = HV_API_FIT_LATER,
                                      .message = "asks for 7Gi memory, 6Gi are left now",
                                      .asked = { .memory_bytes = UINT64_C(7) << 30, .n_slots = 1 } };
        a = send_task(s, "/api/v1/fit", NULL);
        assert_int_equal(a.status, 200);
        assert_string_equal(text_at(a.json, "fits"), "later");
        assert_int_equal(hv_json_as_int(at(a.json, "asked.memory"), 0), INT64_C(7) << 30);
        s->fit.verdict = HV_API_FIT_UNKNOWN;
        unknown = send_task(s, "/api/v1/fit", NULL);
        assert_int_equal(hv_json_type(at(unknown.json, "free")), HV_JSON_NULL);
        stage_refuse(s);
        s->fit.diags = HV_STEAL(s->diags);
        refused = send_task(s, "/api/v1/fit", NULL);
        assert_int_equal(refused.status, 422);
        assert_int_equal(s->n_changes, 0);
}

/* ---- what it left ---- */

static void the_kept_log_is_shown(void **state) {
        static const struct {
                const char *query, *text;
        } rows[] = {
                { "", "one\ntwo\nwarning\nthree\n" },
                { "?stream=stdout", "one\ntwo\nthree\n" },
                { "?stream=stderr", "warning\n" },
                { "?tail=2", "warning\nthree\n" },
                { "?tail=1&stream=stdout", "three\n" },
                { "?tail=0", "" },
                { "?tail=99&attempt=1", "one\ntwo\nwarning\nthree\n" },
                { "?follow=1", "one\ntwo\nwarning\nthree\n" },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer none = {}, other = {}, tcp = {}, head = {};

        (void) state;
        stage_tasks(s);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char path[120];
                _hv_cleanup_(answer_done) struct answer a = {};

                (void) snprintf(path, sizeof path, "/api/v1/tasks/sieve-0a1b2c3d/logs%s", rows[i].query);
                a = get(s, path);
                assert_int_equal(a.status, 200);
                assert_true(web_has_header(&a.text, "Content-Type: text/plain; charset=utf-8"));
                assert_string_equal(body_of(&a), rows[i].text);
        }
        none = get(s, "/api/v1/tasks/resize-7/logs");
        assert_int_equal(none.status, 404);
        other = get(s, "/api/v1/tasks/sieve-0a1b2c3d/logs?attempt=2");
        assert_int_equal(other.status, 404);
        tcp = ask(s, true, "GET", "/api/v1/tasks/sieve-0a1b2c3d/logs", NULL, NULL);
        assert_int_equal(tcp.status, 401);
        head = ask(s, false, "HEAD", "/api/v1/tasks/sieve-0a1b2c3d/logs", NULL, NULL);
        assert_int_equal(head.status, 200);
        assert_int_equal(s->n_logs_opened, 0);
}

/* The attempt before the newest, of which something was kept or not. */
static void the_attempt_before_has_a_log_of_its_own(void **state) {
        static const struct {
                const char *path;
                unsigned status;
                const char *text;
        } rows[] = {
                { "resize-7/logs?previous=1", 200, "one\ntwo\nwarning\nthree\n" },
                { "resize-7/logs?previous=1&tail=1&stream=stderr", 200, "warning\n" },
                { "resize-7/logs?attempt=2", 404, "in that attempt" },
                { "resize-7/logs?previous=1&attempt=1", 400, "leave out one of them" },
                { "resize-7/logs?previous=1&follow=1", 400, "cannot be followed" },
                { "train-1/logs?previous=1", 404, "task train-1 has no attempt before its first" },
                { "big-1/logs?previous=1", 404,
                  "task big-1 has no attempt before its first, which has not begun" },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        char from[128], to[128];

        (void) state;
        stage_tasks(s);
        (void) snprintf(from, sizeof from, "%s/sieve-0a1b2c3d", s->results);
        (void) snprintf(to, sizeof to, "%s/resize-7", s->results);
        assert_int_equal(rename(from, to), 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char path[120];
                _hv_cleanup_(answer_done) struct answer a = {};

                (void) snprintf(path, sizeof path, "/api/v1/tasks/%s", rows[i].path);
                a = get(s, path);
                if (a.status != rows[i].status || !strstr(body_of(&a), rows[i].text))
                        fail_msg("%s: %u: %s", path, a.status, body_of(&a));
        }
        assert_int_equal(s->n_logs_opened, 0);
}

/* While it runs the engine is asked; what ended meanwhile is shown from what was kept. */
static void the_log_of_a_running_task_is_the_engines(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, late = {}, queued = {};

        (void) state;
        stage_tasks(s);
        s->log_text = "epoch 1\n";
        a = get(s, "/api/v1/tasks/train-1/logs?follow=1&tail=5");
        assert_string_equal(body_of(&a), "epoch 1\n");
        assert_int_equal(s->last_log.kind, HV_KIND_TASK);
        assert_int_equal(s->last_log.tail, 5);
        s->log_text = NULL;
        queued = get(s, "/api/v1/tasks/big-1/logs");
        assert_int_equal(queued.status, 404);

        s->live[0].id = "sieve-0a1b2c3d"; /* it ends while its log is opened */
        s->log_text = "";
        (void) hv_err_set(&s->err, -ENOENT, "no such container");
        late = get(s, "/api/v1/tasks/sieve-0a1b2c3d/logs");
        assert_int_equal(late.status, 200);
        assert_string_equal(body_of(&late), "one\ntwo\nwarning\nthree\n");
}

static void results_are_a_list_of_files(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer a = {}, live = {}, none = {}, tcp = {};

        (void) state;
        stage_tasks(s);
        a = get(s, "/api/v1/tasks/sieve-0a1b2c3d/results");
        assert_int_equal(a.status, 200);
        assert_string_equal(text_at(a.json, "kind"), "ResultList");
        assert_string_equal(text_at(a.json, "files.1.path"), "results/out.txt");
        assert_string_equal(text_at(a.json, "leftOut.0.reason"), "a symbolic link");
        assert_int_equal(hv_json_int(a.json, "bytesTotal", 0), 17);
        live = get(s, "/api/v1/tasks/train-1/results");
        assert_int_equal(live.status, 404);
        assert_non_null(strstr(text_at(live.json, "detail"), "results come at its end"));
        none = get(s, "/api/v1/tasks/sieve-0a1b2c3d/results?attempt=9");
        assert_int_equal(none.status, 404);
        tcp = ask(s, true, "GET", "/api/v1/tasks/sieve-0a1b2c3d/results", NULL, NULL);
        assert_int_equal(tcp.status, 401);
}

#define FILE_PATH "/api/v1/tasks/sieve-0a1b2c3d/results/results/out.txt"
#define FILE_TAG "\"2185e44cb5deabc963e473a7819c170799a957b8d21b55013378b6af6d6f96d4\""

static void one_file_has_ranges_and_a_tag(void **state) {
        static const struct {
                const char *headers;
                unsigned status;
                const char *body, *header;
        } rows[] = {
                { NULL, 200, "2 3 5 7", "Content-Length: 7" },
                { "Range: bytes=2-4\r\n", 206, "3 5", "Content-Range: bytes 2-4/7" },
                { "Range: bytes=4-\r\n", 206, "5 7", "Content-Range: bytes 4-6/7" },
                { "Range: bytes=-3\r\n", 206, "5 7", "Content-Range: bytes 4-6/7" },
                { "Range: bytes=-99\r\n", 206, "2 3 5 7", "Content-Range: bytes 0-6/7" },
                { "Range: bytes=5-99\r\n", 206, " 7", "Content-Range: bytes 5-6/7" },
                { "Range: bytes=0-1,3-4\r\n", 200, "2 3 5 7", NULL },
                { "Range: lines=1-2\r\n", 200, "2 3 5 7", NULL },
                { "Range: bytes=2-4\r\nIf-Range: " FILE_TAG "\r\n", 206, "3 5", NULL },
                { "Range: bytes=2-4\r\nIf-Range: \"old\"\r\n", 200, "2 3 5 7", NULL },
                { "If-None-Match: " FILE_TAG "\r\n", 304, "", NULL },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer beyond = {}, head = {};

        (void) state;
        stage_tasks(s);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(answer_done) struct answer a =
                        ask(s, false, "GET", FILE_PATH, rows[i].headers, NULL);

                assert_int_equal(a.status, rows[i].status);
                assert_string_equal(body_of(&a), rows[i].body);
                assert_true(web_has_header(&a.text, "ETag: " FILE_TAG));
                assert_true(!rows[i].header || web_has_header(&a.text, rows[i].header));
                if (a.status != 304) {
                        assert_true(web_has_header(&a.text, "Content-Type: application/octet-stream"));
                        assert_true(web_has_header(&a.text,
                                                   "Content-Disposition: attachment; filename=\"out.txt\""));
                }
        }
        beyond = ask(s, false, "GET", FILE_PATH, "Range: bytes=7-\r\n", NULL);
        assert_int_equal(beyond.status, 416);
        assert_true(web_has_header(&beyond.text, "Content-Range: bytes */7"));
        head = ask(s, false, "HEAD", FILE_PATH, NULL, NULL);
        assert_int_equal(head.status, 200);
        assert_true(web_has_header(&head.text, "Content-Length: 7"));
        assert_string_equal(body_of(&head), "");
}

static void nothing_but_its_files_is_given_away(void **state) {
        static const char *const paths[] = { "results/none",
                                             "results",
                                             "../manifest.json",
                                             "..%2Fmanifest.json",
                                             "%2Fetc%2Fpasswd",
                                             "results/../../log",
                                             "",
                                             "results%2F..%2F..%2Flog",
                                             "results/link" };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        char link[160];

        (void) state;
        stage_tasks(s);
        (void) snprintf(link, sizeof link, "%s/sieve-0a1b2c3d/1/files/results/link", s->results);
        assert_int_equal(symlink("/etc/passwd", link), 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(paths); i++) {
                char path[200];
                _hv_cleanup_(answer_done) struct answer a = {};

                (void) snprintf(path, sizeof path, "/api/v1/tasks/sieve-0a1b2c3d/results/%s", paths[i]);
                a = get(s, path);
                if (a.status != 404 && a.status != 400)
                        fail_msg("%s: %u", paths[i], a.status);
        }
}

static void all_files_come_as_an_archive(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer tar = {}, zip = {};

        (void) state;
        stage_tasks(s);
        tar = get(s, "/api/v1/tasks/sieve-0a1b2c3d/results?format=tar");
        assert_int_equal(tar.status, 200);
        assert_true(web_has_header(&tar.text, "Content-Type: application/x-tar"));
        assert_true(web_has_header(&tar.text,
                                   "Content-Disposition: attachment; filename=\"sieve-0a1b2c3d.tar\""));
        assert_non_null(memmem(tar.text.data, tar.text.len, "results/deep/more.bin", 21));
        assert_non_null(memmem(tar.text.data, tar.text.len, "0123456789", 10));
        zip = get(s, "/api/v1/tasks/sieve-0a1b2c3d/results?format=zip");
        assert_true(web_has_header(&zip.text, "Content-Type: application/zip"));
        assert_non_null(memmem(zip.text.data, zip.text.len, "PK\3\4", 4));
}

static void ranges_are_read_strictly(void **state) {
        static const struct {
                const char *text;
                uint64_t size;
                int result;
                uint64_t first, len;
        } rows[] = {
                { "bytes=0-0", 10, 1, 0, 1 },
                { "bytes=9-9", 10, 1, 9, 1 },
                { "bytes=10-", 10, -ERANGE },
                { "bytes=-0", 10, -ERANGE },
                { "bytes=0-", 0, -ERANGE },
                { "bytes=-5", 0, -ERANGE },
                { "bytes=5-4", 10, 0 },
                { "bytes=-", 10, 0 },
                { "bytes=", 10, 0 },
                { "bytes=a-b", 10, 0 },
                { "bytes=0-18446744073709551616", 10, 0 },
                { "bytes=1 -2", 10, 0 },
                { "bytes=-1-2", 10, 0 },
                { "BYTES=0-1", 10, 0 },
                { "bytes=3-3", 10, 1, 3, 1 },
                { "bytes=00000000000000000000000001-2", 10, 0 },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                uint64_t first = 0, len = 0;

                assert_int_equal(hv_http_range_parse(rows[i].text, rows[i].size, &first, &len),
                                 rows[i].result);
                assert_int_equal(first, rows[i].first);
                assert_int_equal(len, rows[i].len);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_list_joins_the_core_and_the_ledger),
                cmocka_unit_test(the_list_can_be_filtered),
                cmocka_unit_test(pages_follow_each_other),
                cmocka_unit_test(what_a_query_cannot_mean_is_said),
                cmocka_unit_test(one_task_tells_all_but_its_secrets),
                cmocka_unit_test(why_the_node_stopped_a_task_is_told),
                cmocka_unit_test(without_a_ledger_what_lives_is_shown),
                cmocka_unit_test(trust_is_a_score_and_its_changes),
                cmocka_unit_test(a_submitted_task_is_answered_when_it_is_promised),
                cmocka_unit_test(the_key_is_the_id),
                cmocka_unit_test(what_is_no_task_is_refused),
                cmocka_unit_test(stop_retry_and_forget_reach_the_backend),
                cmocka_unit_test(a_fit_is_told_with_its_numbers),
                cmocka_unit_test(the_kept_log_is_shown),
                cmocka_unit_test(the_attempt_before_has_a_log_of_its_own),
                cmocka_unit_test(the_log_of_a_running_task_is_the_engines),
                cmocka_unit_test(results_are_a_list_of_files),
                cmocka_unit_test(one_file_has_ranges_and_a_tag),
                cmocka_unit_test(nothing_but_its_files_is_given_away),
                cmocka_unit_test(all_files_come_as_an_archive),
                cmocka_unit_test(ranges_are_read_strictly),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

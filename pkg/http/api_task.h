/* http/api_task.h - what the files of the API about tasks (api_task*.c, api_legacy.c) share. */
#pragma once

#include "http/api_internal.h"
#include "http/task_view.h"

struct hv_results;

/* A snapshot, and the tasks of the same instant. */
struct hv_api_task_view {
        struct hv_api_view view;
        struct hv_api_tasks tasks;
};

void hv_api_look_at_tasks(struct hv_api *api, struct hv_api_task_view *ret);
void hv_api_task_view_done(struct hv_api_task_view *v);

/* The task that {name} means. < 0: an error was sent. */
int hv_api_wanted_task(struct hv_http_request *req, struct hv_api_task_view *v, struct hv_task_item *ret);

int hv_api_write_task(struct hv_api_task_view *v, const struct hv_task_item *item, struct hv_buf *ret,
                      struct hv_err *err);

/* ---- api_task.c ---- */
void hv_api_get_tasks(struct hv_http_request *req, void *userdata);
void hv_api_get_task(struct hv_http_request *req, void *userdata);
void hv_api_get_task_status(struct hv_http_request *req, void *userdata);
void hv_api_get_task_why(struct hv_http_request *req, void *userdata);
void hv_api_get_task_events(struct hv_http_request *req, void *userdata);
void hv_api_get_task_receipt(struct hv_http_request *req, void *userdata);
void hv_api_get_receipt_key(struct hv_http_request *req, void *userdata);
void hv_api_get_trust(struct hv_http_request *req, void *userdata);
void hv_api_get_trust_ledger(struct hv_http_request *req, void *userdata);

/* ---- api_task_change.c ---- */
void hv_api_post_task(struct hv_http_request *req, void *userdata);
void hv_api_post_task_stop(struct hv_http_request *req, void *userdata);
void hv_api_post_task_retry(struct hv_http_request *req, void *userdata);
void hv_api_delete_task(struct hv_http_request *req, void *userdata);
void hv_api_post_fit(struct hv_http_request *req, void *userdata);
void hv_api_post_legacy_stop(struct hv_http_request *req, void *userdata);

/* Hands a change to the backend. `answer_as`: which answer it gets, one of the marks below. */
void hv_api_ask_task(struct hv_api *api, struct hv_api_call *call, const void *answer_as,
                     const struct hv_api_task_change *change);
extern const char hv_api_as_submitted[]; /* the task: 201 when it is new */

/* ---- api_cron.c ---- */
extern const char hv_api_as_cron[];
void hv_api_reply_cron(struct hv_api_call *call, const struct hv_api_task_changed *c);
void hv_api_post_cron_trigger(struct hv_http_request *req, void *userdata);
void hv_api_post_cron_suspend(struct hv_http_request *req, void *userdata);
void hv_api_post_cron_resume(struct hv_http_request *req, void *userdata);

/* ---- api_task_logs.c ---- */
void hv_api_get_task_logs(struct hv_http_request *req, void *userdata);

/* ---- api_task_results.c ---- */
void hv_api_get_task_results(struct hv_http_request *req, void *userdata);
void hv_api_get_task_result(struct hv_http_request *req, void *userdata);
/* Results of an attempt; with `attempt` 0 of the newest that left any. -ENOENT: none. */
int hv_api_open_results(const struct hv_api_tasks *t, const struct hv_task_item *item, unsigned attempt,
                        unsigned *ret_attempt, struct hv_results **ret, struct hv_err *err);
/* ?attempt=; 0: not said. False: 400 was sent. */
bool hv_api_read_attempt(struct hv_http_request *req, unsigned *ret);

/* ---- api_legacy.c ---- */
void hv_api_get_legacy_status(struct hv_http_request *req, void *userdata);
void hv_api_get_legacy_tasks(struct hv_http_request *req, void *userdata);
void hv_api_get_legacy_resources(struct hv_http_request *req, void *userdata);

/* api_legacy_worker.c */
void hv_api_get_legacy_logs(struct hv_http_request *req, void *userdata);
void hv_api_get_legacy_metrics(struct hv_http_request *req, void *userdata);
void hv_api_get_legacy_worker(struct hv_http_request *req, void *userdata);
void hv_api_post_legacy_login(struct hv_http_request *req, void *userdata);
void hv_api_post_legacy_register(struct hv_http_request *req, void *userdata);
void hv_api_post_legacy_location(struct hv_http_request *req, void *userdata);

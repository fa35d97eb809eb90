/* Tasks, looked at: lists, one, why, events, receipts, trust. */
#include "http/api_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/parse.h"
#include "base/text.h"
#include "http/api_task.h"
#include "http/render.h"
#include "http/render_task.h"
#include "ledger/receipt.h"

#define TRUST_PAGE_MAX 1000u
#define RECEIPTS_MAX 1000u
#define TASK_LIST "TaskList"
#define TRUST_LIST "TrustChangeList"

void hv_api_look_at_tasks(struct hv_api *api, struct hv_api_task_view *ret) {
        hv_api_look(api, &ret->view);
        memset(&ret->tasks, 0, sizeof ret->tasks);
        api->backend->tasks(api->userdata, ret->view.arena, &ret->tasks);
}

void hv_api_task_view_done(struct hv_api_task_view *v) {
        hv_api_view_done(&v->view);
}

static int reply_no_ledger(struct hv_http_request *req, const struct hv_api_tasks *t) {
        hv_http_reply_header(req, "Retry-After", "5");
        hv_http_reply_problem(req, 503, "LedgerFailed", "the ledger is not there: %s",
                              t->trouble ? t->trouble : "it is being opened");
        return -EAGAIN;
}

int hv_api_wanted_task(struct hv_http_request *req, struct hv_api_task_view *v, struct hv_task_item *ret) {
        const char *id = hv_http_param(req, "name");
        struct hv_suggestion near = { .text = id };
        struct hv_err err = {};
        int r = hv_task_find(&v->tasks, id, v->view.arena, ret, &err);

        if (r >= 0)
                return 0;
        if (r == -EAGAIN)
                return reply_no_ledger(req, &v->tasks);
        if (r != -ENOENT) {
                hv_http_reply_err(req, "LedgerFailed", &err);
                return r;
        }
        for (size_t i = 0; i < v->tasks.n_live; i++)
                hv_suggestion_add(&near, v->tasks.live[i].id);
        if (near.best)
                hv_http_reply_problem(req, 404, "NotFound", "there is no task \"%s\"; did you mean \"%s\"?",
                                      id, near.best);
        else
                hv_http_reply_problem(req, 404, "NotFound", "there is no task \"%s\"", id);
        return r;
}

/* ---- lists ---- */

/* ?state=Running,Queued; in any case. False: 400 was sent. */
static bool read_states(struct hv_http_request *req, struct hv_arena *a, unsigned *ret) {
        char *list = hv_arena_strdup(a, hv_http_query(req, "state")), *rest = NULL;

        *ret = 0;
        for (char *word = list ? strtok_r(list, ",", &rest) : NULL; word; word = strtok_r(NULL, ",", &rest)) {
                unsigned s = 0;

                while (s < HV_N_TASK_STATES &&
                       strcasecmp(word, hv_task_state_name((enum hv_task_state) s)) != 0)
                        s++;
                if (hv_streq(word, "live"))
                        *ret |= (1u << HV_TASK_COMPLETED) - 1;
                else if (hv_streq(word, "ended"))
                        *ret |= ((1u << HV_N_TASK_STATES) - 1) & ~((1u << HV_TASK_COMPLETED) - 1);
                else if (s < HV_N_TASK_STATES)
                        *ret |= 1u << s;
                else {
                        hv_http_reply_problem(req, 400, "BadQuery",
                                              "state: %s is none; expected live, ended, or some of Queued, "
                                              "Admitted, Fetching, Running, Collecting, Completed, Failed, "
                                              "TimedOut, Stopped, Rejected",
                                              word);
                        return false;
                }
        }
        return true;
}

/* The key of a list of which the ledger knows the places by number. NULL: 0. False: 400 was sent. */
static bool read_number(struct hv_http_request *req, const char *key, uint64_t *ret) {
        *ret = 0;
        if (!key || hv_parse_uint(key, 1, INT64_MAX, ret))
                return true;
        hv_http_page_refuse(req);
        return false;
}

/* null for 0: that was all. */
static void put_continue(struct hv_json_writer *w, struct hv_http_request *req, const char *list,
                         uint64_t number) {
        char key[24];

        (void) snprintf(key, sizeof key, "%llu", (unsigned long long) number);
        hv_json_put_str(w, "continue", number ? hv_http_page_token(req, list, key) : NULL);
}

static bool read_filter(struct hv_http_request *req, struct hv_arena *a, struct hv_task_filter *ret) {
        const char *after;
        uint64_t limit;

        *ret = (struct hv_task_filter){
                .source = hv_http_query(req, "source"),
                .name = hv_http_query(req, "name"),
                .cron = hv_http_query(req, "cron"),
                .search = hv_http_query(req, "search"),
        };
        if (hv_http_query_u64(req, "limit", 1, HV_TASK_PAGE_MAX, HV_TASK_PAGE_MAX, &limit) < 0 ||
            !read_states(req, a, &ret->states) || !hv_http_page_after(req, TASK_LIST, &after))
                return false;
        ret->limit = (size_t) limit;
        return read_number(req, after, &ret->before);
}

void hv_api_get_tasks(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_task_filter filter;
        struct hv_task_page page;
        struct hv_err err = {};

        if (hv_api_wants_watch(req)) {
                hv_api_watch_list(req, api, HV_KIND_TASK);
                return;
        }
        hv_api_look_at_tasks(api, &v);
        if (!read_filter(req, v.view.arena, &filter) || hv_api_not_modified(api, req))
                return;
        if (hv_task_page_read(&v.tasks, &filter, v.view.arena, &page, &err) < 0) {
                hv_http_reply_err(req, "LedgerFailed", &err);
                return;
        }
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "apiVersion", "hivelet/v1");
        hv_json_put_str(&w, "kind", TASK_LIST);
        hv_json_begin_object(&w, "metadata");
        put_continue(&w, req, TASK_LIST, page.next);
        hv_json_put_bool(&w, "complete", v.tasks.ledger != NULL); /* false: without what has ended */
        hv_json_end(&w);
        hv_json_begin_array(&w, "items");
        for (size_t i = 0; i < page.n; i++)
                hv_render_task(&w, NULL, &v.view.snapshot, &page.items[i]);
        hv_json_end(&w);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

/* ---- one ---- */

int hv_api_write_task(struct hv_api_task_view *v, const struct hv_task_item *item, struct hv_buf *ret,
                      struct hv_err *err) {
        struct hv_json_writer w = { .buf = ret };
        const struct hv_ledger_attempt *attempts;
        size_t n;
        int r = hv_task_attempts(&v->tasks, item->id, v->view.arena, &attempts, &n, err);

        if (r < 0)
                return r;
        hv_render_task_whole(&w, NULL, &v->view.snapshot, &v->tasks, item, attempts, n);
        return 0;
}

static void get_one(struct hv_http_request *req, struct hv_api *api, enum hv_api_part part) {
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        const struct hv_ledger_attempt *attempts;
        struct hv_task_item item;
        struct hv_err err = {};
        size_t n;

        hv_api_look_at_tasks(api, &v);
        if (hv_api_wanted_task(req, &v, &item) < 0 || (part != HV_API_WHY && hv_api_not_modified(api, req)))
                return;
        switch (part) {
        case HV_API_WHOLE:
                if (hv_api_write_task(&v, &item, &buf, &err) < 0) {
                        hv_http_reply_err(req, "LedgerFailed", &err);
                        return;
                }
                break;
        case HV_API_STATUS:
                hv_render_task_status(&w, NULL, &v.view.snapshot, &item);
                break;
        case HV_API_WHY:
                if (hv_task_attempts(&v.tasks, item.id, v.view.arena, &attempts, &n, &err) < 0) {
                        hv_http_reply_err(req, "LedgerFailed", &err);
                        return;
                }
                hv_render_task_why(&w, &v.view.snapshot, &item, n > 0 ? &attempts[n - 1] : NULL,
                                   v.view.arena);
                break;
        }
        hv_api_reply(req, 200, &buf);
}

void hv_api_get_task(struct hv_http_request *req, void *userdata) {
        get_one(req, userdata, HV_API_WHOLE);
}

void hv_api_get_task_status(struct hv_http_request *req, void *userdata) {
        get_one(req, userdata, HV_API_STATUS);
}

void hv_api_get_task_why(struct hv_http_request *req, void *userdata) {
        get_one(req, userdata, HV_API_WHY);
}

void hv_api_get_task_events(struct hv_http_request *req, void *userdata) {
        hv_api_get_object_events(req, userdata, HV_KIND_TASK);
}

/* ---- receipts ---- */

static int on_receipt(const struct hv_ledger_receipt *r, void *userdata) {
        struct hv_buf *text = userdata;

        hv_buf_clear(text);
        hv_buf_puts(text, r->text);
        return 0;
}

/* The newest: a task that was run again has one for each run. Its text is what was signed, byte for byte. */
void hv_api_get_task_receipt(struct hv_http_request *req, void *userdata) {
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        const char *id = hv_http_param(req, "name");
        struct hv_buf text = {};
        struct hv_err err = {};
        struct hv_task_item item;

        hv_api_look_at_tasks(userdata, &v);
        if (!v.tasks.ledger) {
                (void) reply_no_ledger(req, &v.tasks);
                return;
        }
        if (hv_ledger_receipts(v.tasks.ledger, id, 1, RECEIPTS_MAX, on_receipt, &text, &err) < 0) {
                hv_http_reply_err(req, "LedgerFailed", &err);
                hv_buf_done(&text);
                return;
        }
        if (text.len > 0) { /* it outlives its task */
                hv_http_reply_json(req, 200, hv_buf_steal(&text));
                return;
        }
        if (hv_api_wanted_task(req, &v, &item) >= 0)
                hv_http_reply_problem(req, 404, "NotFound",
                                      hv_task_state_is_end(item.state)
                                              ? "task %s ended without a receipt"
                                              : "task %s has not ended: a receipt is written at its end",
                                      id);
}

void hv_api_get_receipt_key(struct hv_http_request *req, void *userdata) {
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_api_look_at_tasks(userdata, &v);
        if (!v.tasks.ledger || !v.tasks.receipt_key) {
                (void) reply_no_ledger(req, &v.tasks);
                return;
        }
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "algorithm", "Ed25519");
        hv_json_put_str(&w, "key", v.tasks.receipt_key);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

/* ---- trust ---- */

void hv_api_get_trust(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_api_look_at_tasks(api, &v);
        if (hv_api_not_modified(api, req))
                return;
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "kind", "Trust");
        hv_json_put_int(&w, "score", v.tasks.trust_score);
        hv_json_put_str(&w, "group", v.tasks.trust_group);
        if (v.view.snapshot.desired) {
                const struct hv_trust_settings *t = &v.view.snapshot.desired->settings.trust;

                hv_json_begin_object(&w, "rules");
                hv_json_put_int(&w, "success", t->success);
                hv_json_put_int(&w, "failure", t->failure);
                hv_json_put_uint(&w, "high", t->high);
                hv_json_put_uint(&w, "medium", t->medium);
                hv_json_end(&w);
        } else
                hv_json_put_null(&w, "rules");
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

static int on_trust(const struct hv_ledger_trust *t, void *userdata) {
        struct hv_json_writer *w = userdata;

        hv_json_begin_object(w, NULL);
        hv_json_put_uint(w, "number", t->seq);
        hv_render_time(w, "at", t->at_us);
        hv_json_put_str(w, "task", t->task);
        hv_json_put_uint(w, "attempt", t->number);
        hv_json_put_int(w, "change", t->change.delta);
        hv_json_put_int(w, "nominal", t->change.nominal);
        hv_json_put_uint(w, "score", t->change.score);
        hv_json_put_str(w, "group", t->change.group);
        hv_json_put_str(w, "cause", t->change.cause);
        hv_json_end(w);
        return 0;
}

void hv_api_get_trust_ledger(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        uint64_t limit, before, next = 0;
        const char *after;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_err err = {};

        if (hv_http_query_u64(req, "limit", 1, TRUST_PAGE_MAX, 100, &limit) < 0 ||
            !hv_http_page_after(req, TRUST_LIST, &after) || !read_number(req, after, &before) ||
            hv_api_not_modified(api, req))
                return;
        hv_api_look_at_tasks(api, &v);
        if (!v.tasks.ledger) {
                (void) reply_no_ledger(req, &v.tasks);
                return;
        }
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "apiVersion", "hivelet/v1");
        hv_json_put_str(&w, "kind", TRUST_LIST);
        hv_json_begin_array(&w, "items");
        if (hv_ledger_trust_page(v.tasks.ledger, before, (unsigned) limit, on_trust, &w, &next, &err) < 0) {
                hv_http_reply_err(req, "LedgerFailed", &err);
                hv_buf_done(&buf);
                return;
        }
        hv_json_end(&w);
        hv_json_begin_object(&w, "metadata");
        put_continue(&w, req, TRUST_LIST, next);
        hv_json_end(&w);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

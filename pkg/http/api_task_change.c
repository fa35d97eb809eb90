/* Tasks, changed: submit, stop, retry, forget; and whether one would fit.
 *
 * Id       ?id= names the promise. Else `Idempotency-Key` does: the id is made from it. The same key is the same task for as
 *          long as the task is known, and no task for a day after it was forgotten (ledger/key.h). Else ?again=1 makes a new one. Else the document's name and content do.
 * Answer   comes when the change is durable: 201 for a new promise, 200 for one that stands already. */
#include "http/api_task.h"

#include <errno.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/sha256.h"
#include "http/render.h"
#include "http/render_task.h"
#include "json/json.h"

#define KEY_MAX_BYTES 200u

/* Which answer a call gets. */
const char hv_api_as_submitted[] = "submitted";
static const char as_task[] = "task", as_forgotten[] = "forgotten", as_legacy_stop[] = "legacy stop";

/* ---- answers ---- */

static void reply_legacy_stop(struct hv_api_call *call, const struct hv_api_task_changed *c) {
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        bool ok = c->outcome != HV_API_TASK_FAILED;

        hv_json_begin_object(&w, NULL);
        hv_json_put_bool(&w, "success", ok);
        if (!ok)
                hv_json_put_str(&w, "error", c->err->code == -ENOENT ? "Task not found" : c->err->msg);
        else if (c->outcome == HV_API_TASK_SAME)
                hv_json_put_printf(&w, "message", "Task %s has already ended", c->id);
        else
                hv_json_put_printf(&w, "message", "Task %s stopped", c->id);
        hv_json_end(&w);
        hv_api_reply(call->req, ok ? 200 : c->err->code == -ENOENT ? 404 : 503, &buf);
}

static void reply_failed(struct hv_http_request *req, const struct hv_err *err) {
        switch (-err->code) {
        case ENOSPC:
                hv_http_reply_problem(req, 507, "NeverFits", "%s", err->msg);
                break;
        case EAGAIN:
                hv_http_reply_header(req, "Retry-After", "5");
                hv_http_reply_problem(req, 503, "LedgerFailed", "%s", err->msg);
                break;
        case ESTALE:
                hv_http_reply_problem(req, 410, "Forgotten", "%s", err->msg);
                break;
        case EEXIST:
                hv_http_reply_problem(req, 409, "AlreadyExists", "%s", err->msg);
                break;
        case EBUSY:
                hv_http_reply_problem(req, 409, "NotEnded", "%s", err->msg);
                break;
        case EPERM:
                hv_http_reply_problem(req, 403, "PolicyForbids", "%s", err->msg);
                break;
        case ENOENT:
                hv_http_reply_problem(req, 404, "NotFound", "%s", err->msg);
                break;
        default:
                hv_http_reply_err(req, "Failed", err);
        }
}

static void reply_forgotten(struct hv_http_request *req, const char *id) {
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "name", id);
        hv_json_put_bool(&w, "forgotten", true);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

/* The task as it is now, with the warnings about its document. */
static void reply_task(struct hv_api_call *call, const struct hv_api_task_changed *c) {
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        struct hv_buf buf = {};
        struct hv_task_item item;
        struct hv_err err = {};

        hv_api_look_at_tasks(call->api, &v);
        if (hv_task_find(&v.tasks, c->id, v.view.arena, &item, &err) < 0 ||
            hv_api_write_task(&v, &item, &buf, &err) < 0) {
                hv_buf_done(&buf);
                hv_http_reply_err(call->req, "LedgerFailed", &err);
                return;
        }
        if (call->answer_as == hv_api_as_submitted && c->diags && buf.len > 0 &&
            buf.data[buf.len - 1] == '}') {
                struct hv_buf more = {};
                struct hv_json_writer w = { .buf = &more };

                hv_json_begin_object(&w, NULL);
                hv_render_diags(&w, "warnings", c->diags, HV_SEVERITY_WARNING, true);
                hv_json_end(&w);
                more.data[0] = ',';
                buf.len--;
                hv_buf_add(&buf, more.data, more.len);
                hv_buf_done(&more);
        }
        if (call->answer_as == hv_api_as_submitted) {
                hv_http_reply_header(call->req, "Location",
                                     hv_arena_printf(call->arena, "/api/v1/tasks/%s", c->id));
                hv_api_reply(call->req, c->outcome == HV_API_TASK_DONE ? 201 : 200, &buf);
        } else
                hv_api_reply(call->req, 200, &buf);
}

void hv_api_task_done(struct hv_api_call *call, const struct hv_api_task_changed *result) {
        if (!call->req)
                ;
        else if (call->answer_as == as_legacy_stop)
                reply_legacy_stop(call, result);
        else if (result->outcome == HV_API_TASK_FAILED)
                reply_failed(call->req, result->err);
        else if (result->outcome == HV_API_TASK_REFUSED)
                hv_api_reply_refused(call->req, "TaskRejected", result->diags);
        else if (call->answer_as == as_forgotten)
                reply_forgotten(call->req, result->id);
        else if (call->answer_as == hv_api_as_cron)
                hv_api_reply_cron(call, result);
        else
                reply_task(call, result);
        hv_api_call_free(call);
}

/* ---- asking ---- */

void hv_api_ask_task(struct hv_api *api, struct hv_api_call *call, const void *answer_as,
                     const struct hv_api_task_change *change) {
        struct hv_api_task_change *c = hv_arena_memdup(call->arena, change, sizeof *change);

        c->id = hv_arena_strdup(call->arena, c->id);
        c->key = hv_arena_strdup(call->arena, c->key);
        c->by = hv_arena_strdup(call->arena, c->by);
        c->reason = hv_arena_strdup(call->arena, c->reason);
        call->answer_as = answer_as;
        hv_api_call_ask(call);
        api->backend->task_change(api->userdata, c, call);
        hv_api_call_asked(call);
}

/* NULL: answered with an error. In the arena. */
static struct hv_api_file *read_document(struct hv_http_request *req, struct hv_arena *a) {
        const char *type = hv_http_header(req, "Content-Type"), *label = hv_http_query(req, "file");
        struct hv_api_file *file;
        size_t len;
        const char *body = hv_http_body(req, &len);

        if (len == 0) {
                hv_http_reply_problem(req, 400, "BadBody", "the body is empty: a Task document is expected");
                return NULL;
        }
        if (!hv_api_is_type(type, "application/json") && !hv_api_is_type(type, "application/yaml") &&
            !hv_api_is_type(type, "text/yaml") && !hv_api_is_type(type, "application/x-yaml")) {
                hv_http_reply_problem(req, 415, "BadContentType",
                                      "the body must be application/yaml or application/json");
                return NULL;
        }
        file = HV_ARENA_NEW(a, struct hv_api_file);
        file->name = hv_str_empty(label) ? "request" : hv_arena_strdup(a, label);
        file->text = hv_arena_memdup(a, body, len + 1);
        file->len = len;
        return file;
}

/* 0, or < 0: answered with an error. *ret NULL: none. */
static int read_key(struct hv_http_request *req, const char **ret) {
        const char *key = hv_http_header(req, "Idempotency-Key");

        *ret = hv_str_empty(key) ? NULL : key;
        if (!*ret || strlen(key) <= KEY_MAX_BYTES)
                return 0;
        hv_http_reply_problem(req, 400, "BadHeader",
                              "Idempotency-Key: expected at most %u characters, found %zu", KEY_MAX_BYTES,
                              strlen(key));
        return -EINVAL;
}

/* 0, or < 0: answered with an error. *ret NULL: the document says it. */
static int read_id(struct hv_http_request *req, const char *key, struct hv_arena *a, const char **ret) {
        const char *id = hv_http_query(req, "id");
        char hex[HV_SHA256_HEX_SIZE];
        uint64_t random;

        *ret = NULL;
        if (!hv_str_empty(id)) {
                *ret = id;
                if (hv_task_id_is_valid(id))
                        return 0;
                hv_http_reply_problem(
                        req, 400, "BadQuery",
                        "id: expected letters, digits, '.', '_' and '-', at most 64, beginning with a "
                        "letter or digit and not ending in a dot and digits");
                return -EINVAL;
        }
        if (key) {
                hv_sha256_hex(key, strlen(key), hex);
                *ret = hv_arena_printf(a, "t-%.16s", hex);
        } else if (hv_http_query_is_true(req, "again")) {
                while (getrandom(&random, sizeof random, 0) != sizeof random)
                        ;
                *ret = hv_arena_printf(a, "t-%012llx", (unsigned long long) (random >> 16));
        }
        return 0;
}

void hv_api_post_task(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        struct hv_api_call *call = hv_api_call_new(api, req);
        struct hv_api_task_change c = { .type = HV_API_TASK_SUBMIT };

        c.file = read_document(req, call->arena);
        if (!c.file || read_key(req, &c.key) < 0 || read_id(req, c.key, call->arena, &c.id) < 0) {
                hv_api_call_free(call);
                return;
        }
        hv_api_ask_task(api, call, hv_api_as_submitted, &c);
}

/* {"by": "...", "reason": "..."}, both optional, as is the body. False: 400 was sent. */
static bool read_reason(struct hv_http_request *req, struct hv_arena *a, struct hv_api_task_change *c) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        struct hv_err err = {};
        size_t len;
        const char *body = hv_http_body(req, &len);

        c->by = hv_arena_strdup(a, hv_http_request_caller(req)->by);
        if (len == 0)
                return true;
        if (hv_json_parse(body, len, HV_API_BODY_MAX_BYTES, &j, &err) < 0) {
                hv_http_reply_err(req, "BadBody", &err);
                return false;
        }
        if (!hv_str_empty(hv_json_str(j, "by")))
                c->by = hv_arena_strdup(a, hv_json_str(j, "by"));
        c->reason = hv_arena_strdup(a, hv_json_str(j, "reason"));
        return true;
}

static void change(struct hv_http_request *req, struct hv_api *api, enum hv_api_task_change_type type,
                   const void *answer_as) {
        struct hv_api_call *call = hv_api_call_new(api, req);
        struct hv_api_task_change c = { .type = type, .id = hv_http_param(req, "name") };

        if (type == HV_API_TASK_STOP && !read_reason(req, call->arena, &c)) {
                hv_api_call_free(call);
                return;
        }
        hv_api_ask_task(api, call, answer_as, &c);
}

void hv_api_post_task_stop(struct hv_http_request *req, void *userdata) {
        change(req, userdata, HV_API_TASK_STOP, as_task);
}

void hv_api_post_legacy_stop(struct hv_http_request *req, void *userdata) {
        change(req, userdata, HV_API_TASK_STOP, as_legacy_stop);
}

void hv_api_post_task_retry(struct hv_http_request *req, void *userdata) {
        change(req, userdata, HV_API_TASK_RETRY, as_task);
}

/* A Task that was applied as an object is taken back under its name, a run is forgotten under its id. */
void hv_api_delete_task(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        const char *name = hv_http_param(req, "name");
        struct hv_task_item item;
        struct hv_err err = {};

        hv_api_look_at_tasks(api, &v);
        if (hv_task_find(&v.tasks, name, v.view.arena, &item, &err) < 0 &&
            hv_view_find(v.view.arena, &v.view.snapshot, HV_KIND_TASK, name, NULL))
                hv_api_delete_object(req, api, HV_KIND_TASK);
        else
                change(req, api, HV_API_TASK_FORGET, as_forgotten);
}

void hv_api_post_fit(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        const struct hv_api_file *file = read_document(req, a);
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_api_fit fit = { .message = "" };

        if (!file)
                return;
        api->backend->fit(api->userdata, file, a, &fit);
        if (fit.diags && hv_diags_errors(fit.diags) > 0)
                hv_api_reply_refused(req, "TaskRejected", fit.diags);
        else {
                hv_render_fit(&w, &fit);
                hv_api_reply(req, 200, &buf);
        }
        hv_diags_free(fit.diags);
}

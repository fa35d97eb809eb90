/* What changes the desired state, or asks what would: bodies become files, results become JSON.
 *
 * Body     application/json: {"files": [{"name", "path", "text"}]}; application/yaml: one file, named by
 *          ?name=. None: the sources are read again. ?confirm=10m: on trial (hv_api_post_confirm() ends it).
 * Answer   200 with the outcome, also when the guard parked the revision; 422 with the findings when the
 *          files were refused; validate answers 200 in both cases, since judging is what was asked for.
 */
#include "http/api_internal.h"

#include <errno.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/duration.h"
#include "base/text.h"
#include "http/diff.h"
#include "http/render.h"
#include "json/json.h"

/* Which answer a call gets. */
static const char as_apply[] = "apply", as_validate[] = "validate";

static const char *outcome_name(enum hv_api_outcome outcome) {
        static const char *const names[] = {
                [HV_API_ACTIVATED] = "Activated", [HV_API_UNCHANGED] = "Unchanged",
                [HV_API_PARKED] = "Parked",       [HV_API_REFUSED] = "Refused",
                [HV_API_FAILED] = "Failed",       [HV_API_CONFIRMED] = "Confirmed",
                [HV_API_REVERTED] = "Reverted",   [HV_API_ROLLED_BACK] = "RolledBack",
        };

        return names[outcome];
}

/* ---- bodies ---- */

static int add_json_file(struct hv_arena *a, const struct hv_json *j, struct hv_api_file *ret,
                         struct hv_err *err) {
        const char *text = hv_json_str(j, "text");

        if (!text)
                return hv_err_set(err, -EINVAL, "each of \"files\" needs a \"text\"");
        ret->name = hv_arena_strdup(a, hv_json_str(j, "name"));
        ret->path = hv_arena_strdup(a, hv_json_str(j, "path"));
        ret->text = hv_arena_strdup(a, text);
        ret->len = strlen(text);
        if (!ret->name)
                ret->name = ret->path ? ret->path : "request";
        return 0;
}

static int read_json_files(struct hv_arena *a, const char *body, size_t len, const struct hv_api_file **ret,
                           size_t *ret_n, struct hv_err *err) {
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        const struct hv_json *list;
        struct hv_api_file *files;
        int r;

        r = hv_json_parse(body, len, HV_API_BODY_MAX_BYTES, &j, err);
        if (r < 0)
                return r;
        list = hv_json_get(j, "files");
        if (hv_json_type(list) != HV_JSON_ARRAY)
                return hv_err_set(err, -EINVAL, "expected {\"files\": [{\"name\", \"path\", \"text\"}]}");
        files = HV_ARENA_NEW_N(a, struct hv_api_file, hv_json_size(list));
        for (size_t i = 0; i < hv_json_size(list); i++) {
                r = add_json_file(a, hv_json_at(list, i), &files[i], err);
                if (r < 0)
                        return r;
        }
        *ret = files;
        *ret_n = hv_json_size(list);
        return 0;
}

bool hv_api_is_type(const char *content_type, const char *type) {
        size_t n = strlen(type);

        return content_type && strncasecmp(content_type, type, n) == 0 && strchr("; ", content_type[n]);
}

/* False: answered with an error. */
static bool read_files(struct hv_http_request *req, struct hv_arena *a, const struct hv_api_file **ret,
                       size_t *ret_n) {
        const char *type = hv_http_header(req, "Content-Type"), *name = hv_http_query(req, "name");
        struct hv_api_file *file;
        struct hv_err err = {};
        size_t len;
        const char *body = hv_http_body(req, &len);

        *ret = NULL;
        *ret_n = 0;
        if (len == 0)
                return true;
        if (hv_api_is_type(type, "application/json")) {
                if (read_json_files(a, body, len, ret, ret_n, &err) == 0)
                        return true;
                hv_http_reply_err(req, "BadBody", &err);
                return false;
        }
        if (!hv_api_is_type(type, "application/yaml") && !hv_api_is_type(type, "text/yaml") &&
            !hv_api_is_type(type, "application/x-yaml")) {
                hv_http_reply_problem(req, 415, "BadContentType",
                                      "the body must be application/yaml or application/json");
                return false;
        }
        file = HV_ARENA_NEW(a, struct hv_api_file);
        file->name = hv_arena_strdup(a, hv_str_empty(name) ? "request" : name);
        file->text = hv_arena_memdup(a, body, len + 1);
        file->len = len;
        *ret = file;
        *ret_n = 1;
        return true;
}

/* ---- answers ---- */

static void put_findings(struct hv_json_writer *w, struct hv_diags *diags) {
        hv_render_diags(w, "errors", diags, HV_SEVERITY_ERROR, true);
        hv_render_diags(w, "warnings", diags, HV_SEVERITY_WARNING, true);
}

static void put_diff(struct hv_json_writer *w, struct hv_arena *a, const struct hv_desired *before,
                     const struct hv_desired *after) {
        size_t n;
        const struct hv_diff *changes = hv_diff_compute(a, before, after, &n);

        hv_json_begin_array(w, "changes");
        for (size_t i = 0; i < n; i++)
                hv_render_change(w, &changes[i]);
        hv_json_end(w);
        hv_json_begin_object(w, "diff");
        hv_json_put_str(w, "before", hv_diff_outline(a, before));
        hv_json_put_str(w, "after", hv_diff_outline(a, after));
        hv_json_end(w);
}

/* A problem (RFC 9457) that carries the findings. */
void hv_api_reply_refused(struct hv_http_request *req, const char *code, struct hv_diags *diags) {
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        size_t n = diags ? hv_diags_errors(diags) : 0;

        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "type", "about:blank");
        hv_json_put_str(&w, "title", "Unprocessable Content");
        hv_json_put_int(&w, "status", 422);
        hv_json_put_str(&w, "code", code);
        hv_json_put_printf(&w, "detail", "refused: %zu %s; nothing was changed", n,
                           n == 1 ? "error" : "errors");
        put_findings(&w, diags);
        hv_json_end(&w);
        hv_buf_putc(&buf, '\n');
        hv_http_reply_text(req, 422, "application/problem+json", hv_buf_steal(&buf));
}

static void put_parked(struct hv_json_writer *w, struct hv_api *api, struct hv_arena *a) {
        struct hv_api_snapshot s = {};

        api->backend->snapshot(api->userdata, a, &s);
        hv_json_begin_object(w, "parked");
        hv_json_put_str(w, "message", s.status->parked_message);
        hv_json_put_uint(w, "removals", s.status->n_parked_removals);
        hv_json_put_uint(w, "existing", s.status->n_parked_existing);
        hv_json_begin_array(w, "objects");
        for (size_t i = 0; i < s.status->n_parked_removals && s.status->parked_removals; i++)
                hv_json_put_str(w, NULL, s.status->parked_removals[i]);
        hv_json_end(w);
        hv_json_end(w);
}

static void put_trial(struct hv_json_writer *w, struct hv_api *api, struct hv_arena *a) {
        struct hv_api_snapshot s = {};

        api->backend->snapshot(api->userdata, a, &s);
        hv_render_trial(w, "confirm", &s);
}

static void put_orders(struct hv_json_writer *w, struct hv_api *api, struct hv_arena *a) {
        struct hv_api_snapshot s = {};

        api->backend->snapshot(api->userdata, a, &s);
        hv_render_orders(w, "orders", &s);
}

static void reply_change(struct hv_api_call *call, const struct hv_api_changed *c) {
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_json_begin_object(&w, NULL);
        if (call->answer_as == as_validate)
                hv_json_put_bool(&w, "valid", c->outcome != HV_API_REFUSED);
        hv_json_put_str(&w, "outcome", outcome_name(c->outcome));
        hv_json_put_bool(&w, "changed",
                         c->outcome == HV_API_ACTIVATED || c->outcome == HV_API_REVERTED ||
                                 c->outcome == HV_API_ROLLED_BACK);
        hv_json_put_str(&w, "revision", c->after ? c->after->revision : NULL);
        hv_json_put_str(&w, "before", c->before ? c->before->revision : NULL);
        if (c->outcome != HV_API_REFUSED)
                put_diff(&w, call->arena, c->before, c->after);
        if (c->outcome == HV_API_PARKED && call->answer_as == as_apply)
                put_parked(&w, call->api, call->arena);
        if (call->answer_as == as_apply)
                put_trial(&w, call->api, call->arena);
        if (call->answer_as == as_apply)
                put_orders(&w, call->api, call->arena);
        put_findings(&w, c->diags);
        hv_json_end(&w);
        hv_api_reply(call->req, 200, &buf);
}

static const char *failure_code(const struct hv_err *err) {
        return err->code == -EDQUOT ? "PruneBlocked" : err->code == -EEXIST ? "DeclaredInFile" : "Failed";
}

void hv_api_change_done(struct hv_api_call *call, const struct hv_api_changed *result) {
        if (!call->req)
                ;
        else if (result->outcome == HV_API_FAILED)
                hv_http_reply_err(call->req, failure_code(result->err), result->err);
        else if (result->outcome == HV_API_REFUSED && call->answer_as == as_apply)
                hv_api_reply_refused(call->req, "RevisionRejected", result->diags);
        else
                reply_change(call, result);
        hv_api_call_free(call);
}

static void reply_plan(struct hv_api_call *call, const struct hv_api_plan *p) {
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_json_begin_object(&w, NULL);
        hv_json_put_bool(&w, "pending", p->n_steps > 0 || p->parked);
        hv_json_put_str(&w, "revision", p->after ? p->after->revision : NULL);
        hv_json_put_str(&w, "before", p->before ? p->before->revision : NULL);
        hv_json_put_bool(&w, "parked", p->parked);
        hv_json_put_uint(&w, "removals", p->n_removals);
        hv_json_put_uint(&w, "existing", p->n_existing);
        hv_json_begin_array(&w, "steps");
        for (size_t i = 0; i < p->n_steps; i++) {
                hv_json_begin_object(&w, NULL);
                hv_json_put_str(&w, "action", hv_action_name(p->steps[i].type));
                hv_json_put_str(&w, "object", p->steps[i].key);
                hv_json_put_str(&w, "name", p->steps[i].name);
                hv_json_put_str(&w, "why", p->steps[i].why);
                hv_json_end(&w);
        }
        hv_json_end(&w);
        put_orders(&w, call->api, call->arena);
        put_diff(&w, call->arena, p->before, p->after);
        put_findings(&w, p->diags);
        hv_json_end(&w);
        hv_api_reply(call->req, 200, &buf);
}

void hv_api_plan_done(struct hv_api_call *call, const struct hv_api_plan *plan) {
        if (!call->req)
                ;
        else if (plan->err)
                hv_http_reply_err(call->req, "PlanFailed", plan->err);
        else if (plan->refused)
                hv_api_reply_refused(call->req, "RevisionRejected", plan->diags);
        else
                reply_plan(call, plan);
        hv_api_call_free(call);
}

/* ---- one service ---- */

static const struct hv_api_service_change *copy_service(struct hv_arena *a,
                                                        const struct hv_api_service_change *s) {
        struct hv_api_service_change *copy = hv_arena_memdup(a, s, sizeof *s);
        struct hv_pair *env = HV_ARENA_NEW_N(a, struct hv_pair, s->env.n);

        copy->name = hv_arena_strdup(a, s->name);
        copy->image = hv_arena_strdup(a, s->image);
        for (size_t i = 0; i < s->env.n; i++)
                env[i] = (struct hv_pair){ hv_arena_strdup(a, s->env.v[i].name),
                                           hv_arena_strdup(a, s->env.v[i].value) };
        copy->env.v = env;
        return copy;
}

/* {"image": "...", "env": [{"name", "value"}]}, one of the two at least; `pairs` has room for the variables. */
static int read_update(const struct hv_json *body, struct hv_pair *pairs, struct hv_api_service_change *ret,
                       struct hv_err *err) {
        const struct hv_json *env = hv_json_get(body, "env");

        ret->image = hv_json_str(body, "image");
        ret->env.v = pairs;
        for (size_t i = 0; i < hv_json_size(env); i++) {
                const struct hv_json *v = hv_json_at(env, i);

                pairs[ret->env.n++] = (struct hv_pair){ hv_json_str(v, "name"), hv_json_str(v, "value") };
                if (!hv_json_str(v, "name") || !hv_json_str(v, "value"))
                        return hv_err_set(err, -EINVAL, "each of \"env\" needs a \"name\" and a \"value\"");
        }
        if (!ret->image && ret->env.n == 0)
                return hv_err_set(err, -EINVAL,
                                  "expected {\"image\": \"...\", \"env\": [{\"name\", \"value\"}]}");
        return 0;
}

/* ---- handlers ---- */

static void change(struct hv_http_request *req, struct hv_api *api, const void *answer_as,
                   const struct hv_api_change *change_template, bool with_files) {
        struct hv_api_call *call = hv_api_call_new(api, req);
        struct hv_api_change *c = hv_arena_memdup(call->arena, change_template, sizeof *c);

        call->answer_as = answer_as;
        if (with_files && !read_files(req, call->arena, &c->files, &c->n_files)) {
                hv_api_call_free(call);
                return;
        }
        if (with_files && c->dry_run && c->n_files == 0) {
                hv_http_reply_problem(req, 400, "BadBody", "there is nothing to judge: the body is empty");
                hv_api_call_free(call);
                return;
        }
        c->forget_name = hv_arena_strdup(call->arena, c->forget_name);
        if (c->service)
                c->service = copy_service(call->arena, c->service);
        c->accept_prune = hv_arena_strdup(call->arena, c->accept_prune);
        c->activate = hv_arena_strdup(call->arena, c->activate);
        c->by = hv_arena_strdup(call->arena, hv_http_request_caller(req)->by);
        hv_api_call_ask(call);
        api->backend->change(api->userdata, c, call);
        hv_api_call_asked(call);
}

/* False: answered with an error. */
static bool read_confirm(struct hv_http_request *req, uint64_t *ret) {
        const char *text = hv_http_query(req, "confirm");
        char quoted[HV_TEXT_QUOTE_SIZE];
        struct hv_err err = {};

        if (!text || (hv_duration_parse(text, ret) == HV_PARSE_OK && *ret > 0))
                return true;
        (void) hv_err_set(&err, -EINVAL, "confirm: expected a time such as 10m, found %s",
                          hv_text_quote(text, quoted));
        hv_http_reply_err(req, "BadTime", &err);
        return false;
}

void hv_api_post_apply(struct hv_http_request *req, void *userdata) {
        const char *accept = hv_http_query(req, "accept-prune");
        struct hv_api_change c = {
                .accept_prune = hv_str_empty(accept) ? NULL : accept,
                .dry_run = hv_http_query_is_true(req, "dry-run"),
        };

        if (read_confirm(req, &c.confirm_us))
                change(req, userdata, as_apply, &c, true);
}

void hv_api_post_confirm(struct hv_http_request *req, void *userdata) {
        struct hv_api_change c = {
                .verdict =
                        hv_http_query_is_true(req, "revert") ? HV_API_VERDICT_REVERT : HV_API_VERDICT_CONFIRM,
        };

        change(req, userdata, as_apply, &c, false);
}

void hv_api_post_activate(struct hv_http_request *req, void *userdata) {
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        const char *accept = hv_http_query(req, "accept-prune");
        const struct hv_api_revision *revision;
        struct hv_api_change c = { .accept_prune = hv_str_empty(accept) ? NULL : accept };

        hv_api_look(userdata, &v);
        revision = hv_api_wanted_revision(req, &v);
        if (!revision)
                return;
        if (revision->state == HV_API_REVISION_PARKED) {
                hv_http_reply_problem(
                        req, 409, "PruneBlocked",
                        "revision %.8s was never in force, the guard holds it; to let it: hivectl "
                        "apply --accept-prune %.8s",
                        revision->revision, revision->revision);
                return;
        }
        c.activate = revision->revision;
        change(req, userdata, as_apply, &c, false);
}

void hv_api_post_update(struct hv_http_request *req, void *userdata) {
        _hv_cleanup_(hv_json_freep) struct hv_json *body = NULL;
        _hv_cleanup_free_ struct hv_pair *pairs = NULL;
        struct hv_api_service_change service = { .name = hv_http_param(req, "name") };
        const struct hv_api_change c = { .service = &service };
        struct hv_err err = {};
        size_t len;
        const char *text = hv_http_body(req, &len);
        int r = hv_json_parse(text, len, HV_API_BODY_MAX_BYTES, &body, &err);

        if (r >= 0) {
                pairs = HV_NEW_N(struct hv_pair, hv_json_size(hv_json_get(body, "env")));
                r = read_update(body, pairs, &service, &err);
        }
        if (r < 0)
                hv_http_reply_err(req, "BadBody", &err);
        else
                change(req, userdata, as_apply, &c, false);
}

void hv_api_post_undo(struct hv_http_request *req, void *userdata) {
        const struct hv_api_service_change service = { .name = hv_http_param(req, "name"), .undo = true };
        const struct hv_api_change c = { .service = &service };

        change(req, userdata, as_apply, &c, false);
}

void hv_api_post_validate(struct hv_http_request *req, void *userdata) {
        struct hv_api_change c = { .dry_run = true };

        change(req, userdata, as_validate, &c, true);
}

void hv_api_post_reload(struct hv_http_request *req, void *userdata) {
        struct hv_api_change c = { .is_reload = true };

        change(req, userdata, as_apply, &c, false);
}

void hv_api_delete_object(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind) {
        struct hv_api_change c = { .forget_kind = kind, .forget_name = hv_http_param(req, "name") };

        change(req, api, as_apply, &c, false);
}

void hv_api_post_plan(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        struct hv_api_call *call = hv_api_call_new(api, req);
        const struct hv_api_file *files;
        size_t n;

        if (!read_files(req, call->arena, &files, &n)) {
                hv_api_call_free(call);
                return;
        }
        hv_api_call_ask(call);
        api->backend->plan(api->userdata, files, n, call);
        hv_api_call_asked(call);
}

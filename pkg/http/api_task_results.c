/* What a task left: the list of its files, one file, all of them as an archive.
 *
 * Safe     Names are the task's: they are opened below the result's directory and nowhere else (task/results.h), and sent
 *          as data to be saved, never as something that a browser shows. */
#include "http/api_task.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "http/file_reply.h"
#include "http/pull.h"
#include "task/results.h"
#include "json/json.h"

#define ATTEMPT_MAX 1000000u

/* ---- which attempt ---- */

int hv_api_open_results(const struct hv_api_tasks *t, const struct hv_task_item *item, unsigned attempt,
                        unsigned *ret_attempt, struct hv_results **ret, struct hv_err *err) {
        unsigned last = attempt ? attempt : item->attempt, first = attempt ? attempt : 1;

        for (unsigned k = last; t->results_root && k >= first && k > 0; k--) {
                int r = hv_results_open(t->results_root, &(struct hv_attempt){ item->id, k }, ret, err);

                *ret_attempt = k;
                if (r != -ENOENT)
                        return r;
        }
        return hv_err_set(err, -ENOENT, "nothing is kept of task %s%s", item->id,
                          hv_task_state_is_end(item->state) ? ": it left nothing, or its time is over"
                                                            : " yet: results come at its end");
}

bool hv_api_read_attempt(struct hv_http_request *req, unsigned *ret) {
        uint64_t n;

        if (hv_http_query_u64(req, "attempt", 1, ATTEMPT_MAX, 0, &n) < 0)
                return false;
        *ret = (unsigned) n;
        return true;
}

/* True: answered with an error. */
static bool is_gone(struct hv_http_request *req, const char *id, const struct hv_results *results) {
        const char *why = hv_results_removed(results);

        if (why)
                hv_http_reply_problem(req, 410, "Gone", "the files of task %s are not there any more: %s", id,
                                      why);
        return why != NULL;
}

/* False: answered with an error. */
static bool open_wanted(struct hv_http_request *req, struct hv_api_task_view *v, struct hv_task_item *item,
                        unsigned *ret_attempt, struct hv_results **ret) {
        struct hv_err err = {};
        unsigned attempt;

        if (!hv_api_read_attempt(req, &attempt) || hv_api_wanted_task(req, v, item) < 0)
                return false;
        if (hv_api_open_results(&v->tasks, item, attempt, ret_attempt, ret, &err) >= 0)
                return true;
        hv_http_reply_err(req, err.code == -ENOENT ? "NotFound" : "ResultsFailed", &err);
        return false;
}

/* ---- answers ---- */

static void put_files(struct hv_json_writer *w, const struct hv_json *files,
                      const struct hv_http_page *page) {
        if (!files) {
                hv_json_put_null(w, "files");
                return;
        }
        hv_json_begin_array(w, "files");
        for (size_t i = page->first; i < page->end; i++)
                hv_json_put_json(w, NULL, hv_json_at(files, i));
        hv_json_end(w);
}

static bool cut_files(struct hv_http_request *req, struct hv_arena *a, const struct hv_json *files,
                      struct hv_http_page *ret) {
        const char **paths = HV_ARENA_NEW_N(a, const char *, hv_json_size(files));

        for (size_t i = 0; i < hv_json_size(files); i++)
                paths[i] = hv_json_str(hv_json_at(files, i), "path");
        return hv_http_page_cut(
                req, &(struct hv_http_list){ "ResultList", paths, hv_json_size(files), false }, ret);
}

static void reply_list(struct hv_http_request *req, struct hv_arena *a, const struct hv_task_item *item,
                       unsigned attempt, const struct hv_results *results) {
        static const char *const members[] = { "leftOut",    "leftOutTotal", "filesTotal",
                                               "bytesTotal", "truncated",    "log" };
        const struct hv_json *manifest = hv_results_manifest(results);
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        struct hv_http_page page;

        if (!cut_files(req, a, hv_json_get(manifest, "files"), &page))
                return;
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "apiVersion", "hivelet/v1");
        hv_json_put_str(&w, "kind", "ResultList");
        hv_http_page_write(&w, &page);
        hv_json_put_str(&w, "task", item->id);
        hv_json_put_uint(&w, "attempt", attempt);
        put_files(&w, hv_json_get(manifest, "files"), &page);
        for (size_t i = 0; i < HV_ARRAY_SIZE(members); i++) {
                const struct hv_json *value = hv_json_get(manifest, members[i]);

                if (value)
                        hv_json_put_json(&w, members[i], value);
                else
                        hv_json_put_null(&w, members[i]);
        }
        if (hv_results_removed(results))
                hv_json_put_str(&w, "removed", hv_results_removed(results));
        else
                hv_json_put_null(&w, "removed");
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

static ssize_t fill_archive(void *source, char *buf, size_t cap) {
        return hv_result_stream_fill(source, buf, cap, NULL);
}

static void archive_done(void *source) {
        hv_result_stream_free(source);
}

static void reply_archive(struct hv_http_request *req, const char *id, const struct hv_results *results,
                          bool zip) {
        struct hv_result_stream *stream;
        struct hv_err err = {};
        _hv_cleanup_free_ char *disposition =
                hv_asprintf("attachment; filename=\"%s.%s\"", id, zip ? "zip" : "tar");

        if (hv_result_stream_new(results, zip ? HV_RESULT_ZIP : HV_RESULT_TAR, &stream, &err) < 0) {
                hv_http_reply_err(req, "ResultsFailed", &err);
                return;
        }
        hv_http_reply_header(req, "Content-Disposition", disposition);
        hv_http_pull(req,
                     &(struct hv_http_pull){ .content_type = zip ? "application/zip" : "application/x-tar",
                                             .fill = fill_archive,
                                             .done = archive_done,
                                             .source = stream });
}

/* ---- handlers ---- */

void hv_api_get_task_results(struct hv_http_request *req, void *userdata) {
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        _hv_cleanup_(hv_results_freep) struct hv_results *results = NULL;
        const char *format = hv_http_query(req, "format");
        struct hv_task_item item;
        unsigned attempt;

        hv_api_look_at_tasks(userdata, &v);
        if (!open_wanted(req, &v, &item, &attempt, &results))
                return;
        if (hv_str_empty(format) || hv_streq(format, "json"))
                reply_list(req, v.view.arena, &item, attempt, results);
        else if (is_gone(req, item.id, results))
                return;
        else if (hv_streq(format, "tar") || hv_streq(format, "zip"))
                reply_archive(req, item.id, results, hv_streq(format, "zip"));
        else
                hv_http_reply_problem(req, 400, "BadQuery", "format: expected json, tar or zip");
}

void hv_api_get_task_result(struct hv_http_request *req, void *userdata) {
        _hv_cleanup_(hv_api_task_view_done) struct hv_api_task_view v = {};
        _hv_cleanup_(hv_results_freep) struct hv_results *results = NULL;
        const char *path = hv_http_param(req, "path");
        struct hv_result_file file = { .fd = -1 };
        struct hv_task_item item;
        struct hv_err err = {};
        unsigned attempt;
        int r;

        hv_api_look_at_tasks(userdata, &v);
        if (!open_wanted(req, &v, &item, &attempt, &results) || is_gone(req, item.id, results))
                return;
        r = hv_results_open_file(results, path, &file, &err);
        if (r == -ENOENT || r == -EINVAL)
                hv_http_reply_problem(req, 404, "NotFound", "task %s left no file %s", item.id, path);
        else if (r < 0)
                hv_http_reply_err(req, "ResultsFailed", &err);
        else
                hv_http_reply_file(req, file.fd, *file.sha256 ? file.sha256 : NULL, path);
}

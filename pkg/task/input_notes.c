/* task/input_notes.c - see input_notes.h. */
#include "task/input_notes.h"

#include <fcntl.h>

#include "base/arena.h"
#include "base/fd.h"
#include "task/place.h"
#include "task/receipt.h"
#include "json/json.h"
#include "json/write.h"

#define FILE_NAME "inputs.json"
#define FILE_MAX ((size_t) 8 << 20)

int hv_input_notes_write(int attempt_fd, const struct hv_task *task, const struct hv_prepared_input *inputs,
                         struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_json_writer w = { .buf = &text };
        const struct hv_owner own = { .uid = geteuid(), .gid = getegid() };

        hv_json_begin_array(&w, NULL);
        for (size_t i = 0; i < task->n_inputs; i++) {
                hv_json_begin_object(&w, NULL);
                hv_json_put_str(&w, "path", task->inputs[i].path);
                hv_json_put_str(&w, "sha256", inputs[i].sha256);
                hv_json_put_uint(&w, "size", inputs[i].size_bytes);
                hv_json_end(&w);
        }
        hv_json_end(&w);
        return hv_place_text(attempt_fd, FILE_NAME, text.data, text.len, &own, err);
}

static bool read_file(int fd, struct hv_buf *ret) {
        char block[16384];
        ssize_t n;

        while ((n = read(fd, block, sizeof block)) > 0 && ret->len <= FILE_MAX)
                hv_buf_add(ret, block, (size_t) n);
        return n == 0 && ret->len <= FILE_MAX;
}

bool hv_input_notes_read(const char *work_root, const struct hv_attempt *attempt, struct hv_arena *a,
                         const struct hv_receipt_input **ret, size_t *ret_n) {
        _hv_cleanup_(hv_workspace_close) struct hv_workspace w = HV_WORKSPACE_NONE;
        _hv_cleanup_(hv_json_freep) struct hv_json *list = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        struct hv_receipt_input *v;
        size_t n;

        if (hv_workspace_open(work_root, attempt, &w, NULL) < 0)
                return false;
        fd = hv_beneath_open(w.attempt_fd, FILE_NAME, O_RDONLY, 0);
        if (fd < 0 || !read_file(fd, &text) || hv_json_parse(text.data, text.len, FILE_MAX, &list, NULL) < 0)
                return false;
        n = hv_json_size(list);
        v = HV_ARENA_NEW_N(a, struct hv_receipt_input, n + 1);
        for (size_t i = 0; i < n; i++) {
                const struct hv_json *one = hv_json_at(list, i);

                v[i] = (struct hv_receipt_input){ .path = hv_arena_strdup(a, hv_json_str(one, "path")),
                                                  .sha256 = hv_arena_strdup(a, hv_json_str(one, "sha256")),
                                                  .size_bytes = (uint64_t) hv_json_int(one, "size", 0) };
        }
        *ret = v;
        *ret_n = n;
        return true;
}

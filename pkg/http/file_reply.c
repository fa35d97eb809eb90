#include "http/file_reply.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/parse.h"
#include "http/internal.h"
#include "http/reply.h"

int hv_http_range_parse(const char *text, uint64_t size, uint64_t *ret_first, uint64_t *ret_len) {
        char first[24] = "", last[24] = "";
        uint64_t a = 0, b = size - 1;
        const char *dash;

        if (!hv_has_prefix(text, "bytes="))
                return 0;
        text += strlen("bytes=");
        dash = strchr(text, '-');
        if (!dash || strchr(text, ',') || (size_t) (dash - text) >= sizeof first ||
            strlen(dash + 1) >= sizeof last)
                return 0;
        memcpy(first, text, (size_t) (dash - text));
        strcpy(last, dash + 1);
        if ((*first && !hv_parse_uint(first, 0, INT64_MAX, &a)) ||
            (*last && !hv_parse_uint(last, 0, INT64_MAX, &b)) || (!*first && !*last))
                return 0;
        if (!*first) { /* the last b bytes */
                if (b == 0 || size == 0)
                        return -ERANGE;
                a = b < size ? size - b : 0;
                b = size - 1;
        }
        if (*first && *last && b < a)
                return 0;
        if (a >= size)
                return -ERANGE;
        *ret_first = a;
        *ret_len = HV_MIN(b, size - 1) - a + 1;
        return 1;
}

/* What follows the last slash, of characters that mean nothing in a header. */
static const char *disposition(struct hv_arena *a, const char *path) {
        const char *slash = strrchr(path, '/');
        char *text = hv_arena_printf(a, "attachment; filename=\"%s\"", slash ? slash + 1 : path);

        for (char *p = strchr(text, '"') + 1; p[1]; p++)
                if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                      strchr("._- ", *p)))
                        *p = '_';
        return text;
}

static bool is_range_wanted(struct hv_http_request *req, const char *tag) {
        const char *condition = hv_http_header(req, "If-Range");

        if (!hv_http_header(req, "Range"))
                return false;
        return !condition || (tag && hv_streq(condition, hv_arena_printf(req->arena, "\"%s\"", tag)));
}

void hv_http_reply_file(struct hv_http_request *req, int fd_taken, const char *tag, const char *path) {
        _hv_cleanup_(hv_fd_closep) int fd = fd_taken;
        struct MHD_Response *response;
        uint64_t size, first = 0, len;
        unsigned status = 200;
        struct stat st;

        if (tag && hv_http_not_modified(req, tag))
                return;
        if (fstat(fd, &st) < 0) {
                hv_http_reply_problem(req, 500, "ResultsFailed", "the file cannot be looked at");
                return;
        }
        size = len = (uint64_t) st.st_size;
        if (is_range_wanted(req, tag)) {
                int r = hv_http_range_parse(hv_http_header(req, "Range"), size, &first, &len);

                if (r == -ERANGE) {
                        hv_http_reply_header(req, "Content-Range",
                                             hv_arena_printf(req->arena, "bytes */%" PRIu64, size));
                        hv_http_reply_problem(req, 416, "BadRange", "the file has %" PRIu64 " bytes", size);
                        return;
                }
                if (r > 0) {
                        status = 206;
                        hv_http_reply_header(req, "Content-Range",
                                             hv_arena_printf(req->arena,
                                                             "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first,
                                                             first + len - 1, size));
                }
        }
        hv_http_reply_header(req, "Accept-Ranges", "bytes");
        hv_http_reply_header(req, "Content-Disposition", disposition(req->arena, path));
        response = MHD_create_response_from_fd_at_offset64(len, fd, first);
        if (!response)
                hv_out_of_memory(0);
        (void) hv_fd_steal(&fd); /* MHD closes it */
        hv_http_add_common_headers(req, response, "application/octet-stream");
        hv_http_answer(req, status, response);
}

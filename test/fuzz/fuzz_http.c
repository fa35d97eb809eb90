/* fuzz_http.c - the head of a request, its target, path and query, as a stranger sends them.
 *
 * What the head check says of the first bytes it also says of more of them; what it takes holds no byte that another parser
 * could read otherwise; and a path that is taken, written down again, is the same path.
 */
#include "fuzz.h"

#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"
#include "http/head.h"
#include "http/router.h"

/* Small, so that short inputs reach them. */
static const struct hv_http_head_limits limits = { .line_max_bytes = 256,
                                                   .head_max_bytes = 768,
                                                   .headers_max = 8 };

static void handle(struct hv_http_request *req, void *userdata) {
        (void) req;
        (void) userdata;
}

static const struct hv_http_router *routes(void) {
        static const struct hv_http_route table[] = {
                { HV_HTTP_GET, "/", HV_HTTP_ROLE_ANYONE, handle, 0, 0, "root" },
                { HV_HTTP_GET, "/a", HV_HTTP_ROLE_ANYONE, handle, 0, 0, "text" },
                { HV_HTTP_GET, "/a/{name}", HV_HTTP_ROLE_ANYONE, handle, 0, 0, "parameter" },
                { HV_HTTP_POST, "/a/{name}", HV_HTTP_ROLE_ADMIN, handle, 9, HV_HTTP_SOCKET_ONLY, "socket" },
                { HV_HTTP_GET, "/a/{name}/b/{other}", HV_HTTP_ROLE_ANYONE, handle, 0, 0, "two" },
                { HV_HTTP_DELETE, "/r/{rest...}", HV_HTTP_ROLE_ADMIN, handle, 0, 0, "rest" },
        };
        static struct hv_http_router *router;

        if (!router) {
                router = hv_http_router_new();
                for (size_t i = 0; i < HV_ARRAY_SIZE(table); i++)
                        FUZZ_CHECK(hv_http_router_add(router, &table[i], NULL, NULL) == 0);
        }
        return router;
}

static void check_decoded(const char *text) {
        FUZZ_CHECK(hv_utf8_is_valid(text, strlen(text), NULL));
        for (const unsigned char *p = (const unsigned char *) text; *p; p++)
                FUZZ_CHECK(*p >= ' ' && *p != 0x7f);
}

static void check_route(struct hv_arena *arena, const struct hv_http_path *path) {
        struct hv_http_match on_socket = {}, on_tcp = {};

        hv_http_router_match(routes(), HV_HTTP_GET, path, true, arena, &on_socket);
        hv_http_router_match(routes(), HV_HTTP_GET, path, false, arena, &on_tcp);
        FUZZ_CHECK((on_tcp.allowed & ~on_socket.allowed) == 0); /* TCP never sees more */
        FUZZ_CHECK(!(on_tcp.allowed & HV_HTTP_POST));
        FUZZ_CHECK(on_socket.n_params <= HV_HTTP_PARAMS_MAX);
        for (size_t i = 0; i < on_socket.n_params; i++)
                check_decoded(on_socket.param[i].value);
        check_decoded(hv_http_allow_text(arena, on_socket.allowed));
}

static void check_path(struct hv_arena *arena, const char *raw) {
        _hv_cleanup_(hv_buf_done) struct hv_buf written = {};
        struct hv_http_path path, again;
        struct hv_err err = {};
        int r = hv_http_path_read(arena, raw, &path, &err);

        FUZZ_CHECK(r == 0 || *err.msg);
        if (r < 0)
                return;
        FUZZ_CHECK(path.n <= HV_HTTP_SEGMENTS_MAX);
        check_decoded(path.text);
        for (size_t i = 0; i < path.n; i++) {
                check_decoded(path.segment[i]);
                FUZZ_CHECK(!hv_streq(path.segment[i], ".") && !hv_streq(path.segment[i], ".."));
                hv_buf_putc(&written, '/');
                for (const char *p = path.segment[i]; *p; p++)
                        hv_buf_printf(&written, isalnum((unsigned char) *p) ? "%c" : "%%%02x",
                                      (unsigned char) *p);
        }
        FUZZ_CHECK(hv_http_path_read(arena, path.n ? hv_buf_str(&written) : "/", &again, NULL) == 0);
        FUZZ_CHECK(again.n == path.n);
        for (size_t i = 0; i < path.n; i++)
                FUZZ_CHECK(strcmp(path.segment[i], again.segment[i]) == 0);
        check_route(arena, &path);
}

static void check_query(struct hv_arena *arena, const char *query) {
        while (*query) {
                size_t len = strcspn(query, "&="), rest = strcspn(query, "&");
                const char *name, *value;

                if (hv_http_percent_decode(arena, query, len, &name, NULL) == 0)
                        check_decoded(name);
                if (len < rest &&
                    hv_http_percent_decode(arena, query + len + 1, rest - len - 1, &value, NULL) == 0)
                        check_decoded(value);
                query += rest + (query[rest] == '&');
        }
}

static void check_host(const struct hv_http_head *head) {
        static const char *const names[] = { "localhost", "127.0.0.1", "[::1]", "node.example" };
        bool begins = false;

        for (size_t i = 0; i < HV_ARRAY_SIZE(names); i++)
                begins = begins || (head->host_len >= strlen(names[i]) &&
                                    strncasecmp(head->host, names[i], strlen(names[i])) == 0);
        if (hv_http_host_is_local(head->host, head->host_len, "node.example"))
                FUZZ_CHECK(begins);
        FUZZ_CHECK(!hv_http_host_is_local(head->host, head->host_len, NULL) ||
                   hv_http_host_is_local(head->host, head->host_len, "node.example"));
}

static void check_good(const char *data, size_t size, const struct hv_http_head *head) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const char *target = head->method + head->method_len + 1, *end, *query;
        char *path;

        FUZZ_CHECK(head->length_bytes <= size && head->length_bytes <= limits.head_max_bytes);
        FUZZ_CHECK(memcmp(data + head->length_bytes - 4, "\r\n\r\n", 4) == 0);
        FUZZ_CHECK(!memchr(data, '\0', head->length_bytes));
        FUZZ_CHECK(head->method == data && head->method_len > 0);
        end = memchr(target, ' ', head->length_bytes);
        FUZZ_CHECK(end && strncmp(end, " HTTP/1.", 8) == 0);
        path = hv_arena_strndup(arena, target, (size_t) (end - target));
        query = strchr(path, '?');
        if (query)
                path[query++ - path] = '\0';
        check_path(arena, path);
        if (query)
                check_query(arena, query);
        if (head->host)
                check_host(head);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
        struct hv_http_head head = {}, before;
        enum hv_http_head_result result = HV_HTTP_HEAD_MORE, whole;
        char *data = malloc(size ? size : 1);

        memcpy(data, input, size);
        whole = hv_http_head_check(data, size, &limits, &head);
        FUZZ_CHECK(whole != HV_HTTP_HEAD_REFUSED ||
                   (head.status >= 400 && head.status < 600 && *head.problem));
        /* Byte by byte it must be the same: nothing is taken back, and nothing later changes it. */
        for (size_t n = 0; n <= size && result == HV_HTTP_HEAD_MORE; n++) {
                char *exact = malloc(n ? n : 1);

                memcpy(exact, data, n);
                before = (struct hv_http_head){};
                result = hv_http_head_check(exact, n, &limits, &before);
                free(exact);
        }
        FUZZ_CHECK(result == whole);
        if (whole == HV_HTTP_HEAD_REFUSED)
                FUZZ_CHECK(before.status == head.status && hv_streq(before.problem, head.problem));
        if (whole == HV_HTTP_HEAD_GOOD) {
                FUZZ_CHECK(before.length_bytes == head.length_bytes);
                check_good(data, size, &head);
        }
        free(data);
        return 0;
}

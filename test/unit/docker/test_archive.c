/* Files of a container: what the engine is asked, what it says of a path, and bodies that wait. */
#include "fixture.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/base64.h"
#include "base/buf.h"
#include "docker/archive.h"

static void reply_with_stat(struct fixture *x, const char *json) {
        _hv_cleanup_(hv_buf_done) struct hv_buf raw = {};
        char text[1024];

        hv_base64_encode(json, strlen(json), text);
        hv_buf_printf(&raw,
                      "HTTP/1.1 200 OK\r\nX-Docker-Container-Path-Stat: %s\r\nContent-Length: 0\r\n\r\n",
                      text);
        hv_fake_add(x->fake,
                    &(struct hv_fake_rule){ .match = "HEAD /containers/web/archive?path=%2Fetc%2Fa%20b",
                                            .raw = hv_buf_str(&raw) });
}

static void a_path_is_looked_at(void **state) {
        static const struct {
                const char *mode, *link;
                unsigned is;
                const char *leads_to;
        } rows[] = {
                { "420", "", S_IFREG | 0644, NULL },
                { "420", "/etc/a b", S_IFREG | 0644, NULL }, /* podman */
                { "2147484141", "", S_IFDIR | 0755, NULL },
                { "134218239", "/x", S_IFLNK | 0777, "/x" },
                { "8389101", "", S_IFREG | S_ISUID | 0755, NULL },
                { "69206454", "", S_IFCHR | 0666, NULL },
                { "67109296", "", S_IFBLK | 0660, NULL },
                { "33554852", "", S_IFIFO | 0644, NULL },
                { "16777709", "", S_IFSOCK | 0755, NULL },
        };
        struct fixture *x = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf json = {};
                const struct hv_docker_result *r;

                hv_buf_printf(&json,
                              "{\"name\":\"a b\",\"size\":174,\"mode\":%s,\"mtime\":\"2026-01-31T08:00:00Z\","
                              "\"linkTarget\":\"%s\"}",
                              rows[i].mode, rows[i].link);
                reply_with_stat(x, hv_buf_str(&json));
                r = CALL(x, hv_docker_archive_look, "web", "/etc/a b");
                assert_int_equal(r->outcome, HV_DOCKER_OK);
                assert_string_equal(r->path->name, "a b");
                assert_int_equal(r->path->size_bytes, 174);
                assert_int_equal(r->path->mode, rows[i].is);
                assert_int_equal(r->path->changed_us, UINT64_C(1769846400) * HV_USEC_PER_SEC);
                if (rows[i].leads_to)
                        assert_string_equal(r->path->link, rows[i].leads_to);
                else
                        assert_null(r->path->link);
        }
        reply_with_stat(x, "{}");
        assert_int_equal(CALL(x, hv_docker_archive_look, "web", "/etc/a b")->outcome, HV_DOCKER_ENGINE_ERROR);
        hv_fake_add(x->fake,
                    &(struct hv_fake_rule){ .match = "HEAD /containers/web/archive?path=%2Fetc%2Fa%20b",
                                            .raw = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" });
        assert_int_equal(CALL(x, hv_docker_archive_look, "web", "/etc/a b")->outcome, HV_DOCKER_ENGINE_ERROR);
        hv_fake_add(x->fake,
                    &(struct hv_fake_rule){ .match = "HEAD /containers/web/archive?path=%2Fetc%2Fa%20b",
                                            .raw = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n" });
        assert_int_equal(CALL(x, hv_docker_archive_look, "web", "/etc/a b")->outcome, HV_DOCKER_NOT_FOUND);
}

static void add(void *userdata, const char *data, size_t len) {
        hv_buf_add(userdata, data, len);
}

static void what_comes_out_is_given(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf got = {};
        const struct hv_docker_archive_sink sink = { add, &got };
        struct fixture *x = *state;
        const struct hv_docker_result *r;

        hv_fake_reply(x->fake, "GET /containers/web/archive?path=%2Fetc", 200, "a tar");
        r = CALL(x, hv_docker_archive_get, "web", "/etc", &sink);
        assert_int_equal(r->outcome, HV_DOCKER_OK);
        assert_string_equal(hv_buf_str(&got), "a tar");
        hv_fake_reply(x->fake, "GET /containers/web/archive?path=%2Fnothing", 404,
                      "{\"message\": \"Could not find the file /nothing\"}");
        r = CALL(x, hv_docker_archive_get, "web", "/nothing", &sink);
        assert_int_equal(r->outcome, HV_DOCKER_NOT_FOUND);
        assert_string_equal(hv_buf_str(&got), "a tar");
        hv_fake_add(x->fake,
                    &(struct hv_fake_rule){ .match = "GET /containers/web/archive",
                                            .raw = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
                                            .then = HV_FAKE_CLOSE });
        assert_int_not_equal(CALL(x, hv_docker_archive_get, "web", "/etc", &sink)->outcome, HV_DOCKER_OK);
}

/* Gives what `text` holds, a piece each time that it is woken. */
struct slow {
        struct hv_docker_call *call;
        const char *text;
        size_t given, allowed;
        unsigned n_starved;
};

static ssize_t give(void *userdata, void *buf, size_t size) {
        struct slow *s = userdata;
        size_t n = HV_MIN(size, s->allowed - s->given);

        if (n == 0 && s->given < strlen(s->text)) {
                s->n_starved++;
                return -EAGAIN;
        }
        memcpy(buf, s->text + s->given, n);
        s->given += n;
        return (ssize_t) n;
}

static void what_goes_in_may_wait(void **state) {
        struct slow slow = { .text = "twelve bytes" };
        const struct hv_docker_archive_source source = { give, &slow };
        struct fixture *x = *state;
        unsigned n = hv_fake_requests(x->fake);

        hv_fake_reply(x->fake, "PUT /containers/web/archive?path=%2Ftmp&noOverwriteDirNonDir=1", 200, "");
        slow.call = hv_docker_archive_put(x->d, "web", "/tmp", &source, call_begin(x));
        for (size_t i = 1; i <= strlen(slow.text); i++) {
                hv_test_run_until(x->event, slow.n_starved == i);
                slow.allowed = i;
                hv_docker_archive_wake(slow.call);
        }
        assert_int_equal(call_end(x)->outcome, HV_DOCKER_OK);
        assert_int_equal(hv_fake_requests(x->fake), n + 1);
        assert_non_null(strstr(hv_fake_head(x->fake, n), "Content-Type: application/x-tar"));
}

/* The engine says no while the body waits: it is heard. */
static void a_refusal_is_heard_while_it_waits(void **state) {
        static const char no[] = "{\"message\": \"container rootfs is marked read-only\"}";
        _hv_cleanup_(hv_buf_done) struct hv_buf raw = {};
        struct slow slow = { .text = "twelve bytes", .allowed = 3 };
        const struct hv_docker_archive_source source = { give, &slow };
        struct fixture *x = *state;
        const struct hv_docker_result *r;

        hv_buf_printf(&raw, "HTTP/1.1 403 Forbidden\r\nContent-Length: %zu\r\n\r\n%s", strlen(no), no);
        hv_fake_add(x->fake, &(struct hv_fake_rule){ .match = "PUT /containers/web/archive",
                                                     .raw = hv_buf_str(&raw),
                                                     .then = HV_FAKE_HANG,
                                                     .at_head = true });
        (void) hv_docker_archive_put(x->d, "web", "/tmp", &source, call_begin(x));
        r = call_end(x);
        assert_int_equal(r->outcome, HV_DOCKER_DENIED);
        assert_string_equal(r->message, "container rootfs is marked read-only");
        assert_int_equal(slow.given, 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_path_is_looked_at),
                TEST(what_comes_out_is_given),
                TEST(what_goes_in_may_wait),
                TEST(a_refusal_is_heard_while_it_waits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

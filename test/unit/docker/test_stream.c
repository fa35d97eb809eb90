/* Streams that an engine sends, cut at every place and spoilt: events, logs, pulls, loads. */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/secret.h"
#include "json/json.h"

/* Frames the text as one HTTP chunk after another, each of `piece` bytes. */
static void chunked(struct hv_buf *raw, const char *data, size_t len, size_t piece, bool whole) {
        hv_buf_puts(raw, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (size_t i = 0; i < len; i += piece) {
                size_t n = HV_MIN(piece, len - i);

                hv_buf_printf(raw, "%zx\r\n", n);
                hv_buf_add(raw, data + i, n);
                hv_buf_puts(raw, "\r\n");
        }
        if (whole)
                hv_buf_puts(raw, "0\r\n\r\n");
}

static void serve(struct fixture *x, const char *match, const char *data, size_t len, size_t piece,
                  bool whole) {
        _hv_cleanup_(hv_buf_done) struct hv_buf raw = {};

        chunked(&raw, data, len, piece, whole);
        hv_fake_add(x->fake, &(struct hv_fake_rule){ .match = match,
                                                     .raw = raw.data,
                                                     .raw_len = raw.len,
                                                     .then = whole ? HV_FAKE_KEEP : HV_FAKE_CLOSE });
}

/* --- events --- */

static const char events[] =
        "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"c1\",\"Attributes\":{\"exitCode\":\"137\",\"name\":\"web\","
        "\"io.hivelet.managed\":\"true\"}},\"time\":5,\"timeNano\":5000000007}\n"
        "garbage\n"
        "\n"
        "{\"Type\":\"container\"}\n"
        "{\"Type\":\"container\",\"Action\":\"exec_start: sh -c x\",\"Actor\":{\"ID\":\"c1\"},\"time\":6}\r\n"
        "[1,2]\n"
        "{\"Type\":\"network\",\"Action\":\"connect\",\"Actor\":{\"ID\":\"n1\",\"Attributes\":{\"container\":\"c9\",\"name\":\"net\",\"exitCode\":\"x\"}}}\n"
        "{\"Type\":7,\"Action\":null,\"Actor\":[]}\n"
        "{\"Type\":\"volume\",\"Action\":\"remove\",\"Actor\":{\"ID\":\"\",\"Attributes\":{\"name\":\"v\"}},\"timeNano\":-4}\n";

static void on_event(void *userdata, const struct hv_docker_event *e) {
        hv_buf_printf(userdata, "%s %s %s %s %s %d %zu %llu;", e->type, e->action, e->id, e->name,
                      e->container, e->has_exit_code ? e->exit_code : -1, e->attributes.n,
                      (unsigned long long) e->time_ns);
}

static void test_events_in_any_piece(void **state) {
        static const size_t pieces[] = { 1, 2, 3, 7, 64, 4096 };
        struct fixture *x = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(pieces); i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf seen = {};
                const struct hv_docker_events wanted = { .on_event = on_event, .userdata = &seen };
                uint64_t junk = hv_docker_events_junk_total(x->d);

                serve(x, "GET /events", events, strlen(events), pieces[i], true);
                assert_int_equal(CALL(x, hv_docker_events, &wanted)->outcome, HV_DOCKER_OK);
                assert_string_equal(hv_buf_str(&seen), "container die c1 web  137 3 5000000007;"
                                                       "container exec_start c1   -1 0 6000000000;"
                                                       "network connect n1 net c9 -1 3 0;"
                                                       "volume remove v v  -1 1 0;");
                assert_int_equal(hv_docker_events_junk_total(x->d) - junk, 4);
        }
}

static void test_events_ask(void **state) {
        static const char *const types[] = { "container", "network", NULL };
        const struct hv_docker_events wanted = { .since_ns = UINT64_C(1795255200000000042),
                                                 .types = { types, 2 },
                                                 .on_event = on_event };
        struct fixture *x = *state;

        serve(x, "GET /events", "", 0, 1, true);
        (void) CALL(x, hv_docker_events, &wanted);
        assert_string_equal(
                hv_fake_request(x->fake, 1),
                "GET /events?filters=%7B%22type%22%3A%5B%22container%22%2C%22network%22%5D%7D&since=1795255200.000000042");
}

/* A line without end is thrown away while it comes, and the next one is read again. */
static void test_events_overlong_line(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(hv_buf_done) struct hv_buf seen = {}, text = {};
        const struct hv_docker_events wanted = { .on_event = on_event, .userdata = &seen };

        /* However much of it was thrown away, the rest of the line is no event of its own. */
        hv_buf_putc(&text, 'x');
        for (int i = 0; i < 3 << 20; i++)
                hv_buf_putc(&text, ' ');
        hv_buf_puts(&text,
                    "{\"Type\":\"image\",\"Action\":\"delete\"}\n{\"Type\":\"image\",\"Action\":\"pull\"}\n");
        serve(x, "GET /events", text.data, text.len, 65536, true);
        assert_int_equal(CALL(x, hv_docker_events, &wanted)->outcome, HV_DOCKER_OK);
        assert_string_equal(hv_buf_str(&seen), "image pull    -1 0 0;");
        assert_int_equal(hv_docker_events_junk_total(x->d), 1);
}

static void test_events_lost(void **state) {
        const struct hv_docker_events wanted = { .on_event = on_event };
        struct fixture *x = *state;
        _hv_cleanup_(hv_buf_done) struct hv_buf seen = {};
        struct hv_docker_events into = wanted;
        const struct hv_docker_result *r;

        into.userdata = &seen;
        serve(x, "GET /events", events, strlen(events), 100, false);
        r = CALL(x, hv_docker_events, &into);
        assert_int_equal(r->outcome, HV_DOCKER_UNKNOWN);
        assert_true(r->no_effect && *r->message);

        hv_fake_reply(x->fake, "GET /events", 400, "{\"message\":\"bad since\"}");
        assert_int_equal(CALL(x, hv_docker_events, &into)->outcome, HV_DOCKER_REFUSED);
        assert_string_equal(x->result.message, "bad since");
}

/* An engine that restarts takes the request and says nothing: that must not count as an open stream for ever. */
static void test_events_never_open(void **state) {
        struct fixture *x = *state;
        struct hv_docker_options options = { .call_timeout_us = HV_USEC_PER_SEC };
        const struct hv_docker_events wanted = { .on_event = on_event };
        _hv_cleanup_free_ char *url = hv_asprintf("unix://%s", x->socket);

        options.url = url;
        hv_docker_free(x->d);
        assert_int_equal(hv_docker_new(x->event, &options, &x->d, NULL), 0);
        assert_int_equal(CALL(x, hv_docker_connect)->outcome, HV_DOCKER_OK);
        hv_fake_add(x->fake, &(struct hv_fake_rule){ .match = "GET /events", .then = HV_FAKE_HANG });
        assert_int_equal(CALL(x, hv_docker_events, &wanted)->outcome, HV_DOCKER_UNKNOWN);
        assert_int_equal(x->result.error, -ETIMEDOUT);
}

struct freeing {
        struct fixture *x;
        unsigned n;
};

static void free_at_event(void *userdata, const struct hv_docker_event *e) {
        struct freeing *f = userdata;

        (void) e;
        f->n++;
        f->x->d = hv_docker_free(f->x->d);
}

static void never(void *userdata, struct hv_docker_result *result) {
        (void) userdata;
        (void) result;
        fail_msg("called after its end");
}

static void test_free_at_an_event(void **state) {
        struct fixture *x = *state;
        struct freeing f = { .x = x };
        const struct hv_docker_events wanted = { .on_event = free_at_event, .userdata = &f };

        serve(x, "GET /events", events, strlen(events), 4096, true);
        (void) hv_docker_events(x->d, &wanted, (struct hv_docker_then){ .fn = never });
        hv_test_run_until(x->event, f.n);
        hv_test_run_until(x->event, hv_fake_open(x->fake) == 0);
        assert_int_equal(f.n, 1);
}

/* --- logs --- */

static void frame(struct hv_buf *b, unsigned char stream, const char *data, size_t len) {
        const unsigned char header[8] = { stream,
                                          0,
                                          0,
                                          0,
                                          (unsigned char) (len >> 24),
                                          (unsigned char) (len >> 16),
                                          (unsigned char) (len >> 8),
                                          (unsigned char) len };

        hv_buf_add(b, header, 8);
        hv_buf_add(b, data, len);
}

static void on_log(void *userdata, const struct hv_docker_log *log) {
        struct hv_buf *seen = userdata;

        hv_buf_printf(seen, "%d %llu ", log->output, (unsigned long long) log->time_us);
        hv_buf_add(seen, log->data, log->len);
        hv_buf_puts(seen, "|");
}

static void test_logs_in_any_piece(void **state) {
        static const size_t pieces[] = { 1, 2, 3, 5, 8, 9, 4096 };
        struct fixture *x = *state;
        _hv_cleanup_(hv_buf_done) struct hv_buf log = {};

        frame(&log, 1, "2026-11-21T10:00:00.000001999Z one\n", 35);
        frame(&log, 2, "2026-11-21T10:00:01Z two\n", 25);
        frame(&log, 1, "", 0);
        frame(&log, 1, "no stamp\n", 9);
        frame(&log, 0, "word\n", 5);
        for (size_t i = 0; i < HV_ARRAY_SIZE(pieces); i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf seen = {};
                const struct hv_docker_logs wanted = {
                        .timestamps = true, .tail = -1, .fn = on_log, .userdata = &seen
                };

                serve(x, "GET /containers/a/logs", log.data, log.len, pieces[i], true);
                assert_int_equal(CALL(x, hv_docker_container_logs, "a", &wanted)->outcome, HV_DOCKER_OK);
                assert_string_equal(
                        hv_buf_str(&seen),
                        "1 1795255200000001 one\n|2 1795255201000000 two\n|1 0 no stamp\n|1 0 word\n|");
        }
        assert_string_equal(hv_fake_request(x->fake, 1),
                            "GET /containers/a/logs?stdout=1&stderr=1&timestamps=1");
}

static void test_part_of_a_log(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(hv_buf_done) struct hv_buf seen = {};
        const struct hv_docker_logs wanted = { .since_us = UINT64_C(1795255200000001),
                                               .until_us = UINT64_C(1795255201500000),
                                               .tail = -1,
                                               .fn = on_log,
                                               .userdata = &seen };

        serve(x, "GET /containers/a/logs", "", 0, 1, true);
        assert_int_equal(CALL(x, hv_docker_container_logs, "a", &wanted)->outcome, HV_DOCKER_OK);
        assert_string_equal(
                hv_fake_request(x->fake, 1),
                "GET /containers/a/logs?stdout=1&stderr=1&since=1795255200.000001000&until=1795255201.500000000");
}

static void test_logs_that_are_not_framed(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(hv_buf_done) struct hv_buf seen = {}, cut = {};
        const struct hv_docker_logs wanted = { .tail = -1, .fn = on_log, .userdata = &seen };
        const struct hv_docker_result *r;

        serve(x, "GET /containers/a/logs", "plain text that is no frame\n", 28, 5, true);
        r = CALL(x, hv_docker_container_logs, "a", &wanted);
        assert_int_equal(r->outcome, HV_DOCKER_ENGINE_ERROR);
        assert_int_equal(r->error, -EBADMSG);
        assert_int_equal(seen.len, 0);

        frame(&cut, 1, "hello\n", 6);
        serve(x, "GET /containers/a/logs", cut.data, cut.len - 3, 5,
              true); /* the reply ends, the frame does not */
        r = CALL(x, hv_docker_container_logs, "a", &wanted);
        assert_int_equal(r->outcome, HV_DOCKER_ENGINE_ERROR);
        assert_non_null(strstr(r->message, "middle of a frame"));
}

/* A frame of a megabyte goes through in pieces, and memory stays flat. */
static void on_piece(void *userdata, const struct hv_docker_log *log) {
        size_t *sums = userdata;

        sums[0] += log->len;
        sums[1] = HV_MAX(sums[1], log->len);
}

static void test_logs_huge_frame(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(hv_buf_done) struct hv_buf log = {};
        _hv_cleanup_free_ char *big = hv_malloc(1 << 20);
        size_t sums[2] = {};
        const struct hv_docker_logs wanted = { .tail = -1, .fn = on_piece, .userdata = sums };

        memset(big, 'y', 1 << 20);
        frame(&log, 1, big, 1 << 20);
        serve(x, "GET /containers/a/logs", log.data, log.len, 50000, true);
        assert_int_equal(CALL(x, hv_docker_container_logs, "a", &wanted)->outcome, HV_DOCKER_OK);
        assert_int_equal(sums[0], 1 << 20);
        assert_int_equal(sums[1], 65536);
}

static void test_logs_of_a_terminal(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(hv_buf_done) struct hv_buf seen = {};
        const struct hv_docker_logs wanted = { .tail = -1, .tty = true, .fn = on_log, .userdata = &seen };
        static const char text[] = "one\r\ntwo\r\n\x01 prompt> ";

        for (size_t piece = 1; piece < 9; piece += 7) {
                hv_buf_clear(&seen);
                serve(x, "GET /containers/a/logs", text, strlen(text), piece, true);
                assert_int_equal(CALL(x, hv_docker_container_logs, "a", &wanted)->outcome, HV_DOCKER_OK);
                assert_string_equal(hv_buf_str(&seen), "1 0 one\r\n|1 0 two\r\n|1 0 \x01 prompt> |");
        }
}

/* The very last piece comes when the reply has ended already: the callback may still free everything. */
static void free_at_log(void *userdata, const struct hv_docker_log *log) {
        struct freeing *f = userdata;

        (void) log;
        f->n++;
        f->x->d = hv_docker_free(f->x->d);
}

static void test_free_at_the_last_piece(void **state) {
        struct fixture *x = *state;
        struct freeing f = { .x = x };
        const struct hv_docker_logs wanted = { .tail = -1, .tty = true, .fn = free_at_log, .userdata = &f };

        serve(x, "GET /containers/a/logs", "prompt> ", 8, 8, true);
        (void) hv_docker_container_logs(x->d, "a", &wanted, (struct hv_docker_then){ .fn = never });
        hv_test_run_until(x->event, f.n);
        hv_test_run_until(x->event, hv_fake_open(x->fake) == 0);
        assert_int_equal(f.n, 1);
}

/* --- pull --- */

static void on_progress(void *userdata, const struct hv_docker_progress *p) {
        hv_buf_printf(userdata, "%u/%u %llu/%llu %s;", p->n_layers_done, p->n_layers,
                      (unsigned long long) p->current_bytes, (unsigned long long) p->total_bytes, p->text);
}

static const char pulled[] =
        "{\"status\":\"Pulling from library/nginx\",\"id\":\"1.27\"}\r\n"
        "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"aa\"}\r\n"
        "{\"status\":\"Already exists\",\"progressDetail\":{},\"id\":\"bb\"}\r\n"
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":10,\"total\":100},\"id\":\"aa\"}\r\n"
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":60,\"total\":100},\"id\":\"aa\"}\r\n"
        "{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"aa\"}\r\n"
        "{\"status\":\"Extracting\",\"progressDetail\":{\"current\":7,\"total\":900},\"id\":\"aa\"}\r\n"
        "{\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"aa\"}\r\n"
        "{\"status\":\"Digest: sha256:1\"}\r\n";

static void test_pull_progress(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(hv_buf_done) struct hv_buf seen = {};
        const struct hv_docker_pull pull = { .image = "docker.io/library/nginx:1.27",
                                             .platform = "linux/arm64",
                                             .on_progress = on_progress,
                                             .userdata = &seen };

        for (size_t piece = 1; piece < 100; piece += 33) {
                hv_buf_clear(&seen);
                serve(x, "POST /images/create", pulled, strlen(pulled), piece, true);
                assert_int_equal(CALL(x, hv_docker_image_pull, &pull)->outcome, HV_DOCKER_OK);
                assert_string_equal(
                        hv_buf_str(&seen),
                        "0/0 0/0 Pulling from library/nginx;0/1 0/0 Pulling fs layer;1/2 0/0 Already exists;"
                        "1/2 10/100 Downloading;1/2 60/100 Downloading;1/2 100/100 Download complete;"
                        "1/2 100/100 Extracting;"
                        "2/2 100/100 Pull complete;2/2 100/100 Digest: sha256:1;");
        }
        assert_string_equal(
                hv_fake_request(x->fake, 1),
                "POST /images/create?fromImage=docker.io%2Flibrary%2Fnginx%3A1.27&platform=linux%2Farm64");
}

static void test_pull_tags(void **state) {
        static const struct {
                const char *image, *query;
        } rows[] = {
                { "nginx", "fromImage=nginx&tag=latest" },
                { "127.0.0.1:5000/nginx", "fromImage=127.0.0.1%3A5000%2Fnginx&tag=latest" },
                { "127.0.0.1:5000/nginx:1", "fromImage=127.0.0.1%3A5000%2Fnginx%3A1" },
                { "nginx@sha256:ab", "fromImage=nginx%40sha256%3Aab" },
        };
        struct fixture *x = *state;

        for (unsigned i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_docker_pull pull = { .image = rows[i].image };

                serve(x, "POST /images/create", "", 0, 1, true);
                assert_int_equal(CALL(x, hv_docker_image_pull, &pull)->outcome, HV_DOCKER_OK);
                assert_string_equal(hv_fake_request(x->fake, i + 1) + strlen("POST /images/create?"),
                                    rows[i].query);
        }
        assert_int_equal(
                CALL(x, hv_docker_image_pull, &(const struct hv_docker_pull){ .image = "" })->outcome,
                HV_DOCKER_REFUSED);
}

static void test_pull_errors(void **state) {
        static const struct {
                const char *what, *text;
                bool whole;
                enum hv_docker_outcome outcome;
                const char *says;
        } rows[] = {
                { "error in the 200",
                  "{\"status\":\"Pulling\"}\n{\"errorDetail\":{\"message\":\"no space left on device\"},\"error\":\"no space\"}\n",
                  true, HV_DOCKER_ENGINE_ERROR, "no space left on device" },
                { "the old form", "{\"error\":\"manifest unknown\"}\n", true, HV_DOCKER_ENGINE_ERROR,
                  "manifest unknown" },
                { "without a newline", "{\"errorDetail\":{\"message\":\"boom\"}}", true,
                  HV_DOCKER_ENGINE_ERROR, "boom" },
                { "without words", "{\"errorDetail\":{}}\n", true, HV_DOCKER_ENGINE_ERROR, "no reason" },
                { "the first counts", "{\"error\":\"first\"}\n{\"error\":\"second\"}\n", true,
                  HV_DOCKER_ENGINE_ERROR, "first" },
                { "a login", "{\"errorDetail\":{\"message\":\"unauthorized: authentication required\"}}\n",
                  true, HV_DOCKER_DENIED, "unauthorized" },
                { "cut", "{\"status\":\"Downloading\"}\n", false, HV_DOCKER_UNKNOWN, "cut" },
                { "garbage between", "{\"status\":\"x\"}\nxyz\n{\"status\":\"y\"}\n", true, HV_DOCKER_OK,
                  "" },
        };
        struct fixture *x = *state;
        const struct hv_docker_pull pull = { .image = "nginx:1", .on_progress = NULL };
        struct hv_docker_pull stalls = pull;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const struct hv_docker_result *r;

                serve(x, "POST /images/create", rows[i].text, strlen(rows[i].text), 11, rows[i].whole);
                r = CALL(x, hv_docker_image_pull, &pull);
                if (r->outcome != rows[i].outcome || !strstr(r->message, rows[i].says) || r->status != 200)
                        fail_msg("%s: %s: %s", rows[i].what, hv_docker_outcome_name(r->outcome), r->message);
        }
        stalls.stall_us = 50000;
        hv_fake_add(x->fake,
                    &(struct hv_fake_rule){ .match = "POST /images/create",
                                            .raw = "HTTP/1.1 200 OK\r\n\r\n{\"status\":\"Waiting\"}\n",
                                            .then = HV_FAKE_HANG });
        assert_int_equal(CALL(x, hv_docker_image_pull, &stalls)->error, -ETIMEDOUT);
        assert_int_equal(x->result.outcome, HV_DOCKER_UNKNOWN);
}

/* The login goes into one header, and nowhere else. */
static void test_pull_login(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_(hv_secret_freep) struct hv_secret *password = hv_secret_new("p\"w\xc3\xa4\n>", 7);
        const struct hv_docker_auth auth = { .username = "user",
                                             .password = password,
                                             .server = "127.0.0.1:5000" };
        const struct hv_docker_pull pull = { .image = "127.0.0.1:5000/a:1", .auth = &auth };
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        char decoded[400] = {};
        const char *header, *value;
        size_t len;

        serve(x, "POST /images/create", "", 0, 1, true);
        assert_int_equal(CALL(x, hv_docker_image_pull, &pull)->outcome, HV_DOCKER_OK);
        header = hv_fake_head(x->fake, 1);
        value = strstr(header, "\r\nX-Registry-Auth: ");
        assert_non_null(value);
        value += strlen("\r\nX-Registry-Auth: ");
        assert_true(hv_base64_decode(value, strcspn(value, "\r"), decoded, &len));
        assert_null(memchr(value, '+', strcspn(value, "\r")));
        assert_null(memchr(value, '/', strcspn(value, "\r")));
        assert_int_equal(hv_json_parse(decoded, len, len, &j, NULL), 0);
        assert_string_equal(hv_json_str(j, "username"), "user");
        assert_string_equal(hv_json_str(j, "password"), "p\"w\xc3\xa4\n>");
        assert_string_equal(hv_json_str(j, "serveraddress"), "127.0.0.1:5000");
        serve(x, "POST /images/create", "{\"error\":\"unauthorized\"}\n", 25, 25, true);
        assert_int_equal(CALL(x, hv_docker_image_pull, &pull)->outcome, HV_DOCKER_DENIED);
        assert_null(strstr(x->result.message, "p\"w"));
}

/* What was in an archive, one name after the other. */
static void on_image(void *userdata, const char *name) {
        hv_buf_printf(userdata, "%s;", name);
}

static void test_load(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_free_ char *path = hv_asprintf("%s/a.tar", x->dir);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        _hv_cleanup_free_ char *data = hv_malloc(300000);

        _hv_cleanup_(hv_buf_done) struct hv_buf names = {};
        struct hv_docker_load load;
        static const char lines[] =
                "{\"stream\":\"Loaded image: a:1\\n\"}\n{\"stream\":\"Loaded image ID: sha256:77\\n\"}\n"
                "{\"stream\":\"Loaded image: b:1,c:1\"}\n{\"stream\":\"nothing of that kind\"}\n";
        memset(data, 'z', 300000);
        assert_int_equal(write(fd, data, 300000), 300000);
        close(fd);
        serve(x, "POST /images/load", lines, sizeof lines - 1, sizeof lines - 1, true);
        load = (struct hv_docker_load){ .path = path, .on_image = on_image, .userdata = &names };
        assert_int_equal(CALL(x, hv_docker_image_load, &load)->outcome, HV_DOCKER_OK);
        assert_string_equal(hv_buf_str(&names), "a:1;sha256:77;b:1;c:1;");
        assert_int_equal(strlen(hv_fake_body(x->fake, 1)), 300000);
        serve(x, "POST /images/load", "{\"errorDetail\":{\"message\":\"invalid tar header\"}}\n", 50, 50,
              true);
        assert_int_equal(
                CALL(x, hv_docker_image_load, &(const struct hv_docker_load){ .path = path })->outcome,
                HV_DOCKER_ENGINE_ERROR);
        assert_string_equal(x->result.message, "invalid tar header");
        (void) unlink(path);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_events_in_any_piece),
                TEST(test_events_ask),
                TEST(test_events_overlong_line),
                TEST(test_events_lost),
                TEST(test_events_never_open),
                TEST(test_free_at_an_event),
                TEST(test_logs_in_any_piece),
                TEST(test_part_of_a_log),
                TEST(test_logs_that_are_not_framed),
                TEST(test_logs_huge_frame),
                TEST(test_logs_of_a_terminal),
                TEST(test_free_at_the_last_piece),
                TEST(test_pull_progress),
                TEST(test_pull_tags),
                TEST(test_pull_errors),
                TEST(test_pull_login),
                TEST(test_load),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The server and curl(1): a client that nobody here wrote. */
#include "testing.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "web.h"

extern char **environ;

static int set_up(void **state) {
        *state = web_start(NULL);
        return 0;
}

struct curl {
        pid_t pid;
        int fd;
        struct hv_buf out;
};

static struct curl curl_start(struct web *w, bool on_unix, const char *path, const char *const *options) {
        char url[200];
        const char *argv[24] = { "curl", "-sS", "-q", "--noproxy", "*", "-m", "20" };
        posix_spawn_file_actions_t actions;
        struct curl c = {};
        size_t n = 7;
        int pipe_fds[2];

        (void) snprintf(url, sizeof url, "http://localhost:%u%s", hv_http_server_port(w->server), path);
        if (on_unix) {
                argv[n++] = "--unix-socket";
                argv[n++] = w->path;
        }
        for (size_t i = 0; options && options[i]; i++)
                argv[n++] = options[i];
        argv[n++] = url;
        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
        assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
        assert_int_equal(posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO), 0);
        assert_int_equal(posix_spawnp(&c.pid, "curl", &actions, NULL, (char *const *) argv, environ), 0);
        (void) posix_spawn_file_actions_destroy(&actions);
        (void) close(pipe_fds[1]);
        c.fd = pipe_fds[0];
        assert_int_equal(fcntl(c.fd, F_SETFL, O_NONBLOCK), 0);
        return c;
}

static bool curl_read(struct curl *c) {
        char data[65536];
        ssize_t n = read(c->fd, data, sizeof data);

        if (n > 0)
                hv_buf_add(&c->out, data, (size_t) n);
        return n == 0;
}

/* Its exit code; the output stays in c->out. */
static int curl_wait(struct web *w, struct curl *c) {
        int status;

        web_wait(w, curl_read(c));
        (void) close(c->fd);
        assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void test_requests(void **state) {
        static const struct {
                const char *what;
                bool on_unix;
                const char *path, *options[7], *want; /* the end of what curl prints */
        } ROWS[] = {
                { "GET over TCP", false, "/tail?n=5", {}, "5" },
                { "GET over the socket", true, "/tail?n=6", {}, "6" },
                { "localhost by IPv4 and Host", false, "/hello", { "-4" }, "{\"hello\":\"127.0.0.1\"}" },
                { "HEAD",
                  false,
                  "/big",
                  { "-I", "-o", "/dev/null", "-w", "%{http_code} %header{content-length}" },
                  "200 8388608" },
                { "POST", true, "/echo", { "-d", "a=b" }, "a=b" },
                { "POST over TCP",
                  false,
                  "/echo",
                  { "-d", "a=b", "-o", "/dev/null", "-w", "%{http_code}" },
                  "405" },
                { "chunked POST", true, "/echo", { "-H", "Transfer-Encoding: chunked", "-d", "abc" }, "abc" },
                { "HTTP/1.0", true, "/tail?n=7", { "-0" }, "7" },
                { "body after 100-continue",
                  true,
                  "/echo",
                  { "-H", "Expect: 100-continue", "-d", "abcd" },
                  "abcd" },
                { "not modified",
                  false,
                  "/etag",
                  { "-H", "If-None-Match: \"rev-7\"", "-w", "%{http_code}" },
                  "304" },
                { "8 MiB", false, "/big", { "-o", "/dev/null", "-w", "%{size_download}" }, "8388608" },
        };
        struct web *w = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(ROWS); i++) {
                struct curl c = curl_start(w, ROWS[i].on_unix, ROWS[i].path, ROWS[i].options);
                int exit_code = curl_wait(w, &c);
                const char *out = hv_buf_str(&c.out);
                size_t len = strlen(ROWS[i].want);

                if (exit_code != 0 || c.out.len < len || !hv_streq(out + c.out.len - len, ROWS[i].want))
                        fail_msg("%s: exit %d, printed %s, want %s", ROWS[i].what, exit_code, out,
                                 ROWS[i].want);
                hv_buf_done(&c.out);
        }
}

/* curl asks before it sends a large body: the refusal must come before the body does. */
static void test_large_body_is_refused_unsent(void **state) {
        struct web *w = *state;
        char file[64];
        struct curl c;
        int fd;

        (void) snprintf(file, sizeof file, "@%s/body", w->dir);
        fd = open(file + 1, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, 64 << 20), 0);
        (void) close(fd);
        c = curl_start(w, true, "/echo",
                       (const char *const[]){ "-T", file + 1, "-X", "POST", "-o", "/dev/null", "-w",
                                              "%{http_code} %{size_upload}", NULL });
        assert_int_equal(curl_wait(w, &c), 0);
        assert_string_equal(hv_buf_str(&c.out), "413 0");
        (void) unlink(file + 1);
        hv_buf_done(&c.out);
}

static void test_events(void **state) {
        struct web *w = *state;
        struct curl c = curl_start(w, false, "/events",
                                   (const char *const[]){ "-N", "-H", "Last-Event-ID: 1", NULL });

        web_wait(w, curl_read(&c) || strstr(hv_buf_str(&c.out), "data: old 3\n\n"));
        hv_http_sse_broadcast(w->hub, "4", "status", "new");
        web_wait(w, curl_read(&c) || strstr(hv_buf_str(&c.out), "id: 4\nevent: status\ndata: new\n\n"));
        w->hub = hv_http_sse_hub_free(w->hub);
        assert_int_equal(curl_wait(w, &c), 0); /* 18 would be: the transfer was torn */
        hv_buf_done(&c.out);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_requests, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_large_body_is_refused_unsent, set_up, web_tear_down),
                cmocka_unit_test_setup_teardown(test_events, set_up, web_tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

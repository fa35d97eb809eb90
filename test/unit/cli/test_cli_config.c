/* The user's own file of hivectl: what it says counts where nothing else was said, and nobody else may have written it. */
#include "testing.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "run.h"

struct home {
        char dir[64];
        char *folder, *file, *token;
        char *variable; /* XDG_CONFIG_HOME=... */
};

static void put_file(const char *path, const char *text, unsigned mode) {
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(chmod(path, mode), 0);
}

static int make_home(void **state) {
        struct home *h = HV_NEW(struct home);

        strcpy(h->dir, "/tmp/hv-config-XXXXXX");
        assert_non_null(mkdtemp(h->dir));
        h->folder = hv_asprintf("%s/hivelet", h->dir);
        h->file = hv_asprintf("%s/config.yaml", h->folder);
        h->token = hv_asprintf("%s/token", h->folder);
        h->variable = hv_asprintf("XDG_CONFIG_HOME=%s", h->dir);
        assert_int_equal(mkdir(h->folder, 0700), 0);
        *state = h;
        return 0;
}

static int remove_home(void **state) {
        struct home *h = *state;

        (void) unlink(h->file);
        (void) unlink(h->token);
        assert_int_equal(rmdir(h->folder), 0);
        assert_int_equal(rmdir(h->dir), 0);
        free(h->folder);
        free(h->file);
        free(h->token);
        free(h->variable);
        free(h);
        return 0;
}

static struct run with(const struct home *h, struct stage *s, const char *words, const char *more) {
        return run(s, words,
                   &(struct run_options){ .environment = (const char *const[]){ h->variable, more, NULL } });
}

static void expect(struct run r, const char *what, int code, const char *out, const char *err) {
        if (r.code != code || (out && !strstr(hv_buf_str(&r.out), out)) ||
            (err && !strstr(hv_buf_str(&r.err), err)))
                fail_msg("%s: code %d\n%s\n%s", what, r.code, hv_buf_str(&r.out), hv_buf_str(&r.err));
        run_done(&r);
}

static void output_is_a_default(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct home *h = *state;

        put_file(h->file, "output: name\n", 0600);
        expect(with(h, s, "get svc web", NULL), "of the file", 0, "service/web\n", NULL);
        expect(with(h, s, "get svc web -o wide", NULL), "an option goes before", 0, "DECLARED", NULL);
        expect(with(h, s, "status", NULL), "a verb without that form", 0, "converged", NULL);
        put_file(h->file, "# nothing yet\n", 0600);
        expect(with(h, s, "get svc web", NULL), "an empty file", 0, "READY", NULL);
        assert_int_equal(unlink(h->file), 0);
        expect(with(h, s, "get svc web", NULL), "no file", 0, "READY", NULL);
}

static void the_socket_is_a_default(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_free_ char *text = hv_asprintf("socket: %s\n", s->socket);
        struct home *h = *state;

        put_file(h->file, text, 0600);
        expect(with(h, s, "status", "HIVELET_SOCKET="), "of the file", 0, "converged", NULL);
        expect(with(h, s, "status", "HIVELET_SOCKET=/nowhere"), "the environment goes before", 7, NULL,
               "/nowhere");
        expect(with(h, s, "status --socket /nowhere", "HIVELET_SOCKET="), "an option goes before", 7, NULL,
               "/nowhere");
        expect(with(h, s, "status", "HIVELET_HOST=https://127.0.0.1:1"), "so does a host of the environment",
               7, NULL, "https://127.0.0.1:1 cannot be reached");
}

static void the_host_is_a_default(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct home *h = *state;

        put_file(h->file, "host: https://127.0.0.1:1\ntokenFile: token\n", 0600);
        put_file(h->token, "hvt_x\n", 0600);
        expect(with(h, s, "status", "HIVELET_SOCKET="), "of the file", 7, NULL,
               "https://127.0.0.1:1 cannot be reached");
        expect(with(h, s, "status", NULL), "a socket of the environment goes before", 0, "converged", NULL);
        put_file(h->token, "hvt_x\n", 0640);
        expect(with(h, s, "status", "HIVELET_SOCKET="), "a token that others read", 1, NULL,
               "must be 0600 or stricter");
        put_file(h->token, "hvt_x\nand more\n", 0600);
        expect(with(h, s, "status", "HIVELET_SOCKET="), "no token", 1, NULL, "expected a token on one line");
        expect(with(h, s, "status", NULL), "another agent needs no token", 0, "converged", NULL);
}

static void what_is_wrong_is_named(void **state) {
        static const struct {
                const char *text;
                unsigned mode;
                const char *says;
        } rows[] = {
                { "output: name\n", 0620, "writable by group" },
                { "output: name\n", 0602, "writable by everyone" },
                { "hots: https://127.0.0.1:1\n", 0600,
                  "config.yaml:1: unknown field hots; did you mean host?" },
                { "output: name\nxyzzy: 1\n", 0600,
                  "config.yaml:2: expected host, socket, caFile, tokenFile or output" },
                { "output: sarif\n", 0600,
                  "config.yaml:1: output: expected table, wide, json, jsonl, yaml or name" },
                { "output: [name]\n", 0600, "expected text behind \"output\"" },
                { "output: name\noutput: wide\n", 0600, "config.yaml:2: " },
                { "- output\n", 0600, "found a list" },
                { "host: https://a:1\nsocket: /b\n", 0600, "host or socket, not both" },
                { "tokenFile: token\n", 0600, "tokenFile is of a host, and none is named" },
                { "output: name\n---\noutput: wide\n", 0600, "expected one document, found 2" },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct home *h = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                put_file(h->file, rows[i].text, rows[i].mode);
                expect(with(h, s, "get svc", NULL), rows[i].says, 1, NULL, rows[i].says);
        }
        expect(with(h, s, "help get", NULL), "help needs no file", 0, "list objects", NULL);
}

/* Who runs hivectl as root in a folder of his own must not be able to point it anywhere. */
static void a_file_of_somebody_else_is_refused(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct home *h = *state;

        put_file(h->file, "output: name\n", 0600);
        if (geteuid() == 0)
                assert_int_equal(chown(h->file, 65534, 65534), 0);
        expect(with(h, s, "get svc web", NULL), "owned by another", geteuid() == 0 ? 1 : 0,
               geteuid() == 0 ? NULL : "service/web", geteuid() == 0 ? "owned by uid 65534" : NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(output_is_a_default, make_home, remove_home),
                cmocka_unit_test_setup_teardown(the_socket_is_a_default, make_home, remove_home),
                cmocka_unit_test_setup_teardown(the_host_is_a_default, make_home, remove_home),
                cmocka_unit_test_setup_teardown(what_is_wrong_is_named, make_home, remove_home),
                cmocka_unit_test_setup_teardown(a_file_of_somebody_else_is_refused, make_home, remove_home),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

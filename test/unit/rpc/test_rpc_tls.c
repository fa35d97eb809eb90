/* Who is believed, by both sides; files that are wrong; files that change. */
#include "testing.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "stage.h"

static char certs[] = "/tmp/hv-rpc-certs-XXXXXX";

static const char *file(const char *name) {
        static char paths[8][128];
        static unsigned n;
        char *path = paths[n++ % 8];

        if (!name)
                return NULL;
        (void) snprintf(path, sizeof paths[0], "%s/%s", certs, name);
        return path;
}

static int make_certificates(void **state) {
        _hv_cleanup_free_ char *command = NULL;

        (void) state;
        assert_non_null(mkdtemp(certs));
        command = hv_asprintf("/usr/bin/python3 %s/test/unit/rpc/certificates.py %s", HV_SOURCE_DIR, certs);
        return system(command);
}

static int remove_certificates(void **state) {
        _hv_cleanup_free_ char *command = hv_asprintf("rm -r %s", certs);

        (void) state;
        return system(command);
}

/* NAME: NAME.pem and NAME.key; NULL: none. */
static struct hv_rpc_credentials *credentials(bool is_server, const char *ca, const char *name) {
        char cert[64] = "", key[64] = "";
        struct hv_rpc_credentials *c = NULL;
        struct hv_rpc_tls_files files = { .ca_file = file(ca) };
        struct hv_err err = {};
        int r;

        (void) snprintf(cert, sizeof cert, "%s.pem", name ? name : "");
        (void) snprintf(key, sizeof key, "%s.key", name ? name : "");
        files.cert_file = name ? file(cert) : NULL;
        files.key_file = name ? file(key) : NULL;
        r = is_server ? hv_rpc_credentials_new_server(&files, &c, &err)
                      : hv_rpc_credentials_new_client(&files, &c, &err);
        if (r < 0)
                fail_msg("%s", err.msg);
        return c;
}

/* --- handshakes --- */

static void test_handshakes(void **state) {
        static const struct {
                const char *what;
                const char *server_ca, *server; /* NULL, NULL: plain text */
                const char *client_ca, *client;
                bool plain_client;
                const char *server_name;
                enum hv_rpc_status status;
                const char *says, *names;
        } rows[] = {
                { "mutual", "ca.pem", "server", "ca.pem", "client", .status = HV_RPC_OK,
                  .names = "pool.test spiffe://test/pool" },
                { "the server alone", NULL, "server", "ca.pem", NULL, .status = HV_RPC_OK, .names = "" },
                { "by the name", NULL, "server", "ca.pem", NULL, .server_name = "node.test",
                  .status = HV_RPC_OK },
                { "a certificate nobody asked for", NULL, "server", "ca.pem", "client", .status = HV_RPC_OK,
                  .names = "" },

                { "server: expired", NULL, "server-expired", "ca.pem", NULL,
                  .says = "certificate verify failed" },
                { "server: not yet valid", NULL, "server-not-yet", "ca.pem", NULL,
                  .says = "certificate verify failed" },
                { "server: another name", NULL, "server-wrong-name", "ca.pem", NULL,
                  .says = "is not in peer certificate" },
                { "server: not the name asked for", NULL, "server", "ca.pem", NULL,
                  .server_name = "pool.test", .says = "pool.test is not in peer certificate" },
                { "server: a client's certificate", NULL, "server-wrong-usage", "ca.pem", NULL,
                  .says = "certificate verify failed" },
                { "server: signed by itself", NULL, "server-self-signed", "ca.pem", NULL,
                  .says = "certificate verify failed" },
                { "server: another authority", NULL, "server-other-ca", "ca.pem", NULL,
                  .says = "certificate verify failed" },
                { "server: plain text", NULL, NULL, "ca.pem", NULL, .says = "" },
                { "server: the system's authorities", NULL, "server", NULL, NULL,
                  .says = "certificate verify failed" },

                { "client: plain text", NULL, "server", NULL, NULL, .plain_client = true, .says = "" },
                { "client: no certificate", "ca.pem", "server", "ca.pem", NULL, .says = "" },
                { "client: another authority", "ca.pem", "server", "ca.pem", "client-other-ca", .says = "" },
                { "client: expired", "ca.pem", "server", "ca.pem", "client-expired", .says = "" },
                { "client: not yet valid", "ca.pem", "server", "ca.pem", "client-not-yet", .says = "" },
                { "client: a server's certificate", "ca.pem", "server", "ca.pem", "client-wrong-usage",
                  .says = "" },
                { "client: signed by itself", "ca.pem", "server", "ca.pem", "client-self-signed",
                  .says = "" },
        };
        struct stage *x = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *server = NULL,
                                                                                 *client = NULL;
                _hv_cleanup_(outcome_done) struct outcome o = {};
                enum hv_rpc_status want = rows[i].says ? HV_RPC_UNAVAILABLE : rows[i].status;

                x->n_requests = 0;
                if (rows[i].server)
                        server = credentials(true, rows[i].server_ca, rows[i].server);
                if (!rows[i].plain_client)
                        client = credentials(false, rows[i].client_ca, rows[i].client);
                stage_serve(x, &(struct hv_rpc_server_options){ .credentials = server });
                stage_connect(x, &(struct hv_rpc_channel_options){ .credentials = client,
                                                                   .server_name = rows[i].server_name });
                start_call(&o, x, ECHO, message("x", 1), 0);
                wait_end(&o);
                if (o.status != want || (rows[i].says && !strstr(o.text, rows[i].says)) ||
                    x->n_requests != (want == HV_RPC_OK) ||
                    (rows[i].names && !hv_streq(x->names, rows[i].names)))
                        fail_msg("%s: %s (%s), %u requests, names %s\n%s", rows[i].what,
                                 hv_rpc_status_name(o.status), o.text, x->n_requests, x->names,
                                 hv_buf_str(&x->log));
                stage_free_server(x);
        }
}

/* A certificate of the right authority is not enough where the name is not that of the pool. */
static enum hv_rpc_status only_the_pool(void *userdata, const struct hv_rpc_peer *peer, const char *path,
                                        const char **text) {
        (void) userdata;
        (void) path;
        *text = "not the pool";
        return hv_rpc_peer_has_name(peer, "POOL.test") ? HV_RPC_OK : HV_RPC_PERMISSION_DENIED;
}

static void test_name_of_the_client(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *server =
                credentials(true, "ca.pem", "server");
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *pool =
                credentials(false, "ca.pem", "client");
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *node =
                credentials(false, "ca.pem", "server");
        _hv_cleanup_(outcome_done) struct outcome good, bad;

        stage_serve(x, &(struct hv_rpc_server_options){ .credentials = server, .accept = only_the_pool });
        stage_connect(x, &(struct hv_rpc_channel_options){ .credentials = pool });
        call_expecting(&good, x, ECHO, NULL, HV_RPC_OK);
        stage_connect(x, &(struct hv_rpc_channel_options){ .credentials = node });
        call_expecting(&bad, x, ECHO, NULL, HV_RPC_PERMISSION_DENIED);
        assert_int_equal(x->n_requests, 1);
}

/* A TLS server that does not choose "h2" is no gRPC server, whatever it says afterwards. */
static void test_no_alpn(void **state) {
        static const char program[] = "import socket, ssl, sys\n"
                                      "c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
                                      "c.load_cert_chain(sys.argv[1], sys.argv[2])\n"
                                      "s = socket.create_server(('127.0.0.1', 0))\n"
                                      "print(s.getsockname()[1], flush=True)\n"
                                      "try:\n"
                                      "    c.wrap_socket(s.accept()[0], server_side=True).recv(1)\n"
                                      "except OSError:\n"
                                      "    pass\n";
        struct stage *x = *state;
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *client =
                credentials(false, "ca.pem", NULL);
        _hv_cleanup_(outcome_done) struct outcome o;
        _hv_cleanup_free_ char *command = hv_asprintf("exec /usr/bin/python3 -c \"%s\" %s %s", program,
                                                      file("server.pem"), file("server.key"));
        char target[64];
        unsigned port = 0;
        FILE *f = popen(command, "re");

        assert_non_null(f);
        assert_int_equal(fscanf(f, "%u", &port), 1);
        (void) snprintf(target, sizeof target, "127.0.0.1:%u", port);
        stage_connect(x, &(struct hv_rpc_channel_options){ .target = target, .credentials = client });
        call_expecting(&o, x, ECHO, NULL, HV_RPC_UNAVAILABLE);
        assert_non_null(strstr(o.text, "ALPN"));
        assert_int_equal(pclose(f), 0); /* it ends with the connection */
}

/* --- files --- */

static void test_bad_files(void **state) {
        static const struct {
                const char *what;
                bool is_server;
                const char *ca, *cert, *key;
                int error;
                const char *says[2];
        } rows[] = {
                { "no authorities",
                  false,
                  "absent.pem",
                  NULL,
                  NULL,
                  -ENOENT,
                  { "absent.pem", "No such file" } },
                { "a folder", false, ".", NULL, NULL, -EINVAL, { "authorities", "a file of at most" } },
                { "empty", false, "empty.pem", NULL, NULL, -EINVAL, { "empty.pem", "holds no certificate" } },
                { "garbage",
                  false,
                  "garbage.pem",
                  NULL,
                  NULL,
                  -EINVAL,
                  { "garbage.pem", "holds no certificate" } },
                { "a key", false, "ca.key", NULL, NULL, -EINVAL, { "ca.key", "holds no certificate" } },
                { "cut",
                  false,
                  "cut.pem",
                  NULL,
                  NULL,
                  -EINVAL,
                  { "cut.pem", "certificate 1 of it is broken" } },
                { "no base64", false, "bad-base64.pem", NULL, NULL, -EINVAL, { "bad-base64.pem", "broken" } },
                { "no certificate inside",
                  false,
                  "bad-der.pem",
                  NULL,
                  NULL,
                  -EINVAL,
                  { "bad-der.pem", "broken" } },
                { "the second one is broken",
                  false,
                  "good-and-bad.pem",
                  NULL,
                  NULL,
                  -EINVAL,
                  { "certificate 2", "broken" } },
                { "no certificate",
                  false,
                  "ca.pem",
                  "absent.pem",
                  "client.key",
                  -ENOENT,
                  { "certificate", "absent.pem" } },
                { "no key", false, "ca.pem", "client.pem", "absent.key", -ENOENT, { "key", "absent.key" } },
                { "a certificate alone",
                  false,
                  "ca.pem",
                  "client.pem",
                  NULL,
                  -EINVAL,
                  { "client.pem", "belong together" } },
                { "a key alone",
                  false,
                  "ca.pem",
                  NULL,
                  "client.key",
                  -EINVAL,
                  { "client.key", "belong together" } },
                { "garbage for a key",
                  false,
                  "ca.pem",
                  "client.pem",
                  "garbage.pem",
                  -EINVAL,
                  { "garbage.pem", "holds no private key" } },
                { "a certificate for a key",
                  false,
                  "ca.pem",
                  "client.pem",
                  "client.pem",
                  -EINVAL,
                  { "key", "holds no private key" } },
                { "a broken key",
                  false,
                  "ca.pem",
                  "client.pem",
                  "bad.key",
                  -EINVAL,
                  { "bad.key", "is broken" } },
                { "an encrypted key",
                  false,
                  "ca.pem",
                  "encrypted.pem",
                  "encrypted.key",
                  -EINVAL,
                  { "encrypted.key", "is encrypted" } },
                { "another's key",
                  false,
                  "ca.pem",
                  "client.pem",
                  "server.key",
                  -EINVAL,
                  { "server.key: is not the key of", "client.pem" } },
                { "another's key, server",
                  true,
                  NULL,
                  "server.pem",
                  "client.key",
                  -EINVAL,
                  { "client.key: is not the key of", "server.pem" } },
                { "a server without", true, "ca.pem", NULL, NULL, -EINVAL, { "needs a certificate", "key" } },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_rpc_tls_files files = { file(rows[i].ca), file(rows[i].cert), file(rows[i].key) };
                struct hv_rpc_credentials *c = NULL;
                struct hv_err err = {};
                int r = rows[i].is_server ? hv_rpc_credentials_new_server(&files, &c, &err)
                                          : hv_rpc_credentials_new_client(&files, &c, &err);

                if (r != rows[i].error || c || !strstr(err.msg, rows[i].says[0]) ||
                    !strstr(err.msg, rows[i].says[1]))
                        fail_msg("%s: %d: %s", rows[i].what, r, err.msg);
        }
}

static void test_wrong_side(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *server =
                credentials(true, "ca.pem", "server");
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *client =
                credentials(false, "ca.pem", "client");
        struct hv_rpc_channel *channel = NULL;
        struct hv_rpc_server *s = NULL;
        struct hv_err err = {};

        assert_int_equal(
                hv_rpc_channel_new(x->rpc,
                                   &(struct hv_rpc_channel_options){ .target = "a:1", .credentials = server },
                                   &channel, &err),
                -EINVAL);
        assert_int_equal(hv_rpc_server_new(x->rpc,
                                           &(struct hv_rpc_server_options){ .listen = "127.0.0.1:0",
                                                                            .credentials = client },
                                           &s, &err),
                         -EINVAL);
        assert_false(hv_rpc_is_running(x->rpc));
        assert_false(hv_rpc_credentials_is_insecure(server));
        assert_true(hv_rpc_credentials_is_insecure(x->plain));
        assert_int_equal(hv_rpc_credentials_expire_us(x->plain), HV_TIME_NEVER);
        assert_in_range(hv_rpc_credentials_expire_us(client) / HV_USEC_PER_SEC,
                        (uint64_t) time(NULL) + 9 * 86400, (uint64_t) time(NULL) + 11 * 86400);
}

/* --- rotation --- */

static void install(const char *name, const char *as) {
        _hv_cleanup_free_ char *command =
                hv_asprintf("cd %s && for kind in pem key; do cp %s.$kind .new && mv .new %s.$kind; done",
                            certs, name, as);

        assert_int_equal(system(command), 0);
}

/* The server gets a new certificate of another authority: new connections see it, the old one goes on. */
static void test_server_rotates(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *server = NULL;
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *old_client =
                credentials(false, "ca.pem", NULL);
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *new_client =
                credentials(false, "other-ca.pem", NULL);
        _hv_cleanup_(outcome_done) struct outcome before, connected, stranger, fresh;
        bool changed = true;
        struct hv_rpc_channel *first;

        install("server", "now");
        server = credentials(true, NULL, "now");
        stage_serve(x, &(struct hv_rpc_server_options){ .credentials = server });
        stage_connect(x, &(struct hv_rpc_channel_options){ .credentials = old_client });
        call_expecting(&before, x, ECHO, NULL, HV_RPC_OK);
        assert_int_equal(hv_rpc_credentials_reload(server, &changed, NULL), 0);
        assert_false(changed);

        install("server-other-ca", "now");
        assert_int_equal(hv_rpc_credentials_reload(server, &changed, NULL), 0);
        assert_true(changed);
        call_expecting(&connected, x, ECHO, NULL, HV_RPC_OK);
        first = HV_STEAL(x->channel);
        stage_connect(x, &(struct hv_rpc_channel_options){ .credentials = old_client });
        call_expecting(&stranger, x, ECHO, NULL, HV_RPC_UNAVAILABLE);
        stage_connect(x, &(struct hv_rpc_channel_options){ .credentials = new_client });
        call_expecting(&fresh, x, ECHO, NULL, HV_RPC_OK);
        hv_rpc_channel_free(first);
}

/* The client gets new files: the next call is made with them, while one that runs ends on the old connection. */
static void test_client_rotates(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *server =
                credentials(true, "ca.pem", "server");
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *client = NULL;
        _hv_cleanup_(outcome_done) struct outcome running = {}, again, stream = { .greedy = true };
        bool changed = false;

        install("client", "now");
        client = credentials(false, "ca.pem", "now");
        stage_serve(x, &(struct hv_rpc_server_options){ .credentials = server });
        stage_connect(x, &(struct hv_rpc_channel_options){ .credentials = client });
        start_call(&running, x, LATER, message("old", 3), 0);
        hv_test_run_until(x->event, x->kept.n == 1);
        start_stream(&stream, x, TICK, NULL, HV_TIME_NEVER);
        hv_test_run_until(x->event, x->kept.n == 2);
        assert_string_equal(x->names, "pool.test spiffe://test/pool");

        install("server", "now"); /* one that is good for both sides, and has other names */
        assert_int_equal(hv_rpc_credentials_reload(client, &changed, NULL), 0);
        assert_true(changed);
        call_expecting(&again, x, ECHO, NULL, HV_RPC_OK);
        assert_string_equal(x->names, "node.test 127.0.0.1");
        hv_rpc_server_call_reply(x->kept.v[0], HV_STEAL(x->requests.v[0]));
        wait_end(&running);
        assert_int_equal(running.status, HV_RPC_OK);
        assert_int_equal(stream.n_ends, 0);
        assert_int_equal(hv_rpc_server_call_send(x->kept.v[1], message("x", 1)), 0);
        hv_test_run_until(x->event, stream.n_messages == 1);
}

/* Files that are wrong change nothing, on either side. */
static void test_bad_rotation(void **state) {
        static const struct {
                const char *cert, *key, *says;
        } rows[] = {
                { "garbage.pem", "server.key", "holds no certificate" },
                { "server-other-ca.pem", "server.key", "is not the key" },
                { "server.pem", "bad.key", "is broken" },
                { "absent.pem", "server.key", "No such file" },
        };
        struct stage *x = *state;
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *server = NULL;
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *client =
                credentials(false, "ca.pem", NULL);

        install("server", "now");
        server = credentials(true, NULL, "now");
        stage_serve(x, &(struct hv_rpc_server_options){ .credentials = server });
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(outcome_done) struct outcome o;
                _hv_cleanup_free_ char *command =
                        hv_asprintf("cd %s && rm -f now.pem; cp %s now.pem 2>/dev/null; cp %s now.key", certs,
                                    rows[i].cert, rows[i].key);
                struct hv_err err = {};
                bool changed = false;

                assert_int_equal(system(command), 0);
                assert_true(hv_rpc_credentials_reload(server, &changed, &err) < 0);
                assert_false(changed);
                if (!strstr(err.msg, rows[i].says))
                        fail_msg("%s, %s: %s", rows[i].cert, rows[i].key, err.msg);
                stage_connect(x, &(struct hv_rpc_channel_options){ .credentials = client });
                call_expecting(&o, x, ECHO, NULL, HV_RPC_OK);
        }
}

/* --- what gRPC says --- */

/* A client that fails as often as it likes does not fill the log. */
static void test_log_is_bounded(void **state) {
        struct stage *x = *state;
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *server =
                credentials(true, "ca.pem", "server");
        _hv_cleanup_(hv_rpc_credentials_freep) struct hv_rpc_credentials *client =
                credentials(false, "ca.pem", "client-expired");

        stage_serve(x, &(struct hv_rpc_server_options){ .credentials = server });
        for (int i = 0; i < 40; i++) {
                _hv_cleanup_(outcome_done) struct outcome o;

                stage_connect(x, &(struct hv_rpc_channel_options){ .credentials = client });
                call_expecting(&o, x, ECHO, NULL, HV_RPC_UNAVAILABLE);
        }
        hv_test_drain(x->event);
        assert_in_range(x->n_lines, 1, 20);
        assert_non_null(strstr(hv_buf_str(&x->log), "<4>"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, stage_set_up, stage_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_handshakes),     TEST(test_name_of_the_client), TEST(test_no_alpn),
                TEST(test_bad_files),      TEST(test_wrong_side),         TEST(test_server_rotates),
                TEST(test_client_rotates), TEST(test_bad_rotation),       TEST(test_log_is_bounded),
        };

        return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}

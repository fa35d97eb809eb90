/* download: a server that misbehaves, and addresses that are not public. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/sha256.h"
#include "task/address_policy.h"
#include "task/download.h"
#include "task/prepare.h"
#include "transfer/transfer.h"

#define BODY_BYTES 300000u
#define ANY_SHA256 "0000000000000000000000000000000000000000000000000000000000000000"

static pid_t server_pid;
static char server_port[16], server_dir[64], body_sha256[HV_SHA256_HEX_SIZE];

/* One server for all tests of this program; it is there when its file of the port is. */
static int start_server(void **state) {
        _hv_cleanup_free_ char *script = hv_asprintf("%s/test/unit/task/input_server.py", HV_SOURCE_DIR);
        _hv_cleanup_free_ char *file = NULL, *port = NULL, *body = hv_malloc(BODY_BYTES);
        struct inotify_event event[16];
        int watch;

        (void) state;
        strcpy(server_dir, "/tmp/hv-server-XXXXXX");
        if (!mkdtemp(server_dir))
                return -1;
        file = hv_asprintf("%s/port", server_dir);
        watch = inotify_init1(IN_CLOEXEC);
        if (watch < 0 || inotify_add_watch(watch, server_dir, IN_MOVED_TO) < 0)
                return -1;
        server_pid = fork();
        if (server_pid == 0) {
                (void) execlp("python3", "python3", script, file, (char *) NULL);
                _exit(127);
        }
        if (read(watch, event, sizeof event) <= 0)
                return -1;
        (void) close(watch);
        port = bench_read(file);
        (void) snprintf(server_port, sizeof server_port, "%s", port);
        for (unsigned i = 0; i < BODY_BYTES; i++)
                body[i] = (char) (i * 31 + (i >> 8));
        hv_sha256_hex(body, BODY_BYTES, body_sha256);
        return 0;
}

static int stop_server(void **state) {
        _hv_cleanup_free_ char *file = hv_asprintf("%s/port", server_dir);

        (void) state;
        (void) kill(server_pid, SIGKILL);
        (void) waitpid(server_pid, NULL, 0);
        (void) unlink(file);
        return rmdir(server_dir);
}

struct got {
        struct bench *b;
        struct hv_transfer *transfer;
        struct hv_download_options o;
        struct hv_download *download;
        char url[256];
        bool done;
        int error;
        char message[480], sha256[HV_SHA256_HEX_SIZE];
        uint64_t size_bytes;
};

static void on_done(void *userdata, const struct hv_downloaded *result) {
        struct got *g = userdata;

        g->done = true;
        g->error = result->error;
        g->size_bytes = result->size_bytes;
        (void) snprintf(g->message, sizeof g->message, "%s", result->message);
        strcpy(g->sha256, result->sha256);
}

static void begin(struct got *g, struct bench *b, const char *path) {
        *g = (struct got){ .b = b };
        assert_int_equal(hv_transfer_new(b->event, NULL, &g->transfer, NULL), 0);
        (void) snprintf(g->url, sizeof g->url, "%s%s%s", *path == '/' ? "http://127.0.0.1:" : "",
                        *path == '/' ? server_port : "", path);
        g->o = (struct hv_download_options){ .event = b->event,
                                             .worker = b->worker,
                                             .transfer = g->transfer,
                                             .url = g->url,
                                             .sha256 = body_sha256,
                                             .max_bytes = 1 << 20,
                                             .dir_fd = open(b->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                                             .name = "file",
                                             .allow_private = true,
                                             .timeout_us = 20 * HV_USEC_PER_SEC,
                                             .retry_us = 1000,
                                             .idle_us = 10 * HV_USEC_PER_SEC,
                                             .done = on_done,
                                             .userdata = g };
}

static void finish(struct got *g) {
        g->download = hv_download_new(&g->o);
        (void) close(g->o.dir_fd);
        hv_test_run_until(g->b->event, g->done);
        hv_transfer_free(g->transfer);
}

static void expect_refused(struct bench *b, const char *path, int error, const char *message) {
        struct got g;

        begin(&g, b, path);
        finish(&g);
        if (g.error != error || !strstr(g.message, message))
                fail_msg("%s: expected %d \"%s\", found %d \"%s\"", path, error, message, g.error, g.message);
}

static void expect_body(struct bench *b, const char *path) {
        struct stat st;
        struct got g;

        begin(&g, b, path);
        finish(&g);
        if (g.error < 0)
                fail_msg("%s: %s", path, g.message);
        assert_int_equal(g.size_bytes, BODY_BYTES);
        assert_string_equal(g.sha256, body_sha256);
        assert_int_equal(stat(bench_path(b, "file"), &st), 0);
        assert_int_equal(st.st_size, BODY_BYTES);
        assert_int_equal(st.st_mode & 07777, 0600);
}

/* "N RANGE..." that the server counted. */
static void expect_asked(struct bench *b, const char *name, const char *expected) {
        _hv_cleanup_free_ char *path = hv_asprintf("/count/%s", name), *text = NULL;
        struct got g;

        begin(&g, b, path);
        g.o.sha256 = ANY_SHA256; /* never right: only the content is wanted */
        finish(&g);
        text = bench_read(bench_path(b, "file"));
        assert_string_equal(text, expected);
}

static void what_comes_is_what_is_written(void **state) {
        struct got g;

        expect_body(*state, "/good");
        begin(&g, *state, "/empty");
        g.o.sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        finish(&g);
        assert_int_equal(g.error, 0);
        assert_int_equal(g.size_bytes, 0);
}

static void what_is_cut_goes_on_where_it_was(void **state) {
        expect_body(*state, "/cut");
        expect_asked(*state, "cut", "4 - bytes=70000- bytes=140000- bytes=210000-");
}

static void what_cannot_go_on_begins_again(void **state) {
        expect_body(*state, "/cut-no-etag");
        expect_asked(*state, "cut-no-etag", "3 - - -");
        expect_body(*state, "/cut-weak-etag");
        expect_asked(*state, "cut-weak-etag", "2 - -");
        expect_body(*state, "/cut-changed");
        expect_asked(*state, "cut-changed", "2 - bytes=1000-");
}

static void a_server_in_trouble_is_asked_again_and_given_up(void **state) {
        expect_body(*state, "/busy-once");
        expect_refused(*state, "/busy", -EIO, "/busy answers 503");
        expect_asked(*state, "busy", "5 - - - - -");
        expect_refused(*state, "/cut-always", -EIO, "was cut");
        expect_refused(*state, "/wrong-length", -EIO, "was cut");
        expect_refused(*state, "http://127.0.0.1:1/x", -EIO, "nobody listens there");
}

static void wrong_answers_are_refused(void **state) {
        struct got g;

        expect_refused(*state, "/none", -EBADMSG, "/none answers 404");
        expect_refused(*state, "/forbidden?token=hidden", -EBADMSG, "/forbidden answers 403");
        expect_refused(*state, "/endless", -EBADMSG, "/endless has more than 1048576 bytes");
        expect_refused(*state, "/cut-wrong-range", -EBADMSG, "another part than the one that was asked for");
        begin(&g, *state, "/good");
        g.o.sha256 = ANY_SHA256;
        finish(&g);
        assert_int_equal(g.error, -EBADMSG);
        assert_non_null(strstr(g.message, "has sha256 "));
        assert_non_null(strstr(g.message, "expected " ANY_SHA256));
        begin(&g, *state, "/forbidden?token=hidden");
        finish(&g);
        assert_null(strstr(g.message, "hidden"));
}

static void redirects_stay_at_their_host(void **state) {
        expect_body(*state, "/to-good");
        expect_body(*state, "/to-good-absolute");
        expect_refused(*state, "/to-other-host", -EBADMSG, "a redirect to another host is not followed");
        expect_refused(*state, "/to-other-port", -EBADMSG, "a redirect to another host is not followed");
        expect_refused(*state, "/to-prefix", -EBADMSG, "a redirect to another host is not followed");
        expect_refused(*state, "/to-double-slash", -EBADMSG, "a redirect to another host is not followed");
        expect_refused(*state, "/to-file", -EBADMSG, "a redirect to another host is not followed");
        expect_refused(*state, "/to-itself", -EBADMSG, "it is redirected too often");
        expect_refused(*state, "/to-nowhere", -EBADMSG, "it is redirected to nowhere");
}

static void silence_and_time_end_it(void **state) {
        struct got g;

        begin(&g, *state, "/silent");
        g.o.timeout_us = 300 * HV_USEC_PER_MSEC;
        finish(&g);
        assert_int_equal(g.error, -ETIMEDOUT);
        assert_non_null(strstr(g.message, "the time for it is over"));
        begin(&g, *state, "/silent");
        g.o.idle_us = 50 * HV_USEC_PER_MSEC;
        finish(&g);
        assert_int_equal(g.error, -EIO);
        assert_non_null(strstr(g.message, "nothing was heard"));
}

static void bad_urls_are_not_asked_for(void **state) {
        struct got g;

        expect_refused(*state, "ftp://example.org/x", -EBADMSG, "only https:// and http:// are fetched");
        expect_refused(*state, "file:///etc/passwd", -EBADMSG, "only https:// and http:// are fetched");
        expect_refused(*state, "https://user:word@example.org/", -EBADMSG, "must not hold a user");
        begin(&g, *state, "/good");
        g.o.sha256 = NULL;
        finish(&g);
        assert_string_equal(g.message, "http:// needs sha256 (use https or add it)");
}

static void a_full_disk_is_said(void **state) {
        struct bench *b = *state;
        struct got g;

        bench_mount_small(bench_path(b, "small"), "64k");
        begin(&g, b, "/good");
        (void) close(g.o.dir_fd);
        g.o.dir_fd = open(bench_path(b, "small"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        finish(&g);
        assert_int_equal(g.error, -ENOSPC);
        assert_non_null(strstr(g.message, "/good gives cannot be written: No space left on device"));
        bench_unmount(bench_path(b, "small"));
}

static void a_freed_download_tells_nobody(void **state) {
        struct bench *b = *state;
        struct got g;

        begin(&g, b, "/silent");
        g.download = hv_download_new(&g.o);
        (void) close(g.o.dir_fd);
        hv_test_drain(b->event);
        hv_download_free(g.download);
        b->worker = hv_worker_free(b->worker);
        assert_false(g.done);
        hv_transfer_free(g.transfer);
}

/* --- addresses --- */

/* A name server (here: /etc/hosts) that leads to this machine, and connections that are there already. */
static void names_that_lead_to_this_machine_are_refused(void **state) {
        static const char *const hosts[] = {
                "localhost", "127.0.0.1", "127.1", "0x7f000001",         "2130706433",    "0177.0.0.1",
                "0.0.0.0",   "0",         "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[::]"
        };
        struct bench *b = *state;
        struct got g;

        for (size_t i = 0; i < HV_ARRAY_SIZE(hosts); i++) {
                begin(&g, b, "");
                (void) snprintf(g.url, sizeof g.url, "http://%s:%s/reached", hosts[i], server_port);
                g.o.allow_private = false;
                finish(&g);
                if (g.error != -EBADMSG || !strstr(g.message, "leads to an address that is"))
                        fail_msg("%s: %s", g.url, g.message);
        }
        expect_asked(b, "reached", "0 ");
}

static void a_kept_connection_is_judged_as_well(void **state) {
        struct bench *b = *state;
        struct hv_transfer *transfer;
        struct got first, second;

        begin(&first, b, "/good");
        transfer = first.transfer;
        first.download = hv_download_new(&first.o);
        (void) close(first.o.dir_fd);
        hv_test_run_until(b->event, first.done);
        assert_int_equal(first.error, 0);
        begin(&second, b, "/good");
        hv_transfer_free(second.transfer);
        second.o.transfer = second.transfer = transfer;
        second.o.allow_private = false;
        finish(&second);
        assert_int_equal(second.error, -EBADMSG);
        assert_non_null(strstr(second.message, "loopback"));
}

static const char *fault_of(const char *url) {
        const char *from = strstr(url, "://") + 3, *to;
        struct addrinfo hints = { .ai_flags = AI_NUMERICHOST }, *found;
        _hv_cleanup_free_ char *host = NULL;
        const char *fault;

        if (*from == '[')
                to = strchr(++from, ']');
        else
                to = from + strcspn(from, ":/");
        host = hv_strndup(from, (size_t) (to - from));
        if (getaddrinfo(host, NULL, &hints, &found) != 0)
                fail_msg("%s: %s is no address", url, host);
        fault = hv_address_policy_fault(found->ai_addr);
        freeaddrinfo(found);
        return fault;
}

static void only_public_addresses_pass(void **state) {
        static const struct {
                const char *url, *fault; /* NULL: passes */
        } rows[] = {
                { "http://127.0.0.1/", "loopback" },
                { "http://127.0.0.1:8080/x", "loopback" },
                { "http://127.255.255.255/", "loopback" },
                { "http://127.1/", "loopback" },
                { "http://0x7f.1/", "loopback" },
                { "http://0x7f000001/", "loopback" },
                { "http://2130706433/", "loopback" },
                { "http://017700000001/", "loopback" },
                { "http://0177.0.0.01/", "loopback" },
                { "http://0/", "this network" },
                { "http://0.0.0.0/", "this network" },
                { "http://0.1.2.3/", "this network" },
                { "http://10.0.0.1/", "private" },
                { "http://10.255.255.255/", "private" },
                { "http://167772161/", "private" },
                { "http://172.16.0.1/", "private" },
                { "http://172.31.255.255/", "private" },
                { "http://172.15.255.255/", NULL },
                { "http://172.32.0.1/", NULL },
                { "http://192.168.0.1/", "private" },
                { "http://192.168.255.255/", "private" },
                { "http://0xc0a80001/", "private" },
                { "http://192.167.255.255/", NULL },
                { "http://192.169.0.1/", NULL },
                { "http://169.254.169.254/latest/meta-data/", "link-local" },
                { "http://169.254.170.2/v2/credentials", "link-local" },
                { "http://0xa9fea9fe/", "link-local" },
                { "http://2852039166/", "link-local" },
                { "http://0251.0376.0251.0376/", "link-local" },
                { "http://169.253.255.255/", NULL },
                { "http://169.255.0.1/", NULL },
                { "http://100.64.0.1/", "carrier-grade NAT" },
                { "http://100.100.100.200/latest/meta-data/", "carrier-grade NAT" },
                { "http://100.127.255.255/", "carrier-grade NAT" },
                { "http://100.63.255.255/", NULL },
                { "http://100.128.0.1/", NULL },
                { "http://192.0.0.192/opc/v2/", "reserved for protocols" },
                { "http://192.0.2.1/", "documentation" },
                { "http://198.51.100.1/", "documentation" },
                { "http://203.0.113.1/", "documentation" },
                { "http://192.88.99.1/", "a 6to4 relay" },
                { "http://198.18.0.1/", "for benchmarks" },
                { "http://198.19.255.255/", "for benchmarks" },
                { "http://198.17.255.255/", NULL },
                { "http://168.63.129.16/metadata", "a metadata service" },
                { "http://168.63.129.17/", NULL },
                { "http://224.0.0.1/", "multicast" },
                { "http://239.255.255.250/", "multicast" },
                { "http://240.0.0.1/", "reserved" },
                { "http://255.255.255.255/", "reserved" },
                { "https://1.1.1.1/", NULL },
                { "https://8.8.8.8/", NULL },
                { "https://93.184.216.34/", NULL },
                { "https://223.255.255.255/", NULL },
                { "http://[::1]/", "unspecified, loopback or IPv4-compatible" },
                { "http://[0:0:0:0:0:0:0:1]:80/", "unspecified, loopback or IPv4-compatible" },
                { "http://[::]/", "unspecified, loopback or IPv4-compatible" },
                { "http://[::127.0.0.1]/", "unspecified, loopback or IPv4-compatible" },
                { "http://[::8.8.8.8]/", "unspecified, loopback or IPv4-compatible" },
                { "http://[::ffff:127.0.0.1]/", "an IPv4-mapped address" },
                { "http://[::ffff:7f00:1]/", "an IPv4-mapped address" },
                { "http://[::ffff:169.254.169.254]/", "an IPv4-mapped address" },
                { "http://[::ffff:8.8.8.8]/", "an IPv4-mapped address" },
                { "http://[::ffff:0:127.0.0.1]/", "an IPv4-translated address" },
                { "http://[64:ff9b::7f00:1]/", "NAT64" },
                { "http://[64:ff9b::169.254.169.254]/", "NAT64" },
                { "http://[64:ff9b:1::10.0.0.1]/", "NAT64" },
                { "http://[100::1]/", "for discarding" },
                { "http://[2001::1]/", "Teredo" },
                { "http://[2001:0:53aa:64c::1]/", "Teredo" },
                { "http://[2001:10::1]/", "reserved for protocols" },
                { "http://[2001:db8::1]/", "documentation" },
                { "http://[3fff::1]/", "documentation" },
                { "http://[2002:7f00:1::]/", "6to4" },
                { "http://[2002:a9fe:a9fe::]/", "6to4" },
                { "http://[fc00::1]/", "private" },
                { "http://[fd00:ec2::254]/latest/", "private" },
                { "http://[fe80::1]/", "link-local" },
                { "http://[febf::1]/", "link-local" },
                { "http://[fec0::1]/", "site-local" },
                { "http://[ff02::1]/", "multicast" },
                { "http://[5f00::1]/", "segment routing" },
                { "http://[4000::1]/", "not a public address" },
                { "http://[1234::1]/", "not a public address" },
                { "https://[2606:4700:4700::1111]/", NULL },
                { "https://[2001:4860:4860::8888]/", NULL },
                { "https://[2a00:1450:4001::1]/", NULL },
                { "https://[2001:200::1]/", NULL },
                { "https://[2003::1]/", NULL },
        };
        struct sockaddr local = { .sa_family = AF_UNIX };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                const char *fault = fault_of(rows[i].url);

                if (!hv_streq(fault, rows[i].fault))
                        fail_msg("%s: expected \"%s\", found \"%s\"", rows[i].url,
                                 rows[i].fault ? rows[i].fault : "public", fault ? fault : "public");
        }
        assert_true(HV_ARRAY_SIZE(rows) >= 80);
        assert_non_null(hv_address_policy_fault(&local));
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
                ROW(what_comes_is_what_is_written),
                ROW(what_is_cut_goes_on_where_it_was),
                ROW(what_cannot_go_on_begins_again),
                ROW(a_server_in_trouble_is_asked_again_and_given_up),
                ROW(wrong_answers_are_refused),
                ROW(redirects_stay_at_their_host),
                ROW(silence_and_time_end_it),
                ROW(bad_urls_are_not_asked_for),
                ROW(a_full_disk_is_said),
                ROW(a_freed_download_tells_nobody),
                ROW(names_that_lead_to_this_machine_are_refused),
                ROW(a_kept_connection_is_judged_as_well),
                cmocka_unit_test(only_public_addresses_pass),
        };

        return cmocka_run_group_tests(tests, start_server, stop_server);
}

/* WireGuard's text: what is asked, what is answered, and the socket with somebody bad behind it. */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/loop.h"
#include "made.h"
#include "wireguard/uapi.h"

#define A "6161616161616161616161616161616161616161616161616161616161616161"
#define B "6262626262626262626262626262626262626262626262626262626262626262"
#define K "6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b"
#define NONE "0000000000000000000000000000000000000000000000000000000000000000"
#define DROP "1aeb5b9707177c1631005ba4846546fac249c0cea6878a217277fda328147602"

static void requests(void **state) {
        static const struct {
                const char *what, *want, *seen, *text;
        } rows[] = {
                { "a device", "key=k port=5 mark=7", "",
                  "set=1\nprivate_key=" K "\nlisten_port=5\nfwmark=7\n\n" },
                { "a new peer", "key=k a@192.0.2.1:5 a+25 a*k a:10.1.0.0/16,fd00::/64", "key=k",
                  "set=1\npublic_key=" A "\npreshared_key=" K "\nendpoint=192.0.2.1:5\n"
                  "persistent_keepalive_interval=25\nallowed_ip=10.1.0.0/16\nallowed_ip=fd00::/64\n\n" },
                { "a preshared key that goes", "a:", "a*k",
                  "set=1\npublic_key=" A "\nupdate_only=true\npreshared_key=" NONE "\n\n" },
                { "an IPv6 endpoint", "a@[2001:db8::1]:5",
                  "a:", "set=1\npublic_key=" A "\nupdate_only=true\nendpoint=[2001:db8::1]:5\n\n" },
                { "a link-local endpoint", "a@[fe80::1%3]:5",
                  "a:", "set=1\npublic_key=" A "\nupdate_only=true\nendpoint=[fe80::1%3]:5\n\n" },
                { "networks that nobody wants", "a:", "a:10.1.0.0/16",
                  "set=1\npublic_key=" DROP "\nallowed_ip=10.1.0.0/16\npublic_key=" DROP
                  "\nremove=true\n\n" },
                { "a peer that goes", "", "b:", "set=1\npublic_key=" B "\nremove=true\n\n" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_wg_interface want, seen;
                struct hv_wg_text text = {};
                struct hv_wg_plan plan;

                made(rows[i].want, &want);
                made(rows[i].seen, &seen);
                hv_wg_diff(&want, &seen, &plan);
                hv_wg_uapi_set(plan.steps.v, plan.steps.n, &text);
                if (strcmp(text.data, rows[i].text) != 0)
                        fail_msg("%s: %s", rows[i].what, text.data);
                hv_wg_text_done(&text);
                hv_wg_plan_done(&plan);
                hv_wg_interface_done(&want);
                hv_wg_interface_done(&seen);
        }
}

static int parse(const char *text, struct hv_wg_interface *into, struct hv_err *err) {
        size_t len = strlen(text);
        char *copy = hv_malloc(len); /* without a terminator: a step behind it is seen */
        int r;

        memcpy(copy, text, len);
        r = hv_wg_uapi_parse(copy, len, into, err);
        free(copy);
        return r;
}

/* As wireguard-go 0.0.20220316 answered. */
static void answer(void **state) {
        static const char text[] =
                "private_key=" K "\nlisten_port=51820\nfwmark=7\npublic_key=" A "\npreshared_key=" NONE
                "\nprotocol_version=1\nendpoint=192.0.2.1:51820\nlast_handshake_time_sec=1700000000\n"
                "last_handshake_time_nsec=123456789\ntx_bytes=92\nrx_bytes=148\npersistent_keepalive_interval=25\n"
                "allowed_ip=10.1.0.0/16\nallowed_ip=fd00::/64\npublic_key=" B "\npreshared_key=" K
                "\nprotocol_version=1\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\ntx_bytes=0\n"
                "rx_bytes=0\npersistent_keepalive_interval=0\nerrno=0\n\n";
        struct hv_wg_interface seen = {}, like;
        struct hv_wg_plan plan;
        struct hv_err err = {};

        (void) state;
        assert_int_equal(parse(text, &seen, &err), 0);
        made("key=k port=51820 mark=7 a@192.0.2.1:51820 a! a+25 a:10.1.0.0/16,fd00::/64 b*k up", &like);
        seen.kind = like.kind;
        seen.is_up = true;
        hv_wg_diff(&like, &seen, &plan);
        assert_int_equal(plan.steps.n, 0);
        assert_int_equal(seen.peers.v[0].handshake_us, 1700000000123456);
        assert_int_equal(seen.peers.v[0].rx_bytes, 148);
        assert_int_equal(seen.peers.v[0].tx_bytes, 92);
        assert_null(seen.private_key); /* only its seal */
        hv_wg_plan_done(&plan);
        hv_wg_interface_done(&seen);
        hv_wg_interface_done(&like);
}

static void bad_answers(void **state) {
        static const struct {
                const char *text;
                int r;
                const char *says;
        } rows[] = {
                { "errno=-98\n\n", -EADDRINUSE, "Address already in use" },
                { "errno=22\n\n", -EINVAL, "Invalid argument" },
                { "errno=0\n", -EBADMSG, "does not end with an empty line" },
                { "", -EBADMSG, "does not end" },
                { "\n\n", -EBADMSG, "no errno=" },
                { "listen_port=1\n\n", -EBADMSG, "no errno=" },
                { "errno=0\nlisten_port=1\n\n", -EBADMSG, "goes on behind" },
                { "errno=x\n\n", -EBADMSG, "errno has a value that is none" },
                { "errno=-\n\n", -EBADMSG, "errno" },
                { "errno=99999\n\n", -EBADMSG, "errno" },
                { "listen_port\nerrno=0\n\n", -EBADMSG, "line 1 of WireGuard's answer is not key=value" },
                { "listen_port=65536\nerrno=0\n\n", -EBADMSG, "listen_port" },
                { "fwmark=-1\nerrno=0\n\n", -EBADMSG, "fwmark" },
                { "private_key=abc\nerrno=0\n\n", -EBADMSG, "line 1 of WireGuard's answer: private_key" },
                { "public_key=" A "x\nerrno=0\n\n", -EBADMSG, "public_key" },
                { "public_key=" A "\nallowed_ip=10.0.0.0/33\nerrno=0\n\n", -EBADMSG, "line 2" },
                { "public_key=" A "\nendpoint=host:1\nerrno=0\n\n", -EBADMSG, "endpoint" },
                { "public_key=" A "\nlast_handshake_time_sec=18446744073709551615\nerrno=0\n\n", -EBADMSG,
                  "last_handshake_time_sec" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_wg_interface into = {};
                struct hv_err err = {};
                int r = parse(rows[i].text, &into, &err);

                if (r != rows[i].r || !strstr(err.msg, rows[i].says))
                        fail_msg("%s: %d %s", rows[i].text, r, err.msg);
                assert_null(strstr(err.msg, "abc")); /* no value, for it may be a key */
                hv_wg_interface_done(&into);
        }
}

/* --- the socket --- */

struct asker {
        struct hv_wg_answer answer;
        int r;
        struct hv_err err;
        bool is_told;
        char dir[64], path[100];
        sd_event *event;
        int listener;
};

static void told(struct hv_wg_answer *a, int r, const struct hv_err *err) {
        struct asker *k = (void *) a;

        k->is_told = true;
        k->r = r;
        k->err = *err;
}

static void asker_make(struct asker *k) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        *k = (struct asker){ .answer.done = told };
        assert_true(sd_event_new(&k->event) >= 0);
        (void) snprintf(k->dir, sizeof k->dir, "/tmp/hv-uapi-XXXXXX");
        assert_non_null(mkdtemp(k->dir));
        assert_true(hv_wg_uapi_path(k->dir, "wg0", k->path, sizeof k->path));
        k->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        (void) snprintf(address.sun_path, sizeof address.sun_path, "%s", k->path);
        assert_int_equal(bind(k->listener, (struct sockaddr *) &address, sizeof address), 0);
}

static void asker_end(struct asker *k) {
        (void) close(k->listener);
        (void) unlink(k->path);
        (void) rmdir(k->dir);
        sd_event_unref(k->event);
}

static int ask(struct asker *k, struct hv_wg_interface *into) {
        struct hv_wg_text request = {};

        hv_wg_uapi_get(&request);
        return hv_wg_uapi_ask(k->event, k->path, &request, into, &k->answer, &k->err);
}

static void answer_in_pieces(void **state) {
        struct hv_wg_interface into = {};
        struct asker k;
        char got[64];
        int peer;

        (void) state;
        asker_make(&k);
        assert_int_equal(hv_wg_uapi_probe(k.path), HV_WG_SOCKET_STALE); /* bound, and nobody listens */
        assert_int_equal(listen(k.listener, 4), 0);
        assert_int_equal(ask(&k, &into), HV_WG_LATER);
        peer = accept(k.listener, NULL, NULL);
        assert_true(peer >= 0);
        hv_test_drain(k.event);
        assert_int_equal(read(peer, got, sizeof got), 7);
        assert_memory_equal(got, "get=1\n\n", 7);
        assert_int_equal(write(peer, "listen_port=5\nerr", 17), 17);
        hv_test_drain(k.event);
        assert_false(k.is_told);
        assert_int_equal(write(peer, "no=0\n\n", 6), 6);
        hv_test_run_until(k.event, k.is_told);
        assert_int_equal(k.r, 0);
        assert_int_equal(into.listen_port, 5);
        assert_null(k.answer.pending);
        (void) close(peer);
        asker_end(&k);
}

static void answer_that_is_cut(void **state) {
        struct hv_wg_interface into = {};
        struct asker k;
        int peer;

        (void) state;
        asker_make(&k);
        assert_int_equal(listen(k.listener, 4), 0);
        assert_int_equal(ask(&k, &into), HV_WG_LATER);
        peer = accept(k.listener, NULL, NULL);
        assert_int_equal(write(peer, "errno=0\n", 8), 8);
        (void) close(peer);
        hv_test_run_until(k.event, k.is_told);
        assert_true(k.r == -EPIPE || k.r == -ECONNRESET);
        asker_end(&k);
}

static void given_up(void **state) {
        struct hv_wg_interface into = {};
        struct asker k;

        (void) state;
        asker_make(&k);
        assert_int_equal(listen(k.listener, 4), 0);
        assert_int_equal(ask(&k, &into), HV_WG_LATER);
        hv_wg_uapi_cancel(&k.answer);
        hv_wg_uapi_cancel(&k.answer);
        hv_test_drain(k.event);
        assert_false(k.is_told);
        asker_end(&k);
}

static void nobody_there(void **state) {
        struct hv_wg_interface into = {};
        struct asker k;

        (void) state;
        asker_make(&k);
        assert_int_equal(ask(&k, &into), -ENODEV);
        assert_non_null(strstr(k.err.msg, "is gone"));
        (void) unlink(k.path);
        assert_int_equal(ask(&k, &into), -ENODEV);
        assert_non_null(strstr(k.err.msg, "listens here"));
        assert_int_equal(hv_wg_uapi_probe(k.path), HV_WG_SOCKET_NONE);
        asker_end(&k);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(requests),           cmocka_unit_test(answer),
                cmocka_unit_test(bad_answers),        cmocka_unit_test(answer_in_pieces),
                cmocka_unit_test(answer_that_is_cut), cmocka_unit_test(given_up),
                cmocka_unit_test(nobody_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

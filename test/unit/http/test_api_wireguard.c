/* WireGuard interfaces over the API: another key, and do the peers answer? */
#include "testing.h"

#include <errno.h>

#include "ask.h"
#include "base/alloc.h"

#define HIVE0 "/api/v1/wireguard/hive0"

static void a_rotation_reaches_the_backend(void **state) {
        static const struct {
                const char *what, *query, *asked, *before;
        } rows[] = {
                { "now", "", "rotate hive0", "old=" },
                { "prepare", "?prepare=1", "prepare hive0", "old=" },
                { "undo", "?undo=1", "undo hive0", "new=" /* there was nothing to undo */ },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer both = {}, tcp = {};

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *path = hv_asprintf(HIVE0 "/rotate%s", rows[i].query);
                _hv_cleanup_(answer_done) struct answer a = post(s, path, NULL);

                if (a.status != 200 || !hv_streq(s->last_change, rows[i].asked))
                        fail_msg("%s: %u, asked \"%s\"", rows[i].what, a.status, s->last_change);
                assert_string_equal(text_at(a.json, "publicKey"), "new=");
                assert_string_equal(text_at(a.json, "before"), rows[i].before);
                assert_int_equal(hv_json_bool(a.json, "changed", false), hv_streq(rows[i].before, "old="));
        }
        both = post(s, HIVE0 "/rotate?prepare=1&undo=1", NULL);
        assert_int_equal(both.status, 400);
        tcp = ask(s, true, "POST", HIVE0 "/rotate", NULL, NULL);
        assert_int_equal(tcp.status, 401);
        assert_int_equal(s->n_changes, 3);
}

static void a_fault_is_told_by_its_kind(void **state) {
        static const struct {
                int code;
                unsigned status;
                const char *name;
        } rows[] = { { -ENOENT, 404, "NotFound" },        { -EOPNOTSUPP, 409, "Conflict" },
                     { -EALREADY, 409, "Conflict" },      { -ENOTCONN, 503, "WireGuardFailed" },
                     { -EAGAIN, 503, "WireGuardFailed" }, { -EIO, 500, "WireGuardFailed" } };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(answer_done) struct answer rotate = {}, ping = {};

                (void) hv_err_set(&s->err, rows[i].code, "it is so");
                rotate = post(s, HIVE0 "/rotate", NULL);
                ping = post(s, HIVE0 "/ping", NULL);
                assert_int_equal(rotate.status, rows[i].status);
                assert_int_equal(ping.status, rows[i].status);
                assert_string_equal(text_at(ping.json, "detail"), "it is so");
                assert_string_equal(text_at(ping.json, "code"), rows[i].name);
        }
}

static void answers_of_peers(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(answer_done) struct answer all = {}, one = {};

        (void) state;
        s->pinged[0] = (struct hv_api_pinged){ .peer = "hub",
                                               .public_key = "k=",
                                               .address = "10.0.0.1",
                                               .endpoint = "192.0.2.1:51820",
                                               .answer = HV_API_ANSWER_ECHO,
                                               .took_us = 1500,
                                               .handshake_wall_us = s->wall_us,
                                               .message = "" };
        s->pinged[1] = (struct hv_api_pinged){ .peer = "mute",
                                               .public_key = "m=",
                                               .answer = HV_API_ANSWER_NONE,
                                               .message = "its endpoint is not known" };
        s->n_pinged = 2;
        all = post(s, HIVE0 "/ping", NULL);
        assert_int_equal(all.status, 200);
        assert_string_equal(s->last_change, "ping hive0 -");
        assert_string_equal(text_at(all.json, "peers.0.answer"), "Echo");
        assert_true(hv_json_as_real(at(all.json, "peers.0.roundTripMs"), 0) == 1.5);
        assert_non_null(text_at(all.json, "peers.0.handshakeAt"));
        assert_string_equal(text_at(all.json, "peers.1.answer"), "None");
        assert_int_equal(hv_json_type(at(all.json, "peers.1.roundTripMs")), HV_JSON_NULL);
        assert_string_equal(text_at(all.json, "peers.1.message"), "its endpoint is not known");
        assert_false(hv_json_bool(all.json, "allAnswer", true));
        answer_done(&one);
        one = post(s, HIVE0 "/ping?peer=", NULL); /* all of them */
        assert_string_equal(s->last_change, "ping hive0 -");
        answer_done(&one);
        s->pinged[1].answer = HV_API_ANSWER_HANDSHAKE; /* the peer is there */
        one = post(s, HIVE0 "/ping?peer=mute", NULL);
        assert_string_equal(s->last_change, "ping hive0 mute");
        assert_string_equal(text_at(one.json, "peers.1.answer"), "Handshake");
        assert_true(hv_json_bool(one.json, "allAnswer", false));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_rotation_reaches_the_backend),
                cmocka_unit_test(a_fault_is_told_by_its_kind),
                cmocka_unit_test(answers_of_peers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

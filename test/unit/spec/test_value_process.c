/* spec: names, keys, signals, capabilities, users. */
#include "testing.h"

#include "fault.h"

#include "spec/value_name.h"
#include "spec/value_process.h"

static void names_are_judged_by_their_own_rules(void **state) {
        static const struct {
                int (*check)(const char *text, struct hv_fault *fault);
                const char *text, *code, *says; /* code NULL: good */
        } rows[] = {
                { hv_value_name, "web-1", NULL, NULL },
                { hv_value_name, "Web_1", "E0105", "\"Web_1\" is not a DNS label: lower-case letters" },
                { hv_value_name, "1web", "E0105", "start with a letter" },
                { hv_value_name, "", "E0105", "\"\" is not a DNS label" },

                { hv_value_env_name, "TZ", NULL, NULL },
                { hv_value_env_name, "_a9", NULL, NULL },
                { hv_value_env_name, "MY-VAR", "E0429", "\"MY-VAR\" is not a valid variable name" },
                { hv_value_env_name, "9A", "E0429", "not starting with a digit" },
                { hv_value_env_name, "", "E0429", "" },
                { hv_value_env_name, "A=B", "E0429", "" },
                { hv_value_env_name, "LD_PRELOAD ", "E0429", "" },

                { hv_value_env_value, "a=b,c+d", NULL, NULL },
                { hv_value_env_value, "", NULL, NULL },
                { hv_value_env_value, "a\nLD_PRELOAD=x", "E0429", "line break" },
                { hv_value_env_value, "a\r", "E0429", "line break" },

                { hv_value_interface, "hive0", NULL, NULL },
                { hv_value_interface, "wg-berlin.1", NULL, NULL },
                { hv_value_interface, "fifteen-letters", NULL, NULL },
                { hv_value_interface, "my-very-long-interface", "E0328", "is longer than 15 characters" },
                { hv_value_interface, "", "E0328", "" },
                { hv_value_interface, "..", "E0328", "" },
                { hv_value_interface, "a/b", "E0328", "" },
                { hv_value_interface, "a b", "E0328", "" },
                { hv_value_interface, "a:1", "E0328", "" },
                { hv_value_interface, "all", "E0328", "meaning of its own" },

                { hv_value_hostname, "web.internal", NULL, NULL },
                { hv_value_hostname, "web_1", "E0105", "is not a host name" },

                { hv_value_label_key, "site", NULL, NULL },
                { hv_value_label_key, "io.hiveletish", NULL, NULL },
                { hv_value_label_key, "io.hivelet.managed", "E0108",
                  "labels under \"io.hivelet\" are set by the agent" },
                { hv_value_label_key, "io.hivelet", "E0108", "set by the agent" },
                { hv_value_label_key, "io.hivelet/x", "E0108", "set by the agent" },
                { hv_value_label_key, "a=b", "E0108", "is not a label" },
                { hv_value_label_key, "", "E0108", "is not a label" },

                { hv_value_sha256, "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", NULL,
                  NULL },
                { hv_value_sha256, "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7a", "E0452",
                  "sha256 must have 64 hex digits, found 63" },
                { hv_value_sha256, "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
                  "E0452", "other characters" },
                { hv_value_sha256, "", "E0452", "found 0" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_fault fault = {};
                int r = rows[i].check(rows[i].text, &fault);

                if (!rows[i].code && r < 0)
                        fail_msg("%s", fault.message);
                if (rows[i].code)
                        expect_fault(rows[i].text, &fault, rows[i].code, rows[i].says);
        }
}

static void wireguard_keys_are_32_bytes_and_never_quoted(void **state) {
        static const char *const rows[][2] = {
                { "r81sF60Tik+GjBRRHnJYAlMkTRY+BctBsHhE0KvBCrw=", NULL },
                { "r81sF60Tik+GjBRRHnJYAlMkTRY+BctBsHhE0KvBCrw",
                  "public key has 43 characters, expected 44 ending in \"=\"" },
                { "r81sF60Tik+GjBRRHnJYAlMkTRY+BctBsHhE0KvBCrwX",
                  "public key has 44 characters and no \"=\" at the end" },
                { "r81sF60Tik+GjBRRHnJYAlMkTRY+BctBsHhE0KvBCrx=", "its last digit has bits too many" },
                { "r81sF60Tik_GjBRRHnJYAlMkTRY_BctBsHhE0KvBCrw=", "character 11 is no base64 digit" },
                { "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "is all zero" },
                { "", "public key has 0 characters" },
                { "============================================", "character 1 is no" },
        };
        unsigned char key[HV_WG_KEY_SIZE];

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_fault fault = {};
                int r = hv_value_wg_key(rows[i][0], "public key", key, &fault);

                assert_int_equal(r == 0, rows[i][1] == NULL);
                if (r < 0) {
                        expect_fault(rows[i][0], &fault, "E0321", rows[i][1]);
                        assert_null(strstr(fault.message, "r81sF60"));
                }
        }
        assert_int_equal(hv_value_wg_key(rows[0][0], "public key", key, NULL), 0);
        assert_int_equal(key[0], 0xaf); /* "r81s" */
        assert_int_equal(key[1], 0xcd);
        assert_int_equal(key[31], 0xbc);
}

static void signals_have_one_spelling(void **state) {
        static const char *const rows[][3] = {
                { "TERM", "SIGTERM", NULL },
                { "SIGTERM", "SIGTERM", NULL },
                { "sigterm", "SIGTERM", NULL },
                { "hup", "SIGHUP", NULL },
                { "15", "SIGTERM", NULL },
                { "RTMIN+3", "SIGRTMIN+3", NULL },
                { "SIGRTMAX", "SIGRTMAX", NULL },
                { "SIGKIL", NULL, "\"SIGKIL\" is not a signal; did you mean SIGKILL?" },
                { "TRM", NULL, "did you mean SIGTERM?" },
                { "0", NULL, "is not a signal" },
                { "99", NULL, "is not a signal" },
                { "", NULL, "is not a signal such as TERM" },
                { "SIG", NULL, "is not a signal" },
                { "RTMIN+99", NULL, "is not a signal" },
                { "please stop", NULL, "is not a signal such as TERM" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_fault fault = {};
                const char *name = NULL;
                int r = hv_value_signal(rows[i][0], &name, &fault);

                assert_int_equal(r == 0, rows[i][1] != NULL);
                if (r == 0)
                        assert_string_equal(name, rows[i][1]);
                else
                        expect_fault(rows[i][0], &fault, "E0426", rows[i][2]);
        }
}

static void capabilities_have_one_spelling(void **state) {
        static const char *const rows[][3] = {
                { "NET_ADMIN", "NET_ADMIN", NULL },
                { "CAP_NET_ADMIN", "NET_ADMIN", NULL },
                { "cap_chown", "CHOWN", NULL },
                { "ALL", "ALL", NULL },
                { "NET_ADMINS", NULL, "\"NET_ADMINS\" is not a Linux capability; did you mean NET_ADMIN?" },
                { "CAP_", NULL, "is not a Linux capability" },
                { "", NULL, "is not a Linux capability" },
                { "NET_ADMIN,SYS_ADMIN", NULL, "is not a Linux capability" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_fault fault = {};
                const char *name = NULL;
                int r = hv_value_capability(rows[i][0], &name, &fault);

                assert_int_equal(r == 0, rows[i][1] != NULL);
                if (r == 0)
                        assert_string_equal(name, rows[i][1]);
                else
                        expect_fault(rows[i][0], &fault, "E0428", rows[i][2]);
        }
}

static void root_is_recognised_in_every_spelling(void **state) {
        static const struct {
                const char *text;
                bool good, is_root;
        } rows[] = {
                { "999:999", true, false },
                { "999", true, false },
                { "redis", true, false },
                { "redis:redis", true, false },
                { "www-data", true, false },
                { "1000:users", true, false },
                { "0", true, true },
                { "00", true, true },
                { "0:0", true, true },
                { "root", true, true },
                { "root:root", true, true },
                { "0:1000", true, true },
                { "rooty", true, false },
                { "", false, false },
                { ":", false, false },
                { ":0", false, false },
                { "0:", false, false },
                { "1:2:3", false, false },
                { "-1", false, false },
                { "+0", false, false },
                { "0x0", true, false },
                { "a b", false, false },
                { "1000,0", false, false },
                { "2147483648", false, false },
                { "4294967296", false, false },
                { "a/b", false, false },
                { "root\n", false, false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_user user = {};
                struct hv_fault fault = {};
                int r = hv_value_user(rows[i].text, &user, &fault);

                if ((r == 0) != rows[i].good || user.is_root != rows[i].is_root)
                        fail_msg("\"%s\": %s", rows[i].text, r < 0 ? fault.message : "taken");
                if (r < 0)
                        expect_fault(rows[i].text, &fault, "E0428", "is not a user");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names_are_judged_by_their_own_rules),
                cmocka_unit_test(wireguard_keys_are_32_bytes_and_never_quoted),
                cmocka_unit_test(signals_have_one_spelling),
                cmocka_unit_test(capabilities_have_one_spelling),
                cmocka_unit_test(root_is_recognised_in_every_spelling),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

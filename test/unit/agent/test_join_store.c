/* What VPN services gave, kept: read back as it was, by a new process too; damage is told, and nothing takes its place. */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/join_store.h"
#include "base/alloc.h"
#include "base/time.h"

#define PRIVATE "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define PUBLIC "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define PRESHARED "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE="
#define ANSWER                                                                                                                 \
        "{\"success\": true, \"client_name\": \"berlin_1\\nclient munich\", \"config\": \"[Interface]\\nPrivateKey = " PRIVATE \
        "\\nAddress = 10.0.0.17/24\\n[Peer]\\nPublicKey = " PUBLIC "\\nPresharedKey = " PRESHARED                              \
        "\\nEndpoint = vpn.example.org:51820\\nAllowedIPs = 10.0.0.0/24\"}"
#define URL "https://pool.example.org/api/vpn/join"

static char *dir;

static void give(struct hv_join_store *s, const char *interface) {
        const struct hv_wg_join_answer answer = { .status = 200, .body = ANSWER, .body_len = strlen(ANSWER) };
        struct hv_wg_join join;
        struct hv_err err = {};

        assert_int_equal(hv_wg_join_read(&answer, interface, &join, &err), HV_WG_JOIN_GIVEN);
        if (hv_join_store_put(s, interface, URL, "berlin", &join, UINT64_C(1732300000) * HV_USEC_PER_SEC,
                              &err) < 0)
                fail_msg("%s", err.msg);
        assert_null(join.config);
}

static void is_right(const struct hv_join *j) {
        assert_non_null(j);
        assert_int_equal(j->damage.code, 0);
        assert_string_equal(j->url, URL);
        assert_string_equal(j->client_name, "berlin");
        assert_string_equal(j->config.spec.addresses.v[0], "10.0.0.17/24");
        assert_memory_equal(hv_secret_bytes(hv_join_key(j, NULL)), PRIVATE, strlen(PRIVATE));
        assert_memory_equal(hv_secret_bytes(hv_join_key(j, &j->config.spec.peers.v[0])), PRESHARED,
                            strlen(PRESHARED));
        assert_null(hv_join_key(j, &(struct hv_spec_peer){ .public_key = PRIVATE }));
}

static void is_read_back(void **state) {
        struct hv_join_store *s = hv_join_store_new(dir);
        _hv_cleanup_free_ char *folder = hv_asprintf("%s/joins", dir),
                               *file = hv_asprintf("%s/joins/wg-.hive+0", dir);
        struct stat st;

        (void) state;
        assert_null(hv_join_store_get(s, ".hive+0"));
        assert_int_not_equal(stat(folder, &st), 0); /* a question makes nothing */
        give(s, ".hive+0");
        is_right(hv_join_store_get(s, ".hive+0"));
        assert_int_equal(stat(folder, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_int_equal(stat(file, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        hv_join_store_free(s);
        s = hv_join_store_new(dir);
        is_right(hv_join_store_get(s, ".hive+0"));
        assert_null(hv_join_store_get(s, "hive1"));
        hv_join_store_free(s);
}

static void change(const char *file, off_t at, char byte) {
        int fd = open(file, O_RDWR | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        assert_int_equal(close(fd), 0);
}

static void damage_is_told_and_mended(void **state) {
        _hv_cleanup_free_ char *file = hv_asprintf("%s/joins/wg-hive0", dir);
        struct hv_join_store *s = hv_join_store_new(dir);
        const struct hv_join *j;

        (void) state;
        give(s, "hive0");
        hv_join_store_free(s);
        change(file, 0, 'x');
        s = hv_join_store_new(dir);
        j = hv_join_store_get(s, "hive0");
        assert_non_null(j);
        assert_int_equal(j->damage.code, -EBADMSG);
        assert_non_null(strstr(j->damage.msg, file));
        assert_non_null(strstr(j->damage.msg, "remove it to join anew"));
        assert_null(strstr(j->damage.msg, PRIVATE));
        change(file, 0, 'h');
        assert_int_equal(hv_join_store_get(s, "hive0")->damage.code, -EBADMSG);
        is_right(hv_join_store_look(s, "hive0"));
        assert_int_equal(truncate(file, 100), 0);
        is_right(hv_join_store_look(s, "hive0")); /* what is good is not read again */
        hv_join_store_free(s);
        s = hv_join_store_new(dir);
        assert_int_equal(hv_join_store_look(s, "hive0")->damage.code, -EBADMSG);
        assert_int_equal(unlink(file), 0);
        assert_null(hv_join_store_look(s, "hive0"));
        hv_join_store_free(s);
}

static void what_cannot_be_kept_is_told(void **state) {
        const struct hv_wg_join_answer answer = { .status = 200, .body = ANSWER, .body_len = strlen(ANSWER) };
        struct hv_join_store *s = hv_join_store_new("/proc/self/nowhere");
        struct hv_wg_join join;
        struct hv_err err = {};
        char url[5000];

        (void) state;
        assert_int_equal(hv_wg_join_read(&answer, "hive0", &join, &err), HV_WG_JOIN_GIVEN);
        assert_true(hv_join_store_put(s, "hive0", URL, "berlin", &join, 0, &err) < 0);
        assert_non_null(strstr(err.msg, "/proc/self/nowhere"));
        assert_non_null(join.config); /* still the caller's */
        memset(url, 'x', sizeof url - 1);
        url[sizeof url - 1] = '\0';
        assert_int_equal(hv_join_store_put(s, "hive0", url, "berlin", &join, 0, &err), -ENAMETOOLONG);
        hv_wg_join_done(&join);
        hv_join_store_free(s);
}

static int set_up(void **state) {
        char template[] = "/tmp/hivelet-joins-XXXXXX";

        (void) state;
        (void) umask(077);
        dir = hv_strdup(mkdtemp(template));
        return dir ? 0 : -1;
}

static int tear_down(void **state) {
        _hv_cleanup_free_ char *folder = hv_asprintf("%s/joins", dir),
                               *file = hv_asprintf("%s/joins/wg-.hive+0", dir);

        (void) state;
        (void) unlink(file);
        (void) rmdir(folder);
        (void) rmdir(dir);
        free(dir);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(is_read_back),
                cmocka_unit_test(damage_is_told_and_mended),
                cmocka_unit_test(what_cannot_be_kept_is_told),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}

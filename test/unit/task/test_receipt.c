/* task: receipts are whole or refused: every byte flipped, every member there, chains without gaps, the key on the disk; and the
 * verifier of docs/receipts.md says the same. */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "task/receipt.h"
#include "json/json.h"

/* RFC 8032, section 7.1, test 1. */
static const unsigned char seed[HV_RECEIPT_KEY_SIZE] = { 0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60,
                                                         0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
                                                         0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19,
                                                         0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60 };
#define PUBLIC "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

static const struct hv_receipt_input inputs[] = {
        { .path = "main.py", .sha256 = "aa", .size_bytes = 9 },
        { .path = "data/\"é\\.csv", .sha256 = "bb", .size_bytes = UINT64_C(5000000000) },
};

static const struct hv_receipt full = {
        .node = "box",
        .task = "t-1",
        .name = "t",
        .source = "api",
        .digest = "d1",
        .document_sha256 = "d2",
        .attempt = 2,
        .image = "docker.io/library/python:3.9-slim",
        .image_id = "sha256:00",
        .inputs = inputs,
        .n_inputs = 2,
        .inputs_known = true,
        .outputs_sha256 = "o1",
        .n_outputs = 3,
        .outputs_bytes = 77,
        .log_sha256 = "l1",
        .log_bytes = 12,
        .exit_code = 0,
        .cause = "success",
        .state = "Completed",
        .started_us = 1,
        .finished_us = 2,
        .ended_us = 3,
        .usage = { .cpu_us = 4,
                   .memory_peak_bytes = 5,
                   .gpu = { .memory_is_known = true,
                            .use_is_known = true,
                            .memory_peak_bytes = 6,
                            .use_mean_percent = 0,
                            .use_peak_percent = 107 } },
};

struct made {
        struct hv_buf text;
        char sha256[HV_SHA256_HEX_SIZE];
};

static void made_done(struct made *m) {
        hv_buf_done(&m->text);
}

static void make(struct made *m, const struct hv_receipt *r, const unsigned char *with) {
        _hv_cleanup_(hv_receipt_key_freep) struct hv_receipt_key *key = hv_receipt_key_new(with);

        hv_buf_clear(&m->text);
        hv_receipt_make(r, key, &m->text, m->sha256);
}

static void a_receipt_says_everything_in_one_way(void **state) {
        static const char body[] =
                "{\"receipt\":{\"attempt\":2,\"cause\":\"success\",\"digest\":\"d1\",\"documentSha256\":\"d2\",\"exitCode\":0,"
                "\"image\":{\"id\":\"sha256:00\",\"reference\":\"docker.io/library/python:3.9-slim\"},"
                "\"inputs\":[{\"path\":\"main.py\",\"sha256\":\"aa\",\"size\":9},"
                "{\"path\":\"data/\\\"é\\\\.csv\",\"sha256\":\"bb\",\"size\":5000000000}],\"key\":\"" PUBLIC
                "\","
                "\"log\":{\"sha256\":\"l1\",\"size\":12,\"truncated\":false},\"name\":\"t\",\"node\":\"box\",\"oomKilled\":false,"
                "\"outputs\":{\"files\":3,\"manifestSha256\":\"o1\",\"size\":77},\"previous\":null,\"reason\":null,\"source\":\"api\","
                "\"state\":\"Completed\",\"task\":\"t-1\",\"times\":{\"ended\":3,\"finished\":2,\"started\":1},"
                "\"usage\":{\"cpuMicroseconds\":4,\"gpu\":{\"memoryPeakBytes\":6,\"useMeanPercent\":0,\"usePeakPercent\":107},"
                "\"memoryPeakBytes\":5},\"version\":3},\"signature\":\"";
        _hv_cleanup_(made_done) struct made m = {};
        struct hv_receipt_checked c;

        (void) state;
        make(&m, &full, seed);
        assert_memory_equal(m.text.data, body, sizeof body - 1);
        assert_int_equal(m.text.len, sizeof body - 1 + 128 + 2);
        assert_int_equal(hv_receipt_check(m.text.data, m.text.len, PUBLIC, &c, NULL), 0);
        assert_string_equal(c.task, "t-1");
        assert_string_equal(c.state, "Completed");
        assert_string_equal(c.key, PUBLIC);
        assert_string_equal(c.sha256, m.sha256);
        assert_string_equal(c.previous, "");
        assert_int_equal(c.attempt, 2);
        assert_int_equal(c.ended_us, 3);
        hv_buf_putc(&m.text, '\n');
        assert_int_equal(hv_receipt_check(m.text.data, m.text.len, NULL, &c, NULL), 0);
        assert_string_equal(c.sha256, m.sha256);
}

static void what_is_not_known_is_null(void **state) {
        static const struct hv_receipt bare = { .node = "box",
                                                .task = "t-1",
                                                .exit_code = -1,
                                                .cause = "rejected",
                                                .state = "Rejected",
                                                .ended_us = 9 };
        static const char body[] =
                "{\"receipt\":{\"attempt\":null,\"cause\":\"rejected\",\"digest\":null,\"documentSha256\":null,\"exitCode\":null,"
                "\"image\":{\"id\":null,\"reference\":null},\"inputs\":null,\"key\":\"" PUBLIC
                "\",\"log\":null,\"name\":null,"
                "\"node\":\"box\",\"oomKilled\":false,\"outputs\":null,\"previous\":null,\"reason\":null,\"source\":null,\"state\":\"Rejected\","
                "\"task\":\"t-1\",\"times\":{\"ended\":9,\"finished\":null,\"started\":null},"
                "\"usage\":{\"cpuMicroseconds\":null,\"gpu\":null,\"memoryPeakBytes\":null},\"version\":3},\"signature\":\"";
        _hv_cleanup_(made_done) struct made m = {};
        struct hv_receipt_checked c;

        (void) state;
        make(&m, &bare, seed);
        assert_memory_equal(m.text.data, body, sizeof body - 1);
        assert_int_equal(hv_receipt_check(m.text.data, m.text.len, PUBLIC, &c, NULL), 0);
        assert_int_equal(c.attempt, 0);
}

static void every_byte_counts(void **state) {
        _hv_cleanup_(made_done) struct made m = {};
        struct hv_receipt_checked c;

        (void) state;
        make(&m, &full, seed);
        for (size_t i = 0; i < m.text.len; i++)
                for (unsigned bit = 0; bit < 8; bit++) {
                        m.text.data[i] = (char) (m.text.data[i] ^ 1 << bit);
                        if (hv_receipt_check(m.text.data, m.text.len, NULL, &c, NULL) != -EBADMSG)
                                fail_msg("byte %zu, bit %u: not seen", i, bit);
                        m.text.data[i] = (char) (m.text.data[i] ^ 1 << bit);
                }
        for (size_t len = 0; len < m.text.len; len++)
                assert_int_equal(hv_receipt_check(m.text.data, len, NULL, &c, NULL), -EBADMSG);
        assert_int_equal(hv_receipt_check(m.text.data, m.text.len, NULL, &c, NULL), 0);
}

static void sign(const char *body, struct hv_buf *ret) {
        _hv_cleanup_(hv_receipt_key_freep) struct hv_receipt_key *key = hv_receipt_key_new(seed);
        unsigned char signature[HV_RECEIPT_SIGNATURE_SIZE];

        hv_receipt_key_sign(key, body, strlen(body), signature);
        hv_buf_printf(ret, "{\"receipt\":%s,\"signature\":\"", body);
        for (size_t j = 0; j < sizeof signature; j++)
                hv_buf_printf(ret, "%02x", signature[j]);
        hv_buf_puts(ret, "\"}");
}

#define OLDER(reason, version)                                                                                \
        "{\"attempt\":null,\"cause\":\"rejected\",\"digest\":null,\"documentSha256\":null,\"exitCode\":null," \
        "\"image\":{\"id\":null,\"reference\":null},\"inputs\":null,\"key\":\"" PUBLIC                        \
        "\",\"log\":null,\"name\":null,"                                                                      \
        "\"node\":\"box\",\"oomKilled\":false,\"outputs\":null,\"previous\":null," reason                     \
        "\"source\":null,\"state\":\"Rejected\","                                                             \
        "\"task\":\"t-1\",\"times\":{\"ended\":9,\"finished\":null,\"started\":null},"                        \
        "\"usage\":{\"cpuMicroseconds\":null,\"memoryPeakBytes\":null},\"version\":" version "}"

static void check_older(const char *body) {
        _hv_cleanup_(hv_buf_done) struct hv_buf old = {};
        struct hv_receipt_checked before, after;
        _hv_cleanup_(made_done) struct made m = {};
        struct hv_receipt r = full;

        sign(body, &old);
        assert_int_equal(hv_receipt_check(old.data, old.len, PUBLIC, &before, NULL), 0);
        assert_string_equal(before.task, "t-1");
        r.previous = before.sha256;
        make(&m, &r, seed);
        assert_int_equal(hv_receipt_check(m.text.data, m.text.len, PUBLIC, &after, NULL), 0);
        assert_int_equal(hv_receipt_check_next(&before, &after, NULL), 0);
}

/* As they were written before evictions had a reason, and before GPUs had figures. */
static void receipts_of_older_versions_stay_good(void **state) {
        (void) state;
        check_older(OLDER("", "1"));
        check_older(OLDER("\"reason\":null,", "2"));
}

static void a_receipt_says_why_the_node_stopped_it(void **state) {
        _hv_cleanup_(made_done) struct made m = {};
        struct hv_receipt r = full;

        (void) state;
        r.cause = "nodeError";
        r.reason = "GpuLost";
        make(&m, &r, seed);
        assert_non_null(strstr(hv_buf_str(&m.text), ",\"previous\":null,\"reason\":\"GpuLost\",\"source\":"));
}

/* The same meaning in other bytes, signed or not, is no receipt: its hash would be another. */
static void another_form_is_refused(void **state) {
        static const char *const bodies[] = {
                "{\"version\":1,\"task\":\"t\",\"state\":\"s\",\"key\":\"" PUBLIC "\"}",  /* order */
                "{\"key\": \"" PUBLIC "\",\"state\":\"s\",\"task\":\"t\",\"version\":1}", /* a blank */
                "{\"key\":\"" PUBLIC "\",\"state\":\"s\",\"task\":\"\\u0074\",\"version\":1}",
                "{\"key\":\"" PUBLIC "\",\"state\":\"s\",\"task\":\"t\",\"task\":\"t\",\"version\":1}",
                "{\"key\":\"" PUBLIC "\",\"state\":\"s\",\"task\":\"t\",\"version\":0}",
                "{\"key\":\"" PUBLIC "\",\"state\":\"s\",\"task\":\"t\",\"version\":4}",
                "{\"key\":\"" PUBLIC "\",\"state\":\"s\",\"version\":1}",
                "{\"state\":\"s\",\"task\":\"t\",\"version\":1}",
                "[]",
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(bodies); i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
                struct hv_receipt_checked c;

                sign(bodies[i], &text);
                if (hv_receipt_check(text.data, text.len, NULL, &c, NULL) != -EBADMSG)
                        fail_msg("%s", bodies[i]);
        }
}

static void another_key_is_seen(void **state) {
        unsigned char other[HV_RECEIPT_KEY_SIZE] = { 7 };
        _hv_cleanup_(made_done) struct made m = {};
        struct hv_receipt_checked c;
        struct hv_err err = {};

        (void) state;
        make(&m, &full, other);
        assert_int_equal(hv_receipt_check(m.text.data, m.text.len, NULL, &c, NULL), 0);
        assert_int_equal(hv_receipt_check(m.text.data, m.text.len, PUBLIC, &c, &err), -EKEYREJECTED);
        assert_non_null(strstr(err.msg, "signed with another key"));
        assert_int_equal(hv_receipt_check(m.text.data, m.text.len, "abc", &c, NULL), -EINVAL);
}

static void a_chain_has_no_gap(void **state) {
        unsigned char other[HV_RECEIPT_KEY_SIZE] = { 7 };
        struct hv_receipt_checked c[3], stranger;
        _hv_cleanup_(made_done) struct made m = {};
        char before[HV_SHA256_HEX_SIZE];
        struct hv_receipt r = full;

        (void) state;
        for (size_t i = 0; i < 3; i++) {
                make(&m, &r, seed);
                assert_int_equal(hv_receipt_check(m.text.data, m.text.len, PUBLIC, &c[i], NULL), 0);
                memcpy(before, m.sha256, sizeof before);
                r.previous = before;
        }
        assert_int_equal(hv_receipt_check_next(NULL, &c[0], NULL), 0);
        assert_int_equal(hv_receipt_check_next(&c[0], &c[1], NULL), 0);
        assert_int_equal(hv_receipt_check_next(&c[1], &c[2], NULL), 0);
        assert_int_equal(hv_receipt_check_next(&c[0], &c[2], NULL), -EPROTO);
        assert_int_equal(hv_receipt_check_next(&c[1], &c[0], NULL), -EPROTO);
        assert_int_equal(hv_receipt_check_next(&c[1], &c[1], NULL), -EPROTO);
        make(&m, &r, other);
        assert_int_equal(hv_receipt_check(m.text.data, m.text.len, NULL, &stranger, NULL), 0);
        assert_int_equal(hv_receipt_check_next(&c[2], &stranger, NULL), -EKEYREJECTED);
}

static void the_key_is_made_once(void **state) {
        char dir[] = "/tmp/hv-receipt-XXXXXX", path[64], public_key[HV_RECEIPT_KEY_HEX_SIZE];
        struct hv_receipt_key *key = NULL;
        struct hv_err err = {};
        struct stat st;
        int fd;

        (void) state;
        assert_non_null(mkdtemp(dir));
        (void) snprintf(path, sizeof path, "%s/receipt.key", dir);
        assert_int_equal(hv_receipt_key_open(dir, &key, NULL), 0);
        (void) snprintf(public_key, sizeof public_key, "%s", hv_receipt_key_public(key));
        hv_receipt_key_free(key);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(hv_receipt_key_open(dir, &key, NULL), 0);
        assert_string_equal(hv_receipt_key_public(key), public_key);
        hv_receipt_key_free(key);
        fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        assert_int_equal(write(fd, "secret", 6), 6);
        (void) close(fd);
        assert_int_equal(hv_receipt_key_open(dir, &key, &err), -EBADMSG); /* never replaced, never shown */
        assert_null(strstr(err.msg, "secret"));
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(dir), 0);
}

/* The program in docs/receipts.md, on a good chain and on one with a hole. */
static int run_documented(const char *file) {
        _hv_cleanup_free_ char *command =
                hv_asprintf("sed -n '/^```python/,/^```$/p' " HV_SOURCE_DIR
                            "/docs/receipts.md | sed '1d;$d' | python3 - %s " PUBLIC " >/dev/null 2>&1",
                            file);

        return WEXITSTATUS(system(command)); /* NOLINT(cert-env33-c): the shell of a test */
}

static void the_documented_verifier_says_the_same(void **state) {
        char path[] = "/tmp/hv-receipts-XXXXXX";
        _hv_cleanup_(made_done) struct made m = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf chain = {};
        char before[HV_SHA256_HEX_SIZE];
        struct hv_receipt r = full;
        size_t second = 0, third = 0;
        int fd = mkstemp(path);

        (void) state;
        for (size_t i = 0; i < 3; i++) {
                make(&m, &r, seed);
                hv_buf_printf(&chain, "%s\n", hv_buf_str(&m.text));
                second = i == 0 ? chain.len : second;
                third = i == 1 ? chain.len : third;
                memcpy(before, m.sha256, sizeof before);
                r.previous = before;
        }
        assert_int_equal(pwrite(fd, chain.data, chain.len, 0), chain.len);
        assert_int_equal(run_documented(path), 0);
        chain.data[second + 30] ^= 1;
        assert_int_equal(pwrite(fd, chain.data, chain.len, 0), chain.len);
        assert_int_not_equal(run_documented(path), 0);
        chain.data[second + 30] ^= 1;
        memmove(chain.data + second, chain.data + third, chain.len - third);
        assert_int_equal(pwrite(fd, chain.data, second + chain.len - third, 0), second + chain.len - third);
        assert_int_equal(ftruncate(fd, (off_t) (second + chain.len - third)), 0);
        assert_int_not_equal(run_documented(path), 0);
        (void) close(fd);
        assert_int_equal(unlink(path), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_receipt_says_everything_in_one_way),
                cmocka_unit_test(what_is_not_known_is_null),
                cmocka_unit_test(receipts_of_older_versions_stay_good),
                cmocka_unit_test(a_receipt_says_why_the_node_stopped_it),
                cmocka_unit_test(every_byte_counts),
                cmocka_unit_test(another_form_is_refused),
                cmocka_unit_test(another_key_is_seen),
                cmocka_unit_test(a_chain_has_no_gap),
                cmocka_unit_test(the_key_is_made_once),
                cmocka_unit_test(the_documented_verifier_says_the_same),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

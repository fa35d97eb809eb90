/* The parts of pkg/auth that need no loop: limits, sessions, files, tokens; and the hashes of pkg/password. */
#include "testing.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../source/scratch.h"
#include "auth/access_file.h"
#include "auth/attempts.h"
#include "auth/sessions.h"
#include "auth/tokens.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "password/password.h"

#define NOW (1000 * HV_USEC_PER_SEC)
#define WALL (1790000000 * HV_USEC_PER_SEC)

/* ---- limits ---- */

static void each_failure_waits_twice_as_long_and_the_last_for_the_window(void **state) {
        static const uint64_t waits_s[] = { 1, 2, 4, 8 };
        struct hv_attempts *a = hv_attempts_new();
        uint64_t now = NOW;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(waits_s); i++) {
                assert_int_equal(hv_attempts_wait_us(a, "user:ana", now), 0);
                hv_attempts_begin(a, "user:ana", now);
                hv_attempts_failed(a, "user:ana", now);
                assert_int_equal(hv_attempts_wait_us(a, "user:ana", now), waits_s[i] * HV_USEC_PER_SEC);
                assert_int_equal(hv_attempts_wait_us(a, "user:bob", now), 0);
                now += waits_s[i] * HV_USEC_PER_SEC;
        }
        hv_attempts_begin(a, "user:ana", now);
        hv_attempts_failed(a, "user:ana", now);
        assert_int_equal(hv_attempts_wait_us(a, "user:ana", now), NOW + HV_ATTEMPTS_WINDOW_US - now);
        assert_int_equal(hv_attempts_wait_us(a, "user:ana", NOW + HV_ATTEMPTS_WINDOW_US), 0);
        a = hv_attempts_free(a);
}

static void tries_under_way_count(void **state) {
        struct hv_attempts *a = hv_attempts_new();

        (void) state;
        for (unsigned i = 0; i < HV_ATTEMPTS_MAX; i++) {
                assert_int_equal(hv_attempts_wait_us(a, "x", NOW), 0);
                hv_attempts_begin(a, "x", NOW);
        }
        assert_true(hv_attempts_wait_us(a, "x", NOW) > 0);
        hv_attempts_over(a, "x", false);
        assert_int_equal(hv_attempts_wait_us(a, "x", NOW), 0);
        a = hv_attempts_free(a);
}

static void a_success_forgives_a_name_and_not_an_address(void **state) {
        struct hv_attempts *a = hv_attempts_new();

        (void) state;
        for (unsigned i = 0; i < 2; i++) {
                hv_attempts_begin(a, i ? "address" : "name", NOW);
                hv_attempts_failed(a, i ? "address" : "name", NOW);
                hv_attempts_begin(a, i ? "address" : "name", NOW + HV_USEC_PER_SEC);
                hv_attempts_over(a, i ? "address" : "name", i == 0);
        }
        hv_attempts_begin(a, "name", NOW + 2 * HV_USEC_PER_SEC);
        hv_attempts_failed(a, "name", NOW + 2 * HV_USEC_PER_SEC);
        assert_int_equal(hv_attempts_wait_us(a, "name", NOW + 2 * HV_USEC_PER_SEC), HV_USEC_PER_SEC);
        hv_attempts_begin(a, "address", NOW + 2 * HV_USEC_PER_SEC);
        hv_attempts_failed(a, "address", NOW + 2 * HV_USEC_PER_SEC);
        assert_int_equal(hv_attempts_wait_us(a, "address", NOW + 2 * HV_USEC_PER_SEC), 2 * HV_USEC_PER_SEC);
        a = hv_attempts_free(a);
}

/* What failed in a window that is over counts no more, and the next one limits as the first did. */
static void each_window_counts_from_zero(void **state) {
        struct hv_attempts *a = hv_attempts_new();

        (void) state;
        for (uint64_t now = NOW; now < NOW + 3 * HV_ATTEMPTS_WINDOW_US; now += HV_ATTEMPTS_WINDOW_US)
                for (unsigned i = 0; i < HV_ATTEMPTS_MAX; i++) {
                        uint64_t at = now + (i << i) * HV_USEC_PER_SEC;

                        assert_int_equal(hv_attempts_wait_us(a, "user:ana", at), 0);
                        hv_attempts_begin(a, "user:ana", at);
                        hv_attempts_failed(a, "user:ana", at);
                        assert_int_equal(hv_attempts_wait_us(a, "user:ana", at),
                                         i + 1 < HV_ATTEMPTS_MAX ? HV_ATTEMPTS_WAIT_US << i
                                                                 : now + HV_ATTEMPTS_WINDOW_US - at);
                }
        a = hv_attempts_free(a);
}

static void keys_are_bounded(void **state) {
        struct hv_attempts *a = hv_attempts_new();
        char key[32];

        (void) state;
        for (unsigned i = 0; i < HV_ATTEMPTS_KEYS_MAX + 10; i++) {
                (void) snprintf(key, sizeof key, "address:%u", i);
                hv_attempts_begin(a, key, NOW);
                hv_attempts_failed(a, key, NOW);
        }
        assert_int_equal(hv_attempts_wait_us(a, "address:0", NOW), 0); /* it made room */
        assert_true(hv_attempts_wait_us(a, key, NOW) > 0);
        a = hv_attempts_free(a);
}

/* ---- sessions ---- */

static void count(void *userdata, const struct hv_session *s) {
        (void) s;
        ++*(unsigned *) userdata;
}

static struct hv_session_wish wish_of(const char *owner, uint64_t now_us) {
        return (struct hv_session_wish){ .owner = owner,
                                         .address = "192.0.2.7",
                                         .role = HV_ROLE_VIEWER,
                                         .origin = HV_SESSION_OF_USER,
                                         .life_us = HV_USEC_PER_DAY,
                                         .now_us = now_us,
                                         .wall_us = WALL };
}

static void only_the_digest_of_a_key_is_kept(void **state) {
        struct hv_sessions *all = hv_sessions_new(NULL, NULL);
        const struct hv_session_wish wish = wish_of("ana", NOW);
        char key[HV_CREDENTIAL_SIZE], digest[HV_SHA256_HEX_SIZE];
        const struct hv_session *s = hv_sessions_begin(all, &wish, key);

        (void) state;
        hv_credential_digest(key, digest);
        assert_string_equal(s->digest, digest);
        assert_int_equal(strlen(key), HV_CREDENTIAL_SIZE - 1);
        assert_null(memmem(s, sizeof *s, key, strlen(key)));
        assert_ptr_equal(hv_sessions_use(all, key, NOW, WALL), s);
        assert_null(hv_sessions_use(all, s->id, NOW, WALL));
        assert_null(hv_sessions_use(all, s->digest, NOW, WALL));
        assert_null(hv_sessions_use(all, s->csrf, NOW, WALL));
        all = hv_sessions_free(all);
}

static void an_owner_has_so_many_and_the_idle_one_goes(void **state) {
        unsigned n_ended = 0;
        struct hv_sessions *all = hv_sessions_new(count, &n_ended);
        char first[HV_CREDENTIAL_SIZE], second[HV_CREDENTIAL_SIZE], other[HV_CREDENTIAL_SIZE];
        struct hv_session_wish wish = wish_of("ana", NOW);

        (void) state;
        (void) hv_sessions_begin(all, &wish, first);
        for (unsigned i = 1; i < HV_SESSIONS_PER_OWNER; i++) {
                wish.now_us++;
                (void) hv_sessions_begin(all, &wish, second);
        }
        assert_non_null(hv_sessions_use(all, first, NOW + 100, WALL)); /* it is not the idle one any more */
        wish = wish_of("bob", NOW + 101);
        (void) hv_sessions_begin(all, &wish, other);
        assert_int_equal(n_ended, 0);
        wish = wish_of("ana", NOW + 102);
        (void) hv_sessions_begin(all, &wish, other);
        assert_int_equal(n_ended, 1);
        assert_non_null(hv_sessions_use(all, first, NOW + 103, WALL));
        assert_non_null(hv_sessions_use(all, second, NOW + 103, WALL));
        all = hv_sessions_free(all);
}

static void what_is_over_is_used_no_more(void **state) {
        static const struct {
                const char *what;
                uint64_t life_us, used_us, asked_us; /* from its beginning */
                bool is_good;
        } rows[] = {
                { "used in time", HV_USEC_PER_DAY, 0, HV_SESSION_IDLE_US - 1, true },
                { "unused for too long", HV_USEC_PER_DAY, 0, HV_SESSION_IDLE_US, false },
                { "used meanwhile", HV_USEC_PER_DAY, 1, HV_SESSION_IDLE_US, true },
                { "just before its end", HV_USEC_PER_MIN, 1, HV_USEC_PER_MIN - 1, true },
                { "at its end", HV_USEC_PER_MIN, HV_USEC_PER_MIN - 1, HV_USEC_PER_MIN, false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                unsigned n_ended = 0;
                struct hv_sessions *all = hv_sessions_new(count, &n_ended);
                struct hv_session_wish wish = wish_of("ana", NOW);
                char key[HV_CREDENTIAL_SIZE];

                wish.life_us = rows[i].life_us;
                (void) hv_sessions_begin(all, &wish, key);
                assert_non_null(hv_sessions_use(all, key, NOW + rows[i].used_us, WALL));
                for (unsigned n = 0; n < 2; n++) /* nor comes it back */
                        if ((hv_sessions_use(all, key, NOW + rows[i].asked_us, WALL) != NULL) !=
                            rows[i].is_good)
                                fail_msg("%s", rows[i].what);
                assert_int_equal(n_ended, rows[i].is_good ? 0 : 1);
                assert_int_equal(hv_sessions_next(all, &(size_t){ 0 }) != NULL, rows[i].is_good);
                all = hv_sessions_free(all);
        }
}

static void all_owners_together_have_so_many(void **state) {
        unsigned n_ended = 0;
        struct hv_sessions *all = hv_sessions_new(count, &n_ended);
        char owner[32], first[HV_CREDENTIAL_SIZE], second[HV_CREDENTIAL_SIZE], key[HV_CREDENTIAL_SIZE];
        struct hv_session_wish one_more;

        (void) state;
        for (unsigned i = 0; i < HV_SESSIONS_MAX; i++) {
                struct hv_session_wish wish;

                (void) snprintf(owner, sizeof owner, "user-%u", i);
                wish = wish_of(owner, NOW + i);
                (void) hv_sessions_begin(all, &wish, i == 0 ? first : i == 1 ? second : key);
        }
        assert_int_equal(n_ended, 0);
        assert_non_null(hv_sessions_use(all, first, NOW + HV_SESSIONS_MAX, WALL));
        one_more = wish_of("one-more", NOW + HV_SESSIONS_MAX);
        (void) hv_sessions_begin(all, &one_more, key);
        assert_int_equal(n_ended, 1);
        assert_non_null(hv_sessions_use(all, first, NOW + HV_SESSIONS_MAX, WALL));
        assert_null(hv_sessions_use(all, second, NOW + HV_SESSIONS_MAX, WALL));
        all = hv_sessions_free(all);
}

/* ---- files ---- */

#define HASH "$y$j9T$SL0JAWwUXOEkEm8mSYHS./$wFVKXPwmQCDIRQ0s/WR8bKlp2MZnXWMeQHHWLpbEEb3"
#define DIGEST "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static void lines_of_users(void **state) {
        static const struct {
                const char *what, *text;
                size_t n;         /* users; of an error 0 */
                const char *says; /* NULL: no error */
        } rows[] = {
                { "nothing", "", 0, NULL },
                { "remarks", "# a\n\n  \n", 0, NULL },
                { "two", "ana:operator:" HASH "\n bob:viewer:" HASH " \r\n", 2, NULL },
                { "no end of line", "ana:admin:" HASH, 1, NULL },
                { "no hash", "ana:admin\n", 0, "f:1: expected NAME:ROLE:HASH" },
                { "no role", "\nana:root:" HASH "\n", 0, "f:2: the role" },
                { "a name with a space", "an a:admin:" HASH "\n", 0, "f:1: the name" },
                { "no name", ":admin:" HASH "\n", 0, "f:1: the name" },
                { "a password in clear", "ana:admin:secret\n", 0, "f:1: the hash" },
                { "md5", "ana:admin:$1$abcdefgh$0123456789012345678901\n", 0, "f:1: the hash" },
                { "sha512", "ana:admin:$6$salt$abc\n", 0, "f:1: the hash" },
                { "yescrypt that costs nothing", "ana:admin:$y$j75$SL0JAWwUXOEkEm8mSYHS./$wFVKX\n", 0,
                  "f:1: the hash" },
                { "locked", "ana:admin:!\n", 0, "f:1: the hash" },
                { "twice", "ana:admin:" HASH "\nana:viewer:" HASH "\n", 0, "f:2: this user" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_users users = {};
                struct hv_err err = {};
                int r = hv_users_parse("f", rows[i].text, &users, &err);

                if ((r < 0) != (rows[i].says != NULL) || users.n != rows[i].n ||
                    (r < 0 && !hv_has_prefix(err.msg, rows[i].says)))
                        fail_msg("%s: %d, %zu users, \"%s\"", rows[i].what, r, users.n, err.msg);
                assert_null(strstr(err.msg, "secret"));
                hv_users_done(&users);
        }
}

static void lines_of_tokens(void **state) {
        static const struct {
                const char *what, *text;
                size_t n;
                const char *says;
        } rows[] = {
                { "alone", "0123456789abcdef01234\n", 1, NULL },
                { "three words", "viewer grafana sha256:" DIGEST "\noperator ci 0123456789abcdef01234\n", 2,
                  NULL },
                { "two words", "viewer 0123456789abcdef01234\n", 0, "f:1: expected ROLE" },
                { "four words", "viewer a 0123456789abcdef01234 b\n", 0, "f:1: expected ROLE" },
                { "a role that is none", "root a 0123456789abcdef01234\n", 0, "f:1: the role" },
                { "short", "viewer a 0123456789\n", 0, "f:1: the token is shorter" },
                { "a digest in capitals",
                  "viewer a sha256:9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08\n", 0,
                  "f:1: behind sha256:" },
                { "the same name", "viewer a sha256:" DIGEST "\nviewer a 0123456789abcdef01234\n", 0,
                  "f:2: a token of this name" },
                { "the same token", "viewer a sha256:" DIGEST "\nviewer b sha256:" DIGEST "\n", 0,
                  "f:2: a token of this name" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_file_tokens tokens = {};
                struct hv_err err = {};
                int r = hv_file_tokens_parse("f", rows[i].text, &tokens, &err);

                if ((r < 0) != (rows[i].says != NULL) || tokens.n != rows[i].n ||
                    (r < 0 && !hv_has_prefix(err.msg, rows[i].says)))
                        fail_msg("%s: %d, %zu tokens, \"%s\"", rows[i].what, r, tokens.n, err.msg);
                assert_null(strstr(err.msg, "0123456789"));
                hv_file_tokens_done(&tokens);
        }
}

/* ---- tokens ---- */

static void tokens_outlive_their_store(void **state) {
        const struct scratch *scratch = *state;
        const char *dir = scratch_path(scratch, "auth");
        const struct hv_token wish = { .name = (char *) "ci",
                                       .role = HV_ROLE_OPERATOR,
                                       .by = (char *) "the test",
                                       .until_wall_us = WALL };
        _hv_cleanup_free_ char *kept = NULL;
        char text[HV_CREDENTIAL_SIZE];
        struct hv_tokens *t = NULL;
        struct stat st;

        assert_int_equal(hv_tokens_open(dir, &t, NULL), 0);
        assert_int_equal(hv_tokens_create(t, &wish, text, NULL), 0);
        assert_int_equal(hv_tokens_create(t, &wish, text, NULL), -EEXIST);
        t = hv_tokens_free(t);
        kept = scratch_read(scratch, "auth/tokens.json");
        assert_null(strstr(kept, text));
        assert_int_equal(stat(scratch_path(scratch, "auth/tokens.json"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(hv_tokens_open(dir, &t, NULL), 0);
        assert_string_equal(hv_tokens_use(t, text, WALL - 1)->name, "ci");
        assert_int_equal(hv_tokens_find(t, "ci")->role, HV_ROLE_OPERATOR);
        assert_null(hv_tokens_use(t, text, WALL)); /* its time is over */
        assert_null(hv_tokens_use(t, hv_tokens_find(t, "ci")->digest, WALL - 1));
        assert_int_equal(hv_tokens_revoke(t, "ci", NULL), 0);
        assert_int_equal(hv_tokens_revoke(t, "ci", NULL), -ENOENT);
        t = hv_tokens_free(t);
        assert_int_equal(hv_tokens_open(dir, &t, NULL), 0);
        assert_null(hv_tokens_at(t, 0));
        t = hv_tokens_free(t);
}

/* Writing any file fails with EFBIG while it is set, as it does with ENOSPC on a full disk. */
static void set_full(bool is_full) {
        struct rlimit limit;

        assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
        limit.rlim_cur = is_full ? 0 : limit.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A change that is not on the disk did not happen. */
static void a_full_disk_changes_no_token(void **state) {
        const char *dir = scratch_path(*state, "auth");
        const struct hv_token ci = { .name = (char *) "ci", .role = HV_ROLE_OPERATOR },
                              grafana = { .name = (char *) "grafana", .role = HV_ROLE_VIEWER };
        char kept[HV_CREDENTIAL_SIZE], text[HV_CREDENTIAL_SIZE] = "untouched";
        struct hv_tokens *t = NULL;
        struct hv_err err = {};
        int created, revoked;

        (void) signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(hv_tokens_open(dir, &t, NULL), 0);
        assert_int_equal(hv_tokens_create(t, &ci, kept, NULL), 0);
        set_full(true);
        created = hv_tokens_create(t, &grafana, text, &err);
        revoked = hv_tokens_revoke(t, "ci", NULL);
        set_full(false);
        assert_true(created < 0 && *err.msg);
        assert_string_equal(text, "untouched");
        assert_null(hv_tokens_find(t, "grafana"));
        assert_null(hv_tokens_at(t, 1));
        assert_true(revoked < 0);
        assert_string_equal(hv_tokens_use(t, kept, WALL)->name, "ci");
        assert_int_equal(hv_tokens_create(t, &grafana, text, NULL), 0); /* there is room again */
        assert_int_equal(hv_tokens_revoke(t, "ci", NULL), 0);
        t = hv_tokens_free(t);
        assert_int_equal(hv_tokens_open(dir, &t, NULL), 0);
        assert_null(hv_tokens_use(t, kept, WALL));
        assert_string_equal(hv_tokens_use(t, text, WALL)->name, "grafana");
        t = hv_tokens_free(t);
}

static void there_are_so_many_tokens(void **state) {
        const struct hv_token wish = { .name = (char *) "one-more", .role = HV_ROLE_VIEWER };
        _hv_cleanup_(hv_buf_done) struct hv_buf file = {};
        char text[HV_CREDENTIAL_SIZE];
        struct hv_tokens *t = NULL;

        hv_buf_puts(&file, "{\"version\":1,\"tokens\":[");
        for (unsigned i = 0; i < HV_TOKENS_MAX; i++)
                hv_buf_printf(&file, "%s{\"name\":\"t%u\",\"role\":\"viewer\",\"sha256\":\"%064x\"}",
                              i ? "," : "", i, i);
        hv_buf_puts(&file, "]}");
        assert_int_equal(mkdir(scratch_path(*state, "auth"), 0700), 0);
        scratch_write(*state, "auth/tokens.json", hv_buf_str(&file));
        assert_int_equal(hv_tokens_open(scratch_path(*state, "auth"), &t, NULL), 0);
        assert_int_equal(hv_tokens_create(t, &wish, text, NULL), -E2BIG);
        assert_int_equal(hv_tokens_revoke(t, "t7", NULL), 0);
        assert_int_equal(hv_tokens_create(t, &wish, text, NULL), 0);
        t = hv_tokens_free(t);
}

/* Nothing of a broken file is taken, and it is not written over. */
static void a_broken_store_lets_nobody_in(void **state) {
        static const char *const texts[] = {
                "",
                "{",
                "[]",
                "{\"version\":2,\"tokens\":[]}",
                "{\"version\":1}",
                "{\"version\":1,\"tokens\":[{\"name\":\"a\",\"role\":\"root\",\"sha256\":\"" DIGEST "\"}]}",
                "{\"version\":1,\"tokens\":[{\"name\":\"a\",\"role\":\"admin\",\"sha256\":\"" DIGEST
                "\"},{\"name\":\"b\",\"role\":\"admin\",\"sha256\":\"\"}]}",
        };
        const struct scratch *scratch = *state;
        const struct hv_token wish = { .name = (char *) "ci", .role = HV_ROLE_ADMIN };

        assert_int_equal(mkdir(scratch_path(scratch, "auth"), 0700), 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(texts); i++) {
                _hv_cleanup_free_ char *after = NULL;
                char text[HV_CREDENTIAL_SIZE];
                struct hv_tokens *t = NULL;

                scratch_write(scratch, "auth/tokens.json", texts[i]);
                assert_true(hv_tokens_open(scratch_path(scratch, "auth"), &t, NULL) < 0);
                assert_null(hv_tokens_at(t, 0));
                assert_int_equal(hv_tokens_create(t, &wish, text, NULL), -EBADMSG);
                after = scratch_read(scratch, "auth/tokens.json");
                assert_string_equal(after, texts[i]);
                t = hv_tokens_free(t);
        }
}

/* ---- hashes ---- */

static void passwords(void **state) {
        static const struct {
                const char *what, *password;
                bool is_good;
        } rows[] = {
                { "eight bytes", "abcdefgh", true },
                { "seven", "abcdefg", false },
                { "in every list", "Password1", false },
                { "not ASCII", "p\xc3\xa4ssw\xc3\xb6rt", true },
        };
        char longest[HV_PASSWORD_MAX_BYTES + 2];

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *hash = NULL;

                if ((hv_password_hash(rows[i].password, &hash, NULL) == 0) != rows[i].is_good)
                        fail_msg("%s", rows[i].what);
        }
        memset(longest, 'a', sizeof longest);
        longest[sizeof longest - 1] = '\0';
        assert_int_equal(hv_password_hash(longest, &(char *){ NULL }, NULL), -EINVAL);
        assert_false(hv_password_matches(HV_PASSWORD_NOBODY, longest));
        assert_false(hv_password_matches("", ""));
        assert_false(hv_password_matches("*0", "*0"));
        assert_true(hv_password_is_strong_hash(HV_PASSWORD_NOBODY));
}

static void works_are_counted_by_what_they_cost(void **state) {
        static const struct {
                const char *setting;
                uint64_t works;
        } rows[] = { { "$y$j9T$SL0JAWwUXOEkEm8mSYHS./", 1 },
                     { "$y$jAT$SL0JAWwUXOEkEm8mSYHS./", 2 },
                     { "$y$jBT$SL0JAWwUXOEkEm8mSYHS./", 4 },
                     { "no setting", 1 } };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                uint64_t before = hv_password_works();

                assert_false(hv_password_matches(rows[i].setting, "abcdefgh"));
                assert_int_equal(hv_password_works() - before, rows[i].works);
        }
}

/* No truncation: the last byte of a long password counts. */
static void the_last_byte_counts(void **state) {
        char password[HV_PASSWORD_MAX_BYTES + 1];
        _hv_cleanup_free_ char *hash = NULL;

        (void) state;
        memset(password, 'x', sizeof password - 1);
        password[sizeof password - 1] = '\0';
        assert_int_equal(hv_password_hash(password, &hash, NULL), 0);
        assert_true(hv_password_is_strong_hash(hash));
        assert_true(hv_password_matches(hash, password));
        password[strlen(password) - 1] = 'y';
        assert_false(hv_password_matches(hash, password));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_failure_waits_twice_as_long_and_the_last_for_the_window),
                cmocka_unit_test(tries_under_way_count),
                cmocka_unit_test(a_success_forgives_a_name_and_not_an_address),
                cmocka_unit_test(each_window_counts_from_zero),
                cmocka_unit_test(keys_are_bounded),
                cmocka_unit_test(only_the_digest_of_a_key_is_kept),
                cmocka_unit_test(an_owner_has_so_many_and_the_idle_one_goes),
                cmocka_unit_test(what_is_over_is_used_no_more),
                cmocka_unit_test(all_owners_together_have_so_many),
                cmocka_unit_test(lines_of_users),
                cmocka_unit_test(lines_of_tokens),
                cmocka_unit_test_setup_teardown(tokens_outlive_their_store, scratch_set_up,
                                                scratch_tear_down),
                cmocka_unit_test_setup_teardown(a_full_disk_changes_no_token, scratch_set_up,
                                                scratch_tear_down),
                cmocka_unit_test_setup_teardown(there_are_so_many_tokens, scratch_set_up, scratch_tear_down),
                cmocka_unit_test_setup_teardown(a_broken_store_lets_nobody_in, scratch_set_up,
                                                scratch_tear_down),
                cmocka_unit_test(passwords),
                cmocka_unit_test(works_are_counted_by_what_they_cost),
                cmocka_unit_test(the_last_byte_counts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

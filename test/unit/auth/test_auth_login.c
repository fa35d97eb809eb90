/* Logins, from outside of pkg/auth: limits, what changes meanwhile, the first credential. Clocks are the test's own. */
#include "testing.h"

#include <stdio.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "../source/scratch.h"
#include "auth/attempts.h"
#include "auth/auth.h"
#include "base/buf.h"
#include "log/log.h"
#include "password/password.h"

#define NOW (1000 * HV_USEC_PER_SEC)
#define WALL (1790000000 * HV_USEC_PER_SEC)

/* "correct horse", with two salts, and "battery staple" of twice the cost. */
#define HORSE "$y$j9T$SL0JAWwUXOEkEm8mSYHS./$jZwUHcaZDkXFgFao00qMRqX85VpysTnJaqQZICMCOA2"
#define HORSE_AGAIN "$y$j9T$QL0JAWwUXOEkEm8mSYHS./$XKdLD2XXeAHDgX89/GxOxS1u1dLkPQY7Vbo2fjPZEAC"
#define STAPLE "$y$jAT$SL0JAWwUXOEkEm8mSYHS./$vBMZ3YxMWVDQm3JdwedbAdlEQ0kLM.hbDfIIo3P/Yw8"

#define TOKEN "0123456789abcdef01234"
#define OTHER_TOKEN "56789abcdef0123456789"

static uint64_t passed_us;

static uint64_t now_us(void) {
        return NOW + passed_us;
}

static uint64_t wall_us(void) {
        return WALL + passed_us;
}

/* ---- a door, and who comes to it ---- */

struct door {
        const struct scratch *scratch;
        sd_event *event;
        struct hv_auth *auth;
        struct hv_buf log;
        char users[96], tokens[96];
        enum hv_role pool_role;
        struct question { /* that the pool was asked */
                hv_pool_answer_fn *answered;
                void *userdata;
                char text[96];
        } questions[2 * HV_LOGINS_MAX];
        unsigned n_questions;
};

struct ending {
        unsigned n; /* how often it was told */
        enum hv_login_end end;
        uint64_t wait_us;
        enum hv_role role;
        enum hv_session_origin origin;
        char key[HV_CREDENTIAL_SIZE];
};

static void keep_log(const struct hv_log_record *record, void *userdata) {
        hv_buf_printf(userdata, "%s\n", record->message);
}

/* users, tokens: the texts of the files; NULL: there is none. */
static void configure(struct door *d, const char *users, const char *tokens) {
        const struct hv_auth_settings settings = { .is_required = true,
                                                   .users_file = users ? d->users : NULL,
                                                   .token_file = tokens ? d->tokens : NULL,
                                                   .session_life_us = HV_USEC_PER_DAY,
                                                   .pool_role = d->pool_role };
        struct hv_err err = {};

        if (users)
                scratch_write(d->scratch, "users", users);
        if (tokens)
                scratch_write(d->scratch, "tokens", tokens);
        if (hv_auth_configure(d->auth, &settings, &err) < 0)
                fail_msg("%s", err.msg);
}

static void door_open(struct door *d, const struct scratch *scratch, const char *users, const char *tokens) {
        struct hv_auth_options options = { .now_us = now_us, .wall_us = wall_us };

        *d = (struct door){ .scratch = scratch };
        passed_us = 0;
        (void) snprintf(d->users, sizeof d->users, "%s", scratch_path(scratch, "users"));
        (void) snprintf(d->tokens, sizeof d->tokens, "%s", scratch_path(scratch, "tokens"));
        hv_log_set_sink(keep_log, &d->log);
        assert_true(sd_event_new(&d->event) >= 0);
        options.event = d->event;
        options.state_dir = scratch->path;
        assert_int_equal(hv_auth_new(&options, &d->auth, NULL), 0);
        configure(d, users, tokens);
}

static void door_close(struct door *d) {
        d->auth = hv_auth_free(d->auth);
        d->event = sd_event_unref(d->event);
        hv_log_set_sink(NULL, NULL);
        hv_buf_done(&d->log);
}

static void on_login(void *userdata, const struct hv_login_result *result) {
        struct ending *e = userdata;

        e->n++;
        e->end = result->end;
        e->wait_us = result->wait_us;
        if (result->end != HV_LOGIN_GOOD)
                return;
        e->role = result->session->role;
        e->origin = result->session->origin;
        (void) snprintf(e->key, sizeof e->key, "%s", result->key);
}

static struct ending with_token(struct door *d, const char *token, const char *address) {
        struct ending e = {};

        hv_auth_login(d->auth, &(struct hv_login_wish){ .token = token, .address = address }, on_login, &e);
        assert_int_equal(e.n, 1);
        return e;
}

static void begin(struct door *d, const char *name, const char *password, const char *address,
                  struct ending *e) {
        *e = (struct ending){};
        hv_auth_login(d->auth,
                      &(struct hv_login_wish){ .name = name, .password = password, .address = address },
                      on_login, e);
}

static void wait_for(const struct door *d, const struct ending *e) {
        while (e->n == 0)
                assert_true(sd_event_run(d->event, 20 * HV_USEC_PER_SEC) > 0);
        assert_int_equal(e->n, 1);
}

static struct ending with_password(struct door *d, const char *name, const char *password,
                                   const char *address) {
        struct ending e;

        begin(d, name, password, address, &e);
        wait_for(d, &e);
        return e;
}

static bool is_in(const struct door *d, const struct ending *e) {
        struct hv_identity who;

        return hv_auth_judge(d->auth, e->key, &who) && who.session;
}

static size_t n_sessions(const struct door *d) {
        size_t n = 0, it = 0;

        while (hv_auth_session_next(d->auth, &it))
                n++;
        return n;
}

/* ---- limits ---- */

static void a_success_does_not_forgive_the_address(void **state) {
        struct door d;

        door_open(&d, *state, NULL, "viewer ci " TOKEN "\n");
        assert_int_equal(with_token(&d, "wrong", "192.0.2.7").end, HV_LOGIN_WRONG);
        assert_int_equal(with_token(&d, TOKEN, "192.0.2.7").wait_us, HV_ATTEMPTS_WAIT_US);
        passed_us += HV_ATTEMPTS_WAIT_US;
        assert_int_equal(with_token(&d, TOKEN, "192.0.2.7").end, HV_LOGIN_GOOD);
        assert_int_equal(with_token(&d, "wrong", "192.0.2.7").end, HV_LOGIN_WRONG);
        assert_int_equal(with_token(&d, TOKEN, "192.0.2.7").wait_us, 2 * HV_ATTEMPTS_WAIT_US);
        door_close(&d);
}

static void a_success_forgives_the_name(void **state) {
        struct door d;

        door_open(&d, *state, "ana:viewer:" HORSE "\n", NULL);
        for (unsigned i = 0; i < 2; i++) {
                char wrong[32], right[32], later[32];

                (void) snprintf(wrong, sizeof wrong, "192.0.2.%u", 3 * i + 1);
                (void) snprintf(right, sizeof right, "192.0.2.%u", 3 * i + 2);
                (void) snprintf(later, sizeof later, "192.0.2.%u", 3 * i + 3);
                assert_int_equal(with_password(&d, "ana", "wrong horse", wrong).end, HV_LOGIN_WRONG);
                /* From anywhere: it is the name that waits. */
                assert_int_equal(with_password(&d, "ana", "correct horse", later).wait_us,
                                 HV_ATTEMPTS_WAIT_US);
                passed_us += HV_ATTEMPTS_WAIT_US;
                assert_int_equal(with_password(&d, "ana", "correct horse", right).end, HV_LOGIN_GOOD);
        }
        door_close(&d);
}

/* Whoever has one address of an IPv6 network has them all, however they are written. */
static void whose_failures_an_address_shares(void **state) {
        static const struct {
                const char *failed, *asks;
                bool waits;
        } rows[] = {
                { "192.0.2.7", "192.0.2.7", true },
                { "192.0.2.7", "192.0.2.8", false },
                { "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::7", true },
                { "2001:db8:1:2::", "2001:db8:1:2:ffff:ffff:ffff:ffff", true },
                { "2001:db8:1:2::1", "2001:db8:1:3::1", false },
                { "2001:db8::1", "2001:db8::2", true },
                { "2001:db8::1", "2001:db8::5:6:7:8", true },
                { "2001:db8::1", "2001:db8:0:1::1", false },
                { "2001:db8:1::1", "2001:db8:1:0:5:6:7:8", true },
                { "2001:db8:1::1", "2001:db8:2::1", false },
                { "::ffff:192.0.2.7", "::ffff:192.0.2.8", false },
                { "unix:uid=1", "unix:uid=2", false },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct door d;

                door_open(&d, *state, NULL, "viewer ci " TOKEN "\n");
                assert_int_equal(with_token(&d, "wrong", rows[i].failed).end, HV_LOGIN_WRONG);
                if (with_token(&d, TOKEN, rows[i].asks).end !=
                    (rows[i].waits ? HV_LOGIN_WAIT : HV_LOGIN_GOOD))
                        fail_msg("%s after %s", rows[i].asks, rows[i].failed);
                door_close(&d);
        }
}

/* More are told at once; when the agent goes, each of those under way is told once. */
static void so_many_logins_wait_for_their_hash(void **state) {
        struct ending waiting[HV_LOGINS_MAX], more, late;
        struct door d;

        door_open(&d, *state, NULL, NULL);
        for (unsigned i = 0; i < HV_LOGINS_MAX; i++) {
                char name[16], address[16];

                (void) snprintf(name, sizeof name, "user-%u", i);
                (void) snprintf(address, sizeof address, "192.0.2.%u", i);
                begin(&d, name, "correct horse", address, &waiting[i]);
        }
        for (unsigned i = 0; i < HV_LOGINS_MAX; i++)
                assert_int_equal(waiting[i].n, 0);
        begin(&d, "more", "correct horse", "192.0.2.77", &more);
        assert_int_equal(more.n, 1);
        assert_int_equal(more.end, HV_LOGIN_BUSY);
        wait_for(&d, &waiting[0]);
        begin(&d, "late", "correct horse", "192.0.2.78", &late); /* there is room again */
        assert_int_equal(late.n, 0);
        door_close(&d);
        for (unsigned i = 0; i < HV_LOGINS_MAX; i++)
                assert_int_equal(waiting[i].n, 1);
        assert_int_equal(late.n, 1);
        assert_int_equal(late.end, HV_LOGIN_WRONG);
}

/* Counted, not timed: the hash of a user is tried, and that of the first one is more costly than what stands in for it. */
static void an_unknown_name_costs_what_the_first_user_does(void **state) {
        static const char *const names[] = { "ana", "nobody", "", "../ana" };
        struct door d;

        door_open(&d, *state, "ana:viewer:" STAPLE "\n", NULL);
        for (size_t i = 0; i < HV_ARRAY_SIZE(names); i++) {
                uint64_t before = hv_password_works();

                assert_int_equal(with_password(&d, names[i], "wrong horse", "192.0.2.7").end, HV_LOGIN_WRONG);
                assert_int_equal(hv_password_works() - before, 2);
                passed_us += HV_ATTEMPTS_WINDOW_US;
        }
        door_close(&d);
}

/* ---- what changes meanwhile ---- */

/* The password was right when it was sent, and when the hash was made there was another one. */
static void what_the_file_says_at_the_end_of_a_login_counts(void **state) {
        static const struct {
                const char *what, *users;
                enum hv_login_end end;
                enum hv_role role;
        } rows[] = {
                { "the same", "ana:viewer:" HORSE "\n", HV_LOGIN_GOOD, HV_ROLE_VIEWER },
                { "another role", "ana:operator:" HORSE "\n", HV_LOGIN_GOOD, HV_ROLE_OPERATOR },
                { "another hash", "ana:viewer:" HORSE_AGAIN "\n", HV_LOGIN_WRONG, HV_ROLE_NOBODY },
                { "gone", "bob:viewer:" HORSE "\n", HV_LOGIN_WRONG, HV_ROLE_NOBODY },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct ending e;
                struct door d;

                door_open(&d, *state, "ana:viewer:" HORSE "\n", NULL);
                begin(&d, "ana", "correct horse", "192.0.2.7", &e);
                configure(&d, rows[i].users, NULL);
                wait_for(&d, &e);
                if (e.end != rows[i].end || e.role != rows[i].role)
                        fail_msg("%s: %d, role %d", rows[i].what, (int) e.end, (int) e.role);
                door_close(&d);
        }
}

/* Sessions of a user and of a token of a file, after the files say something else. */
static void a_session_ends_with_what_it_was_begun_with(void **state) {
        static const struct {
                const char *what, *users, *tokens;
                bool user_stays, token_stays;
        } rows[] = {
                { "the same", "ana:viewer:" HORSE "\n", "viewer ci " TOKEN "\n", true, true },
                { "others besides", "bob:admin:" STAPLE "\nana:viewer:" HORSE "\n",
                  "admin a " OTHER_TOKEN "\nviewer ci " TOKEN "\n", true, true },
                { "gone", "bob:viewer:" HORSE "\n", "viewer a " TOKEN "\n", false, false },
                { "another role", "ana:operator:" HORSE "\n", "operator ci " TOKEN "\n", false, false },
                { "another password, another token", "ana:viewer:" HORSE_AGAIN "\n",
                  "viewer ci " OTHER_TOKEN "\n", false, false },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct ending ana, ci;
                struct door d;

                door_open(&d, *state, "ana:viewer:" HORSE "\n", "viewer ci " TOKEN "\n");
                ana = with_password(&d, "ana", "correct horse", "192.0.2.7");
                ci = with_token(&d, TOKEN, "192.0.2.7");
                assert_true(is_in(&d, &ana) && is_in(&d, &ci));
                configure(&d, rows[i].users, rows[i].tokens);
                if (is_in(&d, &ana) != rows[i].user_stays || is_in(&d, &ci) != rows[i].token_stays)
                        fail_msg("%s", rows[i].what);
                assert_int_equal(n_sessions(&d), (size_t) rows[i].user_stays + rows[i].token_stays);
                door_close(&d);
        }
}

/* No minute comes in between: it is seen when the session is used. */
static void a_session_is_over_when_its_token_is(void **state) {
        const struct hv_token wish = { .name = (char *) "ci",
                                       .role = HV_ROLE_OPERATOR,
                                       .until_wall_us = WALL + HV_USEC_PER_MIN };
        char token[HV_CREDENTIAL_SIZE];
        struct ending e;
        struct door d;

        door_open(&d, *state, NULL, NULL);
        assert_int_equal(hv_auth_token_create(d.auth, &wish, token, NULL), 0);
        e = with_token(&d, token, "192.0.2.7");
        passed_us += HV_USEC_PER_MIN - 1;
        assert_true(is_in(&d, &e));
        passed_us++;
        assert_false(is_in(&d, &e));
        assert_int_equal(n_sessions(&d), 0);
        door_close(&d);
}

/* Sessions of one name are taken back with their token, and those of the next token of that name are others. */
static void a_session_ends_with_its_token(void **state) {
        const struct hv_token wish = { .name = (char *) "ci", .role = HV_ROLE_OPERATOR };
        char token[HV_CREDENTIAL_SIZE];
        struct ending first, second;
        struct door d;

        door_open(&d, *state, NULL, NULL);
        assert_int_equal(hv_auth_token_create(d.auth, &wish, token, NULL), 0);
        first = with_token(&d, token, "192.0.2.7");
        assert_int_equal(hv_auth_token_revoke(d.auth, "ci", "the test", NULL), 0);
        assert_int_equal(hv_auth_token_create(d.auth, &wish, token, NULL), 0);
        second = with_token(&d, token, "192.0.2.7");
        assert_false(is_in(&d, &first));
        assert_true(is_in(&d, &second));
        door_close(&d);
}

/* A name may stand in the file that a token has already, which was made by hivectl: each session ends with its own. */
static void two_tokens_of_one_name(void **state) {
        const struct hv_token wish = { .name = (char *) "ci", .role = HV_ROLE_VIEWER };
        char token[HV_CREDENTIAL_SIZE];
        struct ending made, of_file;
        struct door d;

        door_open(&d, *state, NULL, NULL);
        assert_int_equal(hv_auth_token_create(d.auth, &wish, token, NULL), 0);
        made = with_token(&d, token, "192.0.2.7");
        configure(&d, NULL, "viewer ci " TOKEN "\n");
        of_file = with_token(&d, TOKEN, "192.0.2.7");
        assert_true(is_in(&d, &made) && is_in(&d, &of_file));
        configure(&d, NULL, NULL);
        assert_true(is_in(&d, &made));
        assert_false(is_in(&d, &of_file));
        door_close(&d);
}

static void nobody_makes_two_sessions_of_one(void **state) {
        struct ending e;
        struct door d;

        door_open(&d, *state, NULL, "viewer ci " TOKEN "\n");
        e = with_token(&d, TOKEN, "192.0.2.7");
        assert_int_equal(e.origin, HV_SESSION_OF_TOKEN);
        assert_int_equal(with_token(&d, e.key, "192.0.2.7").end, HV_LOGIN_WRONG);
        assert_int_equal(n_sessions(&d), 1);
        door_close(&d);
}

/* ---- the first credential ---- */

/* The last one that was offered; false: none was. */
static bool offered(struct door *d, char ret[HV_CREDENTIAL_SIZE]) {
        const char *at = NULL;

        for (const char *p = hv_buf_str(&d->log); (p = strstr(p, HV_CREDENTIAL_FIRST)); p++)
                at = p;
        if (at)
                (void) snprintf(ret, HV_CREDENTIAL_SIZE, "%s", at);
        return at;
}

static void the_first_credential_works_once(void **state) {
        char first[HV_CREDENTIAL_SIZE];
        struct ending e;
        struct door d;

        door_open(&d, *state, NULL, NULL);
        assert_true(offered(&d, first));
        e = with_token(&d, first, "192.0.2.7");
        assert_int_equal(e.end, HV_LOGIN_GOOD);
        assert_int_equal(e.role, HV_ROLE_ADMIN);
        assert_int_equal(e.origin, HV_SESSION_OF_FIRST);
        assert_int_equal(with_token(&d, first, "192.0.2.7").end, HV_LOGIN_WRONG);
        assert_true(is_in(&d, &e));
        door_close(&d);
}

static void the_first_credential_is_good_for_a_while(void **state) {
        for (unsigned late = 0; late < 2; late++) {
                char first[HV_CREDENTIAL_SIZE];
                struct door d;

                door_open(&d, *state, NULL, NULL);
                assert_true(offered(&d, first));
                passed_us += HV_FIRST_LOGIN_US - !late;
                assert_int_equal(with_token(&d, first, "192.0.2.7").end,
                                 late ? HV_LOGIN_WRONG : HV_LOGIN_GOOD);
                door_close(&d);
        }
}

static void no_first_credential_where_somebody_can_log_in(void **state) {
        const struct hv_token wish = { .name = (char *) "ci", .role = HV_ROLE_VIEWER };
        char first[HV_CREDENTIAL_SIZE], token[HV_CREDENTIAL_SIZE];
        struct door d;

        door_open(&d, *state, "ana:viewer:" HORSE "\n", NULL);
        assert_false(offered(&d, first));
        configure(&d, NULL, "viewer ci " TOKEN "\n");
        assert_false(offered(&d, first));
        configure(&d, NULL, NULL);
        assert_true(offered(&d, first));
        assert_int_equal(hv_auth_token_create(d.auth, &wish, token, NULL), 0); /* over the socket */
        assert_int_equal(with_token(&d, first, "192.0.2.7").end, HV_LOGIN_WRONG);
        door_close(&d);
}

static void a_file_of_users_withdraws_the_first_credential(void **state) {
        char first[HV_CREDENTIAL_SIZE];
        struct door d;

        door_open(&d, *state, "", NULL);
        assert_true(offered(&d, first));
        scratch_write(*state, "users", "ana:viewer:" HORSE "\n");
        assert_int_equal(with_token(&d, first, "192.0.2.7").end, HV_LOGIN_WRONG);
        door_close(&d);
}

/* ---- the pool ---- */

static void ask_pool(void *userdata, const char *name, const char *password, hv_pool_answer_fn *answered,
                     void *answer_userdata) {
        struct door *d = userdata;
        struct question *q = &d->questions[d->n_questions++];

        q->answered = answered;
        q->userdata = answer_userdata;
        (void) snprintf(q->text, sizeof q->text, "%s %s", name, password);
}

static void door_open_with_pool(struct door *d, const struct scratch *scratch, enum hv_role role) {
        door_open(d, scratch, NULL, NULL);
        hv_auth_set_pool(d->auth, ask_pool, d);
        d->pool_role = role;
        configure(d, "ana:viewer:" HORSE "\n", NULL);
}

static void begin_at_pool(struct door *d, const char *name, const char *address, struct ending *e) {
        unsigned n = d->n_questions;

        begin(d, name, "builder", address, e);
        while (d->n_questions == n && e->n == 0)
                assert_true(sd_event_run(d->event, 20 * HV_USEC_PER_SEC) > 0);
}

static void answer(const struct door *d, unsigned i, bool is_good) {
        d->questions[i].answered(d->questions[i].userdata, is_good);
}

static void who_is_known_at_the_pool(void **state) {
        static const struct {
                const char *name;
                enum hv_role role;
                bool is_asked, is_good;
        } rows[] = {
                { "bob", HV_ROLE_OPERATOR, true, true },        { "bob", HV_ROLE_OPERATOR, true, false },
                { "bob", HV_ROLE_NOBODY, false, false },   /* nobody wants to know */
                { "ana", HV_ROLE_OPERATOR, false, false }, /* of her the file speaks */
                { "no\nname", HV_ROLE_OPERATOR, false, false },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct ending e;
                struct door d;

                door_open_with_pool(&d, *state, rows[i].role);
                begin_at_pool(&d, rows[i].name, "192.0.2.7", &e);
                assert_int_equal(d.n_questions, rows[i].is_asked);
                if (rows[i].is_asked) {
                        assert_string_equal(d.questions[0].text, "bob builder");
                        assert_int_equal(e.n, 0);
                        answer(&d, 0, rows[i].is_good);
                }
                assert_int_equal(e.n, 1);
                assert_int_equal(e.end, rows[i].is_good ? HV_LOGIN_GOOD : HV_LOGIN_WRONG);
                assert_null(strstr(hv_buf_str(&d.log), "builder"));
                if (rows[i].is_good) {
                        assert_int_equal(e.role, HV_ROLE_OPERATOR);
                        assert_int_equal(e.origin, HV_SESSION_OF_POOL);
                } else {
                        begin_at_pool(&d, "carl", "192.0.2.7",
                                      &e); /* the address waits as after any other failure */
                        assert_int_equal(e.end, HV_LOGIN_WAIT);
                }
                door_close(&d);
        }
}

static void what_holds_when_the_pool_answers_counts(void **state) {
        static const struct {
                enum hv_role role;
                const char *users;
        } rows[] = {
                { HV_ROLE_NOBODY, "ana:viewer:" HORSE "\n" },
                { HV_ROLE_OPERATOR, "bob:viewer:" HORSE "\n" },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct ending e;
                struct door d;

                door_open_with_pool(&d, *state, HV_ROLE_OPERATOR);
                begin_at_pool(&d, "bob", "192.0.2.7", &e);
                d.pool_role = rows[i].role;
                configure(&d, rows[i].users, NULL);
                answer(&d, 0, true);
                assert_int_equal(e.end, HV_LOGIN_WRONG);
                assert_int_equal(n_sessions(&d), 0);
                door_close(&d);
        }
}

static void a_session_of_the_pool_ends_with_its_role_and_with_a_user_of_its_name(void **state) {
        static const struct {
                enum hv_role role;
                const char *users;
                bool stays;
        } rows[] = {
                { HV_ROLE_OPERATOR, "ana:viewer:" HORSE "\n", true },
                { HV_ROLE_VIEWER, "ana:viewer:" HORSE "\n", false },
                { HV_ROLE_NOBODY, "ana:viewer:" HORSE "\n", false },
                { HV_ROLE_OPERATOR, "bob:operator:" HORSE "\n", false },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct ending e;
                struct door d;

                door_open_with_pool(&d, *state, HV_ROLE_OPERATOR);
                begin_at_pool(&d, "bob", "192.0.2.7", &e);
                answer(&d, 0, true);
                d.pool_role = rows[i].role;
                configure(&d, rows[i].users, NULL);
                assert_int_equal(is_in(&d, &e), rows[i].stays);
                door_close(&d);
        }
}

/* A pool that does not answer keeps nobody out whom the file lets in, and is not asked more and more. */
static void so_many_wait_for_the_pool(void **state) {
        struct ending e[HV_LOGINS_MAX + 1];
        struct door d;

        door_open_with_pool(&d, *state, HV_ROLE_VIEWER);
        for (unsigned i = 0; i <= HV_LOGINS_MAX; i++) {
                char name[32], address[32];

                (void) snprintf(name, sizeof name, "bob%u", i);
                (void) snprintf(address, sizeof address, "192.0.2.%u", i + 1);
                begin_at_pool(&d, name, address, &e[i]);
                assert_int_equal(e[i].n, i == HV_LOGINS_MAX);
        }
        assert_int_equal(d.n_questions, HV_LOGINS_MAX);
        assert_int_equal(e[HV_LOGINS_MAX].end, HV_LOGIN_BUSY);
        assert_int_equal(with_password(&d, "ana", "correct horse", "198.51.100.1").end, HV_LOGIN_GOOD);
        answer(&d, 0, true);
        begin_at_pool(&d, "bob8", "192.0.2.9", &e[HV_LOGINS_MAX]); /* has lost no try by it */
        assert_int_equal(e[HV_LOGINS_MAX].n, 0);
        for (unsigned i = 1; i <= HV_LOGINS_MAX; i++)
                answer(&d, i, true);
        door_close(&d);
}

/* Whoever waits is told at the end, and the pool's answer may come after it. */
static void the_end_while_the_pool_is_asked(void **state) {
        struct ending e;
        struct door d;

        door_open_with_pool(&d, *state, HV_ROLE_VIEWER);
        begin_at_pool(&d, "bob", "192.0.2.7", &e);
        door_close(&d);
        assert_int_equal(e.n, 1);
        assert_int_equal(e.end, HV_LOGIN_WRONG);
        answer(&d, 0, true);
        assert_int_equal(e.n, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_success_does_not_forgive_the_address),
                TEST(a_success_forgives_the_name),
                TEST(whose_failures_an_address_shares),
                TEST(so_many_logins_wait_for_their_hash),
                TEST(an_unknown_name_costs_what_the_first_user_does),
                TEST(what_the_file_says_at_the_end_of_a_login_counts),
                TEST(a_session_ends_with_what_it_was_begun_with),
                TEST(a_session_is_over_when_its_token_is),
                TEST(a_session_ends_with_its_token),
                TEST(two_tokens_of_one_name),
                TEST(nobody_makes_two_sessions_of_one),
                TEST(the_first_credential_works_once),
                TEST(the_first_credential_is_good_for_a_while),
                TEST(no_first_credential_where_somebody_can_log_in),
                TEST(a_file_of_users_withdraws_the_first_credential),
                TEST(who_is_known_at_the_pool),
                TEST(what_holds_when_the_pool_answers_counts),
                TEST(a_session_of_the_pool_ends_with_its_role_and_with_a_user_of_its_name),
                TEST(so_many_wait_for_the_pool),
                TEST(the_end_while_the_pool_is_asked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

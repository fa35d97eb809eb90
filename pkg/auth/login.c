/* auth/login.c - one login.
 *
 *      limits -> [thread] hash -> is it a user? -- yes --> session | wrong
 *                                     '-- no, and a pool is asked --> [pool] -> session | wrong
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/internal.h"
#include "base/secret.h"
#include "log/log.h"
#include "password/password.h"
#include "task/worker.h"

#define LIMIT_TOLD_EVERY_US HV_USEC_PER_MIN
#define NETWORK_BYTES ((size_t) 8) /* of an IPv6 address: a site has a /64 at least */

struct hv_login {
        struct hv_job job;
        struct hv_auth *auth; /* NULL: it was freed while the pool was asked; whoever waited was told */
        struct hv_login *next;
        char *name, *address, *agent;
        struct hv_secret *password;
        char *hash;   /* what the password is tried against, of the user or not */
        bool is_user; /* in the file */
        bool matches;
        enum hv_role role;
        hv_login_fn *done;
        void *userdata;
};

/* ---- limits ---- */

/* Of IPv6 the network: whoever has one address of it has them all. */
static char *address_key(const char *address) {
        struct in6_addr a;

        if (inet_pton(AF_INET6, address, &a) != 1 || IN6_IS_ADDR_V4MAPPED(&a))
                return hv_asprintf("address:%s", address);
        memset(a.s6_addr + NETWORK_BYTES, 0, sizeof a.s6_addr - NETWORK_BYTES);
        return hv_asprintf("network:%s",
                           inet_ntop(AF_INET6, &a, (char[INET6_ADDRSTRLEN]){}, INET6_ADDRSTRLEN));
}

static char *name_key(const char *name) {
        char digest[HV_SHA256_HEX_SIZE];

        hv_credential_digest(name, digest); /* names of any length */
        return hv_asprintf("user:%s", digest);
}

static uint64_t limit_wait_us(const struct hv_auth *a, const char *name, const char *address) {
        _hv_cleanup_free_ char *by_address = address_key(address);
        _hv_cleanup_free_ char *by_name = name ? name_key(name) : NULL;
        uint64_t now_us = a->now_us(), wait_us = hv_attempts_wait_us(a->attempts, by_address, now_us);

        return by_name ? HV_MAX(wait_us, hv_attempts_wait_us(a->attempts, by_name, now_us)) : wait_us;
}

static void limit_begin(struct hv_auth *a, const char *name, const char *address) {
        _hv_cleanup_free_ char *by_address = address_key(address);
        _hv_cleanup_free_ char *by_name = name ? name_key(name) : NULL;

        hv_attempts_begin(a->attempts, by_address, a->now_us());
        if (by_name)
                hv_attempts_begin(a->attempts, by_name, a->now_us());
}

/* A success forgives the name, not the address: else one known password would let an address guess all others. */
static void limit_end(struct hv_auth *a, const char *name, const char *address, bool is_failure,
                      bool is_good) {
        _hv_cleanup_free_ char *by_address = address_key(address);
        _hv_cleanup_free_ char *by_name = name ? name_key(name) : NULL;

        if (is_failure)
                hv_attempts_failed(a->attempts, by_address, a->now_us());
        else
                hv_attempts_over(a->attempts, by_address, false);
        if (by_name && is_failure)
                hv_attempts_failed(a->attempts, by_name, a->now_us());
        else if (by_name)
                hv_attempts_over(a->attempts, by_name, is_good);
}

/* Once a minute: whoever has to wait can ask as often as he likes. */
static void tell_limit(struct hv_auth *a, const char *address) {
        uint64_t now_us = a->now_us();

        if (a->limit_told_us && now_us < a->limit_told_us + LIMIT_TOLD_EVERY_US)
                return;
        a->limit_told_us = now_us;
        hv_log_event(HV_EVENT_LOGIN_FAILED, NULL, "logins from %s have to wait after too many that failed",
                     address);
}

/* ---- ends ---- */

static void begin_session(struct hv_auth *a, const struct hv_session_wish *wish, hv_login_fn *done,
                          void *userdata) {
        char key[HV_CREDENTIAL_SIZE];
        struct hv_login_result result = { .end = HV_LOGIN_GOOD, .key = key };

        result.session = hv_sessions_begin(a->sessions, wish, key);
        hv_log_event(HV_EVENT_LOGGED_IN, NULL, "%s logged in from %s as %s, session %s", wish->owner,
                     wish->address, hv_role_name(wish->role), result.session->id);
        done(userdata, &result);
        explicit_bzero(key, sizeof key);
}

static void login_free(struct hv_login *l) {
        hv_secret_free(l->password);
        if (l->hash)
                explicit_bzero(l->hash, strlen(l->hash));
        free(l->hash);
        free(l->name);
        free(l->address);
        free(l->agent);
        free(l);
}

static void end_good(struct hv_login *l, enum hv_session_origin origin) {
        struct hv_auth *a = l->auth;
        char of[HV_SHA256_HEX_SIZE] = "";
        const struct hv_session_wish wish = { .owner = l->name,
                                              .of = of,
                                              .address = l->address,
                                              .agent = l->agent,
                                              .role = l->role,
                                              .origin = origin,
                                              .life_us = a->session_life_us,
                                              .now_us = a->now_us(),
                                              .wall_us = a->wall_us() };

        if (origin == HV_SESSION_OF_USER)
                hv_credential_digest(l->hash, of);
        limit_end(a, l->name, l->address, false, true);
        begin_session(a, &wish, l->done, l->userdata);
        login_free(l);
}

static void end_wrong(struct hv_login *l) {
        static const struct hv_login_result result = { .end = HV_LOGIN_WRONG };

        if (l->auth) {
                limit_end(l->auth, l->name, l->address, true, false);
                /* An unknown name is not told: people type passwords into the wrong field. */
                hv_log_event(HV_EVENT_LOGIN_FAILED, NULL, "a login of %s from %s failed",
                             l->is_user ? l->name : "an unknown user", l->address);
        }
        l->done(l->userdata, &result);
        login_free(l);
}

/* ---- the pool ---- */

static void on_pool_answer(void *userdata, bool is_good) {
        struct hv_login *l = userdata;

        if (!l->auth) {
                login_free(l);
                return;
        }
        l->auth->n_asked--;
        for (struct hv_login **at = &l->auth->asked; *at; at = &(*at)->next)
                if (*at == l) {
                        *at = l->next;
                        break;
                }
        /* Since it was asked the name may have come into the file, whose word counts, and pools may have lost theirs. */
        if (!is_good || l->auth->pool_role == HV_ROLE_NOBODY || hv_users_find(&l->auth->users, l->name)) {
                end_wrong(l);
                return;
        }
        l->role = l->auth->pool_role;
        end_good(l, HV_SESSION_OF_POOL);
}

/* Counted apart from the hashes: a pool that takes its time keeps nobody out whom the file lets in. */
static void ask_pool(struct hv_login *l) {
        static const struct hv_login_result busy = { .end = HV_LOGIN_BUSY };
        struct hv_auth *a = l->auth;

        if (a->n_asked >= HV_LOGINS_MAX) {
                limit_end(a, l->name, l->address, false, false);
                l->done(l->userdata, &busy);
                login_free(l);
                return;
        }
        a->n_asked++;
        l->next = a->asked;
        a->asked = l;
        a->ask_pool(a->pool_userdata, l->name, hv_secret_bytes(l->password), on_pool_answer, l);
}

/* ---- the hash ---- */

static void run_hash(struct hv_job *job) {
        struct hv_login *l = (struct hv_login *) job;

        l->matches = hv_password_matches(l->hash, hv_secret_bytes(l->password));
}

static void hash_done(struct hv_job *job) {
        struct hv_login *l = (struct hv_login *) job;
        const struct hv_user *user = hv_users_find(&l->auth->users, l->name);

        l->auth->n_logins--;
        /* The file may have changed meanwhile: what it says now counts. */
        if (!job->dropped && l->is_user && l->matches && user && hv_streq(user->hash, l->hash)) {
                l->role = user->role;
                end_good(l, HV_SESSION_OF_USER);
        } else if (!job->dropped && !l->is_user && l->auth->ask_pool &&
                   l->auth->pool_role != HV_ROLE_NOBODY && hv_auth_name_is_good(l->name)) {
                ask_pool(l);
        } else {
                end_wrong(l);
        }
}

static int login_password(struct hv_auth *a, const struct hv_login_wish *wish, hv_login_fn *done,
                          void *userdata) {
        const struct hv_user *user;
        struct hv_login *l;
        struct hv_err err = {};

        if (a->n_logins >= HV_LOGINS_MAX || (!a->worker && hv_worker_new(a->event, &a->worker, &err) < 0))
                return -EBUSY;
        user = hv_users_find(&a->users, wish->name);
        l = HV_NEW(struct hv_login);
        *l = (struct hv_login){ .job = { .run = run_hash, .done = hash_done },
                                .auth = a,
                                .name = hv_strdup(wish->name),
                                .address = hv_strdup(wish->address),
                                .agent = hv_strdup(wish->agent),
                                .password = hv_secret_new(wish->password, strlen(wish->password)),
                                .is_user = user != NULL,
                                /* The work of an unknown name is that of the first known one. */
                                .hash = hv_strdup(user             ? user->hash
                                                  : a->users.n > 0 ? a->users.v[0].hash
                                                                   : HV_PASSWORD_NOBODY),
                                .done = done,
                                .userdata = userdata };
        a->n_logins++;
        limit_begin(a, l->name, l->address);
        hv_worker_add(a->worker, &l->job);
        return 0;
}

void hv_logins_end(struct hv_auth *a) {
        a->worker = hv_worker_free(a->worker);
        for (struct hv_login *l = a->asked, *next; l; l = next) {
                next = l->next;
                l->auth = NULL;
                l->done(l->userdata, &(struct hv_login_result){ .end = HV_LOGIN_WRONG });
        }
        a->asked = NULL;
}

/* ---- tokens ---- */

static void login_token(struct hv_auth *a, const struct hv_login_wish *wish, hv_login_fn *done,
                        void *userdata) {
        static const struct hv_login_result wrong = { .end = HV_LOGIN_WRONG };
        struct hv_identity who;
        char of[HV_SHA256_HEX_SIZE];
        struct hv_session_wish session = { .owner = "first",
                                           .role = HV_ROLE_ADMIN,
                                           .origin = HV_SESSION_OF_FIRST,
                                           .address = wish->address,
                                           .agent = wish->agent,
                                           .life_us = a->session_life_us,
                                           .now_us = a->now_us(),
                                           .wall_us = a->wall_us() };

        limit_begin(a, NULL, wish->address);
        /* A session's key is none: nobody makes two of one. */
        if (!hv_auth_first_take(a, wish->token)) {
                if (!hv_auth_judge(a, wish->token, &who) || who.session) {
                        limit_end(a, NULL, wish->address, true, false);
                        hv_log_event(HV_EVENT_LOGIN_FAILED, NULL, "a login with a token from %s failed",
                                     wish->address);
                        done(userdata, &wrong);
                        return;
                }
                hv_credential_digest(wish->token, of);
                session.of = of;
                session.owner = who.name;
                session.role = who.role;
                session.origin = HV_SESSION_OF_TOKEN;
        }
        limit_end(a, NULL, wish->address, false, true);
        begin_session(a, &session, done, userdata);
}

void hv_auth_login(struct hv_auth *a, const struct hv_login_wish *wish, hv_login_fn *done, void *userdata) {
        struct hv_login_result result = { .end = HV_LOGIN_WAIT };

        hv_auth_refresh(a);
        result.wait_us = limit_wait_us(a, wish->token ? NULL : wish->name, wish->address);
        if (result.wait_us > 0) {
                tell_limit(a, wish->address);
                done(userdata, &result);
        } else if (wish->token) {
                login_token(a, wish, done, userdata);
        } else if (login_password(a, wish, done, userdata) < 0) {
                result.end = HV_LOGIN_BUSY;
                done(userdata, &result);
        }
}

/* pool/hivemind_account.c - the account that the node is to the pool: its token, and what it has earned; see hivemind.h.
 *
 *      login --- a token that holds ---> RefreshToken --- a newer token ---> done
 *          \                                  | anything else
 *           '--- none, or not taken ----------'---> Login
 *
 * A renewal is by RefreshToken, so that the password travels once and not every half an hour. Whatever comes of it, Login
 * is behind it: no pool needs to have RefreshToken. */
#include <time.h>

#include "base/alloc.h"
#include "log/log.h"
#include "pool/hivemind.h"
#include "pool/hivemind_token.h"

#define TOKEN_MAX 8192 /* bytes: what fits into a header */
/* Short: no beat goes out beside it, and a Login is behind it. */
#define REFRESH_TIMEOUT_US (5 * HV_USEC_PER_SEC)

static bool is_token(const char *token) {
        size_t len = strlen(token);

        if (len == 0 || len > TOKEN_MAX)
                return false;
        for (size_t i = 0; i < len; i++)
                if (token[i] <= ' ' || token[i] > '~')
                        return false;
        return true;
}

static uint64_t wall_us(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        return (uint64_t) ts.tv_sec * HV_USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

static void take_token(struct hv_pool_peer *p, const char *token, struct hv_answer *a) {
        hv_secret_free(p->token);
        p->token = hv_secret_new(token, strlen(token));
        p->token_holds = true;
        a->renew_us = hivemind_token_half_life_us(token, wall_us());
}

/* --- Login --- */

static void on_login(struct hv_pool_peer *p, const struct hivemind_caller *caller, struct hv_answer *a,
                     const ProtobufCMessage *message) {
        const Hivemind__LoginResponse *m = (const Hivemind__LoginResponse *) message;
        char shown[HV_RPC_TEXT_SIZE];
        _hv_cleanup_free_ char *why = NULL;

        if (a->outcome == HV_POOL_OUTCOME_OK && !m->success) {
                why = hv_asprintf("Login: the pool says: %s",
                                  hv_rpc_status_text(m->message, strlen(m->message), shown));
                a->outcome = HV_POOL_OUTCOME_REFUSED;
                a->message = why;
        } else if (a->outcome == HV_POOL_OUTCOME_OK && !is_token(m->token)) {
                a->outcome = HV_POOL_OUTCOME_AGAIN;
                a->message = "Login: the pool gave no token";
        } else if (a->outcome == HV_POOL_OUTCOME_OK) {
                take_token(p, m->token, a);
        } else if (a->outcome == HV_POOL_OUTCOME_RELOGIN) {
                a->outcome = HV_POOL_OUTCOME_REFUSED;
        }
        caller->done(caller->data, a);
}

static void ask_login(struct hv_pool_peer *p, const struct hivemind_caller *caller) {
        const struct hv_pool_options *o = p->with.options;
        Hivemind__LoginRequest m = HIVEMIND__LOGIN_REQUEST__INIT;

        m.username = (char *) o->username;
        m.password = o->password ? (char *) hv_secret_bytes(o->password) : (char *) "";
        hivemind_call_start(p,
                            &(struct hivemind_request){ .method = "UserService/Login",
                                                        .message = &m.base,
                                                        .reply = &hivemind__login_response__descriptor,
                                                        .has_no_token = true },
                            on_login, caller);
}

/* --- RefreshToken --- */

/* NULL: it is a token to go on with. One that ends no later than the old one would be renewed more and more often. */
static const char *fault_of(const struct hv_pool_peer *p, const Hivemind__RefreshTokenResponse *m) {
        if (!m->success)
                return "the pool says no";
        if (!is_token(m->new_token))
                return "the pool gave no token";
        if (hivemind_token_has_ended(m->new_token, wall_us()))
                return "the token that the pool gave has ended";
        if (p->token && hv_streq(m->new_token, hv_secret_bytes(p->token)))
                return "the pool gave the old token";
        return NULL;
}

static void on_refreshed(struct hv_pool_peer *p, const struct hivemind_caller *caller, struct hv_answer *a,
                         const ProtobufCMessage *message) {
        const Hivemind__RefreshTokenResponse *m = (const Hivemind__RefreshTokenResponse *) message;
        const char *fault = a->outcome == HV_POOL_OUTCOME_OK ? fault_of(p, m) : a->message;

        if (fault) { /* no word of the pool's: it might hold the token */
                hv_log_debug("pool: RefreshToken: %s; logging in instead", fault);
                p->token_holds = false;
                ask_login(p, caller);
                return;
        }
        take_token(p, m->new_token, a);
        caller->done(caller->data, a);
}

void hivemind_login(struct hv_pool_peer *p, hv_answer_fn *done, void *done_data) {
        const struct hivemind_caller caller = { .done = done, .data = done_data };
        Hivemind__RefreshTokenRequest m = HIVEMIND__REFRESH_TOKEN_REQUEST__INIT;

        if (!p->token || !p->token_holds) {
                ask_login(p, &caller);
                return;
        }
        m.old_token = (char *) hv_secret_bytes(p->token);
        hivemind_call_start(
                p,
                &(struct hivemind_request){ .method = "UserService/RefreshToken",
                                            .message = &m.base,
                                            .reply = &hivemind__refresh_token_response__descriptor,
                                            .timeout_us = REFRESH_TIMEOUT_US },
                on_refreshed, &caller);
}

/* --- Login of somebody else --- */

/* The token that comes with it is not kept: this node asked who it is, and does nothing in his name. */
static void on_vouched(struct hv_pool_peer *p, const struct hivemind_caller *caller, struct hv_answer *a,
                       const ProtobufCMessage *message) {
        const Hivemind__LoginResponse *m = (const Hivemind__LoginResponse *) message;

        (void) p;
        if (a->outcome == HV_POOL_OUTCOME_RELOGIN ||
            (a->outcome == HV_POOL_OUTCOME_OK && (!m->success || !is_token(m->token))))
                a->outcome = HV_POOL_OUTCOME_REFUSED;
        caller->done(caller->data, a);
}

void hivemind_vouch(struct hv_pool_peer *p, const char *name, const char *password, hv_answer_fn *done,
                    void *done_data) {
        Hivemind__LoginRequest m = HIVEMIND__LOGIN_REQUEST__INIT;

        m.username = (char *) name;
        m.password = (char *) password;
        hivemind_call_start(p,
                            &(struct hivemind_request){ .method = "UserService/Login",
                                                        .message = &m.base,
                                                        .reply = &hivemind__login_response__descriptor,
                                                        .has_no_token = true },
                            on_vouched, &(struct hivemind_caller){ .done = done, .data = done_data });
}

/* --- GetBalance --- */

/* A pool that has no balances, or has no answer now, is as good a pool as any. Only a token that it does not take is news: of a
 * pool that does not look at metadata nobody else says it. */
static void on_balance(struct hv_pool_peer *p, const struct hivemind_caller *caller, struct hv_answer *a,
                       const ProtobufCMessage *message) {
        const Hivemind__GetBalanceResponse *m = (const Hivemind__GetBalanceResponse *) message;
        const struct hv_pool_sink *sink = p->with.sink;

        (void) caller;
        if (a->outcome == HV_POOL_OUTCOME_OK && m->success) {
                sink->heard(p->with.sink_data, a->outcome, a->answered, a->message);
                sink->balance(p->with.sink_data, m->balance);
        } else if (a->outcome == HV_POOL_OUTCOME_RELOGIN ||
                   (a->outcome == HV_POOL_OUTCOME_OK &&
                    (hv_streq(m->message, "TOKEN_EXPIRED") || hv_streq(m->message, "INVALID_TOKEN")))) {
                p->token_holds = false;
                sink->heard(p->with.sink_data, HV_POOL_OUTCOME_RELOGIN, true,
                            "GetBalance: the token is not taken");
        }
}

void hivemind_ask_balance(struct hv_pool_peer *p) {
        Hivemind__GetBalanceRequest m = HIVEMIND__GET_BALANCE_REQUEST__INIT;

        if (!p->token || !hivemind_dues_take(&p->dues, HIVEMIND_DUE_BALANCE, hivemind_now_us(p)))
                return;
        m.username = (char *) hivemind_node_id(p);
        m.token = (char *) hv_secret_bytes(p->token);
        hivemind_call_start(
                p,
                &(struct hivemind_request){ .method = "UserService/GetBalance",
                                            .message = &m.base,
                                            .reply = &hivemind__get_balance_response__descriptor },
                on_balance, &(struct hivemind_caller){});
}

/* hivepool/push_account.c - UserService: tokens, and what accounts have. */
#include <errno.h>

#include "base/alloc.h"
#include "hivepool/message.h"
#include "hivepool/push_private.h"
#include "log/log.h"

/* --- Login --- */

struct login {
        struct hv_rpc_server_call *call; /* NULL: nobody waits for the answer any more */
        char *name;
};

static void on_judged(void *userdata, const char *token) {
        Hivemind__LoginResponse answer = HIVEMIND__LOGIN_RESPONSE__INIT;
        struct login *l = userdata;

        if (!token)
                hv_log_notice("a login of \"%.64s\" was refused", l->name);
        answer.success = token != NULL;
        answer.message = (char *) (token ? "logged in" : "no such account, or another password");
        answer.token = (char *) (token ? token : "");
        if (l->call) {
                hv_rpc_server_call_set_data(l->call, NULL);
                hv_message_reply(l->call, &answer);
        }
        free(l->name);
        free(l);
}

HV_PUSH_HANDLER(login) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_push *p = userdata;
        Hivemind__LoginRequest *m;
        struct hv_err err = {};
        struct login *l;

        m = hv_message_read(call, &hivemind__login_request__descriptor, request, arena);
        if (!m)
                return;
        l = HV_NEW(struct login);
        *l = (struct login){ .call = call, .name = hv_strdup(m->username) };
        hv_rpc_server_call_set_data(call, l);
        if (hv_accounts_login(p->options.accounts, m->username, m->password, on_judged, l, &err) < 0) {
                hv_rpc_server_call_set_data(call, NULL);
                hv_rpc_server_call_end(call, HV_RPC_RESOURCE_EXHAUSTED, err.msg);
                free(l->name);
                free(l);
        }
        explicit_bzero(m->password, strlen(m->password));
}

void hv_push_on_login_done(void *userdata, struct hv_rpc_server_call *call, bool written) {
        struct login *l = hv_rpc_server_call_data(call);

        (void) userdata, (void) written;
        if (l)
                l->call = NULL;
}

/* --- GetBalance, RefreshToken, Transfer --- */

HV_PUSH_HANDLER(balance) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivemind__GetBalanceResponse answer = HIVEMIND__GET_BALANCE_RESPONSE__INIT;
        struct hv_push *p = userdata;
        Hivemind__GetBalanceRequest *m;
        const char *account = NULL;
        struct hv_err err = {};
        enum hv_token token;

        m = hv_message_read(call, &hivemind__get_balance_request__descriptor, request, arena);
        if (!m || !hv_push_is_allowed(p, call, NULL))
                return;
        token = hv_accounts_judge(p->options.accounts, m->token, &account);
        if (token == HV_TOKEN_GOOD &&
            hv_hivepool_balance(p->options.pool, account, &answer.balance, &err) < 0) {
                hv_message_fail(call, err.code, &err);
                return;
        }
        answer.success = token == HV_TOKEN_GOOD;
        answer.message = (char *) (token == HV_TOKEN_GOOD      ? ""
                                   : token == HV_TOKEN_EXPIRED ? "TOKEN_EXPIRED"
                                                               : "INVALID_TOKEN");
        hv_message_reply(call, &answer);
}

HV_PUSH_HANDLER(refresh) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivemind__RefreshTokenResponse answer = HIVEMIND__REFRESH_TOKEN_RESPONSE__INIT;
        _hv_cleanup_free_ char *token = NULL;
        struct hv_push *p = userdata;
        Hivemind__RefreshTokenRequest *m;
        const char *name = NULL;

        m = hv_message_read(call, &hivemind__refresh_token_request__descriptor, request, arena);
        if (!m || !hv_push_is_allowed(p, call, NULL))
                return;
        if (hv_accounts_judge(p->options.accounts, m->old_token, &name) == HV_TOKEN_GOOD)
                token = hv_accounts_renew(p->options.accounts, hv_arena_strdup(arena, name));
        answer.success = token != NULL;
        answer.message = (char *) (token ? "" : "TOKEN_EXPIRED");
        answer.new_token = token ? token : (char *) "";
        hv_message_reply(call, &answer);
}

HV_PUSH_HANDLER(transfer) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_push *p = userdata;
        Hivemind__TransferRequest *m;
        const char *sender = NULL;
        struct hv_err err = {};
        int r;

        m = hv_message_read(call, &hivemind__transfer_request__descriptor, request, arena);
        if (!m || !hv_push_is_user(p, call, m->token, &sender))
                return;
        r = hv_accounts_has(p->options.accounts, m->receiver_username)
                    ? 0
                    : hv_err_set(&err, -EINVAL, "receiver_username: there is no such account");
        if (r >= 0)
                r = hv_hivepool_transfer(p->options.pool, sender, m->receiver_username, m->amount, &err);
        if (r < 0 && r != -EINVAL)
                hv_message_fail(call, r, &err);
        else
                hv_push_ack(call, r >= 0, r < 0 ? err.msg : "transferred");
}

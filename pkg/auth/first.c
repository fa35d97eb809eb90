/* auth/first.c - the way in where there is none yet: no password is preset, and no page sets the first one for whoever comes first. */
#include "auth/internal.h"
#include "log/log.h"

static bool can_somebody_log_in(const struct hv_auth *a) {
        return a->users.n > 0 || a->file_tokens.n > 0 || hv_tokens_at(a->tokens, 0) ||
               (a->pool_role != HV_ROLE_NOBODY && a->ask_pool);
}

void hv_auth_first_withdraw(struct hv_auth *a) {
        if (!a->is_required || can_somebody_log_in(a))
                a->first_digest[0] = '\0';
}

void hv_auth_first_offer(struct hv_auth *a) {
        char text[HV_CREDENTIAL_SIZE];

        hv_auth_first_withdraw(a);
        if (!a->is_required || can_somebody_log_in(a))
                return;
        if (a->first_digest[0] && a->now_us() < a->first_until_us)
                return;
        hv_credential_make(HV_CREDENTIAL_FIRST, text);
        hv_credential_digest(text, a->first_digest);
        a->first_until_us = a->now_us() + HV_FIRST_LOGIN_US;
        hv_log_unobserved(LOG_NOTICE,
                          "nobody can log in yet: %s lets an admin in once, within 15 minutes; after that a "
                          "restart or \"hivectl token create\" gives another way in",
                          text);
        explicit_bzero(text, sizeof text);
}

bool hv_auth_first_take(struct hv_auth *a, const char *text) {
        char digest[HV_SHA256_HEX_SIZE];

        hv_credential_digest(text, digest);
        if (!a->first_digest[0] || a->now_us() >= a->first_until_us || !hv_streq(digest, a->first_digest))
                return false;
        a->first_digest[0] = '\0';
        return true;
}

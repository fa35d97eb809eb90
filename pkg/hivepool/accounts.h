/* hivepool/accounts.h - who may log in (dialect hivemind), and what a token is good for.
 *
 * Model    A file with a line "name:hash" for each account, the hash as of crypt(3); lines that begin with # are none. It is read
 *          at each login. A token is random, lives in memory only, and is over with the program: whoever had one logs in again.
 */
#pragma once

#include "base/err.h"
#include "base/macros.h"

struct hv_accounts;

struct hv_accounts *hv_accounts_new(const char *path, uint64_t token_life_us);
struct hv_accounts *hv_accounts_free(struct hv_accounts *a); /* takes NULL, gives NULL */

/* 0: the file is there, ours, and nobody else's to read. */
int hv_accounts_check(const char *path, struct hv_err *err);

/* A token (the caller's), or NULL: no such account, or another password. Takes as long either way. */
char *hv_accounts_login(struct hv_accounts *a, const char *name, const char *password, uint64_t now_us);
/* Another one for an account that showed a token. */
char *hv_accounts_renew(struct hv_accounts *a, const char *name, uint64_t now_us);

enum hv_token {
        HV_TOKEN_GOOD,
        HV_TOKEN_EXPIRED,
        HV_TOKEN_INVALID,
};
/* *ret_name (may be NULL): the account, good until the next login. */
enum hv_token hv_accounts_judge(struct hv_accounts *a, const char *token, uint64_t now_us,
                                const char **ret_name);

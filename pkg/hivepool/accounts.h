/* hivepool/accounts.h - who may log in (dialect hivemind), and what a token is good for.
 *
 * Model    A file with a line "name:hash" for each account, the hash as of crypt(3); lines that begin with # are none. It is read
 *          at each login. Hashes are made to be slow: they are made on a thread of their own, one after the other, and who finds too
 *          many in front of him is sent away.
 *          A token is random, lives in memory only, and is over with the program: whoever had one logs in again. It has the form of a
 *          JSON web token, so that nodes know when it ends; nobody believes what it says.
 */
#pragma once

#include "base/err.h"
#include "base/macros.h"

struct hv_accounts;
struct sd_event;

struct hv_accounts_options {
        struct sd_event *event;
        const char *path;
        uint64_t token_life_us;
        uint64_t (*now_us)(void); /* CLOCK_BOOTTIME */
};

int hv_accounts_new(const struct hv_accounts_options *options, struct hv_accounts **ret, struct hv_err *err);
struct hv_accounts *hv_accounts_free(struct hv_accounts *a); /* takes NULL, gives NULL */

/* 0: the file is there, ours, and nobody else's to read. */
int hv_accounts_check(const char *path, struct hv_err *err);
bool hv_accounts_has(const struct hv_accounts *a, const char *name);

/* Once, on the loop: later, or when the accounts are freed. `token` NULL: no such account, another password, or no more time. */
typedef void hv_accounts_login_fn(void *userdata, const char *token);
/* Takes as long whether there is such an account or not. -EBUSY: too many wait, and `done` is not called. */
int hv_accounts_login(struct hv_accounts *a, const char *name, const char *password,
                      hv_accounts_login_fn *done, void *userdata, struct hv_err *err);
/* Another one for an account that showed a token. The caller frees. */
char *hv_accounts_renew(struct hv_accounts *a, const char *name);

enum hv_token {
        HV_TOKEN_GOOD,
        HV_TOKEN_EXPIRED,
        HV_TOKEN_INVALID,
};
/* *ret_name (may be NULL): the account, good until the next login or renewal. */
enum hv_token hv_accounts_judge(const struct hv_accounts *a, const char *token, const char **ret_name);

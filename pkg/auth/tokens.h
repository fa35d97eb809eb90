/* auth/tokens.h - tokens that hivectl and the API made: durable, by their digests only.
 *
 * Model    One file, STATE/auth/tokens.json (directory 0700, file 0600), written anew with each change before the change counts. A file
 *          that cannot be read or understood is an error, and no token is taken: nothing is guessed about who may.
 */
#pragma once

#include "auth/credential.h"
#include "auth/role.h"
#include "base/err.h"

#define HV_TOKENS_MAX 256

struct hv_token {
        char *name;
        enum hv_role role;
        char digest[HV_SHA256_HEX_SIZE];
        char *by;                                /* who made it */
        uint64_t created_wall_us, until_wall_us; /* until 0: for good */
        uint64_t used_wall_us;                   /* in this run; 0: not yet */
};

struct hv_tokens;

/* dir: made when the first token is. -errno: the file is there and cannot be taken; *ret is set all the same, and empty. */
int hv_tokens_open(const char *dir, struct hv_tokens **ret, struct hv_err *err);
struct hv_tokens *hv_tokens_free(struct hv_tokens *t); /* takes NULL, gives NULL */

/* -EINVAL: no name or no role; -EEXIST: the name is taken; -E2BIG: there are HV_TOKENS_MAX; others: it cannot be stored. */
int hv_tokens_create(struct hv_tokens *t, const struct hv_token *wish, char ret_text[HV_CREDENTIAL_SIZE],
                     struct hv_err *err);
int hv_tokens_revoke(struct hv_tokens *t, const char *name, struct hv_err *err); /* -ENOENT */

/* NULL: none of this text, or its time is over. Good until the next create or revoke. */
const struct hv_token *hv_tokens_use(struct hv_tokens *t, const char *text, uint64_t wall_us);
const struct hv_token *hv_tokens_find(const struct hv_tokens *t, const char *name);
const struct hv_token *hv_tokens_at(const struct hv_tokens *t, size_t i); /* NULL past the last */

/* auth/access_file.h - what the operator's own files say of users and tokens. Pure: reads text.
 *
 *     http.auth.usersFile         http.auth.tokenFile
 *     # who     role    hash      # role    name     token
 *     ana:operator:$y$jBT$...     viewer    grafana  sha256:9f86d081...
 *                                 operator  deploy   hvt_...
 *                                 hvt_...                            (alone in its line: an admin of the name "file")
 *
 * Model    Lines; empty ones and those that begin with # mean nothing. A line that is no user or token is an error that names it by
 *          number, never by its text. Hashes are yescrypt of the cost of mkpasswd or above (password/password.h).
 */
#pragma once

#include "auth/role.h"
#include "base/err.h"
#include "base/sha256.h"
#include "base/vec.h"

#define HV_ACCESS_NAME_MAX 64

/* Letters, digits, '.', '_', '-', '@'; 1..64; begins with a letter or digit. */
bool hv_auth_name_is_good(const char *name);

struct hv_user {
        char *name, *hash;
        enum hv_role role;
};

struct hv_file_token {
        char *name;
        enum hv_role role;
        char digest[HV_SHA256_HEX_SIZE];
};

struct hv_users {
        struct hv_user *v;
        size_t n, cap;
};

struct hv_file_tokens {
        struct hv_file_token *v;
        size_t n, cap;
};

/* Add to *ret. -EINVAL: `path:LINE: what is wrong with it`; *ret is emptied. */
int hv_users_parse(const char *path, const char *text, struct hv_users *ret, struct hv_err *err);
int hv_file_tokens_parse(const char *path, const char *text, struct hv_file_tokens *ret, struct hv_err *err);
void hv_users_done(struct hv_users *users);
void hv_file_tokens_done(struct hv_file_tokens *tokens);

const struct hv_user *hv_users_find(const struct hv_users *users, const char *name); /* NULL: none */

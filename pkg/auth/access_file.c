#include "auth/access_file.h"

#include <errno.h>

#include "auth/credential.h"
#include "password/password.h"

#define HASHED "sha256:"
#define TOKEN_MIN_BYTES 20

bool hv_auth_name_is_good(const char *name) {
        size_t len = name ? strlen(name) : 0;

        if (len == 0 || len > HV_ACCESS_NAME_MAX)
                return false;
        for (size_t i = 0; i < len; i++) {
                bool is_plain = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
                                (name[i] >= '0' && name[i] <= '9');

                if (!is_plain && (i == 0 || !strchr("._-@", name[i])))
                        return false;
        }
        return true;
}

/* The line that begins at *at, without blanks around it; NULL: there is none. */
static char *next_line(const char **at) {
        const char *from = *at;
        size_t len = strcspn(from, "\n"), n = len;

        if (*from == '\0')
                return NULL;
        *at = from + len + (from[len] == '\n');
        while (n > 0 && strchr(" \t\r", from[n - 1]))
                n--;
        while (n > 0 && strchr(" \t", *from)) {
                from++;
                n--;
        }
        return hv_strndup(from, n);
}

static void wipe(char *text) {
        if (text)
                explicit_bzero(text, strlen(text));
        free(text);
}

/* ---- users ---- */

void hv_users_done(struct hv_users *users) {
        for (size_t i = 0; i < users->n; i++) {
                free(users->v[i].name);
                wipe(users->v[i].hash);
        }
        hv_vec_done(users);
}

const struct hv_user *hv_users_find(const struct hv_users *users, const char *name) {
        for (size_t i = 0; i < users->n; i++)
                if (hv_streq(users->v[i].name, name))
                        return &users->v[i];
        return NULL;
}

/* What is wrong with it; NULL: it was added. */
static const char *add_user(char *line, struct hv_users *ret) {
        char *role_text = strchr(line, ':'), *hash = role_text ? strchr(role_text + 1, ':') : NULL;
        enum hv_role role;

        if (!hash)
                return "expected NAME:ROLE:HASH";
        *role_text++ = *hash++ = '\0';
        if (!hv_auth_name_is_good(line))
                return "the name is none: expected letters, digits, '.', '_', '-' and '@', at most 64";
        if (!hv_role_read(role_text, &role))
                return "the role is not viewer, operator or admin";
        if (!hv_password_is_strong_hash(hash))
                return "the hash is not yescrypt of a sufficient cost; hivectl user hash makes one";
        if (hv_users_find(ret, line))
                return "this user is there already";
        hv_vec_push(ret, ((struct hv_user){ hv_strdup(line), hv_strdup(hash), role }));
        return NULL;
}

int hv_users_parse(const char *path, const char *text, struct hv_users *ret, struct hv_err *err) {
        unsigned n = 0;
        char *line;

        for (const char *at = text; (line = next_line(&at));) {
                const char *wrong = NULL;

                n++;
                if (*line && *line != '#')
                        wrong = add_user(line, ret);
                wipe(line);
                if (wrong) {
                        hv_users_done(ret);
                        return hv_err_set(err, -EINVAL, "%s:%u: %s", path, n, wrong);
                }
        }
        return 0;
}

/* ---- tokens ---- */

void hv_file_tokens_done(struct hv_file_tokens *tokens) {
        for (size_t i = 0; i < tokens->n; i++)
                free(tokens->v[i].name);
        hv_vec_done(tokens);
}

static bool is_digest(const char *text) {
        return strlen(text) == HV_SHA256_HEX_SIZE - 1 && strspn(text, "0123456789abcdef") == strlen(text);
}

static const char *add_token(char *line, struct hv_file_tokens *ret) {
        struct hv_file_token token = { .role = HV_ROLE_ADMIN };
        const char *word[4] = {};
        char *rest = NULL;
        size_t n = 0;

        for (char *w = strtok_r(line, " \t", &rest); w && n < 4; w = strtok_r(NULL, " \t", &rest))
                word[n++] = w;
        if (n != 1 && n != 3)
                return "expected ROLE NAME TOKEN, or a token alone";
        if (n == 3 && !hv_role_read(word[0], &token.role))
                return "the role is not viewer, operator or admin";
        if (n == 3 && !hv_auth_name_is_good(word[1]))
                return "the name is none: expected letters, digits, '.', '_', '-' and '@', at most 64";
        if (hv_has_prefix(word[n - 1], HASHED)) {
                if (!is_digest(word[n - 1] + strlen(HASHED)))
                        return "behind sha256: are not 64 hex digits in small letters";
                strcpy(token.digest, word[n - 1] + strlen(HASHED));
        } else {
                if (strlen(word[n - 1]) < TOKEN_MIN_BYTES)
                        return "the token is shorter than 20 letters: it can be guessed";
                hv_credential_digest(word[n - 1], token.digest);
        }
        for (size_t i = 0; i < ret->n; i++)
                if (hv_streq(ret->v[i].name, n == 3 ? word[1] : "file") ||
                    hv_streq(ret->v[i].digest, token.digest))
                        return "a token of this name, or this token, is there already";
        token.name = hv_strdup(n == 3 ? word[1] : "file");
        hv_vec_push(ret, token);
        return NULL;
}

int hv_file_tokens_parse(const char *path, const char *text, struct hv_file_tokens *ret, struct hv_err *err) {
        unsigned n = 0;
        char *line;

        for (const char *at = text; (line = next_line(&at));) {
                const char *wrong = NULL;
                size_t len = strlen(line);

                n++;
                if (*line && *line != '#')
                        wrong = add_token(line, ret);
                explicit_bzero(line, len);
                free(line);
                if (wrong) {
                        hv_file_tokens_done(ret);
                        return hv_err_set(err, -EINVAL, "%s:%u: %s", path, n, wrong);
                }
        }
        return 0;
}

#include "auth/tokens.h"

#include <errno.h>
#include <stdio.h>

#include "auth/access_file.h"
#include "base/vec.h"
#include "source/disk.h"
#include "json/json.h"
#include "json/write.h"

#define FILE_NAME "tokens.json"
#define FILE_MAX_BYTES ((size_t) 1 << 20)
#define VERSION 1

struct hv_tokens {
        char *dir;
        bool is_broken; /* what is on the disk is not to be written over */
        HV_VEC(struct hv_token) all;
};

static void token_done(struct hv_token *t) {
        free(t->name);
        free(t->by);
}

struct hv_tokens *hv_tokens_free(struct hv_tokens *t) {
        if (!t)
                return NULL;
        for (size_t i = 0; i < t->all.n; i++)
                token_done(&t->all.v[i]);
        hv_vec_done(&t->all);
        free(t->dir);
        free(t);
        return NULL;
}

/* ---- the file ---- */

static int read_token(const struct hv_json *j, struct hv_token *ret) {
        const char *name = hv_json_str(j, "name"), *digest = hv_json_str(j, "sha256");
        struct hv_token t = {
                .created_wall_us = (uint64_t) hv_json_int(j, "createdUs", 0),
                .until_wall_us = (uint64_t) hv_json_int(j, "untilUs", 0),
        };

        if (!hv_auth_name_is_good(name) || !digest || strlen(digest) != HV_SHA256_HEX_SIZE - 1 ||
            !hv_role_read(hv_json_str(j, "role"), &t.role))
                return -EBADMSG;
        strcpy(t.digest, digest);
        t.name = hv_strdup(name);
        t.by = hv_strdup(hv_json_str(j, "by") ?: "");
        *ret = t;
        return 0;
}

static int read_all(struct hv_tokens *t, const char *text, size_t len, struct hv_err *err) {
        _hv_cleanup_(hv_json_freep) struct hv_json *doc = NULL;
        const struct hv_json *list;
        int r = hv_json_parse(text, len, FILE_MAX_BYTES, &doc, err);

        if (r < 0)
                return hv_err_prefix(err, r, "%s/" FILE_NAME, t->dir);
        list = hv_json_get(doc, "tokens");
        if (hv_json_int(doc, "version", 0) != VERSION || hv_json_type(list) != HV_JSON_ARRAY)
                return hv_err_set(err, -EBADMSG, "%s/" FILE_NAME ": expected version %d of a list of tokens",
                                  t->dir, VERSION);
        for (size_t i = 0; i < hv_json_size(list); i++)
                if (read_token(hv_json_at(list, i), hv_vec_add(&t->all)) < 0) {
                        t->all.n--;
                        return hv_err_set(err, -EBADMSG, "%s/" FILE_NAME ": its token number %zu is none",
                                          t->dir, i + 1);
                }
        return 0;
}

int hv_tokens_open(const char *dir, struct hv_tokens **ret, struct hv_err *err) {
        struct hv_tokens *t = HV_NEW(struct hv_tokens);
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_disk disk = HV_DISK_NONE;
        int r;

        t->dir = hv_strdup(dir);
        *ret = t;
        r = hv_disk_open_existing(dir, &disk, err);
        if (r >= 0)
                r = hv_disk_read(&disk, FILE_NAME, FILE_MAX_BYTES, &text, err);
        hv_disk_close(&disk);
        if (r == -ENOENT)
                return 0;
        if (r >= 0)
                r = read_all(t, hv_buf_str(&text), text.len, err);
        if (r < 0) {
                t->is_broken = true;
                for (size_t i = 0; i < t->all.n; i++)
                        token_done(&t->all.v[i]);
                hv_vec_clear(&t->all);
        }
        return r;
}

static int store(const struct hv_tokens *t, struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_json_writer w = { .buf = &text };
        struct hv_disk disk = HV_DISK_NONE;
        int r;

        if (t->is_broken)
                return hv_err_set(err, -EBADMSG,
                                  "%s/" FILE_NAME
                                  " could not be read: repair it, or move it away, and restart",
                                  t->dir);
        hv_json_begin_object(&w, NULL);
        hv_json_put_uint(&w, "version", VERSION);
        hv_json_begin_array(&w, "tokens");
        for (size_t i = 0; i < t->all.n; i++) {
                const struct hv_token *token = &t->all.v[i];

                hv_json_begin_object(&w, NULL);
                hv_json_put_str(&w, "name", token->name);
                hv_json_put_str(&w, "role", hv_role_name(token->role));
                hv_json_put_str(&w, "sha256", token->digest);
                hv_json_put_str(&w, "by", token->by);
                hv_json_put_uint(&w, "createdUs", token->created_wall_us);
                hv_json_put_uint(&w, "untilUs", token->until_wall_us);
                hv_json_end(&w);
        }
        hv_json_end(&w);
        hv_json_end(&w);
        hv_buf_putc(&text, '\n');
        r = hv_disk_open(t->dir, &disk, err);
        if (r >= 0)
                r = hv_disk_replace(&disk, FILE_NAME, text.data, text.len, err);
        hv_disk_close(&disk);
        return r;
}

/* ---- changes ---- */

int hv_tokens_create(struct hv_tokens *t, const struct hv_token *wish, char ret_text[HV_CREDENTIAL_SIZE],
                     struct hv_err *err) {
        struct hv_token token = *wish;
        char text[HV_CREDENTIAL_SIZE];
        int r;

        if (!hv_auth_name_is_good(wish->name))
                return hv_err_set(err, -EINVAL,
                                  "a token's name holds letters, digits, '.', '_', '-' and '@', at most %d",
                                  HV_ACCESS_NAME_MAX);
        if (wish->role == HV_ROLE_NOBODY)
                return hv_err_set(err, -EINVAL, "a token needs a role: viewer, operator or admin");
        if (hv_tokens_find(t, wish->name))
                return hv_err_set(err, -EEXIST, "there is a token \"%s\" already; revoke it first",
                                  wish->name);
        if (t->all.n >= HV_TOKENS_MAX)
                return hv_err_set(err, -E2BIG, "there are %d tokens already; revoke some first",
                                  HV_TOKENS_MAX);
        hv_credential_make(HV_CREDENTIAL_TOKEN, text);
        hv_credential_digest(text, token.digest);
        token.name = hv_strdup(wish->name);
        token.by = hv_strdup(wish->by ?: "");
        token.used_wall_us = 0;
        hv_vec_push(&t->all, token);
        r = store(t, err);
        if (r < 0) {
                token_done(&t->all.v[--t->all.n]);
                return r;
        }
        memcpy(ret_text, text, sizeof text);
        explicit_bzero(text, sizeof text);
        return 0;
}

int hv_tokens_revoke(struct hv_tokens *t, const char *name, struct hv_err *err) {
        for (size_t i = 0; i < t->all.n; i++) {
                struct hv_token token = t->all.v[i];
                int r;

                if (!hv_streq(token.name, name))
                        continue;
                memmove(&t->all.v[i], &t->all.v[i + 1], (--t->all.n - i) * sizeof token);
                r = store(t, err);
                if (r < 0)
                        hv_vec_push(&t->all, token);
                else
                        token_done(&token);
                return r;
        }
        return hv_err_set(err, -ENOENT, "there is no token \"%s\"", name);
}

/* ---- look-ups ---- */

const struct hv_token *hv_tokens_use(struct hv_tokens *t, const char *text, uint64_t wall_us) {
        char digest[HV_SHA256_HEX_SIZE];

        hv_credential_digest(text, digest);
        for (size_t i = 0; i < t->all.n; i++) {
                struct hv_token *token = &t->all.v[i];

                if (!hv_streq(token->digest, digest))
                        continue;
                if (token->until_wall_us && wall_us >= token->until_wall_us)
                        return NULL;
                token->used_wall_us = wall_us;
                return token;
        }
        return NULL;
}

const struct hv_token *hv_tokens_find(const struct hv_tokens *t, const char *name) {
        for (size_t i = 0; i < t->all.n; i++)
                if (hv_streq(t->all.v[i].name, name))
                        return &t->all.v[i];
        return NULL;
}

const struct hv_token *hv_tokens_at(const struct hv_tokens *t, size_t i) {
        return i < t->all.n ? &t->all.v[i] : NULL;
}

/* fuzz_access.c - who may, by the first byte: 't' a file of tokens, else one of users. What is taken can be found again, and
 * nothing of a file that is refused is taken. */
#include "fuzz.h"

#include <string.h>

#include "auth/access_file.h"
#include "password/password.h"

static void check_refusal(const struct hv_err *err) {
        FUZZ_CHECK(hv_has_prefix(err->msg, "file:") && err->msg[strlen("file:")] >= '1' &&
                   err->msg[strlen("file:")] <= '9');
        for (const char *p = err->msg; *p; p++)
                FUZZ_CHECK((unsigned char) *p >= 0x20 &&
                           (unsigned char) *p < 0x7f); /* and nothing of the line */
}

static void users(const char *text) {
        struct hv_users all = {};
        struct hv_err err = {};

        if (hv_users_parse("file", text, &all, &err) < 0) {
                FUZZ_CHECK(all.n == 0);
                check_refusal(&err);
        }
        for (size_t i = 0; i < all.n; i++) {
                const struct hv_user *user = &all.v[i];

                FUZZ_CHECK(hv_users_find(&all, user->name) == user); /* of each name one */
                FUZZ_CHECK(hv_auth_name_is_good(user->name) && user->role != HV_ROLE_NOBODY);
                FUZZ_CHECK(hv_password_is_strong_hash(user->hash) && strstr(text, user->hash));
        }
        hv_users_done(&all);
}

static void tokens(const char *text) {
        struct hv_file_tokens all = {};
        struct hv_err err = {};

        if (hv_file_tokens_parse("file", text, &all, &err) < 0) {
                FUZZ_CHECK(all.n == 0);
                check_refusal(&err);
        }
        for (size_t i = 0; i < all.n; i++) {
                FUZZ_CHECK(hv_auth_name_is_good(all.v[i].name) && all.v[i].role != HV_ROLE_NOBODY);
                FUZZ_CHECK(strlen(all.v[i].digest) == HV_SHA256_HEX_SIZE - 1);
                for (size_t k = 0; k < i; k++)
                        FUZZ_CHECK(!hv_streq(all.v[i].name, all.v[k].name) &&
                                   !hv_streq(all.v[i].digest, all.v[k].digest));
        }
        hv_file_tokens_done(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text;

        if (size == 0)
                return 0;
        text = strndup((const char *) data + 1,
                       size - 1); /* a file with a NUL byte is refused before it is read */
        if (*data == 't')
                tokens(text);
        else
                users(text);
        free(text);
        return 0;
}

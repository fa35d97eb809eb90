#include "auth/credential.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/base64.h"

#define RANDOM_BYTES 32

void hv_credential_make(const char *prefix, char ret[HV_CREDENTIAL_SIZE]) {
        unsigned char random[RANDOM_BYTES];
        char text[HV_BASE64_SIZE(RANDOM_BYTES)];

        if (getrandom(random, sizeof random, 0) != (ssize_t) sizeof random)
                abort(); /* never for so few bytes (getrandom(2)); a token that can be guessed is worse than none */
        hv_base64url_encode(random, sizeof random, text);
        (void) snprintf(ret, HV_CREDENTIAL_SIZE, "%.4s%.*s", prefix, (int) strcspn(text, "="), text);
        explicit_bzero(random, sizeof random);
        explicit_bzero(text, sizeof text);
}

void hv_credential_digest(const char *text, char ret_hex[HV_SHA256_HEX_SIZE]) {
        hv_sha256_hex(text, strlen(text), ret_hex);
}

bool hv_credential_is_same(const char *a, const char *b) {
        char digest[2][HV_SHA256_HEX_SIZE];
        unsigned char difference = 0;

        hv_credential_digest(a, digest[0]);
        hv_credential_digest(b, digest[1]);
        for (size_t i = 0; i < HV_SHA256_HEX_SIZE; i++)
                difference |= (unsigned char) (digest[0][i] ^ digest[1][i]);
        return difference == 0;
}

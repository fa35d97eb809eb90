/* pool/hivemind_token.c - see hivemind_token.h. */
#include "pool/hivemind_token.h"

#include <string.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "base/time.h"
#include "json/json.h"

#define LEAST_US HV_USEC_PER_SEC
#define SECONDS_MAX (INT64_MAX / (int64_t) HV_USEC_PER_SEC)

static struct hv_json *claims_of(const char *token) {
        const char *first = strchr(token, '.'), *second = first ? strchr(first + 1, '.') : NULL;
        _hv_cleanup_free_ char *text = NULL;
        struct hv_json *claims = NULL;
        size_t len;

        if (!second)
                return NULL;
        len = (size_t) (second - first - 1);
        text = hv_malloc(len / 4 * 3 + 2);
        if (!hv_base64_decode(first + 1, len, text, &len) ||
            hv_json_parse(text, len, HV_JSON_MAX_BYTES, &claims, NULL) < 0)
                return NULL;
        return claims;
}

/* 0: it does not say. */
static uint64_t end_of(const char *token) {
        _hv_cleanup_(hv_json_freep) struct hv_json *claims = claims_of(token);
        int64_t end_s = HV_MIN(hv_json_int(claims, "exp", 0), SECONDS_MAX);

        return end_s > 0 ? (uint64_t) end_s * HV_USEC_PER_SEC : 0;
}

bool hivemind_token_has_ended(const char *token, uint64_t now_wall_us) {
        uint64_t end_us = end_of(token);

        return end_us && end_us <= now_wall_us;
}

uint64_t hivemind_token_half_life_us(const char *token, uint64_t now_wall_us) {
        uint64_t end_us = end_of(token);

        return end_us > now_wall_us ? HV_MAX((end_us - now_wall_us) / 2, LEAST_US) : 0;
}

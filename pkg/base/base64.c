/* base/base64.c - see base64.h. */
#include "base/base64.h"

static void encode(const unsigned char *data, size_t len, const char *digits, char *out) {
        for (size_t i = 0; i < len; i += 3) {
                uint32_t v = (uint32_t) data[i] << 16;

                if (i + 1 < len)
                        v |= (uint32_t) data[i + 1] << 8;
                if (i + 2 < len)
                        v |= data[i + 2];
                *out++ = digits[v >> 18];
                *out++ = digits[v >> 12 & 63];
                *out++ = i + 1 < len ? digits[v >> 6 & 63] : '=';
                *out++ = i + 2 < len ? digits[v & 63] : '=';
        }
        *out = '\0';
}

void hv_base64_encode(const void *data, size_t len, char *ret) {
        encode(data, len, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", ret);
}

void hv_base64url_encode(const void *data, size_t len, char *ret) {
        encode(data, len, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", ret);
}

static int digit_of(char c) {
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;
        if (c == '+' || c == '-')
                return 62;
        return c == '/' || c == '_' ? 63 : -1;
}

bool hv_base64_decode(const char *text, size_t len, void *ret, size_t *ret_len) {
        unsigned char *out = ret;
        uint32_t v = 0;
        unsigned n_bits = 0;
        size_t n = 0, n_digits = len;

        while (n_digits > 0 && len - n_digits < 2 && text[n_digits - 1] == '=')
                n_digits--;
        if (n_digits % 4 == 1 || (n_digits < len && len % 4 != 0))
                return false;
        for (size_t i = 0; i < n_digits; i++) {
                int digit = digit_of(text[i]);

                if (digit < 0)
                        return false;
                v = v << 6 | (uint32_t) digit;
                n_bits += 6;
                if (n_bits >= 8) {
                        n_bits -= 8;
                        out[n++] = (unsigned char) (v >> n_bits);
                }
        }
        if (v & ((1u << n_bits) - 1))
                return false;
        *ret_len = n;
        return true;
}

/* spec/value_name.c - see value_name.h. */
#include "spec/value_name.h"

#include "base/text.h"

#define INTERFACE_MAX 15 /* IFNAMSIZ - 1 */

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_hex(char c) {
        return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

int hv_value_name(const char *text, struct hv_fault *fault) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        if (hv_text_is_dns_label(text))
                return 0;
        return hv_fault_set(
                fault, "E0105",
                "%s is not a DNS label: lower-case letters, digits and '-', at most 63, start with a letter",
                hv_text_quote(text, quoted));
}

int hv_value_env_name(const char *text, struct hv_fault *fault) {
        char quoted[HV_TEXT_QUOTE_SIZE];
        bool good = is_letter(*text) || *text == '_';

        for (const char *p = text; *p && good; p++)
                good = is_letter(*p) || is_digit(*p) || *p == '_';
        if (good)
                return 0;
        return hv_fault_set(
                fault, "E0429",
                "%s is not a valid variable name: letters, digits and '_', not starting with a digit",
                hv_text_quote(text, quoted));
}

int hv_value_env_value(const char *text, struct hv_fault *fault) {
        if (!strpbrk(text, "\n\r"))
                return 0;
        return hv_fault_set(fault, "E0429",
                            "the value holds a line break; use a config or a secret, mounted as a file");
}

int hv_value_interface(const char *text, struct hv_fault *fault) {
        char quoted[HV_TEXT_QUOTE_SIZE];
        bool good = *text && !hv_streq(text, ".") && !hv_streq(text, "..");

        (void) hv_text_quote(text, quoted);
        if (strlen(text) > INTERFACE_MAX)
                return hv_fault_set(fault, "E0328", "%s is longer than %d characters", quoted, INTERFACE_MAX);
        if (hv_streq(text, "all") || hv_streq(text, "default"))
                return hv_fault_set(fault, "E0328",
                                    "%s has a meaning of its own below /proc/sys/net; use another name",
                                    quoted);
        for (const char *p = text; *p && good; p++)
                good = is_letter(*p) || is_digit(*p) || strchr("_.=+-", *p);
        if (good)
                return 0;
        return hv_fault_set(fault, "E0328", "%s is not an interface name: letters, digits and _.=+- only",
                            quoted);
}

int hv_value_hostname(const char *text, struct hv_fault *fault) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        if (hv_text_is_dns_name(text) && strlen(text) <= 63)
                return 0;
        return hv_fault_set(fault, "E0105", "%s is not a host name: letters, digits, '-' and '.', at most 63",
                            hv_text_quote(text, quoted));
}

int hv_value_label_key(const char *text, struct hv_fault *fault) {
        static const char reserved[] = "io.hivelet";
        char quoted[HV_TEXT_QUOTE_SIZE];
        size_t n = strlen(text);
        bool good = n > 0 && n <= 255;

        if (hv_has_prefix(text, reserved) &&
            (!text[strlen(reserved)] || strchr("./", text[strlen(reserved)])))
                return hv_fault_set(fault, "E0108", "labels under \"%s\" are set by the agent", reserved);
        for (size_t i = 0; i < n && good; i++)
                good = text[i] > ' ' && text[i] < 0x7f && text[i] != '=';
        if (good)
                return 0;
        return hv_fault_set(fault, "E0108",
                            "%s is not a label: 1 to 255 printable ASCII characters without '='",
                            hv_text_quote(text, quoted));
}

static int base64_digit(char c) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *p = c ? strchr(digits, c) : NULL;

        return p ? (int) (p - digits) : -1;
}

int hv_value_wg_key(const char *text, const char *what, unsigned char ret[HV_WG_KEY_SIZE],
                    struct hv_fault *fault) {
        const size_t length = 44;
        unsigned char key[HV_WG_KEY_SIZE + 1] = {}, any = 0;
        uint32_t bits = 0;
        size_t n = strlen(text), len = 0;

        if (n != length || text[length - 1] != '=')
                return hv_fault_set(fault, "E0321", "%s has %zu characters%s, expected %zu ending in \"=\"",
                                    what, n, n == length ? " and no \"=\" at the end" : "", length);
        for (size_t i = 0; i < length; i++) {
                int digit = i == length - 1 ? 0 : base64_digit(text[i]);

                if (digit < 0)
                        return hv_fault_set(fault, "E0321",
                                            "%s is not base64: character %zu is no base64 digit", what,
                                            i + 1);
                bits = bits << 6 | (uint32_t) digit;
                if (i % 4 == 3)
                        for (int shift = 16; shift >= 0; shift -= 8)
                                key[len++] = (unsigned char) (bits >> shift);
        }
        if (key[HV_WG_KEY_SIZE] != 0)
                return hv_fault_set(fault, "E0321",
                                    "%s is not the base64 of 32 bytes: its last digit has bits too many",
                                    what);
        for (size_t i = 0; i < HV_WG_KEY_SIZE; i++)
                any |= key[i];
        if (!any)
                return hv_fault_set(fault, "E0321", "%s is all zero, which WireGuard takes as no key", what);
        if (ret)
                memcpy(ret, key, HV_WG_KEY_SIZE);
        return 0;
}

int hv_value_sha256(const char *text, struct hv_fault *fault) {
        size_t n = strlen(text), n_hex = 0;

        for (size_t i = 0; i < n; i++)
                n_hex += is_hex(text[i]);
        if (n_hex == 64 && n == 64)
                return 0;
        if (n_hex < n)
                return hv_fault_set(fault, "E0452",
                                    "sha256 must have 64 hex digits, found %zu and %zu other characters",
                                    n_hex, n - n_hex);
        return hv_fault_set(fault, "E0452", "sha256 must have 64 hex digits, found %zu", n_hex);
}

/* base/text.c - see text.h. */
#include "base/text.h"

#include <stdio.h>

#define LIMIT_MAX 8u
#define LENGTH_MAX 64u /* nothing that a user should remember is longer */
#define ENDING_MIN 6u

static char lower(char c) {
        return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static bool is_lower_alnum(char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

size_t hv_text_distance(const char *a, const char *b, size_t limit) {
        size_t rows[3][LENGTH_MAX + 1], *before = rows[0], *last = rows[1], *now = rows[2];
        size_t n_a = strlen(a), n_b = strlen(b), nearest_before = 0;

        limit = HV_MIN(limit, LIMIT_MAX);
        if (n_a > LENGTH_MAX || n_b > LENGTH_MAX || (n_a > n_b ? n_a - n_b : n_b - n_a) > limit)
                return limit + 1;
        for (size_t j = 0; j <= n_b; j++)
                last[j] = j;
        for (size_t i = 1; i <= n_a; i++) {
                size_t *spare = before, nearest = i;

                now[0] = i;
                for (size_t j = 1; j <= n_b; j++) {
                        bool same = lower(a[i - 1]) == lower(b[j - 1]);
                        size_t d = HV_MIN(last[j], now[j - 1]) + 1;

                        d = HV_MIN(d, last[j - 1] + !same);
                        if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                            lower(a[i - 2]) == lower(b[j - 1]))
                                d = HV_MIN(d, before[j - 2] + 1);
                        now[j] = d;
                        nearest = HV_MIN(nearest, d);
                }
                if (nearest > limit && nearest_before > limit)
                        return limit + 1; /* a row follows from the two before it, and only grows */
                nearest_before = nearest;
                before = last;
                last = now;
                now = spare;
        }
        return HV_MIN(last[n_b], limit + 1);
}

static bool ends_in(const char *text, const char *end) {
        size_t n = strlen(text), m = strlen(end);

        return m >= ENDING_MIN && n > m && hv_text_distance(text + n - m, end, 0) == 0;
}

void hv_suggestion_add(struct hv_suggestion *s, const char *candidate) {
        const size_t ending = 3; /* worse than any distance that is accepted */
        size_t limit = strlen(s->text) <= 3 ? 1 : 2;
        size_t d = hv_text_distance(s->text, candidate, limit);

        if (d > limit) {
                if (!ends_in(s->text, candidate))
                        return;
                d = ending;
        }
        if (s->best && d >= s->distance)
                return;
        s->best = candidate;
        s->distance = d;
}

const char *hv_text_suggest(const char *text, const char *const *candidates, size_t n) {
        struct hv_suggestion s = { .text = text };

        for (size_t i = 0; i < n; i++)
                hv_suggestion_add(&s, candidates[i]);
        return s.best;
}

/* Length of the well-formed character at s, 0 when there is none. */
static size_t utf8_length(const unsigned char *s, size_t n) {
        unsigned char low = 0x80, high = 0xbf; /* the second byte's range: RFC 3629 section 4 */
        size_t len;

        if (s[0] < 0x80)
                return 1;
        if (s[0] >= 0xc2 && s[0] <= 0xdf)
                len = 2;
        else if (s[0] >= 0xe0 && s[0] <= 0xef)
                len = 3;
        else if (s[0] >= 0xf0 && s[0] <= 0xf4)
                len = 4;
        else
                return 0;
        if (s[0] == 0xe0)
                low = 0xa0;
        else if (s[0] == 0xed)
                high = 0x9f;
        else if (s[0] == 0xf0)
                low = 0x90;
        else if (s[0] == 0xf4)
                high = 0x8f;
        if (n < len || s[1] < low || s[1] > high)
                return 0;
        for (size_t i = 2; i < len; i++)
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
        return len;
}

bool hv_utf8_is_valid(const char *s, size_t n, size_t *ret_offset) {
        for (size_t i = 0, len; i < n; i += len) {
                len = utf8_length((const unsigned char *) s + i, n - i);
                if (len == 0) {
                        if (ret_offset)
                                *ret_offset = i;
                        return false;
                }
        }
        return true;
}

size_t hv_utf8_count(const char *s, size_t n) {
        size_t count = 0;

        for (size_t i = 0; i < n; count++) {
                size_t len = utf8_length((const unsigned char *) s + i, n - i);

                i += len > 0 ? len : 1;
        }
        return count;
}

bool hv_text_is_dns_label(const char *s) {
        size_t n = strlen(s);

        if (n == 0 || n > 63 || s[0] < 'a' || s[0] > 'z' || s[n - 1] == '-')
                return false;
        for (size_t i = 0; i < n; i++)
                if (!is_lower_alnum(s[i]) && s[i] != '-')
                        return false;
        return true;
}

bool hv_text_is_dns_name(const char *s) {
        size_t label = 0, n = strlen(s);

        if (n == 0 || n > 253)
                return false;
        for (size_t i = 0; i <= n; i++) {
                if (i == n || s[i] == '.') {
                        if (label == 0 || label > 63 || s[i - 1] == '-')
                                return false;
                        label = 0;
                        continue;
                }
                if (!is_lower_alnum(lower(s[i])) && (s[i] != '-' || label == 0))
                        return false;
                label++;
        }
        return true;
}

static uint32_t utf8_code_point(const unsigned char *s, size_t len) {
        uint32_t c = len == 1 ? s[0] : s[0] & (0x7fu >> len);

        for (size_t i = 1; i < len; i++)
                c = c << 6 | (s[i] & 0x3fu);
        return c;
}

/* What would change how the rest of a line looks. */
static bool is_unseen(uint32_t c) {
        return (c >= 0x80 && c <= 0x9f) || c == 0xad || (c >= 0x200b && c <= 0x200f) ||
               (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
               (c >= 0xe0000 && c <= 0xe007f);
}

struct hv_character hv_text_character(const char *s, size_t n) {
        const unsigned char *bytes = (const unsigned char *) s;
        size_t len = utf8_length(bytes, n);
        struct hv_character c = { .len = len, .is_valid = len > 0 };

        if (!c.is_valid) {
                c.len = 1;
                c.code = bytes[0];
                return c;
        }
        c.code = utf8_code_point(bytes, len);
        c.is_shown = c.code >= 0x20 && c.code != 0x7f && !is_unseen(c.code);
        return c;
}

const char *hv_text_quote(const char *text, char ret[HV_TEXT_QUOTE_SIZE]) {
        const size_t shown = 60; /* an escape takes at most 10 bytes, so 60 of them fit */
        const unsigned char *s = (const unsigned char *) text;
        size_t n = strlen(text), len = 0, count = 0, step;

        ret[len++] = '"';
        for (size_t i = 0; i < n; i += step, count++) {
                char *out = ret + len;
                uint32_t c;

                if (count == shown) {
                        len += (size_t) snprintf(out, HV_TEXT_QUOTE_SIZE - len, "...");
                        break;
                }
                step = utf8_length(s + i, n - i);
                c = step > 0 ? utf8_code_point(s + i, step) : s[i];
                if (step == 0 || c < 0x20 || c == 0x7f) {
                        static const char letters[] = "abtnvfr";

                        step = 1;
                        if (c >= 7 && c <= 13)
                                len += (size_t) snprintf(out, HV_TEXT_QUOTE_SIZE - len, "\\%c",
                                                         letters[c - 7]);
                        else
                                len += (size_t) snprintf(out, HV_TEXT_QUOTE_SIZE - len, "\\x%02x",
                                                         (unsigned) c);
                } else if (c == '"' || c == '\\')
                        len += (size_t) snprintf(out, HV_TEXT_QUOTE_SIZE - len, "\\%c", (char) c);
                else if (is_unseen(c))
                        len += (size_t) snprintf(out, HV_TEXT_QUOTE_SIZE - len, "\\u{%x}", (unsigned) c);
                else {
                        memcpy(out, s + i, step);
                        len += step;
                }
        }
        ret[len++] = '"';
        ret[len] = '\0';
        return ret;
}

/* pool/words.c - see words.h. */
#include "pool/words.h"

#include <errno.h>

#include "base/buf.h"
#include "base/vec.h"

/* Adds what is quoted at *p, which is behind the opening quote, and moves behind the closing one. */
static bool add_quoted(const char **p, char quote, struct hv_buf *word) {
        for (; **p && **p != quote; (*p)++) {
                if (quote == '"' && **p == '\\' && (*p)[1] == '\n') {
                        (*p)++;
                        continue;
                }
                if (quote == '"' && **p == '\\' && (*p)[1] && strchr("$`\"\\", (*p)[1]))
                        (*p)++;
                hv_buf_putc(word, **p);
        }
        if (!**p)
                return false;
        (*p)++;
        return true;
}

static int add_word(const char **p, struct hv_buf *word, struct hv_err *err) {
        while (**p && !strchr(" \t\r\n", **p)) {
                char c = *(*p)++;

                if (c == '\'' || c == '"') {
                        if (!add_quoted(p, c, word))
                                return hv_err_set(err, -EINVAL, "a quote (%c) is not closed", c);
                } else if (c == '\\') {
                        if (!**p)
                                return hv_err_set(err, -EINVAL, "it ends in a backslash");
                        if (**p != '\n')
                                hv_buf_putc(word, **p);
                        (*p)++;
                } else {
                        hv_buf_putc(word, c);
                }
        }
        return 0;
}

int hv_words_split(const char *text, struct hv_arena *arena, const char *const **ret, size_t *ret_n,
                   struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf word = {};
        const char **words = HV_ARENA_NEW_N(arena, const char *, HV_WORDS_MAX);
        size_t n = 0;
        int r;

        for (const char *p = text;;) {
                p += strspn(p, " \t\r\n");
                if (!*p)
                        break;
                if (n == HV_WORDS_MAX)
                        return hv_err_set(err, -EINVAL, "it has more than %d words", HV_WORDS_MAX);
                hv_buf_clear(&word);
                r = add_word(&p, &word, err);
                if (r < 0)
                        return r;
                words[n++] = hv_arena_strndup(arena, hv_buf_str(&word), word.len);
        }
        *ret = words;
        *ret_n = n;
        return 0;
}

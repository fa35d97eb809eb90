/* base/text.h - what can be asked about a piece of text without knowing what it means. */
#pragma once

#include "base/macros.h"

/* Edits (insert, delete, replace, swap of neighbours) from a to b, upper and lower case being equal; limit +
 * 1 when there are more than limit. limit is at most 8. Source   optimal string alignment: Boytsov, "Indexing
 * methods for approximate dictionary searching" (2011). */
size_t hv_text_distance(const char *a, const char *b, size_t limit);

/* The nearest of some names, for "did you mean".
 *
 *     struct hv_suggestion s = { .text = "Servce" };
 *     for (...) hv_suggestion_add(&s, candidate);
 *     if (s.best) ...
 *
 * Near is a distance of at most 2 (at most 1 for texts of up to three letters), or a name that the text ends
 * in
 * ("imagePullPolicy" -> "pullPolicy"). Of equals the first one added stays. `best` borrows the candidate. */
struct hv_suggestion {
        const char *text, *best;
        size_t distance;
};

void hv_suggestion_add(struct hv_suggestion *s, const char *candidate);
const char *hv_text_suggest(const char *text, const char *const *candidates,
                            size_t n); /* NULL: nothing is near */

/* Well-formed UTF-8 (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF). A NUL byte is a
 * character. *ret_offset (may be NULL) is the place of the first bad byte, written only when false. */
bool hv_utf8_is_valid(const char *s, size_t n, size_t *ret_offset);

/* Characters in n bytes; a byte that is not part of a well-formed character counts as one. */
size_t hv_utf8_count(const char *s, size_t n);

/* RFC 1123 label that begins with a letter: a-z, 0-9, '-', not at the end, 1..63. */
bool hv_text_is_dns_label(const char *s);

/* Dots between RFC 1123 labels (which may begin with a digit here), 1..253. Case does not matter. */
bool hv_text_is_dns_name(const char *s);

#define HV_TEXT_QUOTE_SIZE 800

/* The text in double quotes, safe for a terminal and for one line of a log: control characters, characters
 * that are invisible or turn the writing direction, and bytes that are not UTF-8 are escaped; cut after 60
 * characters. */
const char *hv_text_quote(const char *text, char ret[HV_TEXT_QUOTE_SIZE]);

struct hv_character {
        size_t len;    /* bytes; 1 for a byte that is not part of a well-formed character */
        uint32_t code; /* code point; of such a byte its value */
        bool is_valid; /* well-formed UTF-8 */
        bool is_shown; /* no control, nothing invisible or turning the writing direction: safe to print */
};

/* The character at the start of n > 0 bytes. */
struct hv_character hv_text_character(const char *s, size_t n);

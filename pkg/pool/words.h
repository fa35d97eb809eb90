/* pool/words.h - a command line taken apart as a POSIX shell takes it apart, and nothing else: no variable, no pattern, no
 * operator means anything. What docker-py does with `command`, and so what HiveMind's tasks are written for.
 *
 * Source   IEEE Std 1003.1, Shell Command Language, 2.2 Quoting; Python's shlex.split().
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#define HV_WORDS_MAX 1024

/* -EINVAL, with a sentence, for a quote that is not closed, a backslash at the end, or more than HV_WORDS_MAX words. */
int hv_words_split(const char *text, struct hv_arena *arena, const char *const **ret, size_t *ret_n,
                   struct hv_err *err);

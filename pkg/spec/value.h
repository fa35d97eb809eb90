/* spec/value.h - what is wrong with one value, before anybody knows where it stands.
 *
 * Model    The value_*.h parsers turn the text of one field into something typed. They know neither documents
 *          nor positions: a refusal is a code and a sentence, which the checks attach to the node. The
 *          sentence names what was found and what was expected; values are quoted safely, and keys and
 *          secrets never.
 */
#pragma once

#include "base/macros.h"

struct hv_fault {
        const char *code; /* "E0308"; static */
        char message[960];
};

/* Writes the fault (NULL allowed), returns -EINVAL. */
int hv_fault_set(struct hv_fault *fault, const char *code, const char *fmt, ...) _hv_printf_(3, 4);

/* source/split.h - a text of several YAML documents, as the documents it is made of.
 *
 * Model    A line that begins with "---" starts a document wherever it stands, and one that begins with "..." ends it
 *          (YAML 1.2, section 9.1.2: no scalar may hold one), so cutting needs no parser; what each piece is, its own reading tells.
 */
#pragma once

#include "base/vec.h"
#include "spec/kind.h"

struct hv_piece {
        enum hv_kind kind; /* HV_KIND_NONE: not known, or it could not be read */
        char *name;        /* metadata.name; NULL: none */
        const char *text;  /* in the text that was cut, not terminated */
        size_t len;
};

struct hv_pieces {
        struct hv_piece *v;
        size_t n, cap;
};

/* Pieces without a document (blank, comments only) are left out. `text` must outlive the result. */
void hv_split(const char *text, size_t len, struct hv_pieces *ret);
void hv_pieces_done(struct hv_pieces *p);

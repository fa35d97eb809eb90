/* spec/diag_internal.h - what diag.c collects and diag_render.c shows. */
#pragma once

#include "base/vec.h"
#include "spec/diag.h"

struct hv_diag_file {
        const char *name, *text;
        size_t len;
};

struct hv_span { /* characters that are never shown */
        unsigned file, line, column, end_line, end_column;
};

struct hv_diags {
        struct hv_arena *arena;
        HV_VEC(struct hv_diag) found;
        HV_VEC(struct hv_diag_file) files;
        HV_VEC(struct hv_span) hidden;
        struct hv_diag spare; /* takes what there is no room for */
        size_t n_aside;       /* of `files`: those beside the set */
        size_t n_errors, n_warnings, n_dropped;
};

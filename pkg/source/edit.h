/* source/edit.h - a document of a service with a few values changed.
 *
 * Model    The document is read, changed and written anew as a whole: comments and the order of lines are not kept, what
 *          ${NAME} stands for is left to the loader. Whether the result is good is the loader's to say, too.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "spec/desired.h"

struct hv_service_edit {
        const char *image;   /* NULL: as it is */
        struct hv_pairs env; /* to be added, or put in the place of those of the same name */
};

/* One document of the kind Service, as YAML. -EINVAL: the text is none, or its `env` is no list. */
int hv_source_edit_service(const char *text, size_t len, const struct hv_service_edit *edit,
                           struct hv_buf *ret, struct hv_err *err);

/* cli/convert.h - documents of others as documents of hivelet; and what of them is not carried over.
 *
 *      Pod, Deployment (Kubernetes)   convert_kube.c      a service for each container
 *      NAME.container (quadlet)       convert_quadlet.c   a service
 *
 * Model    Pure: text in, JSON values of documents out. Whatever is not carried over is a note with its line: a key that no code asks
 *          for is told by the reader itself, so that nothing is dropped silently when somebody forgets it.
 * Owner    Everything lives in the arena; `documents` is a JSON array that is being written.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "json/write.h"

struct hv_node;

struct hv_convert_note {
        unsigned line;
        const char *text;
};

struct hv_convert {
        struct hv_arena *arena;
        struct hv_buf text;
        struct hv_json_writer w;
        unsigned n_documents;
        HV_VEC(struct hv_convert_note) notes;
        HV_VEC(const char *) volumes; /* that have a document */
};

void hv_convert_begin(struct hv_convert *c);
void hv_convert_done(struct hv_convert *c);
void hv_convert_note(struct hv_convert *c, unsigned line, const char *fmt, ...) _hv_printf_(3, 4);

/* Opens a document and its `spec`; hv_convert_close() ends both. labels may be NULL. */
void hv_convert_open(struct hv_convert *c, const char *kind, const char *name, const struct hv_node *labels);
void hv_convert_close(struct hv_convert *c);
/* {name: NAME} of kind Volume, once a name. */
void hv_convert_volume(struct hv_convert *c, const char *name);

/* A name that hivelet takes, made of `text`: lower case, "-" for what may not be in it. In the arena. */
const char *hv_convert_name(struct hv_convert *c, const char *text);

/* -EINVAL: nothing of it could be carried over; err says why. */
int hv_convert_kube(struct hv_convert *c, const struct hv_node *documents, struct hv_err *err);
int hv_convert_quadlet(struct hv_convert *c, const char *unit, const char *text, size_t len,
                       struct hv_err *err);

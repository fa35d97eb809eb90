/* cli/convert.h - documents of others as documents of hivelet; and what of them is not carried over.
 *
 *      Pod, Deployment (Kubernetes)   convert_kube.c      a service for each container
 *      NAME.container (quadlet)       convert_quadlet.c   a service
 *      compose.yaml                   convert_compose.c   a service for each service, and what they name
 *
 *      convert.c        what all of them share
 *      convert_short.c  short forms of Docker's command line, which podman and compose files have too
 *      convert_part.h   mappings whose keys are asked for one by one
 *      convert_judge.h  what a node has to allow, and what hivelet says of the result
 *
 * Model    Pure: text in, JSON values of documents out; what else is read comes through `struct hv_convert_world`. Whatever is not
 *          carried over is a note with its line: a key that no code asks for is told by the reader itself, so that nothing is dropped
 *          silently when somebody forgets it. No note holds the value of a variable.
 * Owner    Everything lives in the arena; `documents` is a JSON array that is being written.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "json/write.h"

#define HV_CONVERT_TMPFS "64Mi" /* of a file system in memory that says no size: here each has one */

struct hv_node;

struct hv_convert_note {
        unsigned line; /* 0: of no line in particular */
        const char *text;
        size_t order;
};

struct hv_convert {
        struct hv_arena *arena;
        struct hv_buf text;
        struct hv_json_writer w;
        unsigned n_documents;
        bool is_whole; /* what the file names is in it, too: the result has to be good by itself */
        HV_VEC(struct hv_convert_note) notes;
        HV_VEC(const char *) volumes; /* that have a document */
};

struct hv_convert_words {
        HV_VEC(const char *) v;
};

void hv_convert_begin(struct hv_convert *c);
void hv_convert_done(struct hv_convert *c);
void hv_convert_note(struct hv_convert *c, unsigned line, const char *fmt, ...) _hv_printf_(3, 4);
/* By line; what has none comes last. */
void hv_convert_sort_notes(struct hv_convert *c);

/* Opens a document and its `spec`; hv_convert_close() ends both. labels may be NULL. */
void hv_convert_open(struct hv_convert *c, const char *kind, const char *name, const struct hv_node *labels);
void hv_convert_close(struct hv_convert *c);
/* {name: NAME} of kind Volume, once a name. */
void hv_convert_volume(struct hv_convert *c, const char *name);

/* A name that hivelet takes, made of `text`: lower case, "-" for what may not be in it. In the arena. */
const char *hv_convert_name(struct hv_convert *c, const char *text);

/* A text as it is, though ${...} means something to hivelet. NULL: nothing is put. */
void hv_convert_put(struct hv_json_writer *w, const char *key, const char *text);
/* A number stays one; what is none is for `hivectl validate` to judge. */
void hv_convert_put_number(struct hv_json_writer *w, const char *key, const char *text);
void hv_convert_put_words(struct hv_json_writer *w, const char *key, const struct hv_convert_words *list);

/* true, yes, on, 1; NULL is none of them. */
bool hv_convert_is_true(const char *text);

/* ---- short forms ---- */

/* Words at blanks; quotes hold blanks together. as_shell: a backslash within quotes is one, but for what sh(1) says. */
void hv_convert_split(struct hv_convert *c, const char *text, bool as_shell, struct hv_convert_words *ret);
/* "512m" is Docker's way; here it is 512Mi. What is no size stays as it is. */
const char *hv_convert_bytes(struct hv_convert *c, const char *text);
/* "SIGTERM" is TERM. */
const char *hv_convert_signal(const char *text);
/* {name: NAME, value: VALUE} of "NAME=VALUE". */
void hv_convert_put_pair(struct hv_convert *c, const char *pair);

struct hv_convert_port {
        const char *name, *container, *host, *address, *protocol; /* NULL: not said */
        unsigned replicas;                                        /* of the service; 0 counts as 1 */
};

/* "80", "8080:80", "127.0.0.1:8080:80", "[::1]:8080:80", with ranges such as "8080-8081:80-81", each with "/udp". */
void hv_convert_read_port(struct hv_convert *c, const char *text, struct hv_convert_port *ret);
/* An item of `ports`, or one for each port of a range. Where no address is said, Docker listens on every one. */
void hv_convert_put_port(struct hv_convert *c, unsigned line, const char *what,
                         const struct hv_convert_port *port);
/* "SOURCE:TARGET:OPTIONS"; *ret_source is NULL where there is one path only. All in the arena. */
void hv_convert_read_mount(struct hv_convert *c, const char *text, const char **ret_source,
                           const char **ret_target, char **ret_options);
/* "ro,Z": what has a meaning here is put, the rest is told. options may be NULL. */
void hv_convert_put_mount_options(struct hv_convert *c, unsigned line, const char *what, char *options);
/* "/run", "/run:size=64m,mode=755": an item of `mounts`. */
void hv_convert_put_tmpfs(struct hv_convert *c, unsigned line, const char *what, const char *text);

/* ---- the forms ---- */

/* How a form reads what lies beside its file, and asks for variables. */
struct hv_convert_world {
        void *userdata;
        const char *file;   /* as it was named */
        const char *folder; /* absolute: of the file */
        /* Text of a file, in the arena. -errno; -ENOENT: there is none. */
        int (*read)(void *userdata, const char *path, struct hv_arena *a, const char **ret, size_t *ret_len,
                    struct hv_err *err);
        const char *(*env)(void *userdata, const char *name); /* NULL: not set */
        const char *const *variable_files;                    /* in place of .env */
        size_t n_variable_files;
        const char *const *profiles;
        size_t n_profiles;
};

/* -EINVAL: nothing of it could be carried over; err says why. */
int hv_convert_kube(struct hv_convert *c, const struct hv_node *documents, struct hv_err *err);
int hv_convert_quadlet(struct hv_convert *c, const char *unit, const char *text, size_t len,
                       struct hv_err *err);
/* Is it one? By its `services` at the top. */
bool hv_convert_is_compose(const struct hv_node *documents);
/* Variables are replaced in `documents` itself. -EINVAL: it needs what hivelet does not have. */
int hv_convert_compose(struct hv_convert *c, const struct hv_convert_world *world, struct hv_node *documents,
                       struct hv_err *err);

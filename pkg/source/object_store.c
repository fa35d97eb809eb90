/* source/object_store.c - see object_store.h.
 *
 *      prepare every new text  ->  write "change"  ->  put in place, remove  ->  remove "change"
 *      crash here: old state       crash from here on: finished when opened again
 */
#include "source/object_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "source/read.h"
#include "source/sealed.h"

#define CHANGE_FILE "change"
#define CHANGE_MAX_BYTES ((size_t) 1 << 20)
#define SUFFIX ".yaml"

struct hv_object_store {
        struct hv_disk dir;
        struct hv_disk kinds[HV_N_KINDS]; /* opened when first needed */
        HV_VEC(struct hv_stored_object) objects;
        bool look_only;
        bool unfinished; /* a change is written down and not carried out to its end */
};

static void object_done(struct hv_stored_object *o) {
        free(o->name);
        free(o->text);
        *o = (struct hv_stored_object){};
}

static void objects_clear(struct hv_object_store *s) {
        for (size_t i = 0; i < s->objects.n; i++)
                object_done(&s->objects.v[i]);
        hv_vec_clear(&s->objects);
}

static int by_kind_and_name(const void *a, const void *b) {
        const struct hv_stored_object *x = a, *y = b;

        return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : strcmp(x->name, y->name);
}

static bool can_store(enum hv_kind kind, const char *name) {
        return kind > HV_KIND_NODESTATE && kind < HV_N_KINDS && name && hv_text_is_dns_label(name);
}

char *hv_object_store_path(enum hv_kind kind, const char *name) {
        return hv_asprintf("api/%s/%s" SUFFIX, hv_kind_label(kind), name);
}

static int kind_dir(struct hv_object_store *s, enum hv_kind kind, const struct hv_disk **ret,
                    struct hv_err *err) {
        if (s->kinds[kind].fd < 0) {
                int r = hv_disk_open_below(&s->dir, hv_kind_label(kind), &s->kinds[kind], err);

                if (r < 0)
                        return r;
        }
        *ret = &s->kinds[kind];
        return 0;
}

/* --- reading --- */

static int read_kind(struct hv_object_store *s, enum hv_kind kind, struct hv_err *err) {
        struct hv_disk_names names = {};
        const struct hv_disk *dir;
        int r;

        r = kind_dir(s, kind, &dir, err);
        if (r >= 0)
                r = hv_disk_list(dir, "", &names, err);
        for (size_t i = 0; r >= 0 && i < names.n; i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
                size_t len = strlen(names.v[i]), cut = strlen(SUFFIX);
                bool fits = len > cut && hv_streq(names.v[i] + len - cut, SUFFIX);
                _hv_cleanup_free_ char *name = hv_strndup(names.v[i], fits ? len - cut : len);

                if (!fits || !can_store(kind, name)) {
                        r = hv_err_set(err, -EINVAL,
                                       "%s/%s: no object that was given through the API; move it away",
                                       dir->path, names.v[i]);
                        break;
                }
                r = hv_disk_read(dir, names.v[i], HV_READ_CONFIG_MAX, &text, err);
                if (r >= 0) {
                        struct hv_stored_object *o = hv_vec_add(&s->objects);

                        o->kind = kind;
                        o->name = HV_STEAL(name);
                        o->len = text.len;
                        o->text = hv_buf_steal(&text);
                }
        }
        hv_disk_names_done(&names);
        return r;
}

static int read_all(struct hv_object_store *s, struct hv_err *err) {
        struct hv_disk_names names = {};
        int r;

        objects_clear(s);
        r = hv_disk_list(&s->dir, "", &names, err);
        for (size_t i = 0; r >= 0 && i < names.n; i++) {
                enum hv_kind kind = hv_kind_parse(names.v[i]);

                if (kind > HV_KIND_NODESTATE && hv_streq(names.v[i], hv_kind_label(kind)))
                        r = read_kind(s, kind, err);
        }
        hv_disk_names_done(&names);
        if (r >= 0 && s->objects.n > 0)
                qsort(s->objects.v, s->objects.n, sizeof *s->objects.v, by_kind_and_name);
        return r;
}

/* --- changing --- */

static int carry_out(struct hv_object_store *s, const char *verb, enum hv_kind kind, const char *name,
                     struct hv_err *err) {
        _hv_cleanup_free_ char *file = hv_asprintf("%s" SUFFIX, name);
        const struct hv_disk *dir;
        int r;

        r = kind_dir(s, kind, &dir, err);
        if (r < 0)
                return r;
        if (hv_streq(verb, "drop")) {
                r = hv_disk_remove(dir, file, err);
                return r < 0 ? r : 0;
        }
        r = hv_disk_commit(dir, file, err);
        if (r < 0 && r != -ENOENT) /* not there: it was put in place before the crash */
                return r;
        return hv_disk_flush(dir, err);
}

/* Carries out what "change" says. May be begun again at any point. */
static int finish(struct hv_object_store *s, struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf list = {};
        char *line, *rest;
        int r;

        r = hv_sealed_read(&s->dir, CHANGE_FILE, CHANGE_MAX_BYTES, &list, err);
        if (r == -ENOENT) { /* the usual case, and no error */
                if (err)
                        *err = (struct hv_err){};
                s->unfinished = false;
                return 0;
        }
        if (r < 0)
                return r;
        for (line = strtok_r(list.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
                char verb[8], kind[32], name[80];

                if (sscanf(line, "%7s %31s %79s", verb, kind, name) != 3 ||
                    !can_store(hv_kind_parse(kind), name))
                        return hv_err_set(err, -EBADMSG, "%s/" CHANGE_FILE ": cannot understand \"%s\"",
                                          s->dir.path, line);
                r = carry_out(s, verb, hv_kind_parse(kind), name, err);
                if (r < 0)
                        return r;
        }
        r = hv_disk_remove(&s->dir, CHANGE_FILE, err);
        if (r < 0)
                return r;
        s->unfinished = false;
        return 0;
}

static bool is_needed(const struct hv_object_store *s, const struct hv_stored_object *change) {
        const struct hv_stored_object *old = hv_object_store_get(s, change->kind, change->name);

        if (!change->text)
                return old != NULL;
        return !old || old->len != change->len || memcmp(old->text, change->text, change->len) != 0;
}

static int prepare(struct hv_object_store *s, const struct hv_stored_object *o, struct hv_err *err) {
        _hv_cleanup_free_ char *file = hv_asprintf("%s" SUFFIX, o->name);
        const struct hv_disk *dir;
        int r;

        r = kind_dir(s, o->kind, &dir, err);
        if (r >= 0)
                r = hv_disk_prepare(dir, file, o->text, o->len, err);
        if (r >= 0)
                r = hv_disk_flush(dir, err); /* the neighbour must be there when "change" says so */
        return r;
}

int hv_object_store_change(struct hv_object_store *s, const struct hv_stored_object *changes, size_t n,
                           struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf list = {};
        int r = 0;

        if (s->look_only)
                return hv_err_set(err, -EROFS, "objects were only looked at");
        for (size_t i = 0; i < n; i++)
                if (!can_store(changes[i].kind, changes[i].name))
                        return hv_err_set(
                                err, -EINVAL,
                                "%s \"%s\" cannot be stored: expected a kind of object and a DNS label",
                                hv_kind_name(changes[i].kind), changes[i].name ? changes[i].name : "");
        if (s->unfinished) {
                r = finish(s, err);
                if (r >= 0)
                        r = read_all(s, err);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < n && r >= 0; i++) {
                if (!is_needed(s, &changes[i]))
                        continue;
                if (changes[i].text)
                        r = prepare(s, &changes[i], err);
                hv_buf_printf(&list, "%s %s %s\n", changes[i].text ? "put" : "drop",
                              hv_kind_label(changes[i].kind), changes[i].name);
        }
        if (list.len == 0)
                return 0;
        if (r >= 0)
                r = hv_sealed_write(&s->dir, CHANGE_FILE, &list, err);
        if (r < 0) {
                /* Flushing the directory may have been what failed: then "change" is there and would be
                 * carried out later. */
                s->unfinished = hv_disk_remove(&s->dir, CHANGE_FILE, NULL) < 0;
                for (size_t i = 0; i < HV_N_KINDS && !s->unfinished; i++)
                        if (s->kinds[i].fd >= 0)
                                hv_disk_clean(&s->kinds[i]);
                return r;
        }
        s->unfinished = true;
        r = finish(s, err);
        if (r >= 0)
                r = read_all(s, err);
        return r < 0 ? r : 1;
}

bool hv_object_store_is_unfinished(const struct hv_object_store *s) {
        return s->unfinished;
}

/* --- life --- */

static bool is_there(const struct hv_disk *state, const char *name) {
        return faccessat(state->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int hv_object_store_open(const struct hv_disk *state, bool look_only, struct hv_object_store **ret,
                         struct hv_err *err) {
        _hv_cleanup_(hv_object_store_freep) struct hv_object_store *s = HV_NEW(struct hv_object_store);
        int r = 0;

        s->look_only = look_only;
        s->dir = (struct hv_disk) HV_DISK_NONE;
        for (size_t i = 0; i < HV_N_KINDS; i++)
                s->kinds[i] = (struct hv_disk) HV_DISK_NONE;
        if (!look_only || is_there(state, "api")) {
                r = hv_disk_open_below(state, "api", &s->dir, err);
                if (r >= 0 && !look_only)
                        r = finish(s, err);
                if (r >= 0)
                        r = read_all(s, err);
        }
        if (r < 0)
                return r;
        if (!look_only)
                hv_disk_clean(&s->dir);
        for (size_t i = 0; i < HV_N_KINDS; i++)
                if (s->kinds[i].fd >= 0 && !look_only)
                        hv_disk_clean(&s->kinds[i]);
        *ret = HV_STEAL(s);
        return 0;
}

struct hv_object_store *hv_object_store_free(struct hv_object_store *s) {
        if (!s)
                return NULL;
        objects_clear(s);
        hv_vec_done(&s->objects);
        for (size_t i = 0; i < HV_N_KINDS; i++)
                hv_disk_close(&s->kinds[i]);
        hv_disk_close(&s->dir);
        free(s);
        return NULL;
}

const struct hv_stored_object *hv_object_store_all(const struct hv_object_store *s, size_t *ret_n) {
        *ret_n = s->objects.n;
        return s->objects.v;
}

const struct hv_stored_object *hv_object_store_get(const struct hv_object_store *s, enum hv_kind kind,
                                                   const char *name) {
        struct hv_stored_object key = { .kind = kind, .name = (char *) name };

        if (s->objects.n == 0 || !name)
                return NULL;
        return bsearch(&key, s->objects.v, s->objects.n, sizeof key, by_kind_and_name);
}

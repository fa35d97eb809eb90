/* source/revision_store.c - see revision_store.h.
 *
 *      index                                           <revision>.rev
 *      hivelet-revisions 1                             hivelet-revision 1 <revision>
 *      <revision> <activated_us> <n_objects>           file <primary> <bytes of source, name, text>
 *                 <before> <by>                        <source> LF <name> LF <text> LF
 *      ...                                             ...
 *
 * A line of the index is the five words above, the last one with what follows it; "-" for none. Older versions wrote, and read, three.
 */
#include "source/revision_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "source/sealed.h"

#define INDEX_FILE "index"
#define INDEX_DAMAGED "index.damaged"
#define INDEX_HEAD "hivelet-revisions 1\n"
#define INDEX_MAX_BYTES ((size_t) 1 << 20)
#define REVISION_HEAD "hivelet-revision 1 "
#define REVISION_MAX_BYTES ((size_t) 256 << 20) /* far above any set of files of 1 MiB each */
#define SUFFIX ".rev"
#define NOTHING "-"

struct entries {
        struct hv_revision_entry *v;
        size_t n, cap;
};

struct hv_revision_store {
        struct hv_disk dir;
        struct entries entries;          /* newest first */
        char pinned[HV_SHA256_HEX_SIZE]; /* "": none */
};

static bool is_revision(const char *text) {
        return text && strlen(text) == HV_SHA256_HEX_SIZE - 1 &&
               strspn(text, "0123456789abcdef") == HV_SHA256_HEX_SIZE - 1;
}

static char *file_of(const char *revision) {
        return hv_asprintf("%s" SUFFIX, revision);
}

/* --- index --- */

static const char *shown(const char *word) {
        return *word ? word : NOTHING;
}

static int index_write(struct hv_revision_store *s, const struct hv_revision_entry *entries, size_t n,
                       struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

        hv_buf_puts(&text, INDEX_HEAD);
        for (size_t i = 0; i < n; i++)
                hv_buf_printf(&text, "%s %" PRIu64 " %u %s %s\n", entries[i].revision,
                              entries[i].activated_us, entries[i].n_objects, shown(entries[i].before),
                              shown(entries[i].by));
        return hv_sealed_write(&s->dir, INDEX_FILE, &text, err);
}

static bool index_parse(struct hv_revision_store *s, char *text) {
        char *line, *rest = NULL;

        if (!hv_has_prefix(text, INDEX_HEAD))
                return false;
        for (line = strtok_r(text + strlen(INDEX_HEAD), "\n", &rest); line;
             line = strtok_r(NULL, "\n", &rest)) {
                struct hv_revision_entry e = {};

                if (sscanf(line, "%64s %" SCNu64 " %u %64s %63[^\n]", e.revision, &e.activated_us,
                           &e.n_objects, e.before, e.by) < 2 ||
                    !is_revision(e.revision))
                        return false;
                if (!is_revision(e.before))
                        *e.before = '\0';
                if (hv_streq(e.by, NOTHING))
                        *e.by = '\0';
                hv_vec_push(&s->entries, e);
        }
        return true;
}

static int index_read(struct hv_revision_store *s, struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        int r;

        r = hv_sealed_read(&s->dir, INDEX_FILE, INDEX_MAX_BYTES, &text, err);
        if (r == -ENOENT) { /* a new machine */
                if (err)
                        *err = (struct hv_err){};
                return 0;
        }
        if (r >= 0 && !index_parse(s, text.data)) {
                hv_vec_clear(&s->entries);
                r = hv_err_set(err, -EBADMSG, "%s/" INDEX_FILE " is not a list of revisions", s->dir.path);
        }
        if (r == -EBADMSG)
                (void) hv_disk_rename(&s->dir, INDEX_FILE, INDEX_DAMAGED, NULL);
        return r;
}

/* Removes revisions that the index does not name. What cannot be removed now is tried again next time. */
static void sweep(struct hv_revision_store *s) {
        struct hv_disk_names names = {};

        if (hv_disk_list(&s->dir, SUFFIX, &names, NULL) < 0)
                return;
        for (size_t i = 0; i < names.n; i++) {
                bool named = false;

                for (size_t k = 0; k < s->entries.n; k++)
                        named = named || hv_streq(s->entries.v[k].revision, names.v[i]);
                if (!named && is_revision(names.v[i])) {
                        _hv_cleanup_free_ char *file = file_of(names.v[i]);

                        (void) hv_disk_remove(&s->dir, file, NULL);
                }
        }
        hv_disk_names_done(&names);
}

/* --- revisions --- */

static int revision_write(struct hv_revision_store *s, const char *revision,
                          const struct hv_revision_file *files, size_t n, struct hv_err *err) {
        _hv_cleanup_free_ char *name = file_of(revision);
        _hv_cleanup_(hv_buf_done) struct hv_buf out = {};

        hv_buf_printf(&out, REVISION_HEAD "%s\n", revision);
        for (size_t i = 0; i < n; i++) {
                const struct hv_revision_file *f = &files[i];

                hv_buf_printf(&out, "file %d %zu %zu %zu\n%s\n%s\n", f->primary ? 1 : 0, strlen(f->source),
                              strlen(f->name), f->len, f->source, f->name);
                hv_buf_add(&out, f->text, f->len);
                hv_buf_putc(&out, '\n');
        }
        return hv_sealed_write(&s->dir, name, &out, err);
}

/* Cuts a text of `len` bytes and its line end out of the buffer, or gives NULL. */
static char *cut(char **at, const char *end, size_t len) {
        char *text = *at;

        if (len >= (size_t) (end - text) || text[len] != '\n')
                return NULL;
        text[len] = '\0';
        *at = text + len + 1;
        return text;
}

static bool revision_parse(struct hv_revision_files *f, const char *revision, size_t size) {
        char *at = f->memory, *end = f->memory + size, *head;

        head = cut(&at, end, HV_MIN(size, strcspn(at, "\n")));
        if (!head || !hv_has_prefix(head, REVISION_HEAD) || !hv_streq(head + strlen(REVISION_HEAD), revision))
                return false;
        while (at < end) {
                struct hv_revision_file *file;
                size_t source_len, name_len, text_len;
                int primary;

                head = cut(&at, end, strcspn(at, "\n"));
                if (!head ||
                    sscanf(head, "file %d %zu %zu %zu", &primary, &source_len, &name_len, &text_len) != 4)
                        return false;
                file = hv_vec_add(f);
                file->primary = primary != 0;
                file->source = cut(&at, end, source_len);
                file->name = file->source ? cut(&at, end, name_len) : NULL;
                file->text = file->name ? cut(&at, end, text_len) : NULL;
                file->len = text_len;
                if (!file->text)
                        return false;
        }
        return true;
}

int hv_revision_store_read(const struct hv_revision_store *s, const char *revision,
                           struct hv_revision_files *ret, struct hv_err *err) {
        _hv_cleanup_(hv_revision_files_done) struct hv_revision_files files = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        _hv_cleanup_free_ char *name = NULL;
        size_t size;
        int r;

        if (!is_revision(revision))
                return hv_err_set(err, -EINVAL, "\"%s\" is not a revision", revision ? revision : "");
        name = file_of(revision);
        r = hv_sealed_read(&s->dir, name, REVISION_MAX_BYTES, &text, err);
        if (r < 0)
                return r;
        size = text.len;
        files.memory = hv_buf_steal(&text);
        if (!revision_parse(&files, revision, size))
                return hv_err_set(err, -EBADMSG, "%s/%s is not a revision that can be read", s->dir.path,
                                  name);
        *ret = files;
        files = (struct hv_revision_files){};
        return 0;
}

void hv_revision_files_done(struct hv_revision_files *f) {
        hv_vec_done(f);
        free(f->memory);
        f->memory = NULL;
}

int hv_revision_store_activate(struct hv_revision_store *s, const char *revision, uint64_t now_wall_us,
                               const struct hv_revision_file *files, size_t n_files, unsigned n_objects,
                               const char *by, size_t keep, struct hv_err *err) {
        struct entries entries = {};
        struct hv_revision_entry *first;
        int r;

        if (!is_revision(revision))
                return hv_err_set(err, -EINVAL, "\"%s\" is not a revision", revision ? revision : "");
        if (hv_streq(hv_revision_store_active(s), revision))
                return 0;
        r = revision_write(s, revision, files, n_files, err);
        if (r < 0)
                return r;

        first = hv_vec_add(&entries);
        memcpy(first->revision, revision, sizeof first->revision);
        first->activated_us = now_wall_us;
        first->n_objects = n_objects;
        (void) snprintf(first->before, sizeof first->before, "%s",
                        s->entries.n ? s->entries.v[0].revision : "");
        (void) snprintf(first->by, sizeof first->by, "%s", by ? by : "");
        for (char *c = first->by; *c; c++)
                if ((unsigned char) *c < ' ')
                        *c = '?'; /* a line is a line */
        for (size_t i = 0; i < s->entries.n; i++) {
                const char *other = s->entries.v[i].revision;

                if (!hv_streq(other, revision) &&
                    (entries.n < HV_MAX(keep, 1u) || hv_streq(other, s->pinned)))
                        hv_vec_push(&entries, s->entries.v[i]);
        }
        r = index_write(s, entries.v, entries.n, err);
        if (r < 0) {
                hv_vec_done(&entries);
                return r;
        }
        hv_vec_done(&s->entries);
        s->entries = entries;
        sweep(s);
        return 1;
}

void hv_revision_store_pin(struct hv_revision_store *s, const char *revision) {
        (void) snprintf(s->pinned, sizeof s->pinned, "%s", revision ? revision : "");
}

/* --- life --- */

int hv_revision_store_open(const struct hv_disk *state, struct hv_revision_store **ret, struct hv_err *err) {
        _hv_cleanup_(hv_revision_store_freep) struct hv_revision_store *s = HV_NEW(struct hv_revision_store);
        int r;

        s->dir = (struct hv_disk) HV_DISK_NONE;
        r = hv_disk_open_below(state, "revisions", &s->dir, err);
        if (r < 0)
                return r;
        r = index_read(s, err);
        if (r < 0 && r != -EBADMSG)
                return r;
        hv_disk_clean(&s->dir);
        if (r == 0)
                sweep(s);
        *ret = HV_STEAL(s);
        return r;
}

struct hv_revision_store *hv_revision_store_free(struct hv_revision_store *s) {
        if (!s)
                return NULL;
        hv_vec_done(&s->entries);
        hv_disk_close(&s->dir);
        free(s);
        return NULL;
}

const char *hv_revision_store_active(const struct hv_revision_store *s) {
        return s->entries.n > 0 ? s->entries.v[0].revision : NULL;
}

const struct hv_revision_entry *hv_revision_store_all(const struct hv_revision_store *s, size_t *ret_n) {
        *ret_n = s->entries.n;
        return s->entries.v;
}

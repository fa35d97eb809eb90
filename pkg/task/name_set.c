/* task/name_set.c - see name_set.h. Each name stands under its lower-case form: what else has that form clashes. */
#include "task/name_set.h"

#include <ctype.h>
#include <errno.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/text.h"

struct hv_name_set {
        struct hv_map *names; /* lower-case path -> struct name */
};

struct name {
        bool is_dir;
        char path[]; /* as it was written */
};

struct hv_name_set *hv_name_set_new(void) {
        struct hv_name_set *s = HV_NEW(struct hv_name_set);

        s->names = hv_map_new(free);
        return s;
}

struct hv_name_set *hv_name_set_free(struct hv_name_set *s) {
        if (!s)
                return NULL;
        (void) hv_map_free(s->names);
        free(s);
        return NULL;
}

size_t hv_name_set_size(const struct hv_name_set *s) {
        return hv_map_size(s->names);
}

static int clash(const struct name *there, const char *path, bool is_dir, struct hv_err *err) {
        char quoted[HV_TEXT_QUOTE_SIZE], other[HV_TEXT_QUOTE_SIZE];

        (void) hv_text_quote(path, quoted);
        if (!hv_streq(there->path, path))
                return hv_err_set(err, -EBADMSG, "entry %s differs only in case from %s", quoted,
                                  hv_text_quote(there->path, other));
        if (there->is_dir != is_dir)
                return hv_err_set(err, -EBADMSG, "entry %s is both a file and a directory", quoted);
        return hv_err_set(err, -EBADMSG, "entry %s is there twice", quoted);
}

static int add(struct hv_name_set *s, const char *path, bool is_dir, struct hv_err *err) {
        _hv_cleanup_free_ char *key = hv_strdup(path);
        const struct name *there;
        struct name *name;

        for (char *p = key; *p; p++)
                *p = (char) tolower((unsigned char) *p);
        there = hv_map_get(s->names, key);
        if (there && is_dir && there->is_dir && hv_streq(there->path, path))
                return 0;
        if (there)
                return clash(there, path, is_dir, err);
        name = hv_malloc(sizeof *name + strlen(path) + 1);
        name->is_dir = is_dir;
        strcpy(name->path, path);
        hv_map_put(s->names, key, name);
        return 0;
}

int hv_name_set_add(struct hv_name_set *s, const char *path, bool is_dir, struct hv_err *err) {
        int r;

        for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
                _hv_cleanup_free_ char *above = hv_strndup(path, (size_t) (slash - path));

                r = add(s, above, true, err);
                if (r < 0)
                        return r;
        }
        return add(s, path, is_dir, err);
}

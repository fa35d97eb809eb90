#include "http/list_watch.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/sha256.h"
#include "base/vec.h"

struct known {
        char digest[HV_SHA256_HEX_SIZE];
        uint64_t added, changed; /* generations */
        uint64_t look;           /* the last one that saw it */
};

struct gone {
        char *name;
        uint64_t generation;
};

struct hv_list_watch {
        struct hv_map *known;     /* by name */
        HV_VEC(struct gone) gone; /* oldest first */
        uint64_t
                begin; /* what was before is not known: the first look, or the newest of those that went and were forgotten */
        uint64_t looks;
};

static void known_free(void *known) {
        free(known);
}

struct hv_list_watch *hv_list_watch_new(void) {
        struct hv_list_watch *w = HV_NEW(struct hv_list_watch);

        w->known = hv_map_new(known_free);
        return w;
}

struct hv_list_watch *hv_list_watch_free(struct hv_list_watch *w) {
        if (!w)
                return NULL;
        for (size_t i = 0; i < w->gone.n; i++)
                free(w->gone.v[i].name);
        hv_vec_done(&w->gone);
        w->known = hv_map_free(w->known);
        free(w);
        return NULL;
}

static void forget_oldest(struct hv_list_watch *w) {
        w->begin = HV_MAX(w->begin, w->gone.v[0].generation);
        free(w->gone.v[0].name);
        memmove(w->gone.v, w->gone.v + 1, --w->gone.n * sizeof *w->gone.v);
}

/* What comes back under its name is told as an addition: that it was away is no news any more. */
static void is_back(struct hv_list_watch *w, const char *name) {
        for (size_t i = 0; i < w->gone.n; i++) {
                if (!hv_streq(w->gone.v[i].name, name))
                        continue;
                free(w->gone.v[i].name);
                memmove(w->gone.v + i, w->gone.v + i + 1, (--w->gone.n - i) * sizeof *w->gone.v);
                return;
        }
}

static void take_gone(struct hv_list_watch *w, uint64_t generation, hv_list_tell *tell, void *userdata) {
        const char *name;
        void *value;

        for (size_t it = 0; hv_map_next(w->known, &it, &name, &value);) {
                const struct known *k = value;

                if (k->look == w->looks)
                        continue;
                if (w->gone.n == HV_LIST_WATCH_GONE_MAX)
                        forget_oldest(w);
                hv_vec_push(&w->gone, ((struct gone){ hv_strdup(name), generation }));
                tell(userdata, HV_LIST_DELETED, name, NULL);
                (void) hv_map_remove(w->known, name);
        }
}

void hv_list_watch_look(struct hv_list_watch *w, uint64_t generation, const struct hv_list_thing *things,
                        size_t n, hv_list_tell *tell, void *userdata) {
        if (w->looks++ == 0)
                w->begin = generation;
        for (size_t i = 0; i < n; i++) {
                struct known *k = hv_map_get(w->known, things[i].name);

                if (k)
                        k->look = w->looks;
        }
        take_gone(w, generation, tell, userdata);
        for (size_t i = 0; i < n; i++) {
                struct known *k = hv_map_get(w->known, things[i].name);
                char digest[HV_SHA256_HEX_SIZE];
                bool is_new = !k;

                hv_sha256_hex(things[i].text, strlen(things[i].text), digest);
                if (k && hv_streq(k->digest, digest))
                        continue;
                if (is_new) {
                        k = HV_NEW(struct known);
                        k->added = generation;
                        hv_map_put(w->known, things[i].name, k);
                        is_back(w, things[i].name);
                }
                k->changed = generation;
                k->look = w->looks;
                memcpy(k->digest, digest, sizeof k->digest);
                tell(userdata, is_new ? HV_LIST_ADDED : HV_LIST_MODIFIED, things[i].name, things[i].text);
        }
}

bool hv_list_watch_since(const struct hv_list_watch *w, uint64_t generation,
                         const struct hv_list_thing *things, size_t n, hv_list_tell *tell, void *userdata) {
        if (w->looks == 0 || generation < w->begin)
                return false;
        for (size_t i = 0; i < w->gone.n; i++)
                if (w->gone.v[i].generation > generation)
                        tell(userdata, HV_LIST_DELETED, w->gone.v[i].name, NULL);
        for (size_t i = 0; i < n; i++) {
                const struct known *k = hv_map_get(w->known, things[i].name);

                if (k && k->changed > generation)
                        tell(userdata, k->added > generation ? HV_LIST_ADDED : HV_LIST_MODIFIED,
                             things[i].name, things[i].text);
        }
        return true;
}

const char *hv_list_news_name(enum hv_list_news news) {
        static const char *const names[] = {
                [HV_LIST_ADDED] = "ADDED", [HV_LIST_MODIFIED] = "MODIFIED", [HV_LIST_DELETED] = "DELETED"
        };

        return names[news];
}

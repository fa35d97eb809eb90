/* docker/parse.c - see parse.h. */
#include "docker/parse.h"

#include <limits.h>

#include "base/rfc3339.h"

const char *hv_parse_text(struct hv_arena *arena, const struct hv_json *j, const char *key) {
        const char *text = hv_json_str(j, key);

        return text && *text ? hv_arena_strdup(arena, text) : "";
}

uint64_t hv_parse_u64(const struct hv_json *j, const char *key) {
        int64_t n = hv_json_int(j, key, 0);

        return n > 0 ? (uint64_t) n : 0;
}

int hv_parse_int(const struct hv_json *j, const char *key) {
        int64_t n = hv_json_int(j, key, 0);

        return n < INT_MIN || n > INT_MAX ? 0 : (int) n;
}

struct hv_strv hv_parse_strv(struct hv_arena *arena, const struct hv_json *array) {
        size_t n = hv_json_type(array) == HV_JSON_ARRAY ? hv_json_size(array) : 0;
        const char **v = HV_ARENA_NEW_N(arena, const char *, n + 1);
        size_t n_texts = 0;

        for (size_t i = 0; i < n; i++) {
                const char *text = hv_json_as_str(hv_json_at(array, i));

                if (text)
                        v[n_texts++] = hv_arena_strdup(arena, text);
        }
        return (struct hv_strv){ v, n_texts };
}

static int by_name(const void *a, const void *b) {
        return strcmp(((const struct hv_pair *) a)->name, ((const struct hv_pair *) b)->name);
}

struct hv_pairs hv_parse_pairs(struct hv_arena *arena, const struct hv_json *object) {
        size_t size = hv_json_type(object) == HV_JSON_OBJECT ? hv_json_size(object) : 0;
        struct hv_pair *v = HV_ARENA_NEW_N(arena, struct hv_pair, size);
        const struct hv_json *value;
        const char *key;
        void *it = NULL;
        size_t n = 0;

        while (hv_json_next(object, &it, &key, &value))
                if (hv_json_as_str(value))
                        v[n++] = (struct hv_pair){ hv_arena_strdup(arena, key),
                                                   hv_arena_strdup(arena, hv_json_as_str(value)) };
        qsort(v, n, sizeof *v, by_name);
        return (struct hv_pairs){ v, n };
}

static int by_text(const void *a, const void *b) {
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

struct hv_strv hv_parse_keys(struct hv_arena *arena, const struct hv_json *object) {
        size_t size = hv_json_type(object) == HV_JSON_OBJECT ? hv_json_size(object) : 0;
        const char **v = HV_ARENA_NEW_N(arena, const char *, size + 1);
        const char *key;
        void *it = NULL;
        size_t n = 0;

        while (hv_json_next(object, &it, &key, NULL))
                v[n++] = hv_arena_strdup(arena, key);
        qsort(v, n, sizeof *v, by_text);
        return (struct hv_strv){ v, n };
}

uint64_t hv_parse_time(const char *text) {
        uint64_t us;

        return text && hv_rfc3339_parse(text, &us) ? us : 0;
}

uint64_t hv_parse_time_of(const struct hv_json *j, const char *key) {
        const struct hv_json *value = hv_json_get(j, key);
        int64_t s = hv_json_as_int(value, 0);

        if (hv_json_type(value) == HV_JSON_STR)
                return hv_parse_time(hv_json_as_str(value));
        return s > 0 && s < INT64_MAX / 1000000 ? (uint64_t) s * 1000000 : 0;
}

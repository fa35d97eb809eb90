/* base/map.c - see map.h. Entries in a dense array (order of insertion, holes where something was removed),
 * and a table of indices into it with linear probing. Rebuilt when the dense array is full: holes vanish, the
 * table grows. */
#include "base/map.h"

#include "base/alloc.h"

struct entry {
        char *key; /* NULL: a hole */
        void *value;
        uint64_t hash;
};

struct hv_map {
        struct entry *entries;
        uint32_t *table; /* index + 1 into entries, 0 = free; a hole keeps its slot */
        size_t n_used, n_live, cap, table_size;
        void (*free_value)(void *);
};

/* FNV-1a, 64 bit: small, good enough for names, the same on every machine. */
static uint64_t hash_of(const char *s) {
        uint64_t h = 0xcbf29ce484222325u;

        for (; *s; s++)
                h = (h ^ (unsigned char) *s) * 0x100000001b3u;
        return h;
}

struct hv_map *hv_map_new(void (*free_value)(void *)) {
        struct hv_map *m = HV_NEW(struct hv_map);

        m->free_value = free_value;
        return m;
}

struct hv_map *hv_map_free(struct hv_map *m) {
        if (!m)
                return NULL;
        hv_map_clear(m);
        free(m->entries);
        free(m->table);
        free(m);
        return NULL;
}

void hv_map_clear(struct hv_map *m) {
        for (size_t i = 0; i < m->n_used; i++) {
                if (!m->entries[i].key)
                        continue;
                free(m->entries[i].key);
                if (m->free_value)
                        m->free_value(m->entries[i].value);
        }
        m->n_used = m->n_live = 0;
        if (m->table)
                memset(m->table, 0, m->table_size * sizeof *m->table);
}

static struct entry *find(const struct hv_map *m, const char *key) {
        uint64_t h;

        if (!m || !key || m->n_live == 0)
                return NULL;
        h = hash_of(key);
        for (size_t i = h & (m->table_size - 1);; i = (i + 1) & (m->table_size - 1)) {
                struct entry *e;

                if (m->table[i] == 0)
                        return NULL;
                e = &m->entries[m->table[i] - 1];
                if (e->key && e->hash == h && strcmp(e->key, key) == 0)
                        return e;
        }
}

static void index_entry(struct hv_map *m, size_t at) {
        size_t i = m->entries[at].hash & (m->table_size - 1);

        while (m->table[i] != 0)
                i = (i + 1) & (m->table_size - 1);
        m->table[i] = (uint32_t) at + 1;
}

/* Makes room: drops the holes, doubles when more than half is alive. The table is twice the capacity, so
 * probing always meets a free slot. */
static void rebuild(struct hv_map *m) {
        size_t n = 0;

        if (m->n_live * 2 >= m->cap) {
                m->cap = m->cap ? m->cap * 2 : 8;
                m->entries = hv_realloc(m->entries, m->cap * sizeof *m->entries);
                m->table_size = m->cap * 2;
                m->table = hv_realloc(m->table, m->table_size * sizeof *m->table);
        }
        for (size_t i = 0; i < m->n_used; i++)
                if (m->entries[i].key)
                        m->entries[n++] = m->entries[i];
        m->n_used = n;
        memset(m->table, 0, m->table_size * sizeof *m->table);
        for (size_t i = 0; i < n; i++)
                index_entry(m, i);
}

void *hv_map_get(const struct hv_map *m, const char *key) {
        const struct entry *e = find(m, key);

        return e ? e->value : NULL;
}

void hv_map_put(struct hv_map *m, const char *key, void *value) {
        struct entry *e = find(m, key);

        if (e) {
                if (m->free_value && e->value != value)
                        m->free_value(e->value);
                e->value = value;
                return;
        }
        if (m->n_used == m->cap)
                rebuild(m);
        m->entries[m->n_used] = (struct entry){ .key = hv_strdup(key), .value = value, .hash = hash_of(key) };
        index_entry(m, m->n_used);
        m->n_used++;
        m->n_live++;
}

void *hv_map_take(struct hv_map *m, const char *key) {
        struct entry *e = find(m, key);
        void *value;

        if (!e)
                return NULL;
        value = e->value;
        free(e->key);
        e->key = NULL;
        e->value = NULL;
        m->n_live--;
        return value;
}

bool hv_map_remove(struct hv_map *m, const char *key) {
        bool there = find(m, key) != NULL;
        void *value = hv_map_take(m, key);

        if (there && m->free_value)
                m->free_value(value);
        return there;
}

size_t hv_map_size(const struct hv_map *m) {
        return m ? m->n_live : 0;
}

bool hv_map_next(const struct hv_map *m, size_t *it, const char **ret_key, void **ret_value) {
        if (!m)
                return false;
        while (*it < m->n_used && !m->entries[*it].key)
                (*it)++;
        if (*it >= m->n_used)
                return false;
        if (ret_key)
                *ret_key = m->entries[*it].key;
        if (ret_value)
                *ret_value = m->entries[*it].value;
        (*it)++;
        return true;
}

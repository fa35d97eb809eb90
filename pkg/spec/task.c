/* spec/task.c - see task.h: references, names, attempts. */
#include "spec/task.h"

#include "base/arena.h"

#define ID_MAX 64

static const char *const sources[] = { "file", "cron", "api", "pool" };

const char *hv_task_source_name(enum hv_task_source source) {
        return sources[source];
}

bool hv_task_source_parse(const char *name, enum hv_task_source *ret) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(sources); i++)
                if (hv_streq(name, sources[i])) {
                        *ret = (enum hv_task_source) i;
                        return true;
                }
        return false;
}

bool hv_task_id_is_valid(const char *id) {
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
        size_t n = id ? strspn(id, letters) : 0;
        const char *dot = id ? strrchr(id, '.') : NULL;

        if (n == 0 || n > ID_MAX || id[n] || strchr("_.-", *id))
                return false;
        return !dot || !dot[1] || dot[1 + strspn(dot + 1, "0123456789")];
}

struct hv_task *hv_task_ref(struct hv_task *t) {
        t->n_refs++;
        return t;
}

struct hv_task *hv_task_unref(struct hv_task *t) {
        if (t && --t->n_refs == 0)
                (void) hv_arena_free(t->arena); /* t itself lives in it */
        return NULL;
}

const char *hv_task_container(const struct hv_task *t, unsigned attempt, struct hv_arena *a) {
        return attempt == 1 ? hv_arena_printf(a, "task-%s", t->id)
                            : hv_arena_printf(a, "task-%s.%u", t->id, attempt);
}

const char *hv_task_builder(const char *id, unsigned attempt, struct hv_arena *a) {
        return hv_arena_printf(a, "packages-%s.%u", id, attempt);
}

void hv_task_unit(const struct hv_task *t, unsigned attempt, struct hv_arena *a, struct hv_unit *ret) {
        *ret = t->unit;
        ret->replica = attempt;
        ret->key = hv_arena_printf(a, "%s/%s/%u", hv_kind_label(HV_KIND_TASK), t->id, attempt);
        ret->container = hv_task_container(t, attempt, a);
}

/* spec/desired.c - see desired.h: references and look-ups. */
#include "spec/desired.h"

#include "base/arena.h"
#include "spec/task.h"

struct hv_desired *hv_desired_ref(struct hv_desired *d) {
        d->n_refs++;
        return d;
}

struct hv_desired *hv_desired_unref(struct hv_desired *d) {
        if (!d || --d->n_refs > 0)
                return NULL;
        for (size_t i = 0; i < d->n_tasks; i++)
                (void) hv_task_unref(d->tasks[i]);
        (void) hv_arena_free(d->arena); /* d itself lives in it */
        return NULL;
}

/* Finds `name` in an array sorted by the text at offset `at` of each element. */
static const void *find(const void *array, size_t n, size_t size, size_t at, const char *name) {
        size_t low = 0, high = n;

        while (low < high) {
                size_t mid = (low + high) / 2;
                const char *element = (const char *) array + mid * size;
                int order = strcmp(*(const char *const *) (element + at), name);

                if (order == 0)
                        return element;
                if (order < 0)
                        low = mid + 1;
                else
                        high = mid;
        }
        return NULL;
}

const struct hv_unit *hv_desired_unit(const struct hv_desired *d, const char *key) {
        return find(d->units, d->n_units, sizeof *d->units, offsetof(struct hv_unit, key), key);
}

const struct hv_network *hv_desired_network(const struct hv_desired *d, const char *name) {
        return find(d->networks, d->n_networks, sizeof *d->networks, offsetof(struct hv_network, name), name);
}

const struct hv_volume *hv_desired_volume(const struct hv_desired *d, const char *name) {
        return find(d->volumes, d->n_volumes, sizeof *d->volumes, offsetof(struct hv_volume, name), name);
}

const struct hv_tunnel *hv_desired_tunnel(const struct hv_desired *d, const char *name) {
        return find(d->tunnels, d->n_tunnels, sizeof *d->tunnels, offsetof(struct hv_tunnel, name), name);
}

struct hv_task *hv_desired_task(const struct hv_desired *d, const char *id) {
        size_t low = 0, high = d->n_tasks;

        while (low < high) {
                size_t mid = (low + high) / 2;
                int order = strcmp(d->tasks[mid]->id, id);

                if (order == 0)
                        return d->tasks[mid];
                if (order < 0)
                        low = mid + 1;
                else
                        high = mid;
        }
        return NULL;
}

const struct hv_cron_task *hv_desired_cron_task(const struct hv_desired *d, const char *name) {
        return find(d->cron_tasks, d->n_cron_tasks, sizeof *d->cron_tasks,
                    offsetof(struct hv_cron_task, name), name);
}

/* base/map.h - text to pointer.
 *
 * Model    Open addressing over an array that keeps the order of insertion: walking a map never depends on
 *          addresses or on the hash, so the same inputs give the same order everywhere (plans and simulations
 *          repeat exactly).
 * Owner    keys are copied; values are borrowed unless a free function is given.
 */
#pragma once

#include "base/macros.h"

struct hv_map;

struct hv_map *hv_map_new(void (*free_value)(void *)); /* NULL: values are borrowed */
struct hv_map *hv_map_free(struct hv_map *m);          /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_map, hv_map_free);

void *hv_map_get(const struct hv_map *m, const char *key);       /* NULL when absent; m and key may be NULL */
void hv_map_put(struct hv_map *m, const char *key, void *value); /* frees and replaces an older value */
void *hv_map_take(struct hv_map *m, const char *key);  /* removes, hands the value over; NULL when absent */
bool hv_map_remove(struct hv_map *m, const char *key); /* removes and frees */
void hv_map_clear(struct hv_map *m);
size_t hv_map_size(const struct hv_map *m);

/* Walks in insertion order: `size_t it = 0; while (hv_map_next(m, &it, &key, (void **) &value))`. The entry
 * just returned may be removed during the walk; adding during it is not allowed. key and value may be NULL.
 */
bool hv_map_next(const struct hv_map *m, size_t *it, const char **ret_key, void **ret_value);

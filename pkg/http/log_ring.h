/* http/log_ring.h - the newest lines of the agent's own log, for /api/logs.
 *
 * Model    As HiveMind's worker documents it: at most HV_LOG_RING_MAX entries; the one that is too many leaves the newest
 *          HV_LOG_RING_KEPT.
 */
#pragma once

#include "base/macros.h"

struct hv_json_writer;
struct hv_log_record;

#define HV_LOG_RING_MAX 1000
#define HV_LOG_RING_KEPT 500

struct hv_log_ring;

struct hv_log_ring *hv_log_ring_new(void);
struct hv_log_ring *hv_log_ring_free(struct hv_log_ring *r); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_log_ring, hv_log_ring_free);

/* Texts are cut after 2 KiB. */
void hv_log_ring_add(struct hv_log_ring *r, const struct hv_log_record *record);
/* One that is older than all of them; false: there is no room for more. */
bool hv_log_ring_add_past(struct hv_log_ring *r, uint64_t wall_us, int level, const char *message);
size_t hv_log_ring_size(const struct hv_log_ring *r);

/* An array, oldest first: {timestamp, level, message}. */
void hv_log_ring_render(const struct hv_log_ring *r, struct hv_json_writer *w, const char *key);

/* http/event_ring.h - the newest events of the agent, for /api/v1/events.
 *
 * Model    A bounded ring of log records that are events, each kept as the JSON it is shown as. Ids are
 *          "<run>-<number>": numbers rise by one within a run of the agent, and an id of another run asks for
 *          all there is, so a client that resumes after a restart misses nothing and doubles nothing.
 */
#pragma once

#include "base/err.h"

struct hv_log_record;

struct hv_event_ring;

struct hv_ring_event {
        uint64_t number, wall_us;
        char *kind, *name; /* may be NULL; kind as in the record: "Service" */
        char *type;        /* "ContainerStarted" */
        char *json;
};

/* run: any number that differs from run to run. */
struct hv_event_ring *hv_event_ring_new(size_t max, uint64_t run);
struct hv_event_ring *hv_event_ring_free(struct hv_event_ring *r); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_event_ring, hv_event_ring_free);

/* NULL for a record that is no event. What it gives is good until the next one is added. */
const struct hv_ring_event *hv_event_ring_add(struct hv_event_ring *r, const struct hv_log_record *record);

size_t hv_event_ring_size(const struct hv_event_ring *r);
const struct hv_ring_event *hv_event_ring_at(const struct hv_event_ring *r, size_t i); /* 0: the oldest */

#define HV_EVENT_ID_SIZE 40
void hv_event_ring_id(const struct hv_event_ring *r, const struct hv_ring_event *e,
                      char ret[HV_EVENT_ID_SIZE]);

/* Index of the first event after `since`: an id, an instant (RFC 3339), or a span back from now ("10m").
 * NULL: 0. -EINVAL: none of these. */
int hv_event_ring_since(const struct hv_event_ring *r, const char *since, uint64_t now_wall_us, size_t *ret,
                        struct hv_err *err);

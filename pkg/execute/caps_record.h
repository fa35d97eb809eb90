/* execute/caps_record.h - which caps of which slice hivelet set: only those are lifted when nothing asks for them any more.
 *
 *      <state>/caps.json    the boot that it is about; by slice the names of its caps
 *
 * Why      a slice may hold caps of somebody else: of an operator's unit file, of another agent. The kernel does not tell who set one.
 * Model    Written before a cap is set, so that none is forgotten. Caps end with the boot, and so does the record.
 * Disk     what cannot be written is told and kept in memory: after a crash what stands then is somebody else's, until it is asked
 *          for again. Nothing is written while nothing changes.
 */
#pragma once

#include "base/err.h"

struct hv_caps_record;

/* *ret is written whatever is wrong with the file: then nothing is ours, and the answer says why. NULL: kept in memory. */
int hv_caps_record_open(const char *state_dir, struct hv_caps_record **ret, struct hv_err *err);
struct hv_caps_record *hv_caps_record_free(struct hv_caps_record *r); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_caps_record, hv_caps_record_free);

/* Bits of enum hv_cap (reconcile/observed.h). */
unsigned hv_caps_record_get(const struct hv_caps_record *r, const char *slice);
void hv_caps_record_put(struct hv_caps_record *r, const char *slice, unsigned ours);

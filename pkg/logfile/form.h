/* logfile/form.h - an event as a line of events.jsonl, with the keys that HiveMind's worker documents:
 * {"timestamp","event_type","task_id","node_id","details":{level,kind,name,reason,code,revision,container,message}}; what is not there
 * is null, and in `details` left out. The event is that of /api/v1/events. */
#pragma once

#include "base/buf.h"

struct hv_log_record;

#define HV_LOGFILE_LOG "hivelet.log"
#define HV_LOGFILE_EVENTS "events.jsonl"

void hv_logfile_event(const struct hv_log_record *record, struct hv_buf *ret); /* with its line end; added */

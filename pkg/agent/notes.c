/* agent/notes.c - see notes.h. The core knows no log, the log knows no core: this is where they meet. */
#include "agent/notes.h"

#include "log/log.h"

static enum hv_event of_kind(enum hv_kind kind, enum hv_event container, enum hv_event network,
                             enum hv_event volume) {
        return kind == HV_KIND_NETWORK ? network : kind == HV_KIND_VOLUME ? volume : container;
}

static enum hv_event failed(enum hv_reason reason) {
        switch (reason) {
        case HV_REASON_PULL_FAILED:
        case HV_REASON_AUTH_FAILED:
                return HV_EVENT_IMAGE_PULL_FAILED;
        case HV_REASON_CREATE_FAILED:
                return HV_EVENT_CREATE_FAILED;
        case HV_REASON_START_FAILED:
                return HV_EVENT_START_FAILED;
        case HV_REASON_LEDGER_FAILED:
                return HV_EVENT_LEDGER_FAILED;
        default:
                return HV_EVENT_ACTION_FAILED;
        }
}

static enum hv_event event_of(const struct hv_note *n) {
        switch (n->type) {
        case HV_NOTE_REVISION_ACTIVE:
                return HV_EVENT_REVISION_ACTIVATED;
        case HV_NOTE_PRUNE_BLOCKED:
                return HV_EVENT_PRUNE_BLOCKED;
        case HV_NOTE_ENGINE_UP:
                return HV_EVENT_ENGINE_UP;
        case HV_NOTE_ENGINE_DOWN:
                return n->reason == HV_REASON_DOCKER_UNRESPONSIVE ? HV_EVENT_ENGINE_UNRESPONSIVE
                                                                  : HV_EVENT_ENGINE_DOWN;
        case HV_NOTE_CREATED:
                return of_kind(n->kind, HV_EVENT_CONTAINER_CREATED, HV_EVENT_NETWORK_CREATED,
                               HV_EVENT_VOLUME_CREATED);
        case HV_NOTE_STARTED:
                return HV_EVENT_CONTAINER_STARTED;
        case HV_NOTE_STOPPED:
                return HV_EVENT_CONTAINER_STOPPED;
        case HV_NOTE_REMOVED:
                return of_kind(n->kind, HV_EVENT_CONTAINER_REMOVED, HV_EVENT_NETWORK_REMOVED,
                               HV_EVENT_VOLUME_REMOVED);
        case HV_NOTE_UPDATED:
                return HV_EVENT_CONTAINER_UPDATED;
        case HV_NOTE_EXITED:
        case HV_NOTE_VANISHED:
                return n->reason == HV_REASON_OOM_KILLED ? HV_EVENT_CONTAINER_OOM : HV_EVENT_CONTAINER_EXITED;
        case HV_NOTE_PULLED:
                return HV_EVENT_IMAGE_PULLED;
        case HV_NOTE_FAILED:
                return failed(n->reason);
        case HV_NOTE_NAME_CONFLICT:
        case HV_NOTE_CONFLICT:
                return HV_EVENT_NAME_CONFLICT;
        case HV_NOTE_BACK_OFF:
                return HV_EVENT_BACK_OFF;
        case HV_NOTE_WAITING:
                return HV_EVENT_DEPENDENCY_WAIT;
        case HV_NOTE_OUT_OF_SYNC:
                return HV_EVENT_OUT_OF_SYNC;
        case HV_NOTE_SYNCED:
                return HV_EVENT_SYNCED;
        case HV_NOTE_TASK_ACCEPTED:
                return HV_EVENT_TASK_ACCEPTED;
        case HV_NOTE_TASK_ADMITTED:
                return HV_EVENT_TASK_ADMITTED;
        case HV_NOTE_TASK_STOPPING:
                return HV_EVENT_TASK_STOPPING;
        case HV_NOTE_TASK_RETRY:
                return HV_EVENT_TASK_RETRY;
        case HV_NOTE_TASK_ENDED:
                return HV_EVENT_TASK_ENDED;
        case HV_NOTE_CRON_SKIPPED:
                return HV_EVENT_CRON_SKIPPED;
        case HV_NOTE_CRON_ORDER:
                return HV_EVENT_ORDER;
        case HV_NOTE_CAPPED:
                return HV_EVENT_CAPPED;
        case HV_NOTE_PRESSURE:
                return HV_EVENT_PRESSURE;
        case HV_NOTE_TRUST_CHANGED:
                return HV_EVENT_TRUST_CHANGED;
        case HV_N_NOTES:
                break;
        }
        return HV_EVENT_NONE;
}

void hv_agent_log_note(const struct hv_note *n, const char *revision) {
        const struct hv_log_fields fields = {
                .kind = n->kind == HV_KIND_NONE ? NULL : hv_kind_name(n->kind),
                .name = n->object,
                .revision = revision,
                .container = n->container,
                .reason = n->reason == HV_REASON_SYNCED ? NULL : hv_reason_name(n->reason),
        };

        if (n->object)
                hv_log_event(event_of(n), &fields, "%s \"%s\"%s%s: %s", hv_kind_label(n->kind), n->object,
                             n->container ? " container " : "", n->container ? n->container : "", n->message);
        else
                hv_log_event(event_of(n), &fields, "%s", n->message);
}

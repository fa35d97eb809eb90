/* reconcile/reason.c - see reason.h. */
#include "reconcile/reason.h"

#include <stddef.h>

const char *hv_reason_name(enum hv_reason reason) {
        static const char *const names[HV_N_REASONS] = {
                [HV_REASON_SYNCED] = "Synced",
                [HV_REASON_WAITING_DEPENDENCY] = "WaitingDependency",
                [HV_REASON_WAITING_ENGINE] = "WaitingEngine",
                [HV_REASON_PENDING] = "Pending",
                [HV_REASON_PULLING] = "Pulling",
                [HV_REASON_PULL_FAILED] = "PullFailed",
                [HV_REASON_AUTH_FAILED] = "AuthFailed",
                [HV_REASON_IMAGE_MISSING] = "ImageMissing",
                [HV_REASON_CREATE_FAILED] = "CreateFailed",
                [HV_REASON_START_FAILED] = "StartFailed",
                [HV_REASON_STOP_FAILED] = "StopFailed",
                [HV_REASON_REMOVE_FAILED] = "RemoveFailed",
                [HV_REASON_UPDATE_FAILED] = "UpdateFailed",
                [HV_REASON_BACK_OFF] = "BackOff",
                [HV_REASON_OOM_KILLED] = "OOMKilled",
                [HV_REASON_EXITED] = "Exited",
                [HV_REASON_NAME_CONFLICT] = "NameConflict",
                [HV_REASON_CONFLICT] = "Conflict",
                [HV_REASON_NOT_WANTED] = "NotWanted",
                [HV_REASON_SUSPENDED] = "Suspended",
                [HV_REASON_DOCKER_DOWN] = "DockerDown",
                [HV_REASON_DOCKER_UNRESPONSIVE] = "DockerUnresponsive",
                [HV_REASON_REVISION_REJECTED] = "RevisionRejected",
                [HV_REASON_PRUNE_BLOCKED] = "PruneBlocked",
                [HV_REASON_SOURCE_STALE] = "SourceStale",
                [HV_REASON_WAITING_CPU] = "WaitingCpu",
                [HV_REASON_WAITING_MEMORY] = "WaitingMemory",
                [HV_REASON_WAITING_DISK] = "WaitingDisk",
                [HV_REASON_WAITING_GPU] = "WaitingGpu",
                [HV_REASON_GPU_LOST] = "GpuLost",
                [HV_REASON_WAITING_PRESSURE] = "WaitingPressure",
                [HV_REASON_QUIET_HOURS] = "QuietHours",
                [HV_REASON_WAITING_SLOT] = "WaitingSlot",
                [HV_REASON_INPUT_FAILED] = "InputFailed",
                [HV_REASON_COLLECT_FAILED] = "CollectFailed",
                [HV_REASON_WORKSPACE_FAILED] = "WorkspaceFailed",
                [HV_REASON_LEDGER_FAILED] = "LedgerFailed",
                [HV_REASON_WIREGUARD_FAILED] = "WireGuardFailed",
                [HV_REASON_WIREGUARD_STALE] = "WireGuardStale",
                [HV_REASON_JOIN_FAILED] = "JoinFailed",
                [HV_REASON_CAPS_FAILED] = "CapsFailed",
                [HV_REASON_WAITING_WINDOW] = "WaitingWindow",
                [HV_REASON_NOT_LISTENING] = "NotListening",
                [HV_REASON_CONFIRM_PENDING] = "ConfirmPending",
                [HV_REASON_REVERTED] = "Reverted",
        };

        return (size_t) reason < HV_N_REASONS ? names[reason] : "";
}

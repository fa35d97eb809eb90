/* reconcile/reason.h - why something is not as wished: one list for API, metrics, journal and command line.
 */
#pragma once

enum hv_reason {
        HV_REASON_SYNCED,
        HV_REASON_WAITING_DEPENDENCY,
        HV_REASON_WAITING_ENGINE, /* "DockerDown" is the node's condition; this is a unit that waits for it */
        HV_REASON_PENDING,        /* its turn has not come */
        HV_REASON_PULLING,
        HV_REASON_PULL_FAILED,
        HV_REASON_AUTH_FAILED,
        HV_REASON_IMAGE_MISSING,
        HV_REASON_CREATE_FAILED,
        HV_REASON_START_FAILED,
        HV_REASON_STOP_FAILED,
        HV_REASON_REMOVE_FAILED,
        HV_REASON_UPDATE_FAILED,
        HV_REASON_BACK_OFF,
        HV_REASON_OOM_KILLED,
        HV_REASON_EXITED, /* ended by itself and its restart policy says: leave it */
        HV_REASON_NAME_CONFLICT,
        HV_REASON_CONFLICT,        /* ours, but cannot be changed without losing data */
        HV_REASON_NOT_WANTED,      /* an orphan on its way out */
        HV_REASON_SUSPENDED,       /* held by hand, or node.docker.enabled is false */
        HV_REASON_STOPPED_BY_USER, /* by hand, until somebody says start */
        HV_REASON_ROLLOUT_PAUSED,  /* made as its document said before, and somebody wants it to stay so */
        HV_REASON_CORDONED,        /* no task is admitted: somebody said so */
        HV_REASON_DOCKER_DOWN,
        HV_REASON_DOCKER_UNRESPONSIVE,
        HV_REASON_REVISION_REJECTED,
        HV_REASON_PRUNE_BLOCKED,
        HV_REASON_SOURCE_STALE,
        HV_REASON_WAITING_CPU,
        HV_REASON_WAITING_MEMORY,
        HV_REASON_WAITING_DISK,
        HV_REASON_WAITING_GPU,
        HV_REASON_GPU_LOST,         /* a container cannot use its GPU any more */
        HV_REASON_GPU_UNREACHABLE,  /* their driver does not answer, or there are none of those asked for */
        HV_REASON_GPU_TOO_HOT,      /* one slows itself down */
        HV_REASON_WAITING_PRESSURE, /* the machine itself runs short */
        HV_REASON_QUIET_HOURS,      /* resources.quietHours leave it no GPU now */
        HV_REASON_WAITING_SLOT,     /* as many tasks run as may */
        HV_REASON_INPUT_FAILED,
        HV_REASON_COLLECT_FAILED,
        HV_REASON_WORKSPACE_FAILED, /* it cannot be withheld from an engine, or given back to it */
        HV_REASON_LEDGER_FAILED,    /* a promise or a result cannot be made durable */
        HV_REASON_WIREGUARD_FAILED, /* an interface cannot be made as it is wanted */
        HV_REASON_WIREGUARD_STALE,  /* nobody at its other end was heard of for too long */
        HV_REASON_JOIN_FAILED,      /* a VPN service gives no configuration */
        HV_REASON_CAPS_FAILED,      /* what all workloads together may take cannot be set */
        HV_REASON_WAITING_WINDOW,   /* an image that nothing waits for, outside of images.pull.window */
        HV_REASON_NOT_LISTENING,    /* the address of http.listen cannot be had */
        HV_REASON_CONFIRM_PENDING,  /* a revision is on trial, and taken back without a yes */
        HV_REASON_REVERTED,         /* one was */
        HV_REASON_ROLLED_BACK,      /* somebody wants a revision of before */
        HV_REASON_DISK_LIMIT,       /* a workspace takes more than its task asked for */
        HV_N_REASONS
};

const char *hv_reason_name(enum hv_reason reason); /* "WaitingDependency" */

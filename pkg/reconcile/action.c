/* reconcile/action.c - see action.h. */
#include "reconcile/action.h"

const char *hv_action_name(enum hv_action_type type) {
        static const char *const names[HV_N_ACTIONS] = {
                [HV_ACTION_CONNECT] = "connect",
                [HV_ACTION_LIST] = "list",
                [HV_ACTION_INSPECT] = "inspect",
                [HV_ACTION_INSPECT_IMAGE] = "inspect image",
                [HV_ACTION_PULL] = "pull",
                [HV_ACTION_NETWORK_CREATE] = "create network",
                [HV_ACTION_NETWORK_REMOVE] = "remove network",
                [HV_ACTION_NETWORK_CONNECT] = "connect network",
                [HV_ACTION_NETWORK_DISCONNECT] = "disconnect network",
                [HV_ACTION_VOLUME_CREATE] = "create volume",
                [HV_ACTION_VOLUME_REMOVE] = "remove volume",
                [HV_ACTION_CREATE] = "create",
                [HV_ACTION_START] = "start",
                [HV_ACTION_STOP] = "stop",
                [HV_ACTION_UNPAUSE] = "unpause",
                [HV_ACTION_REMOVE] = "remove",
                [HV_ACTION_UPDATE] = "update",
                [HV_ACTION_CAPS_SET] = "cap",
                [HV_ACTION_TASK_ACCEPT] = "accept",
                [HV_ACTION_TASK_STOPPING] = "record the stop of",
                [HV_ACTION_TASK_EVICTING] = "record the eviction of",
                [HV_ACTION_TASK_BEGIN] = "record the start of",
                [HV_ACTION_TASK_END] = "record the end of",
                [HV_ACTION_TASK_FORGET] = "forget",
                [HV_ACTION_TASK_PREPARE] = "prepare",
                [HV_ACTION_TASK_PACKAGES] = "install the packages of",
                [HV_ACTION_TASK_CANCEL] = "cancel",
                [HV_ACTION_TASK_COLLECT] = "collect the results of",
                [HV_ACTION_TASK_CLEAN] = "clean up after",
                [HV_ACTION_TASK_WITHHOLD] = "withhold the workspace of",
                [HV_ACTION_TASK_RESTORE] = "restore the workspace of",
                [HV_ACTION_CRON_ADVANCE] = "record the schedule of",
                [HV_ACTION_CRON_SUSPEND] = "suspend",
        };

        return (size_t) type < HV_N_ACTIONS ? names[type] : "";
}

/* cli/wait.h - waits until the node, or one object, is as wished; by event, never by asking again and again. */
#pragma once

#include "cli/cli_internal.h"

struct hv_wait {
        const struct hv_cli_object *object; /* NULL: the whole node */
        const char *revision;               /* the node must run this one; NULL: whatever is in force */
        bool ready;                         /* ready is enough; else in sync */
        bool drained;                       /* of the node: no task runs; else as above */
        bool gone;                          /* of the node: its agent has ended; else as above */
        /* Of an object, instead of the above: the exit code with which the wait ends, or -1: it goes on. `status` is that of
         * the API. */
        int (*judge)(void *userdata, const struct hv_json *status);
        void *userdata;
        uint64_t timeout_us; /* 0: without end */
};

/* HV_EXIT_OK, HV_EXIT_TIMED_OUT, or what went wrong; told on standard error. */
int hv_cli_wait(struct hv_cli *cli, const struct hv_wait *wait);

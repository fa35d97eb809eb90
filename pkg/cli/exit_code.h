/* cli/exit_code.h - what hivectl tells a script. */
#pragma once

enum hv_exit_code {
        HV_EXIT_OK = 0,
        HV_EXIT_ERROR = 1,
        HV_EXIT_PENDING = 2,     /* changes pending, not in sync, or parked by the guard */
        HV_EXIT_WARNINGS = 3,    /* warnings, with --strict */
        HV_EXIT_NOT_FOUND = 4,   /* no such object */
        HV_EXIT_DENIED = 5,      /* not allowed */
        HV_EXIT_TIMED_OUT = 6,   /* --timeout is over */
        HV_EXIT_UNREACHABLE = 7, /* the agent does not answer */
        HV_EXIT_USAGE = 64,      /* wrong usage (EX_USAGE of sysexits.h) */
};

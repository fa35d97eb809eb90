/* fault.h - what a refused value must say. Include after testing.h. */
#pragma once

#include "spec/value.h"

/* The fault has the code, and its message holds `says`. */
static inline void expect_fault(const char *text, const struct hv_fault *fault, const char *code,
                                const char *says) {
        if (!code || !says || !hv_streq(fault->code, code) || !strstr(fault->message, says))
                fail_msg("\"%s\" gives %s: %s", text, fault->code ? fault->code : "nothing", fault->message);
}

#include "base/version.h"

const char *hv_version(void) {
        return HV_VERSION;
}

const struct hv_build *hv_build(void) {
        static const struct hv_build unknown = { "unknown", "unknown" };

        return &hv_build_of_program ? &hv_build_of_program : &unknown;
}

#include "base/version.h"

const char *hv_version(void) {
        return HV_VERSION;
}

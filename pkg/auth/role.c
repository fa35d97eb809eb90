#include "auth/role.h"

static const char *const NAMES[] = { "nobody", "viewer", "operator", "admin" };

const char *hv_role_name(enum hv_role role) {
        return NAMES[role];
}

bool hv_role_read(const char *name, enum hv_role *ret) {
        for (enum hv_role role = HV_ROLE_VIEWER; role <= HV_ROLE_ADMIN; role++)
                if (hv_streq(NAMES[role], name)) {
                        *ret = role;
                        return true;
                }
        return false;
}

/* auth/role.h - what somebody may do. Each role holds those before it. */
#pragma once

#include "base/macros.h"

enum hv_role {
        HV_ROLE_NOBODY,   /* only what tells nothing */
        HV_ROLE_VIEWER,   /* sees state, changes nothing */
        HV_ROLE_OPERATOR, /* restarts, stops, reloads, validates */
        HV_ROLE_ADMIN,    /* changes the desired state, gives others access */
};

const char *hv_role_name(enum hv_role role);
bool hv_role_read(const char *name, enum hv_role *ret); /* "viewer", "operator", "admin" */

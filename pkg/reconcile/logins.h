/* reconcile/logins.h - when a pull that failed is worth another try at once. Private to pkg/reconcile. */
#pragma once

#include "reconcile/state.h"

/* Registries (hosts, logins, mirrors) or secrets are declared otherwise. What a secret holds is not in a revision. */
bool hv_logins_differ(const struct hv_desired *a, const struct hv_desired *b);

/* Somebody may have mended what kept images from coming: no earlier failure holds a pull back. */
void hv_logins_try_again(struct hv_core *c);

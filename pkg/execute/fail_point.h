/* execute/fail_point.h - named places in an action's life at which a test has the program killed.
 *
 *      before   the driver has not been given it yet
 *      after    it was performed; nobody has been told
 *      done     the core knows its outcome; what follows from it was not begun
 *
 * Model    What hivelet ships holds none of this: hv_fail_point() is empty, and only the test program that is built with
 *          HV_FAIL_POINTS (test/e2e/fail_point.c) gives it a body.
 */
#pragma once

#include "base/fail_place.h"
#include "reconcile/action.h"

enum hv_fail_when {
        HV_FAIL_BEFORE,
        HV_FAIL_AFTER,
        HV_FAIL_DONE,
};

/* hv_fail_place(): inside of an action that has several effects of its own. packages_made, _started, _installed, _kept: the
 * container of a build of packages is made, was started, has ended; its packages are in place. */
#ifdef HV_FAIL_POINTS
void hv_fail_point(enum hv_action_type type, enum hv_fail_when when);
#else
static inline void hv_fail_point(enum hv_action_type type, enum hv_fail_when when) {
        (void) type;
        (void) when;
}
#endif

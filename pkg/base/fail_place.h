/* base/fail_place.h - named places between two effects at which a test has the program killed.
 *
 * Model    What hivelet ships holds none of this: hv_fail_place() is empty, and only the test program that is built with
 *          HV_FAIL_POINTS (test/e2e/fail_point.c, which knows every name) gives it a body.
 */
#pragma once

#ifdef HV_FAIL_POINTS
void hv_fail_place(const char *name);
#else
static inline void hv_fail_place(const char *name) {
        (void) name;
}
#endif

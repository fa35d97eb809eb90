/* base/version.h - which hivelet this is. */
#pragma once

struct hv_build {
        const char *commit; /* "0a1b2c3d4e5f", of a changed tree with "-dirty" behind it; "unknown" */
        const char *date;   /* RFC 3339, of SOURCE_DATE_EPOCH or else of the commit; "unknown" */
};

/* Of a program that was linked with it (hack/cmake/HvBuild.cmake). */
extern const struct hv_build hv_build_of_program __attribute__((weak));

const char *hv_version(void);          /* of the file VERSION at the root of the tree: "0.1.0" */
const struct hv_build *hv_build(void); /* never NULL */

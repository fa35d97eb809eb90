/* base/version.h - which hivelet this is. */
#pragma once

const char *hv_version(void); /* of the file VERSION at the root of the tree: "0.1.0" */

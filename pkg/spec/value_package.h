/* spec/value_package.h - Python packages that a task asks for.
 *
 * Model    A name, extras and versions; nothing that could lead elsewhere or be taken for an option: no URL, no path, no
 *          environment marker. What passes is safe as a line of a requirements file.
 * Source   PEP 508 (names, extras), PEP 440 (version specifiers), PEP 503 (normal form of a name).
 */
#pragma once

#include "spec/value.h"

struct hv_arena;
struct hv_strv;

/* "Requests [socks] >= 2.28, <3" -> "requests[socks]>=2.28,<3": name and extras in normal form, extras sorted, blanks gone
 * (E0464). In `a`. */
int hv_value_requirement(const char *text, struct hv_arena *a, const char **ret, struct hv_fault *fault);

/* All of them as the text of a requirements file: each in normal form on a line, sorted, each once. What is no requirement
 * is left out. "" for none. In `a`. */
const char *hv_value_requirements(const struct hv_strv *list, struct hv_arena *a);

/* wish.h - desired states for tests, out of a text. */
#pragma once

#include "spec/desired.h"

struct hv_desired *wish(
        const char *text); /* the caller's reference; fails the test with the findings when it is bad */
struct hv_desired *wish_services(const char *services); /* a list in flow or block style */
struct hv_desired *wish_file(const char *path);

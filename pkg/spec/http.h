/* spec/http.h - what the section `http` means. Internal to pkg/spec. */
#pragma once

#include "base/arena.h"
#include "spec/desired.h"
#include "spec/types.h"

/* Whether TCP shows nothing but probes without a login: where that is written, else wherever a file lets somebody in. */
bool hv_spec_needs_login(const struct hv_spec_http *h);

void hv_spec_http_settle(const struct hv_spec_http *h, struct hv_arena *arena, struct hv_http_settings *ret);

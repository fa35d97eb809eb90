/* hivepool/shape_private.h - the two dialects behind shape.h. */
#pragma once

#include "hivepool/shape.h"

bool hv_shape_is_word(const char *text); /* 1 to 64 bytes, visible */
int hv_shape_task_hivemind(const void *spec, size_t len, struct hv_arena *arena, struct hv_hivepool_wish *ret,
                           struct hv_err *err);
int hv_shape_node_hivemind(const void *said, size_t len, struct hv_arena *arena, struct hv_hivepool_node *ret,
                           struct hv_err *err);

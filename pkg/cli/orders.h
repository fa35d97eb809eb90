/* cli/orders.h - what people asked of the node by hand, in words. */
#pragma once

#include "base/buf.h"
#include "json/json.h"

/* Appends a line for each of "orders": "service web is stopped by ana (3h ago): the disk moves; until hivectl start". */
void hv_orders_lines(const struct hv_json *orders, struct hv_buf *ret);

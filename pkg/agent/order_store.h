/* agent/order_store.h - what people asked of this node by hand (reconcile/orders.h), kept. Private to pkg/agent.
 *
 *      <state>/orders      0600; JSON, with its own SHA-256 (source/sealed.h); replaced as a whole
 *
 * Errors   a file that is damaged, or that this version does not understand, is -EBADMSG and stays as it is until the next write.
 */
#pragma once

#include "base/err.h"
#include "http/orders.h"

/* state_dir NULL: HV_AGENT_STATE_DIR. All of *ret in the arena. -ENOENT: none was ever given. */
int hv_order_store_read(const char *state_dir, struct hv_arena *a, struct hv_orders *ret,
                        struct hv_api_drain *ret_drain, struct hv_err *err);

/* Durable when it returns 0. On failure the file of before stays. */
int hv_order_store_write(const char *state_dir, const struct hv_orders *orders,
                         const struct hv_api_drain *drain, struct hv_err *err);

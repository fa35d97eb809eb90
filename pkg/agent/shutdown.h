/* agent/shutdown.h - the end of the agent. Private to pkg/agent. */
#pragma once

#include "agent/private.h"

/* Ends the agent within seconds; said again it ends at once. why: "SIGTERM; containers keep running". */
void hv_agent_stop(struct hv_agent *a, const char *why);

/* For hv_api_backend. */
int hv_agent_shutdown(void *userdata, const struct hv_api_shutdown_wish *wish, struct hv_err *err);

/* The orders in force with what a shutdown asks for; in the arena, or as they are. */
struct hv_orders hv_agent_shutdown_orders(const struct hv_agent *a, struct hv_arena *arena);
void hv_agent_shutdown_passed(struct hv_agent *a); /* after each pass: the next step? */
void hv_agent_shutdown_show(const struct hv_agent *a, struct hv_api_drain *ret);
void hv_agent_shutdown_end(struct hv_agent *a);

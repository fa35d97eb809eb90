/* orders.h - what people ask of the node by hand: cordon, hold, stop, restart, pause, and their opposites (reconcile/orders.h).
 *
 * Model    Now and then (SIM_FAULT_ORDERS) somebody gives an order or takes one back. They are kept here as an agent keeps them on disk: a
 *          core that begins is told all of them. When it is calm all are taken back, but for restarts under way.
 *
 *      O1    nobody is admitted while the node is cordoned or held
 *      O2    nothing is done to what is held: the containers of a service; of the node networks and volumes, too
 *      O3    what is stopped by hand is woken up and stopped, and no more
 *      O4    a container is stopped for a restart in no other run than the one that was named, and, unless all were to go at once, while
 *            no other replica has something in flight, and not while it is known that its next start would wait; in the end each was,
 *            or is gone, or waits
 *      O5    a container of another digest is neither stopped nor removed to be made anew while its service is paused
 */
#pragma once

#include "reconcile/core.h"

struct sim;
struct sim_container;

struct sim_orders;

struct sim_orders *sim_orders_new(struct sim *s);
void sim_orders_agent_starts(struct sim *s);
void sim_orders_change(struct sim *s); /* somebody asks for something */
void sim_orders_end(struct sim *s);

bool sim_orders_hold(const struct sim *s, const char *service); /* it, or the node; NULL: the node */
bool sim_orders_stop(const struct sim *s, const char *service);
bool sim_orders_pause(const struct sim *s, const char *service);
bool sim_orders_restart(const struct sim *s, const struct sim_container *k); /* in its present run */
bool sim_orders_are_done(const struct sim *s);                               /* no restart is due */

void sim_orders_admitted(struct sim *s, const char *task);
void sim_orders_judge_action(struct sim *s, const struct hv_action *a);

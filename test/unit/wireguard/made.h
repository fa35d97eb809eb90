/* made.h - interfaces for tests, from short texts and from a seed. */
#pragma once

#include "base/rng.h"
#include "wireguard/diff.h"

/* Words: "up", "mtu=1420", "port=51820", "mark=1", "key=a", "alias=x", "10.0.0.1/24" an address, "~10.0.0.1/24" a foreign one,
 * "^10.0.0.1/24" a secondary one ("~^" a foreign secondary one), ">10.1.0.0/16" a route, "~>..." a foreign one, "a:10.2.0.0/16,10.3.0.0/16" a peer with its
 * networks, "a@192.0.2.1:5" its endpoint, "a+25" its keepalive, "a*k" its preshared key, "a!" its endpoint wins. The key of
 * peer "a" is made of that letter. */
void made(const char *text, struct hv_wg_interface *ret);

/* Any interface of a small world, so that two of them share much. `wanted`: as a document could want it. */
void made_by_chance(struct hv_rng *rng, bool wanted, struct hv_wg_interface *ret);
void made_copy(const struct hv_wg_interface *from, struct hv_wg_interface *ret);

/* wireguard/tunnel.h - one interface that is kept as it is wanted.
 *
 *      want ---.
 *              v
 *      look: links --> back end's get --> diff --> steps one after the other --> look again, until nothing is left to do
 *        ^                                                                              |
 *        '---- notices (links.h), the caller's resync, another want                     '--> looked(status)
 *
 * Model    Level-triggered: every look reads all anew and changes what differs. A look in sync sends nothing but questions. Who
 *          else changes the interface all the time makes it look at most every HV_WG_LOOK_PAUSE_US.
 * Ours     An interface without our alias is left alone, whatever its name (HV_WG_STATE_FOREIGN); a blank one (diff.h) is taken.
 *          With want of kind NONE ours is removed.
 * Back end That of the interface that is there; for a new one the first that can make it.
 * Loop     Nothing here waits for a program; netlink requests are answered at once (backend.h).
 */
#pragma once

#include "wireguard/backend.h"
#include "wireguard/links.h"

#define HV_WG_LOOK_PAUSE_US (100 * HV_USEC_PER_MSEC)

struct hv_wg_tunnel;

enum hv_wg_state {
        HV_WG_STATE_IN_SYNC, /* also: it is not wanted, and not there */
        HV_WG_STATE_FOREIGN, /* somebody else's interface has the name */
        HV_WG_STATE_FAILED,  /* could not be looked at or changed; the next look tries again */
};

struct hv_wg_status {
        enum hv_wg_state state;
        const struct hv_wg_interface *seen; /* as the last look found it; of a failed one what it came to */
        const char *backend;                /* NULL: there is no interface */
        size_t n_changes;                   /* steps that this look performed */
        bool is_outdated;           /* another want came during this look: the next one is about that */
        const struct hv_err *error; /* of FOREIGN and FAILED */
};

struct hv_wg_tunnel_setup {
        struct sd_event *event;
        struct hv_wg_links *links;
        const struct hv_wg_backend *const *backends; /* in the order in which they are tried */
        size_t n_backends;
        /* A look is over. The status is good during the call, which must not free the tunnel. */
        void (*looked)(void *userdata, const struct hv_wg_status *status);
        void *userdata;
};

/* The setup is copied; what it points to must live as long. */
int hv_wg_tunnel_new(const struct hv_wg_tunnel_setup *setup, const char *name, struct hv_wg_tunnel **ret,
                     struct hv_err *err);
/* Leaves the interface as it is. Takes NULL, gives NULL. */
struct hv_wg_tunnel *hv_wg_tunnel_free(struct hv_wg_tunnel *t);
HV_DEFINE_CLEANUP(struct hv_wg_tunnel, hv_wg_tunnel_free);

/* Takes *want (it is empty afterwards) and looks. Until the first want nothing is looked at. */
void hv_wg_tunnel_want(struct hv_wg_tunnel *t, struct hv_wg_interface *want);
/* Looks soon: before the loop sleeps again, or when the look under way is over. */
void hv_wg_tunnel_look(struct hv_wg_tunnel *t);
/* A notice of links.h: looks when it is about this interface. */
void hv_wg_tunnel_notice(struct hv_wg_tunnel *t, int index, const char *name);
/* Where a wanted peer is to be reached from now on. `write`: it is written once, also over an address that the peer roamed to, and also
 * where it is the same; else only where the peer has none. */
void hv_wg_tunnel_endpoint(struct hv_wg_tunnel *t, const struct hv_wg_key *peer,
                           const struct hv_wg_endpoint *endpoint, bool write);
const struct hv_wg_interface *hv_wg_tunnel_seen(const struct hv_wg_tunnel *t); /* of the last look */

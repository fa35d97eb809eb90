/* wireguard/backend.h - what makes and speaks to a WireGuard device: the kernel, or a program.
 *
 *                    make            get, set
 *      kernel.h      rtnetlink       generic netlink "wireguard"    answers at once
 *      program.h     wireguard-go    its UAPI socket                answers later, on the loop
 *
 * Blocking The kernel answers a netlink request while it is sent, so kernel.h works at once: the time is the kernel's (what it
 *          waits for is the RTNL lock), and at most HV_WG_NETLINK_TIMEOUT_US. A program may hang: program.h never waits.
 * Answers  0: done, at once. HV_WG_LATER: done later, and then told by answer->done(), which is never called before the function
 *          returned. Else -errno, and nobody is told again.
 * Owner    The answer, `into` and the steps are the caller's and stay where they are until then, or until cancel(), after which
 *          nothing is told. One request at a time for an interface.
 */
#pragma once

#include "base/err.h"
#include "base/time.h"
#include "wireguard/diff.h"

#define HV_WG_LATER 1
#define HV_WG_NETLINK_TIMEOUT_US (5 * HV_USEC_PER_SEC)
#define HV_WG_PROGRAM_TIMEOUT_US (10 * HV_USEC_PER_SEC)

struct hv_wg_answer {
        void (*done)(struct hv_wg_answer *a, int r, const struct hv_err *err);
        void *pending; /* the back end's */
};

struct hv_wg_backend {
        const char *name;               /* "kernel", "wireguard-go" */
        enum hv_wg_link_kind link_kind; /* of the interfaces that it makes */
        void *self;

        /* Makes the interface; it is down, and without anything. -EEXIST: the name is taken. -EOPNOTSUPP: cannot do it here. */
        int (*make)(void *self, const char *interface, struct hv_wg_answer *a, struct hv_err *err);
        /* Device and peers into *into; the rest of it stays. -ENODEV: no WireGuard answers for this interface. */
        int (*get)(void *self, const char *interface, struct hv_wg_interface *into, struct hv_wg_answer *a,
                   struct hv_err *err);
        /* Steps of the kinds DEVICE_SET, PEER_SET, NETWORKS_DROP, PEER_REMOVE. */
        int (*set)(void *self, const char *interface, const struct hv_wg_step *steps, size_t n,
                   struct hv_wg_answer *a, struct hv_err *err);
        void (*cancel)(void *self, struct hv_wg_answer *a); /* also where nothing is pending */
};

/* wireguard/kernel.h - the back end of WireGuard in the kernel: rtnetlink makes the interface, generic netlink speaks to it. Answers
 * at once. */
#pragma once

#include "wireguard/backend.h"
#include "wireguard/links.h"

struct hv_wg_kernel;

/* Borrows the links. Opens its socket with the first question. */
struct hv_wg_kernel *hv_wg_kernel_new(struct hv_wg_links *links);
struct hv_wg_kernel *hv_wg_kernel_free(struct hv_wg_kernel *k); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_wg_kernel, hv_wg_kernel_free);

const struct hv_wg_backend *hv_wg_kernel_backend(const struct hv_wg_kernel *k); /* good as long as k */

/* base/kernel_text.h - figures in the small text files by which Linux tells of itself (/proc, cgroups).
 *
 * Model    Pure. The text is what one read gave, terminated; a file longer than that is cut, so a last line without its end
 *          does not count. What is not as expected is not taken: false, and *ret stays as it was.
 * Source   proc(5); Linux Documentation/accounting/psi.rst, admin-guide/cgroup-v2.rst ("Interface Files").
 */
#pragma once

#include "base/macros.h"

/* The whole text is one number. "max" is UINT64_MAX. */
bool hv_kernel_number(const char *text, uint64_t *ret);

/* The number behind `key` at the start of a line: "KEY 12\n", "KEY:   12 kB\n". */
bool hv_kernel_keyed(const char *text, const char *key, uint64_t *ret);

/* How long work had to wait for something: some of it, or all of it at once. */
struct hv_pressure {
        bool is_known;
        double some_percent, full_percent;     /* of the last 10 s */
        uint64_t some_total_us, full_total_us; /* since the machine, or the cgroup, began */
};

/* "some avg10=0.12 avg60=... total=34\nfull ..."; for CPUs older kernels know no "full". */
bool hv_kernel_pressure(const char *text, struct hv_pressure *ret);

#define HV_INTERFACE_SIZE 16 /* IFNAMSIZ */

struct hv_interface_counters {
        char name[HV_INTERFACE_SIZE];
        uint64_t rx_bytes, rx_packets, rx_errors, rx_dropped;
        uint64_t tx_bytes, tx_packets, tx_errors, tx_dropped;
};

/* The next line of net/dev that tells of an interface: `*at` is the text before the first call, and moves. false: no more. */
bool hv_kernel_interface(const char **at, struct hv_interface_counters *ret);

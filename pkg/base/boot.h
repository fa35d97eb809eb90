/* base/boot.h - which boot of the machine this is.
 *
 * Why      CLOCK_BOOTTIME goes on while the machine sleeps and never steps, and begins anew with each boot: an instant of it that
 *          was written down means nothing without the boot that it belongs to.
 * Source   random(4), /proc/sys/kernel/random/boot_id: a UUID, made once a boot; containers see the machine's.
 */
#pragma once

#include "base/err.h"

#define HV_BOOT_ID_SIZE 37 /* 36 characters of a UUID, and the terminator */

int hv_boot_id(char ret[HV_BOOT_ID_SIZE], struct hv_err *err);

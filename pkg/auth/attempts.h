/* auth/attempts.h - how often somebody may guess.
 *
 * Model    A failure is counted for a key ("user:ana", "address:192.0.2.7") in a window that begins with the first one. After each
 *          failure the key waits, twice as long as after the one before; after the last of HV_ATTEMPTS_MAX it waits until its window is
 *          over. Tries that are under way count as if they failed, so that nobody makes many at once. Keys are bounded: what is over,
 *          then the oldest, makes room.
 */
#pragma once

#include "base/macros.h"
#include "base/time.h"

#define HV_ATTEMPTS_MAX 5
#define HV_ATTEMPTS_WINDOW_US (15 * HV_USEC_PER_MIN)
#define HV_ATTEMPTS_WAIT_US HV_USEC_PER_SEC /* after the first failure */
#define HV_ATTEMPTS_KEYS_MAX 4096

struct hv_attempts;

struct hv_attempts *hv_attempts_new(void);
struct hv_attempts *hv_attempts_free(struct hv_attempts *a); /* takes NULL, gives NULL */

/* For how long the key has to wait; 0: it may try now. */
uint64_t hv_attempts_wait_us(const struct hv_attempts *a, const char *key, uint64_t now_us);
/* A try begins; ended by one of the two below. */
void hv_attempts_begin(struct hv_attempts *a, const char *key, uint64_t now_us);
void hv_attempts_failed(struct hv_attempts *a, const char *key, uint64_t now_us);
void hv_attempts_over(struct hv_attempts *a, const char *key,
                      bool forget); /* not a failure; forget: nor are those before */

/* password/password.h - passwords and their hashes, as crypt(5) has them.
 *
 * Model    A hash is made to be slow: a tenth of a second and some dozen MiB. So nothing here is for the loop: both ends are called on
 *          a thread of their own (task/worker.h). Whoever asks about a user that is not there lets HV_PASSWORD_NOBODY, or the hash of
 *          somebody else, be tried and drops the answer: then the work is the same, and hv_password_works() counts it.
 * Source   crypt(5): yescrypt, "$y$". The cost is the second letter of the parameters behind it.
 */
#pragma once

#include "base/err.h"

#define HV_PASSWORD_MIN_BYTES 8
#define HV_PASSWORD_MAX_BYTES 511 /* crypt(3) takes no more: longer ones are refused, never cut */

/* A hash of a password that nobody knows, of the cost that mkpasswd -m yescrypt takes. */
#define HV_PASSWORD_NOBODY "$y$j9T$SL0JAWwUXOEkEm8mSYHS./$wFVKXPwmQCDIRQ0s/WR8bKlp2MZnXWMeQHHWLpbEEb3"

/* Whether the hash is of this password: compared in constant time; false too for a hash that crypt(3) does not know and for a
 * password that is too long. Any thread. */
bool hv_password_matches(const char *hash, const char *password);

/* A new hash, yescrypt of cost 7, the caller's. -EINVAL: the password is too short, too long, or one that everybody tries first. */
int hv_password_hash(const char *password, char **ret, struct hv_err *err);

/* Whether it is a yescrypt hash whose cost is that of HV_PASSWORD_NOBODY or above. */
bool hv_password_is_strong_hash(const char *hash);

/* What the hashes cost that were made since the program began, those of wrong passwords too: of one as costly as HV_PASSWORD_NOBODY 1,
 * twice that where it takes twice the memory. */
uint64_t hv_password_works(void);

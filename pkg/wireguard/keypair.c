/* wireguard/keypair.c - see keypair.h. */
#include "wireguard/keypair.h"

#include <errno.h>
#include <nettle/curve25519.h>
#include <sys/random.h>

_Static_assert(HV_WG_KEY_SIZE == CURVE25519_SIZE, "keys are of one size");

int hv_wg_private_key_make(unsigned char ret[HV_WG_KEY_SIZE], struct hv_err *err) {
        if (getrandom(ret, HV_WG_KEY_SIZE, 0) != HV_WG_KEY_SIZE)
                return hv_err_errno(err, -errno, "cannot make a key");
        ret[0] &= 248;
        ret[31] = (unsigned char) ((ret[31] & 127) | 64);
        return 0;
}

void hv_wg_public_key(const unsigned char private_key[HV_WG_KEY_SIZE], unsigned char ret[HV_WG_KEY_SIZE]) {
        curve25519_mul_g(ret, private_key);
}

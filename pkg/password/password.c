/* password/password.c - see password.h. */
#include "password/password.h"

#include <crypt.h>
#include <errno.h>
#include <stdatomic.h>
#include <strings.h>

#include "base/alloc.h"

#define PREFIX "$y$"
#define COST 7

static _Atomic uint64_t works;

/* How often its memory was doubled, compared with that of HV_PASSWORD_NOBODY; -1: it is weaker, or no yescrypt at all. The parameters are
 * "j" and the cost, of which libxcrypt makes 'j75' for 1 to 'jFT' for 11: "7", "8", "9", "A"... is the power of two of the memory, "5"
 * (cost 1 and 2) and "T" the size of its blocks. */
static int doublings(const char *setting) {
        static const char DIGITS[] = "9ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        const char *power;

        if (!hv_has_prefix(setting, PREFIX "j") || strlen(setting) < sizeof PREFIX "j9T$" ||
            setting[5] != 'T' || setting[6] != '$')
                return -1;
        power = strchr(DIGITS, setting[4]);
        return power ? (int) (power - DIGITS) : -1;
}

static char *make(const char *setting, const char *password) {
        struct crypt_data *data = HV_NEW(struct crypt_data);
        const char *made = crypt_rn(password, setting, data, (int) sizeof *data);
        char *kept = made && *made != '*' ? hv_strdup(made) : NULL;

        atomic_fetch_add(&works, UINT64_C(1) << HV_MAX(doublings(setting), 0));
        explicit_bzero(data, sizeof *data);
        free(data);
        return kept;
}

bool hv_password_matches(const char *hash, const char *password) {
        _hv_cleanup_free_ char *made =
                strlen(password) <= HV_PASSWORD_MAX_BYTES ? make(hash, password) : NULL;
        unsigned char difference = made && strlen(made) == strlen(hash) ? 0 : 1;

        for (size_t i = 0; difference == 0 && i < strlen(hash); i++)
                difference |= (unsigned char) (made[i] ^ hash[i]);
        return difference == 0;
}

/* Those of eight letters and more that head every list of stolen ones. */
static bool is_known_to_all(const char *password) {
        static const char *const KNOWN[] = {
                "password",  "password1", "passw0rd", "12345678", "123456789",     "1234567890", "qwertyui",
                "qwerty123", "11111111",  "iloveyou", "sunshine", "princess",      "football",   "baseball",
                "superman",  "letmein1",  "changeme", "changeit", "administrator", "hivelet1",   "hivemind",
                "trustno1",  "welcome1",  "abcd1234", "1q2w3e4r", "00000000",      "qwertyuiop", "asdfghjk",
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(KNOWN); i++)
                if (strcasecmp(KNOWN[i], password) == 0)
                        return true;
        return false;
}

int hv_password_hash(const char *password, char **ret, struct hv_err *err) {
        char setting[CRYPT_GENSALT_OUTPUT_SIZE];
        size_t len = strlen(password);
        char *made;

        if (len < HV_PASSWORD_MIN_BYTES || len > HV_PASSWORD_MAX_BYTES)
                return hv_err_set(err, -EINVAL, "the password has %zu bytes, expected %d to %d", len,
                                  HV_PASSWORD_MIN_BYTES, HV_PASSWORD_MAX_BYTES);
        if (is_known_to_all(password))
                return hv_err_set(err, -EINVAL, "the password is one of those that everybody tries first");
        if (!crypt_gensalt_rn(PREFIX, COST, NULL, 0, setting, (int) sizeof setting))
                return hv_err_errno(err, -errno, "no salt for a password can be made");
        made = make(setting, password);
        if (!made)
                return hv_err_set(err, -EIO, "a password cannot be hashed: crypt(3) does not know yescrypt");
        *ret = made;
        return 0;
}

bool hv_password_is_strong_hash(const char *hash) {
        return doublings(hash) >= 0 && strrchr(hash, '$') > hash + 6;
}

uint64_t hv_password_works(void) {
        return atomic_load(&works);
}

/* task/receipt_key.c - see receipt_key.h. */
#include "task/receipt_key.h"

#include <errno.h>
#include <nettle/eddsa.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "source/disk.h"

#define FILE_NAME "receipt.key"
#define FILE_MAX ((size_t) 256)

struct hv_receipt_key {
        unsigned char seed[HV_RECEIPT_KEY_SIZE], public_key[HV_RECEIPT_KEY_SIZE];
        char public_hex[HV_RECEIPT_KEY_HEX_SIZE];
};

static void encode(const unsigned char *data, size_t size, char *ret) {
        static const char digits[] = "0123456789abcdef";

        for (size_t i = 0; i < size; i++) {
                ret[2 * i] = digits[data[i] >> 4];
                ret[2 * i + 1] = digits[data[i] & 15];
        }
        ret[2 * size] = '\0';
}

static int digit(char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hv_receipt_hex_decode(const char *text, unsigned char *ret, size_t size) {
        if (!text || strlen(text) != 2 * size)
                return false;
        for (size_t i = 0; i < size; i++) {
                int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

                if (high < 0 || low < 0)
                        return false;
                ret[i] = (unsigned char) (high << 4 | low);
        }
        return true;
}

struct hv_receipt_key *hv_receipt_key_new(const unsigned char seed[HV_RECEIPT_KEY_SIZE]) {
        struct hv_receipt_key *k = HV_NEW(struct hv_receipt_key);

        memcpy(k->seed, seed, sizeof k->seed);
        ed25519_sha512_public_key(k->public_key, k->seed);
        encode(k->public_key, sizeof k->public_key, k->public_hex);
        return k;
}

struct hv_receipt_key *hv_receipt_key_free(struct hv_receipt_key *k) {
        if (k)
                explicit_bzero(k, sizeof *k);
        free(k);
        return NULL;
}

static int make(const struct hv_disk *state, unsigned char seed[HV_RECEIPT_KEY_SIZE], struct hv_err *err) {
        char text[HV_RECEIPT_KEY_HEX_SIZE + 1];
        int r;

        if (getrandom(seed, HV_RECEIPT_KEY_SIZE, 0) != HV_RECEIPT_KEY_SIZE)
                return hv_err_errno(err, -errno, "no random numbers for %s/" FILE_NAME, state->path);
        encode(seed, HV_RECEIPT_KEY_SIZE, text);
        memcpy(text + 2 * HV_RECEIPT_KEY_SIZE, "\n", 2);
        r = hv_disk_replace(state, FILE_NAME, text, strlen(text), err);
        explicit_bzero(text, sizeof text);
        return r;
}

static int read_key(const struct hv_disk *state, unsigned char seed[HV_RECEIPT_KEY_SIZE],
                    struct hv_err *err) {
        struct hv_buf text = {};
        int r;

        r = hv_disk_read(state, FILE_NAME, FILE_MAX, &text, err);
        if (r >= 0) {
                if (text.len && text.data[text.len - 1] == '\n')
                        text.data[--text.len] = '\0';
                if (!hv_receipt_hex_decode(hv_buf_str(&text), seed, HV_RECEIPT_KEY_SIZE))
                        r = hv_err_set(
                                err, -EBADMSG,
                                "%s/" FILE_NAME
                                " is not a key (64 hex digits). Receipts are signed with it: put "
                                "it back from a backup, or remove it to begin with a new key, which those who "
                                "verify receipts must be told",
                                state->path);
        }
        if (text.data)
                explicit_bzero(text.data, text.len);
        hv_buf_done(&text);
        return r;
}

int hv_receipt_key_open(const char *state_dir, struct hv_receipt_key **ret, struct hv_err *err) {
        _hv_cleanup_(hv_disk_close) struct hv_disk state = HV_DISK_NONE;
        unsigned char seed[HV_RECEIPT_KEY_SIZE];
        int r;

        r = hv_disk_open(state_dir, &state, err);
        if (r < 0)
                return r;
        r = read_key(&state, seed, err);
        if (r == -ENOENT)
                r = make(&state, seed, err);
        if (r >= 0)
                *ret = hv_receipt_key_new(seed);
        explicit_bzero(seed, sizeof seed);
        return r < 0 ? r : 0;
}

const char *hv_receipt_key_public(const struct hv_receipt_key *k) {
        return k->public_hex;
}

void hv_receipt_key_sign(const struct hv_receipt_key *k, const void *data, size_t len,
                         unsigned char ret[HV_RECEIPT_SIGNATURE_SIZE]) {
        ed25519_sha512_sign(k->public_key, k->seed, len, data, ret);
}

bool hv_receipt_key_verify(const unsigned char public_key[HV_RECEIPT_KEY_SIZE], const void *data, size_t len,
                           const unsigned char signature[HV_RECEIPT_SIGNATURE_SIZE]) {
        return ed25519_sha512_verify(public_key, len, data, signature) == 1;
}

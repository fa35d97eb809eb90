/* base/sha256.c - see sha256.h. */
#include "base/sha256.h"

/* First 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
static const uint32_t K[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotr(uint32_t x, unsigned n) {
        return x >> n | x << (32 - n);
}

static void compress(uint32_t h[8], const unsigned char *p) {
        uint32_t w[64], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], k = h[7];

        for (int i = 0; i < 16; i++)
                w[i] = (uint32_t) p[4 * i] << 24 | (uint32_t) p[4 * i + 1] << 16 |
                       (uint32_t) p[4 * i + 2] << 8 | p[4 * i + 3];
        for (int i = 16; i < 64; i++) {
                uint32_t s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
                uint32_t s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10;

                w[i] = w[i - 16] + s0 + w[i - 7] + s1;
        }
        for (int i = 0; i < 64; i++) {
                uint32_t t1 =
                        k + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i];
                uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));

                k = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
        }
        h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e, h[5] += f, h[6] += g, h[7] += k;
}

void hv_sha256_init(struct hv_sha256 *s) {
        *s = (struct hv_sha256){ .h = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                        0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };
}

void hv_sha256_add(struct hv_sha256 *s, const void *data, size_t len) {
        const unsigned char *p = data;
        size_t used = s->n_bytes % 64;

        s->n_bytes += len;
        while (len > 0) {
                size_t take = HV_MIN(len, 64 - used);

                memcpy(s->block + used, p, take);
                p += take;
                len -= take;
                used += take;
                if (used == 64) {
                        compress(s->h, s->block);
                        used = 0;
                }
        }
}

void hv_sha256_finish(struct hv_sha256 *s, unsigned char ret_digest[HV_SHA256_SIZE]) {
        const uint64_t bits = s->n_bytes * 8;
        unsigned char tail[72] = { 0x80 };
        size_t used = s->n_bytes % 64, pad = (used < 56 ? 56 : 120) - used;

        for (int i = 0; i < 8; i++)
                tail[pad + (size_t) i] = (unsigned char) (bits >> (56 - 8 * i));
        hv_sha256_add(s, tail, pad + 8);
        for (int i = 0; i < 32; i++)
                ret_digest[i] = (unsigned char) (s->h[i / 4] >> (24 - 8 * (i % 4)));
}

void hv_sha256_finish_hex(struct hv_sha256 *s, char ret_hex[HV_SHA256_HEX_SIZE]) {
        static const char digits[] = "0123456789abcdef";
        unsigned char digest[HV_SHA256_SIZE];

        hv_sha256_finish(s, digest);
        for (size_t i = 0; i < sizeof digest; i++) {
                ret_hex[2 * i] = digits[digest[i] >> 4];
                ret_hex[2 * i + 1] = digits[digest[i] & 15];
        }
        ret_hex[HV_SHA256_HEX_SIZE - 1] = '\0';
}

void hv_sha256_hex(const void *data, size_t len, char ret_hex[HV_SHA256_HEX_SIZE]) {
        struct hv_sha256 s;

        hv_sha256_init(&s);
        hv_sha256_add(&s, data, len);
        hv_sha256_finish_hex(&s, ret_hex);
}

/* pool/hivemind_note.c - see hivemind_note.h. */
#include "pool/hivemind_note.h"

#include "base/crc32.h"

#define VERSION 20       /* 2.0: plain files */
#define UTF8_NAMES 0x800 /* flag 11 */
#define NO_DATE 0x21     /* 1980-01-01, the first there is */
#define FILE_MODE (0100644u << 16)

static void put(struct hv_buf *b, uint64_t value, unsigned n_bytes) {
        for (unsigned i = 0; i < n_bytes; i++)
                hv_buf_putc(b, (char) (value >> 8 * i & 0xff));
}

/* What the local header and the central directory say alike. */
static void put_facts(struct hv_buf *b, const char *name, const char *text) {
        size_t len = strlen(text);

        put(b, VERSION, 2);
        put(b, UTF8_NAMES, 2);
        put(b, 0, 2); /* stored */
        put(b, 0, 2);
        put(b, NO_DATE, 2);
        put(b, hv_crc32(0, text, len), 4);
        put(b, len, 4);
        put(b, len, 4);
        put(b, strlen(name), 2);
        put(b, 0, 2); /* no extra field */
}

void hivemind_note(struct hv_buf *zip, const char *name, const char *text) {
        size_t begin = zip->len, directory;

        put(zip, 0x04034b50, 4);
        put_facts(zip, name, text);
        hv_buf_add(zip, name, strlen(name));
        hv_buf_add(zip, text, strlen(text));

        directory = zip->len;
        put(zip, 0x02014b50, 4);
        put(zip, 3 << 8 | VERSION, 2); /* made on Unix */
        put_facts(zip, name, text);
        put(zip, 0, 2); /* no comment */
        put(zip, 0, 2); /* first disk */
        put(zip, 0, 2);
        put(zip, FILE_MODE, 4);
        put(zip, 0, 4); /* the local header is where the archive begins */
        hv_buf_add(zip, name, strlen(name));

        put(zip, 0x06054b50, 4);
        put(zip, 0, 4); /* one disk */
        put(zip, 1, 2);
        put(zip, 1, 2);
        put(zip, zip->len - 12 - directory, 4);
        put(zip, directory - begin, 4);
        put(zip, 0, 2);
}

/* streams_coded: count the events in compressed bodies without decoding them, for streams_load.c.
 *
 * A body comes in HTTP's chunks. In zstd each event is one block, apart from the two that set the repeat offsets; empty
 * blocks are keep-alives. In gzip each event ends with a flush, as keep-alives do, so these must be rare. An event must
 * be smaller than a block, 128 KiB.
 */
#include <string.h>

enum { HEAD_OF_FRAME = 6, RESET_BLOCK = 0x44 };
enum coding { IDENTITY, ZSTD, GZIP };

typedef struct {
    int head_at, chunk_state, has_body, head_left, header_at;
    long chunk_left, block_left;
    unsigned header, last_four;
} Wire;

/* Returns 1 when a byte ends an event. */
static int end_of_event(Wire *wire, enum coding coding, unsigned char byte) {
    if (coding == GZIP) return (wire->last_four = wire->last_four << 8 | byte) == 0x0000ffff;
    if (wire->head_left < HEAD_OF_FRAME) return wire->head_left++, 0;
    if (wire->block_left) return !--wire->block_left && wire->header != RESET_BLOCK;
    if (!wire->header_at) wire->header = 0;
    wire->header |= (unsigned)byte << 8 * wire->header_at;
    if (++wire->header_at < 3) return 0;
    wire->header_at = 0;
    /* A block that repeats one byte holds that byte only. */
    wire->block_left = (wire->header >> 1 & 3) == 1 ? 1 : wire->header >> 3;
    return 0;
}

/* Returns the number of events that end in these bytes of a response. */
static int count_coded(Wire *wire, enum coding coding, const char *data, long length) {
    static const char END_OF_HEAD[] = "\r\n\r\n";
    int events = 0;
    for (long i = 0; i < length; i++) {
        char c = data[i];
        if (wire->head_at < 4) {
            wire->head_at = c == END_OF_HEAD[wire->head_at] ? wire->head_at + 1 : c == '\r';
        } else if (wire->chunk_state == 0) { /* its size, in hexadecimal digits */
            if (c == '\n') wire->chunk_state = 1;
            else if (c != '\r') wire->chunk_left = wire->chunk_left * 16 + (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
        } else if (wire->chunk_left) {
            wire->chunk_left--;
            wire->has_body = 1;
            events += end_of_event(wire, coding, c);
        } else if (c == '\n') {
            wire->chunk_state = 0;
        }
    }
    return events;
}

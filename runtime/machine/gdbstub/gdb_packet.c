/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gdb_packet.c - framing, checksums, escapes, hexadecimal digits. */
#include "runtime/machine/gdbstub/gdbstub_int.h"

#include <string.h>

enum { OUTSIDE, INSIDE, FIRST_DIGIT, SECOND_DIGIT };
enum { BREAK = 3, ESCAPE = '}', ESCAPE_XOR = 0x20 };

static GdbByte byte_outside(GdbPacket *packet, uint8_t byte)
{
    switch (byte) {
    case '$':
        packet->state = INSIDE;
        packet->sum = 0;
        packet->escaped = false;
        g_string_set_size(packet->text, 0);
        return GDB_MORE;
    case BREAK:
        return GDB_BREAK;
    case '+':
        return GDB_ACK;
    case '-':
        return GDB_NAK;
    default:
        return GDB_MORE;
    }
}

static GdbByte byte_inside(GdbPacket *packet, uint8_t byte)
{
    if (byte == '#') {
        packet->state = FIRST_DIGIT;
        return GDB_MORE;
    }
    packet->sum += byte;
    if (packet->text->len == GDB_PACKET_MAX) {
        packet->state = OUTSIDE;
        return GDB_BAD;
    }
    if (packet->escaped) {
        packet->escaped = false;
        g_string_append_c(packet->text, (char)(byte ^ ESCAPE_XOR));
    } else if (byte == ESCAPE) {
        packet->escaped = true;
    } else {
        g_string_append_c(packet->text, (char)byte);
    }
    return GDB_MORE;
}

GdbByte gdb_packet_byte(GdbPacket *packet, uint8_t byte)
{
    int digit = g_ascii_xdigit_value((char)byte);

    if (packet->state == OUTSIDE) {
        return byte_outside(packet, byte);
    }
    if (packet->state == INSIDE) {
        return byte_inside(packet, byte);
    }
    if (packet->state == FIRST_DIGIT) {
        packet->told = (uint8_t)(digit << 4);
        packet->state = digit < 0 ? OUTSIDE : SECOND_DIGIT;
        return digit < 0 ? GDB_BAD : GDB_MORE;
    }
    packet->state = OUTSIDE;
    return digit >= 0 && (packet->told | digit) == packet->sum ? GDB_PACKET : GDB_BAD;
}

void gdb_packet_frame(GString *out, const char *text, size_t n)
{
    uint8_t sum = 0;
    size_t begin = out->len + 1;

    g_string_append_c(out, '$');
    for (size_t i = 0; i < n; i++) {
        if (strchr("#$}*", text[i]) != NULL && text[i] != '\0') {
            g_string_append_c(out, ESCAPE);
            g_string_append_c(out, (char)(text[i] ^ ESCAPE_XOR));
        } else {
            g_string_append_c(out, text[i]);
        }
    }
    for (size_t i = begin; i < out->len; i++) {
        sum += (uint8_t)out->str[i];
    }
    g_string_append_printf(out, "#%02x", sum);
}

void gdb_hex(GString *out, const void *data, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;

    for (size_t i = 0; i < n; i++) {
        g_string_append_c(out, digits[bytes[i] >> 4]);
        g_string_append_c(out, digits[bytes[i] & 15]);
    }
}

gssize gdb_unhex(const char *text, void *data, size_t max)
{
    uint8_t *bytes = data;
    size_t n = 0;

    for (; *text != '\0'; text += 2) {
        int high = g_ascii_xdigit_value(text[0]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value(text[1]);

        if (low < 0 || n == max) {
            return -1;
        }
        bytes[n++] = (uint8_t)(high << 4 | low);
    }
    return (gssize)n;
}

bool gdb_number(const char **text, uint64_t *value)
{
    const char *p = *text;

    *value = 0;
    while (g_ascii_isxdigit(*p)) {
        *value = *value << 4 | (uint64_t)g_ascii_xdigit_value(*p++);
    }
    if (p == *text) {
        return false;
    }
    *text = p;
    return true;
}

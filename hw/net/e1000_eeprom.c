/* SPDX-License-Identifier: GPL-2.0-or-later */
/* e1000_eeprom.c - the configuration memory: 64 words on a Microwire bus that the driver works bit
 * by bit, or a word at a time through EERD. It is not written to. */
#include <string.h>
#include "hw/net/e1000_int.h"

enum { /* EECD */
       EECD_SK = 1,
       EECD_CS = 2,
       EECD_DI = 4,
       EECD_DO = 8,
       EECD_FWE = 0x30,
       EECD_REQ = 0x40,
       EECD_GNT = 0x80,
       EECD_PRES = 0x100,
};
enum { EERD_START = 1, EERD_DONE = 0x10, EERD_ADDRESS_SHIFT = 8, EERD_DATA_SHIFT = 16 };
enum { COMMAND_BITS = 9, ADDRESS_BITS = 6, COMMAND_READ = 6 /* start bit, 10 */ };
enum {
    WORD_INIT_CONTROL1 = 0x0a,
    WORD_SUBSYSTEM = 0x0b,
    WORD_SUBSYSTEM_VENDOR = 0x0c,
    WORD_DEVICE = 0x0d,
    WORD_VENDOR = 0x0e,
    WORD_INIT_CONTROL2 = 0x0f,
    WORD_CHECKSUM = 0x3f,
    CHECKSUM = 0xbaba
};

void e1000_eeprom_fill(E1000Eeprom *eeprom, const uint8_t mac[NET_MAC])
{
    uint16_t sum = 0;

    *eeprom = (E1000Eeprom){ 0 };
    memset(eeprom->word + 0x10, 0xff, sizeof(eeprom->word) - 0x20);
    for (unsigned i = 0; i < NET_MAC / 2; i++) {
        eeprom->word[i] = (uint16_t)(mac[2 * i] | mac[2 * i + 1] << 8);
    }
    eeprom->word[WORD_INIT_CONTROL1] = 0x4408; /* signature valid, full duplex, power management */
    eeprom->word[WORD_SUBSYSTEM] = 0x1100;
    eeprom->word[WORD_SUBSYSTEM_VENDOR] = 0x1af4;
    eeprom->word[WORD_DEVICE] = 0x100e;
    eeprom->word[WORD_VENDOR] = 0x8086;
    eeprom->word[WORD_INIT_CONTROL2] = 0x3040;
    for (unsigned i = 0; i < WORD_CHECKSUM; i++) {
        sum = (uint16_t)(sum + eeprom->word[i]);
    }
    eeprom->word[WORD_CHECKSUM] = (uint16_t)(CHECKSUM - sum);
}

static void clock_rises(E1000Eeprom *eeprom, uint32_t lines)
{
    if (eeprom->reading || eeprom->n_in >= COMMAND_BITS) {
        return;
    }
    if (eeprom->n_in == 0 && (lines & EECD_DI) == 0) {
        return; /* no start bit yet */
    }
    eeprom->shift = (uint16_t)(eeprom->shift << 1 | ((lines & EECD_DI) != 0));
    if (++eeprom->n_in == COMMAND_BITS && eeprom->shift >> ADDRESS_BITS == COMMAND_READ) {
        eeprom->reading = 1;
        eeprom->n_out = (uint16_t)((eeprom->shift % E1000_EEPROM_WORDS) * 16 - 1);
    }
}

void e1000_eeprom_write(E1000Eeprom *eeprom, uint32_t lines)
{
    uint32_t before = eeprom->lines;

    eeprom->lines = lines & (EECD_SK | EECD_CS | EECD_DI | EECD_FWE | EECD_REQ);
    if ((lines & EECD_CS) == 0) {
        eeprom->n_in = eeprom->reading = 0;
        eeprom->shift = 0;
    } else if ((lines & ~before & EECD_SK) != 0) {
        clock_rises(eeprom, lines);
    } else if ((~lines & before & EECD_SK) != 0 && eeprom->reading) {
        eeprom->n_out++;
    }
}

uint32_t e1000_eeprom_read(const E1000Eeprom *eeprom)
{
    uint32_t value = eeprom->lines | EECD_PRES;
    uint16_t word = eeprom->word[eeprom->n_out / 16 % E1000_EEPROM_WORDS];

    if ((value & EECD_REQ) != 0) {
        value |= EECD_GNT;
    }
    /* Pulled up when nothing drives it. */
    if (!eeprom->reading || (word >> (15 - eeprom->n_out % 16) & 1) != 0) {
        value |= EECD_DO;
    }
    return value;
}

uint32_t e1000_eeprom_eerd(const E1000Eeprom *eeprom, uint32_t value)
{
    unsigned address = value >> EERD_ADDRESS_SHIFT & 0xff;

    if ((value & EERD_START) == 0) {
        return value;
    }
    value = EERD_DONE | address << EERD_ADDRESS_SHIFT;
    if (address < E1000_EEPROM_WORDS) {
        value |= (uint32_t)eeprom->word[address] << EERD_DATA_SHIFT;
    }
    return value;
}

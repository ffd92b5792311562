/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ahci_prdt.c - physical region descriptor tables (AHCI 1.3.1, 4.2.3.3).
 *
 * An entry is copied when we come to it.  It has two bytes or more whatever it says, and a table
 * has an end, so that there are no loops. */
#include "hw/ide/ahci_int.h"

enum { ENTRY = 16, COUNT_MASK = 0x3fffff, PIECES_MAX = 1024, CFG_COMMAND = 4, COMMAND_MASTER = 4 };

#define ENTRY_INTERRUPT 0x80000000u

static uint32_t le32_at(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

AhciPrdt ahci_prdt_open(uint64_t table, unsigned entries)
{
    return (AhciPrdt){ .at = table, .entries = entries };
}

static bool prdt_next(AhciPort *port, AhciPrdt *prdt)
{
    uint8_t entry[ENTRY];
    uint32_t last;

    if (prdt->entries == 0 || prdt->failed) {
        return false;
    }
    if (!ahci_dma_read(port->ahci, prdt->at, entry, sizeof(entry))) {
        prdt->failed = true;
        return false;
    }
    last = le32_at(entry + 12);
    prdt->base = (le32_at(entry) & ~1u) | (uint64_t)le32_at(entry + 4) << 32;
    prdt->left = (last & COUNT_MASK) | 1;
    prdt->left++;
    prdt->interrupt = (last & ENTRY_INTERRUPT) != 0;
    prdt->at += ENTRY;
    prdt->entries--;
    return true;
}

/* Up to `size` bytes of the piece that we are in; 0: there is no more. */
static uint32_t prdt_take(AhciPort *port, AhciPrdt *prdt, uint32_t size, uint64_t *gpa)
{
    uint32_t n;

    if (prdt->left == 0 && !prdt_next(port, prdt)) {
        return 0;
    }
    n = MIN(size, prdt->left);
    *gpa = prdt->base;
    prdt->base += n;
    prdt->left -= n;
    if (prdt->left == 0 && prdt->interrupt) {
        ahci_raise(port, PORT_DPS);
    }
    return n;
}

uint32_t ahci_prdt_to_memory(AhciPort *port, AhciPrdt *prdt, const void *data, uint32_t size)
{
    uint32_t done = 0, n;
    uint64_t gpa;

    while (done < size && (n = prdt_take(port, prdt, size - done, &gpa)) != 0) {
        if (!ahci_dma_write(port->ahci, gpa, (const uint8_t *)data + done, n)) {
            prdt->failed = true;
            break;
        }
        done += n;
    }
    return done;
}

uint32_t ahci_prdt_from_memory(AhciPort *port, AhciPrdt *prdt, void *data, uint32_t size)
{
    uint32_t done = 0, n;
    uint64_t gpa;

    while (done < size && (n = prdt_take(port, prdt, size - done, &gpa)) != 0) {
        if (!ahci_dma_read(port->ahci, gpa, (uint8_t *)data + done, n)) {
            prdt->failed = true;
            break;
        }
        done += n;
    }
    return done;
}

/* Appends what lies in one piece of guest memory; false: not all of it is RAM. */
static bool pieces_add(AhciPort *port, GArray *pieces, uint64_t gpa, uint64_t size, bool write)
{
    PhysMap *map = port->ahci->pci.device.board->map;

    while (size > 0) {
        struct iovec piece = { .iov_len = size };
        uint64_t there = size;

        piece.iov_base = phys_map_span(map, gpa, &there, write);
        if (piece.iov_base == NULL || pieces->len == PIECES_MAX) {
            return false;
        }
        piece.iov_len = there;
        g_array_append_val(pieces, piece);
        gpa += there;
        size -= there;
    }
    return true;
}

struct iovec *ahci_prdt_map(AhciPort *port, AhciPrdt *prdt, uint32_t size, bool write, int *n)
{
    GArray *pieces = g_array_new(FALSE, FALSE, sizeof(struct iovec));
    AhciPrdt at = *prdt;
    bool good = (pci_device_config(&port->ahci->pci)[CFG_COMMAND] & COMMAND_MASTER) != 0;

    while (good && size > 0) {
        uint32_t part;

        good = at.left != 0 || prdt_next(port, &at);
        part = MIN(at.left, size);
        good = good && pieces_add(port, pieces, at.base, part, write);
        at.base += part;
        at.left -= part;
        size -= part;
    }
    if (!good) {
        g_array_free(pieces, TRUE);
        return NULL;
    }
    *prdt = at;
    *n = (int)pieces->len;
    return (struct iovec *)(void *)g_array_free(pieces, FALSE);
}

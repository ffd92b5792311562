/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_DMA8237_H
#define HW_DMA8237_H
/* dma8237.h - the AT's pair of 8237A DMA controllers (channels 0-3 bytes, 5-7 words, 4 cascade)
 * with the page registers. A device moves its data when it has some: it raises DREQ and calls
 * dma_write (device to memory) or dma_read (memory to device). */
#include "hw/iobus.h"
#include "hw/state.h"
#include "softmmu/physmap.h"

typedef struct Dma Dma;

enum { DMA_CHANNELS = 8 };

Dma *dma_new(IoBus *io, PhysMap *map);
void dma_free(Dma *dma);
void dma_reset(Dma *dma);

/* Level of a channel's DREQ, as the status register shows it. */
void dma_set_request(Dma *dma, unsigned channel, bool level);
/* Could a transfer go on now: requested, unmasked, controller enabled? */
bool dma_ready(const Dma *dma, unsigned channel);
/* Moves up to `size` bytes (on 5-7 an even number), until terminal count; returns how many. *tc is
 * set when terminal count was reached. A channel that is not ready, or is programmed for the other
 * direction, moves nothing; verify transfers count without touching memory. */
size_t dma_write(Dma *dma, unsigned channel, const void *data, size_t size, bool *tc);
size_t dma_read(Dma *dma, unsigned channel, void *data, size_t size, bool *tc);

extern const StateTable dma_state;

#endif

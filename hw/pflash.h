/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PFLASH_H
#define HW_PFLASH_H
/* pflash.h - parallel NOR flash with Intel's command set (CFI primary 0001H, JEDEC JESD68.01; Intel
 * 28F datasheets), as the firmware's place on a PC: what is written lands in an image.
 *
 * Reading the array is reading memory; a command turns the chip to answering by registers, until
 * "read array" (FFH).  Programming and erasing take no time.  Called with the device lock held. */
#include <glib.h>
#include "hw/block/block.h"
#include "hw/state.h"
#include "softmmu/physmap.h"

typedef struct Pflash Pflash;

enum { PFLASH_SECTOR = 4096, PFLASH_MAX = 8 << 20 };

/* The contents of `image`, which stays the caller's, at `gpa`. NULL: it cannot be read, or its size
 * is not 1 to PFLASH_MAX / PFLASH_SECTOR sectors. */
Pflash *pflash_new(PhysMap *map, uint64_t gpa, BlockNode *image, int priority, GError **error);
void pflash_free(Pflash *flash); /* after what was programmed has reached the image */
void pflash_reset(Pflash *flash);

const uint8_t *pflash_data(const Pflash *flash);
uint64_t pflash_size(const Pflash *flash);

extern const StateTable pflash_state;

#define PFLASH_ERROR pflash_error_quark()
GQuark pflash_error_quark(void);
typedef enum PflashError { PFLASH_ERROR_SIZE, PFLASH_ERROR_READ } PflashError;

#endif

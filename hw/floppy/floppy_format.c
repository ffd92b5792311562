/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/floppy/fdc_int.h"

enum { RATE_500K, RATE_300K, RATE_250K, RATE_1M };

/* Standard ones first, then what people squeeze onto disks. A 1.2 MB drive turns faster, and reads
 * double density at 300 kbit/s. */
static const FloppyFormat formats[] = {
    { FLOPPY_144, 80, 2, 18, RATE_500K }, { FLOPPY_288, 80, 2, 36, RATE_1M },
    { FLOPPY_144, 80, 2, 9, RATE_250K },  { FLOPPY_120, 80, 2, 15, RATE_500K },
    { FLOPPY_120, 40, 2, 9, RATE_300K },  { FLOPPY_120, 40, 2, 8, RATE_300K },
    { FLOPPY_120, 40, 1, 9, RATE_300K },  { FLOPPY_120, 40, 1, 8, RATE_300K },
    { FLOPPY_144, 80, 2, 20, RATE_500K }, { FLOPPY_144, 80, 2, 21, RATE_500K },
    { FLOPPY_144, 82, 2, 21, RATE_500K }, { FLOPPY_144, 83, 2, 21, RATE_500K },
    { FLOPPY_144, 80, 2, 22, RATE_500K }, { FLOPPY_144, 80, 2, 23, RATE_500K },
    { FLOPPY_144, 80, 2, 24, RATE_500K }, { FLOPPY_288, 80, 2, 39, RATE_1M },
    { FLOPPY_288, 80, 2, 40, RATE_1M },   { FLOPPY_288, 80, 2, 44, RATE_1M },
    { FLOPPY_288, 80, 2, 48, RATE_1M },   { FLOPPY_144, 80, 2, 10, RATE_250K },
    { FLOPPY_144, 82, 2, 10, RATE_250K }, { FLOPPY_144, 83, 2, 10, RATE_250K },
    { FLOPPY_144, 80, 2, 13, RATE_250K }, { FLOPPY_144, 80, 2, 14, RATE_250K },
    { FLOPPY_120, 82, 2, 18, RATE_500K }, { FLOPPY_120, 83, 2, 18, RATE_500K },
    { FLOPPY_120, 80, 2, 11, RATE_300K }, { FLOPPY_120, 41, 2, 10, RATE_300K },
    { FLOPPY_120, 42, 2, 10, RATE_300K },
};

/* A 2.88 MB drive takes what a 1.44 MB one does. */
static bool fits(const FloppyFormat *format, FloppyType type)
{
    return type == FLOPPY_AUTO || format->type == type ||
           (type == FLOPPY_288 && format->type == FLOPPY_144);
}

static uint64_t format_size(const FloppyFormat *format)
{
    return (uint64_t)format->cylinders * format->heads * format->sectors * FLOPPY_SECTOR;
}

/* Without one of its size the drive's first holds; sectors behind the end are not found. */
const FloppyFormat *floppy_format_find(uint64_t size, FloppyType type)
{
    const FloppyFormat *first = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (!fits(&formats[i], type)) {
            continue;
        }
        if (format_size(&formats[i]) == size) {
            return &formats[i];
        }
        if (first == NULL || (first->type != type && formats[i].type == type)) {
            first = &formats[i];
        }
    }
    return first;
}

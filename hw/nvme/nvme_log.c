/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nvme_log.c - log pages (NVM Express 1.4, 5.14): errors, health, firmware slots, effects of
 * commands. */
#include "hw/nvme/nvme_int.h"

#include <string.h>

enum { LOG_ERROR = 0x01, LOG_HEALTH = 0x02, LOG_FIRMWARE = 0x03, LOG_EFFECTS = 0x05 };
enum { ERROR_SIZE = 64, HEALTH_SIZE = 512, EFFECTS_SIZE = 4096 };

static void put(uint8_t *data, unsigned at, uint64_t value, unsigned bytes)
{
    memcpy(data + at, &value, bytes);
}

/* Of the namespace, or of all of them. In thousands of sectors, rounded up. */
static void health_data(const Nvme *nvme, uint32_t nsid, uint8_t *data)
{
    enum { UNITS_READ = 32, UNITS_WRITTEN = 48, UNIT = 512 * 1000 };
    uint64_t read = 0, written = 0;

    for (unsigned i = 1; i <= NVME_NAMESPACES; i++) {
        BlockStats stats;

        if (nvme->ns[i] != NULL && (nsid == 0 || nsid == UINT32_MAX || nsid == i)) {
            block_stats(nvme->ns[i]->drive, &stats);
            read += stats.read_bytes;
            written += stats.written_bytes;
        }
    }
    put(data, UNITS_READ, (read + UNIT - 1) / UNIT, 8);
    put(data, UNITS_WRITTEN, (written + UNIT - 1) / UNIT, 8);
}

static void health_fill(const Nvme *nvme, uint32_t nsid, uint8_t *data)
{
    enum {
        TEMPERATURE_WARNING = 0x02,
        SPARE = 3,
        SPARE_THRESHOLD = 4,
        READS = 64,
        WRITES = 80,
        POWER_CYCLES = 112,
        POWER_HOURS = 128,
        ERRORS = 176
    };
    uint64_t hours = (uint64_t)clock_now(nvme->pci.device.board->clock) / NS_PER_S / 3600;
    bool warn = NVME_TEMPERATURE >= nvme->over_threshold ||
                NVME_TEMPERATURE <= nvme->under_threshold;

    data[0] = warn ? TEMPERATURE_WARNING : 0;
    put(data, 1, NVME_TEMPERATURE, 2);
    data[SPARE] = 100;
    data[SPARE_THRESHOLD] = 10;
    health_data(nvme, nsid, data);
    put(data, READS, nvme->host_reads, 8);
    put(data, WRITES, nvme->host_writes, 8);
    put(data, POWER_CYCLES, 1, 8);
    put(data, POWER_HOURS, hours, 8);
    put(data, ERRORS, nvme->errors, 8);
}

static void firmware_fill(uint8_t *data)
{
    data[0] = 1; /* slot 1 is active */
    memcpy(data + 8, "7.2.0   ", 8);
}

/* Four bytes a command: supported; it may change a namespace's data. */
static void effects_fill(uint8_t *data)
{
    enum { SUPPORTED = 1, CHANGES = 2, IO = 1024 };
    static const uint8_t admin[] = { 0x00, 0x01, 0x02, 0x04, 0x05, 0x06, 0x08, 0x09, 0x0a, 0x0c };
    static const uint8_t io[] = { 0x00, 0x01, 0x02, 0x05, 0x08, 0x09 };

    for (size_t i = 0; i < G_N_ELEMENTS(admin); i++) {
        data[4 * admin[i]] = SUPPORTED;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(io); i++) {
        bool changes = io[i] == 0x00 || io[i] == 0x01 || io[i] == 0x08 || io[i] == 0x09;

        data[IO + 4 * io[i]] = SUPPORTED | (changes ? CHANGES : 0);
    }
}

NvmeStatus nvme_get_log(NvmeRequest *request)
{
    const NvmeCommand *command = &request->command;
    const Nvme *nvme = request->nvme;
    uint64_t size = ((uint64_t)(command->cdw11 & 0xffff) << 16 | command->cdw10 >> 16) * 4 + 4;
    uint64_t offset = command->cdw12 | (uint64_t)command->cdw13 << 32;
    uint8_t data[EFFECTS_SIZE] = { 0 };
    uint32_t all = 0;

    switch (command->cdw10 & 0xff) {
    case LOG_ERROR: /* no error has left an entry */
        all = ERROR_SIZE;
        break;
    case LOG_HEALTH:
        all = HEALTH_SIZE;
        health_fill(nvme, command->nsid, data);
        break;
    case LOG_FIRMWARE:
        all = HEALTH_SIZE;
        firmware_fill(data);
        break;
    case LOG_EFFECTS:
        all = EFFECTS_SIZE;
        effects_fill(data);
        break;
    default:
        return NVME_INVALID_LOG_PAGE;
    }
    if (offset % 4 != 0 || offset >= all || size > nvme_data_max(nvme)) {
        return NVME_INVALID_FIELD;
    }
    return nvme_to_guest(request, data + offset, MIN(size, all - offset));
}

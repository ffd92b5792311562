/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nvme_identify.c - IDENTIFY: the controller, its namespaces (NVM Express 1.4, 5.15). */
#include "hw/nvme/nvme_int.h"

#include <string.h>

enum { CNS_NAMESPACE = 0x00, CNS_CONTROLLER = 0x01, CNS_LIST = 0x02, CNS_DESCRIPTORS = 0x03 };

static void put(uint8_t *data, unsigned at, uint64_t value, unsigned bytes)
{
    memcpy(data + at, &value, bytes);
}

static void put_text(uint8_t *data, unsigned at, unsigned size, const char *text)
{
    memset(data + at, ' ', size);
    memcpy(data + at, text, MIN(strlen(text), size));
}

/* ---- Controller ---- */

enum { /* bytes of the controller's data */
       CTRL_VENDOR = 0,
       CTRL_SUBSYSTEM_VENDOR = 2,
       CTRL_SERIAL = 4,
       CTRL_MODEL = 24,
       CTRL_FIRMWARE = 64,
       CTRL_ARBITRATION_BURST = 72,
       CTRL_OUI = 73,
       CTRL_MDTS = 77,
       CTRL_VERSION = 80,
       CTRL_TYPE = 111,
       CTRL_AERL = 259,
       CTRL_ABORTS = 258,
       CTRL_FIRMWARE_SLOTS = 260,
       CTRL_LOGS = 261,
       CTRL_WARNING = 266,
       CTRL_CRITICAL = 268,
       CTRL_SQ_ENTRY = 512,
       CTRL_CQ_ENTRY = 513,
       CTRL_NAMESPACES = 516,
       CTRL_OPTIONAL = 520,
       CTRL_WRITE_CACHE = 525,
       CTRL_SGL = 536,
       CTRL_NQN = 768,
       CTRL_POWER = 2048,
};

static void controller_fill(const Nvme *nvme, uint8_t *data)
{
    enum {
        IO_CONTROLLER = 1,
        ABORTS = 3,
        ONE_SLOT_READ_ONLY = 0x03,
        LOG_EFFECTS = 0x02,
        LOG_EXTENDED = 0x04,
        COMPARE = 0x01,
        DATASET = 0x04,
        WRITE_ZEROES = 0x08,
        TIMESTAMP = 0x40,
        CACHE_PRESENT = 0x01,
        FLUSH_NOT_BROADCAST = 0x04,
        SGL_SUPPORTED = 1
    };
    static const uint8_t oui[] = { 0x00, 0x54, 0x52 };
    g_autofree char *nqn = g_strdup_printf("nqn.2019-08.org.qemu:%s", nvme->serial);

    put(data, CTRL_VENDOR, nvme->pci.class->vendor, 2);
    put(data, CTRL_SUBSYSTEM_VENDOR, 0x1af4, 2);
    put_text(data, CTRL_SERIAL, 20, nvme->serial);
    put_text(data, CTRL_MODEL, 40, "QEMU NVMe Ctrl");
    put_text(data, CTRL_FIRMWARE, 8, "7.2.0");
    data[CTRL_ARBITRATION_BURST] = 6;
    memcpy(data + CTRL_OUI, oui, sizeof(oui));
    data[CTRL_MDTS] = nvme->mdts;
    put(data, CTRL_VERSION, 0x10400, 4);
    data[CTRL_TYPE] = IO_CONTROLLER;
    data[CTRL_ABORTS] = ABORTS;
    data[CTRL_AERL] = nvme->aerl;
    data[CTRL_FIRMWARE_SLOTS] = ONE_SLOT_READ_ONLY;
    data[CTRL_LOGS] = LOG_EFFECTS | LOG_EXTENDED;
    put(data, CTRL_WARNING, NVME_TEMPERATURE_WARNING, 2);
    put(data, CTRL_CRITICAL, NVME_TEMPERATURE_CRITICAL, 2);
    data[CTRL_SQ_ENTRY] = 0x66;
    data[CTRL_CQ_ENTRY] = 0x44;
    put(data, CTRL_NAMESPACES, NVME_NAMESPACES, 4);
    put(data, CTRL_OPTIONAL, COMPARE | DATASET | WRITE_ZEROES | TIMESTAMP, 2);
    data[CTRL_WRITE_CACHE] = CACHE_PRESENT | FLUSH_NOT_BROADCAST;
    put(data, CTRL_SGL, SGL_SUPPORTED, 4);
    memcpy(data + CTRL_NQN, nqn, MIN(strlen(nqn), 223));
    put(data, CTRL_POWER, 2500, 2);   /* 25 W */
    put(data, CTRL_POWER + 4, 16, 4); /* us to enter and to leave */
    put(data, CTRL_POWER + 8, 4, 4);
}

/* ---- Namespaces ---- */

static void namespace_fill(const NvmeNs *ns, uint8_t *data)
{
    enum {
        FEATURES = 24,
        OPTIMAL = 0x10,
        DEALLOCATE = 33,
        ZEROES_DEALLOCATE = 0x08,
        PREFERRED_WRITE = 64,
        EUI64 = 120,
        FORMAT = 128
    };
    uint64_t blocks = nvme_ns_blocks(ns);
    uint16_t preferred = (uint16_t)MIN(ns->physical_block / ns->block - 1, UINT16_MAX);

    put(data, 0, blocks, 8);
    put(data, 8, blocks, 8);
    put(data, 16, blocks, 8);
    data[FEATURES] = OPTIMAL;
    data[DEALLOCATE] = ZEROES_DEALLOCATE;
    put(data, PREFERRED_WRITE, preferred, 2); /* granularity, then alignment */
    put(data, PREFERRED_WRITE + 2, preferred, 2);
    put(data, EUI64, __builtin_bswap64(ns->eui64), 8);
    data[FORMAT + 2] = (uint8_t)__builtin_ctz(ns->block);
}

/* Type, length, two bytes of nothing, the identifier. */
static void descriptors_fill(const NvmeNs *ns, uint8_t *data)
{
    enum { TYPE_EUI64 = 1, TYPE_UUID = 3 };

    if (ns->eui64 != 0) {
        data[0] = TYPE_EUI64;
        data[1] = 8;
        put(data, 4, __builtin_bswap64(ns->eui64), 8);
        data += 4 + 8;
    }
    data[0] = TYPE_UUID;
    data[1] = sizeof(ns->uuid);
    memcpy(data + 4, ns->uuid, sizeof(ns->uuid));
}

/* Numbers above `after`, in order. */
static NvmeStatus list_fill(const Nvme *nvme, uint32_t after, uint8_t *data)
{
    unsigned n = 0;

    if (after >= UINT32_MAX - 1) {
        return NVME_INVALID_NAMESPACE;
    }
    for (uint32_t nsid = after + 1; nsid <= NVME_NAMESPACES; nsid++) {
        if (nvme->ns[nsid] != NULL) {
            put(data, 4 * n++, nsid, 4);
        }
    }
    return NVME_SUCCESS;
}

NvmeStatus nvme_identify(NvmeRequest *request)
{
    const Nvme *nvme = request->nvme;
    uint32_t nsid = request->command.nsid;
    const NvmeNs *ns = nvme_namespace(nvme, nsid);
    uint8_t data[NVME_IDENTIFY_SIZE] = { 0 };
    NvmeStatus status = NVME_SUCCESS;

    switch (request->command.cdw10 & 0xff) {
    case CNS_NAMESPACE:
        if (ns != NULL) {
            namespace_fill(ns, data);
        } else if (nsid == 0 || nsid > NVME_NAMESPACES) { /* others are not active: all zero */
            status = NVME_INVALID_NAMESPACE;
        }
        break;
    case CNS_CONTROLLER:
        controller_fill(nvme, data);
        break;
    case CNS_LIST:
        status = list_fill(nvme, nsid, data);
        break;
    case CNS_DESCRIPTORS:
        if (ns == NULL) {
            status = NVME_INVALID_NAMESPACE;
        } else {
            descriptors_fill(ns, data);
        }
        break;
    default:
        status = NVME_INVALID_FIELD;
        break;
    }
    return status != NVME_SUCCESS ? status : nvme_to_guest(request, data, sizeof(data));
}

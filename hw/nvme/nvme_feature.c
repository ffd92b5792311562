/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nvme_feature.c - features (NVM Express 1.4, 5.21): none can be saved; a reset of the controller
 * brings the defaults back. */
#include "hw/nvme/nvme_int.h"

#include <string.h>

enum {
    FEATURE_ARBITRATION = 0x01,
    FEATURE_POWER = 0x02,
    FEATURE_TEMPERATURE = 0x04,
    FEATURE_ERROR_RECOVERY = 0x05,
    FEATURE_WRITE_CACHE = 0x06,
    FEATURE_QUEUES = 0x07,
    FEATURE_COALESCING = 0x08,
    FEATURE_VECTOR = 0x09,
    FEATURE_ATOMICITY = 0x0a,
    FEATURE_EVENTS = 0x0b,
    FEATURE_TIMESTAMP = 0x0e,
};
enum { SELECT_CURRENT, SELECT_DEFAULT, SELECT_SAVED, SELECT_CAPABILITIES };
enum { ARBITRATION_DEFAULT = 7, SAVE = 1u << 31, CHANGEABLE = 4, TIMESTAMP_SIZE = 8 };

void nvme_features_reset(Nvme *nvme)
{
    nvme->arbitration = ARBITRATION_DEFAULT;
    nvme->error_recovery = nvme->coalescing = nvme->write_atomicity = 0;
    nvme->event_config = 0;
    nvme->over_threshold = NVME_TEMPERATURE_WARNING;
    nvme->under_threshold = 0;
    nvme->write_cache = nvme->write_cache_wanted != ON_OFF_AUTO_OFF;
    nvme->timestamp = 0;
    nvme->timestamp_given = false;
    nvme->timestamp_set_ns = (uint64_t)clock_now(nvme->pci.device.board->clock);
    for (unsigned i = 0; i < NVME_QUEUES_MAX; i++) {
        nvme->vector_config[i] = 0;
    }
}

static uint32_t queues_value(const Nvme *nvme)
{
    return (nvme->max_ioqpairs - 1) | (nvme->max_ioqpairs - 1) << 16;
}

/* A number that is only kept; NULL: it is none of these. */
static uint32_t *kept_value(Nvme *nvme, unsigned id)
{
    switch (id) {
    case FEATURE_ARBITRATION:
        return &nvme->arbitration;
    case FEATURE_ERROR_RECOVERY:
        return &nvme->error_recovery;
    case FEATURE_COALESCING:
        return &nvme->coalescing;
    case FEATURE_ATOMICITY:
        return &nvme->write_atomicity;
    case FEATURE_EVENTS:
        return &nvme->event_config;
    default:
        return NULL;
    }
}

/* ---- Thresholds ---- */

static uint16_t *threshold(Nvme *nvme, uint32_t cdw11)
{
    enum { SENSOR_SHIFT = 16, SIDE_SHIFT = 20, OVER = 0, UNDER = 1 };
    unsigned sensor = cdw11 >> SENSOR_SHIFT & 15, side = cdw11 >> SIDE_SHIFT & 3;

    if (sensor != 0 || side > UNDER) { /* there is the composite temperature */
        return NULL;
    }
    return side == OVER ? &nvme->over_threshold : &nvme->under_threshold;
}

void nvme_temperature_check(Nvme *nvme)
{
    enum { HEALTH_TEMPERATURE = 0x02 };
    bool beyond = NVME_TEMPERATURE >= nvme->over_threshold ||
                  NVME_TEMPERATURE <= nvme->under_threshold;

    if (beyond && (nvme->event_config & HEALTH_TEMPERATURE) != 0) {
        nvme_event(nvme, NVME_EVENT_TEMPERATURE);
    }
}

/* ---- Timestamp ---- */

static NvmeStatus timestamp_set(NvmeRequest *request)
{
    Nvme *nvme = request->nvme;
    uint64_t value;
    NvmeStatus status = nvme_from_guest(request, &value, TIMESTAMP_SIZE);

    if (status == NVME_SUCCESS) {
        nvme->timestamp = value & UINT64_C(0xffffffffffff);
        nvme->timestamp_given = true;
        nvme->timestamp_set_ns = (uint64_t)clock_now(nvme->pci.device.board->clock);
    }
    return status;
}

static NvmeStatus timestamp_get(NvmeRequest *request)
{
    enum { ORIGIN_SHIFT = 49 };
    const Nvme *nvme = request->nvme;
    uint64_t now = (uint64_t)clock_now(nvme->pci.device.board->clock);
    uint64_t value = nvme->timestamp + (now - nvme->timestamp_set_ns) / NS_PER_MS;

    value &= UINT64_C(0xffffffffffff);
    value |= (uint64_t)nvme->timestamp_given << ORIGIN_SHIFT;
    return nvme_to_guest(request, &value, TIMESTAMP_SIZE);
}

/* ---- GET FEATURES ---- */

static NvmeStatus feature_current(NvmeRequest *request, unsigned id)
{
    Nvme *nvme = request->nvme;
    const uint32_t *kept = kept_value(nvme, id);
    uint32_t cdw11 = request->command.cdw11;

    if (kept != NULL) {
        request->result = *kept;
        return NVME_SUCCESS;
    }
    switch (id) {
    case FEATURE_POWER:
        return NVME_SUCCESS; /* there is one state */
    case FEATURE_TEMPERATURE:
        request->result = threshold(nvme, cdw11) != NULL ? *threshold(nvme, cdw11) : 0;
        return NVME_SUCCESS;
    case FEATURE_WRITE_CACHE:
        request->result = nvme->write_cache;
        return NVME_SUCCESS;
    case FEATURE_QUEUES:
        request->result = queues_value(nvme);
        return NVME_SUCCESS;
    case FEATURE_VECTOR:
        if ((cdw11 & 0xffff) >= MIN(nvme->msix_qsize, NVME_QUEUES_MAX)) {
            return NVME_INVALID_FIELD;
        }
        request->result = (cdw11 & 0xffff) | nvme->vector_config[cdw11 & 0xffff];
        return NVME_SUCCESS;
    case FEATURE_TIMESTAMP:
        return timestamp_get(request);
    default:
        return NVME_INVALID_FIELD;
    }
}

static uint32_t feature_default(const Nvme *nvme, unsigned id)
{
    switch (id) {
    case FEATURE_ARBITRATION:
        return ARBITRATION_DEFAULT;
    case FEATURE_TEMPERATURE:
        return NVME_TEMPERATURE_WARNING;
    case FEATURE_WRITE_CACHE:
        return nvme->write_cache_wanted != ON_OFF_AUTO_OFF;
    case FEATURE_QUEUES:
        return queues_value(nvme);
    default:
        return 0;
    }
}

static bool feature_known(Nvme *nvme, unsigned id)
{
    return kept_value(nvme, id) != NULL || id == FEATURE_POWER || id == FEATURE_TEMPERATURE ||
           id == FEATURE_WRITE_CACHE || id == FEATURE_QUEUES || id == FEATURE_VECTOR ||
           id == FEATURE_TIMESTAMP;
}

NvmeStatus nvme_get_feature(NvmeRequest *request)
{
    unsigned id = request->command.cdw10 & 0xff, select = request->command.cdw10 >> 8 & 7;

    if (!feature_known(request->nvme, id) || select > SELECT_CAPABILITIES) {
        return NVME_INVALID_FIELD;
    }
    switch (select) {
    case SELECT_CURRENT:
        return feature_current(request, id);
    case SELECT_CAPABILITIES:
        request->result = CHANGEABLE;
        return NVME_SUCCESS;
    default: /* nothing is saved: the default */
        request->result = feature_default(request->nvme, id);
        return NVME_SUCCESS;
    }
}

/* ---- SET FEATURES ---- */

static NvmeStatus write_cache_set(Nvme *nvme, bool on)
{
    if (nvme->write_cache && !on) {
        for (unsigned i = 1; i <= NVME_NAMESPACES; i++) { /* what is in it goes out */
            if (nvme->ns[i] != NULL) {
                block_flush(nvme->ns[i]->drive, NULL, NULL);
            }
        }
        nvme_drain(nvme);
    }
    nvme->write_cache = on;
    return NVME_SUCCESS;
}

static NvmeStatus queues_set(NvmeRequest *request)
{
    const Nvme *nvme = request->nvme;
    uint32_t wanted = request->command.cdw11;

    if ((wanted & 0xffff) == 0xffff || wanted >> 16 == 0xffff) {
        return NVME_INVALID_FIELD;
    }
    request->result = queues_value(nvme);
    return NVME_SUCCESS;
}

static NvmeStatus vector_set(Nvme *nvme, uint32_t cdw11)
{
    enum { COALESCING_DISABLED = 1 << 16 };

    if ((cdw11 & 0xffff) >= MIN(nvme->msix_qsize, NVME_QUEUES_MAX)) {
        return NVME_INVALID_FIELD;
    }
    nvme->vector_config[cdw11 & 0xffff] = cdw11 & COALESCING_DISABLED;
    return NVME_SUCCESS;
}

NvmeStatus nvme_set_feature(NvmeRequest *request)
{
    Nvme *nvme = request->nvme;
    unsigned id = request->command.cdw10 & 0xff;
    uint32_t value = request->command.cdw11, *kept = kept_value(nvme, id);

    if ((request->command.cdw10 & SAVE) != 0) {
        return feature_known(nvme, id) ? NVME_NOT_SAVEABLE : NVME_INVALID_FIELD;
    }
    if (kept != NULL) {
        *kept = value;
        if (id == FEATURE_EVENTS) {
            nvme_temperature_check(nvme);
        }
        return NVME_SUCCESS;
    }
    switch (id) {
    case FEATURE_POWER:
        return (value & 31) == 0 ? NVME_SUCCESS : NVME_INVALID_FIELD;
    case FEATURE_TEMPERATURE:
        if (threshold(nvme, value) == NULL) {
            return NVME_INVALID_FIELD;
        }
        *threshold(nvme, value) = (uint16_t)value;
        nvme_temperature_check(nvme);
        return NVME_SUCCESS;
    case FEATURE_WRITE_CACHE:
        return write_cache_set(nvme, (value & 1) != 0);
    case FEATURE_QUEUES:
        return queues_set(request);
    case FEATURE_VECTOR:
        return vector_set(nvme, value);
    case FEATURE_TIMESTAMP:
        return timestamp_set(request);
    default:
        return NVME_INVALID_FIELD;
    }
}

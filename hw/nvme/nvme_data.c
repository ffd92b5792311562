/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nvme_data.c - where the data of a command are (NVM Express 1.4, 4.3 and 4.4): PRP entries and
 * lists, SGL data blocks and segments, as vectors of guest RAM.
 *
 * Lists are the guest's: each page of them is copied before it is looked at, and what they may hold
 * is bounded by what the command moves.  Data that are not in RAM are a transfer error. */
#include "hw/nvme/nvme_int.h"

#include <string.h>

enum {
    FLAGS_SGL = 0xc0, /* PSDT */
    VECTORS_MAX = 1024,
    SEGMENT_ENTRIES_MAX = 256,
};
#define CC_MPS(cc) ((cc) >> 7 & 15)

typedef struct Map {
    Nvme *nvme;
    GArray *data;
    bool write; /* guest RAM will be */
    uint64_t left;
} Map;

uint64_t nvme_page_size(const Nvme *nvme)
{
    return UINT64_C(1) << (12 + CC_MPS(nvme->cc));
}

uint64_t nvme_data_max(const Nvme *nvme)
{
    return (uint64_t)NVME_PAGE_MIN << nvme->mdts;
}

bool nvme_is_master(const Nvme *nvme)
{
    enum { COMMAND = 0x04, MASTER = 0x04 };

    return (nvme->pci.config[COMMAND] & MASTER) != 0;
}

/* ---- Pieces ---- */

static void piece_append(GArray *data, uint8_t *host, uint64_t size)
{
    struct iovec *last = data->len != 0 ? &g_array_index(data, struct iovec, data->len - 1) : NULL;
    const struct iovec piece = { host, size };

    if (last != NULL && (uint8_t *)last->iov_base + last->iov_len == host) {
        last->iov_len += size;
    } else {
        g_array_append_val(data, piece);
    }
}

static NvmeStatus piece_add(Map *map, uint64_t gpa, uint64_t size)
{
    map->left -= size;
    while (size > 0) {
        uint64_t got = size;
        uint8_t *host = nvme_is_master(map->nvme)
                            ? phys_map_span(map->nvme->pci.device.board->map, gpa, &got, map->write)
                            : NULL;

        if (host == NULL || map->data->len == VECTORS_MAX) {
            return NVME_DATA_TRANSFER_ERROR;
        }
        piece_append(map->data, host, got);
        gpa += got;
        size -= got;
    }
    return NVME_SUCCESS;
}

/* A copy of a list or segment. */
static NvmeStatus list_read(Map *map, uint64_t gpa, void *list, uint64_t size)
{
    uint64_t got = size;
    bool ram = nvme_is_master(map->nvme) &&
               phys_map_span(map->nvme->pci.device.board->map, gpa, &got, false) != NULL;

    if (!ram) {
        return NVME_DATA_TRANSFER_ERROR;
    }
    phys_map_read(map->nvme->pci.device.board->map, gpa, list, size);
    return NVME_SUCCESS;
}

/* ---- PRP ---- */

/* The list begins at `gpa`; its last entry in a page leads to the next page, if there is more. */
static NvmeStatus prp_list(Map *map, uint64_t gpa)
{
    uint64_t page = nvme_page_size(map->nvme);
    g_autofree uint64_t *list = g_malloc(page);
    NvmeStatus status = NVME_SUCCESS;

    while (map->left > 0 && status == NVME_SUCCESS) {
        uint64_t n = (page - gpa % page) / 8, next = 0;

        if (gpa % 8 != 0) {
            return NVME_INVALID_PRP_OFFSET;
        }
        n = MIN(n, (map->left + page - 1) / page);
        status = list_read(map, gpa, list, n * 8);
        for (uint64_t i = 0; i < n && status == NVME_SUCCESS; i++) {
            if (list[i] % page != 0) {
                return NVME_INVALID_PRP_OFFSET;
            }
            if (i == (page - gpa % page) / 8 - 1 && map->left > page) {
                next = list[i];
            } else {
                status = piece_add(map, list[i], MIN(map->left, page));
            }
        }
        gpa = next;
    }
    return status;
}

static NvmeStatus prp_map(Map *map, const uint64_t prp[2])
{
    uint64_t page = nvme_page_size(map->nvme), first = page - prp[0] % page;
    NvmeStatus status;

    if (prp[0] % 4 != 0) {
        return NVME_INVALID_PRP_OFFSET;
    }
    status = piece_add(map, prp[0], MIN(first, map->left));
    if (status != NVME_SUCCESS || map->left == 0) {
        return status;
    }
    if (map->left > page) {
        return prp_list(map, prp[1]);
    }
    return prp[1] % page != 0 ? NVME_INVALID_PRP_OFFSET : piece_add(map, prp[1], map->left);
}

/* ---- SGL ---- */

typedef struct SglEntry {
    uint64_t address;
    uint32_t length;
    uint8_t reserved[3], type;
} SglEntry;
_Static_assert(sizeof(SglEntry) == 16, "as in memory");

enum { SGL_DATA_BLOCK = 0x00, SGL_SEGMENT = 0x20, SGL_LAST_SEGMENT = 0x30 };

static NvmeStatus sgl_data(Map *map, const SglEntry *entry)
{
    if (entry->type != SGL_DATA_BLOCK) {
        return NVME_INVALID_SGL_TYPE;
    }
    return piece_add(map, entry->address, MIN(entry->length, map->left));
}

/* A segment; its last entry may lead to another one, which *next gets. */
static NvmeStatus sgl_segment(Map *map, const SglEntry *segment, SglEntry *next)
{
    SglEntry list[SEGMENT_ENTRIES_MAX];
    unsigned n = segment->length / sizeof(SglEntry);
    NvmeStatus status;

    next->length = 0;
    if (segment->length == 0 || segment->length % sizeof(SglEntry) != 0) {
        return NVME_INVALID_SGL_SEGMENT;
    }
    if (n > SEGMENT_ENTRIES_MAX) {
        return NVME_INVALID_SGL_COUNT;
    }
    status = list_read(map, segment->address, list, segment->length);
    for (unsigned i = 0; i < n && status == NVME_SUCCESS; i++) {
        bool leads = list[i].type == SGL_SEGMENT || list[i].type == SGL_LAST_SEGMENT;

        if (leads && (segment->type == SGL_LAST_SEGMENT || i != n - 1)) {
            return NVME_INVALID_SGL_SEGMENT;
        }
        if (leads) {
            *next = list[i];
        } else {
            status = sgl_data(map, &list[i]);
        }
    }
    return status;
}

static NvmeStatus sgl_map(Map *map, const uint64_t words[2])
{
    SglEntry entry;
    NvmeStatus status;

    memcpy(&entry, words, sizeof(entry));
    if (entry.type == SGL_DATA_BLOCK) {
        status = sgl_data(map, &entry);
    } else if (entry.type != SGL_SEGMENT && entry.type != SGL_LAST_SEGMENT) {
        return NVME_INVALID_SGL_TYPE;
    } else {
        unsigned segments = 0;

        do {
            SglEntry next;

            status = ++segments > SEGMENT_ENTRIES_MAX ? NVME_INVALID_SGL_COUNT
                                                      : sgl_segment(map, &entry, &next);
            entry = next;
        } while (status == NVME_SUCCESS && entry.length != 0);
    }
    return status == NVME_SUCCESS && map->left != 0 ? NVME_INVALID_SGL_LENGTH : status;
}

/* ---- Commands' data ---- */

NvmeStatus nvme_map(NvmeRequest *request, uint64_t size, bool to_guest)
{
    const NvmeCommand *command = &request->command;
    Map map = { request->nvme, g_array_new(FALSE, FALSE, sizeof(struct iovec)), to_guest, size };

    request->data = map.data;
    request->data_written = to_guest;
    if ((command->flags & FLAGS_SGL) == 0) {
        return prp_map(&map, command->prp);
    }
    if ((command->flags & FLAGS_SGL) == FLAGS_SGL || request->sqid == 0) { /* admin: PRPs only */
        return NVME_INVALID_FIELD;
    }
    return sgl_map(&map, command->prp);
}

NvmeStatus nvme_to_guest(NvmeRequest *request, const void *data, uint64_t size)
{
    NvmeStatus status = nvme_map(request, size, true);

    if (status == NVME_SUCCESS) {
        iov_from_buffer((const struct iovec *)(void *)request->data->data, request->data->len, 0,
                        data, size);
    }
    return status;
}

NvmeStatus nvme_from_guest(NvmeRequest *request, void *data, uint64_t size)
{
    NvmeStatus status = nvme_map(request, size, false);

    if (status == NVME_SUCCESS) {
        iov_to_buffer((const struct iovec *)(void *)request->data->data, request->data->len, 0,
                      data, size);
    }
    return status;
}

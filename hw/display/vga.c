/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vga.c - the life of the chip. Registers after a reset are zero, as nothing but the BIOS gives
 * them values; the screen is blank until it does. */
#include "hw/display/vga.h"

#include <string.h>

#include "hw/display/vga_int.h"

enum { ROW_PIXELS = SURFACE_MAX_WIDTH + 64, MAX_COLUMNS = 256 };
_Static_assert(MAX_COLUMNS * 9 * 2 + 64 <= ROW_PIXELS, "the widest line of the VGA itself");

static void spread_fill(uint32_t *spread)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            spread[byte] |= (byte >> (7 - bit) & 1u) << (4 * bit);
        }
    }
}

Vga *vga_new(const VgaConfig *config, GError **error)
{
    uint64_t size = config->vram_size + VGA_DIRECT_SIZE;
    uint64_t offset = phys_map_take_device_ram(config->map, size);
    Vga *vga;

    g_assert(config->vram_size >= VGA_VRAM_MIN && config->vram_size <= VGA_VRAM_MAX &&
             (config->vram_size & (config->vram_size - 1)) == 0);
    if (offset == UINT64_MAX) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOMEM,
                    "%" G_GUINT64_FORMAT " MiB of video memory are more than is left for devices",
                    config->vram_size >> 20);
        return NULL;
    }
    vga = g_new0(Vga, 1);
    vga->config = *config;
    vga->vram_offset = offset;
    vga->vram = phys_map_ram(config->map) + offset;
    vga->copy = vga->vram + config->vram_size;
    vga->row = g_new0(uint32_t, ROW_PIXELS);
    spread_fill(vga->spread);
    if (config->legacy) {
        vga->ports = io_bus_attach(config->io, vga_ports, VGA_PORT_RANGES, vga);
        vga->vbe_ports = io_bus_attach(config->io, vga_vbe_ports, VGA_VBE_RANGES, vga);
        vga_window_open(vga);
    }
    vga_reset(vga);
    console_set_adapter(config->console, &vga_adapter, vga);
    return vga;
}

void vga_free(Vga *vga)
{
    if (vga == NULL) {
        return;
    }
    console_set_adapter(vga->config.console, NULL, NULL);
    if (vga->config.legacy) {
        vga_window_close(vga);
        io_bus_detach(vga->config.io, vga->vbe_ports);
        io_bus_detach(vga->config.io, vga->ports);
    }
    phys_map_give_device_ram(vga->config.map, vga->vram_offset,
                             vga->config.vram_size + VGA_DIRECT_SIZE);
    g_free(vga->row);
    g_free(vga);
}

uint64_t vga_vram_offset(const Vga *vga)
{
    return vga->vram_offset;
}

void vga_reset(Vga *vga)
{
    vga_window_restart(vga);
    vga->misc = vga->feature = 0;
    vga->seq_index = vga->crtc_index = vga->gfx_index = vga->attr_index = 0;
    memset(vga->seq, 0, sizeof(vga->seq));
    memset(vga->crtc, 0, sizeof(vga->crtc));
    memset(vga->gfx, 0, sizeof(vga->gfx));
    memset(vga->attr, 0, sizeof(vga->attr));
    memset(vga->dac, 0, sizeof(vga->dac));
    memset(vga->dac_latch, 0, sizeof(vga->dac_latch));
    vga->attr_data = false;
    vga->dac_mask = 0xff;
    vga->dac_read = vga->dac_write = vga->dac_part = vga->dac_state = 0;
    vga->latch = 0;
    vga->retraces = 0;
    vga_vbe_reset(vga);
}

/* Whatever the state says, indices stay in range. */
static void vga_loaded(void *opaque)
{
    Vga *vga = opaque;

    vga_window_restart(vga);
    vga->seq_index %= SEQ_COUNT;
    vga->dac_part %= 3;
    vga->gfx[GFX_READ_MAP] &= 3;
    vga->gfx[GFX_ROTATE] &= 0x1f;
    vga_vbe_loaded(vga);
}

/* What the window's RAM holds belongs to the video memory. */
static void vga_saving(void *opaque)
{
    vga_window_collect(opaque);
}

static const StateField vga_fields[] = {
    STATE_FIELD(STATE_U8, Vga, misc),
    STATE_FIELD(STATE_U8, Vga, feature),
    STATE_FIELD(STATE_U8, Vga, seq_index),
    STATE_ARRAY(STATE_BYTES, Vga, seq),
    STATE_FIELD(STATE_U8, Vga, crtc_index),
    STATE_ARRAY(STATE_BYTES, Vga, crtc),
    STATE_FIELD(STATE_U8, Vga, gfx_index),
    STATE_ARRAY(STATE_BYTES, Vga, gfx),
    STATE_FIELD(STATE_U8, Vga, attr_index),
    STATE_ARRAY(STATE_BYTES, Vga, attr),
    STATE_FIELD(STATE_BOOL, Vga, attr_data),
    STATE_FIELD(STATE_U8, Vga, dac_mask),
    STATE_FIELD(STATE_U8, Vga, dac_read),
    STATE_FIELD(STATE_U8, Vga, dac_write),
    STATE_FIELD(STATE_U8, Vga, dac_part),
    STATE_FIELD(STATE_U8, Vga, dac_state),
    STATE_ARRAY(STATE_BYTES, Vga, dac_latch),
    STATE_ARRAY(STATE_BYTES, Vga, dac),
    STATE_FIELD(STATE_U32, Vga, latch),
    STATE_FIELD(STATE_U64, Vga, retraces),
    STATE_FIELD(STATE_U16, Vga, vbe_index),
    STATE_ARRAY(STATE_U16, Vga, vbe),
    { 0 },
};

const StateTable vga_state = {
    .name = "vga", .version = 1, .fields = vga_fields, .saving = vga_saving, .loaded = vga_loaded
};

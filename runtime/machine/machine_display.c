/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine_display.c - adapters, and the displays that the options ask for. */
#include "runtime/machine/machine_display.h"

#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>

#include "hw/display/curses.h"
#include "hw/display/web.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/options_int.h"
#include "runtime/machine/secret.h"
#include "softmmu/mmu.h"

enum { DEFAULT_TO = 99 };
#define VGA_SLOT "2"

struct MachineDisplay {
    Machine *machine;
    Display *screens;
    Input *input;
    Keymap *keymap;
    GPtrArray *vnc; /* of Vnc * */
    Web *web;
    Vnc *web_vnc; /* for the page; nobody else reaches it */
    Curses *curses;
};

static void display_lock(void *opaque)
{
    machine_lock(opaque);
}

static void display_unlock(void *opaque)
{
    machine_unlock(opaque);
}

/* ---- With the board ---- */

MachineDisplay *machine_display_new(Machine *machine, GError **error)
{
    MachineDisplay *display = g_new0(MachineDisplay, 1);

    display->machine = machine;
    display->screens = display_new();
    display->input = input_new(machine->clock);
    display->vnc = g_ptr_array_new();
    display->keymap = keymap_new(machine->options->keyboard, error);
    if (display->keymap == NULL) {
        machine_display_free(display);
        return NULL;
    }
    return display;
}

/* A kernel that is booted directly needs no video BIOS: it need not be installed for that. */
static bool rom_needed(const Machine *machine)
{
    g_autofree char *path = rom_files_find(machine->roms, "vgabios-stdvga.bin");

    return path != NULL || machine->options->kernel == NULL || !machine->options->vga_default;
}

bool machine_display_plug(MachineDisplay *display, GError **error)
{
    Machine *machine = display->machine;
    const DeviceSetting with_rom[] = { { "addr", VGA_SLOT, NULL }, { 0 } };
    const DeviceSetting without[] = { { "addr", VGA_SLOT, NULL }, { "romfile", "", NULL }, { 0 } };

    if (strcmp(machine->options->vga, "none") == 0) {
        return true;
    }
    if (board_add_device(pc_board(machine->pc), "VGA", rom_needed(machine) ? with_rom : without,
                         error) == NULL) {
        g_prefix_error(error, "-vga %s: ", machine->options->vga);
        return false;
    }
    return true;
}

/* ---- VNC ---- */

static JsonObject *vnc_end(const char *host, bool websocket)
{
    JsonObject *object = json_object_new();

    json_object_set_string_member(object, "host", host);
    json_object_set_string_member(object, "service", "");
    json_object_set_string_member(object, "family", strchr(host, ':') != NULL ? "ipv6" : "ipv4");
    json_object_set_boolean_member(object, "websocket", websocket);
    return object;
}

/* On a client's thread. */
static void vnc_event(void *opaque, VncEvent event, const char *host, bool websocket)
{
    static const char *const names[] = { [VNC_CONNECTED] = "VNC_CONNECTED",
                                         [VNC_INITIALIZED] = "VNC_INITIALIZED",
                                         [VNC_DISCONNECTED] = "VNC_DISCONNECTED" };
    const Machine *machine = opaque;
    JsonObject *data = json_object_new();

    json_object_set_object_member(data, "server", vnc_end("", websocket));
    json_object_set_object_member(data, "client", vnc_end(host, websocket));
    monitors_event(machine->monitors, names[event], data);
}

static Vnc *vnc_make(MachineDisplay *display, Console *console, const VncOption *option)
{
    const char *name = display->machine->options->name;
    g_autofree char *title = name != NULL ? g_strdup_printf("doppel (%s)", name)
                                          : g_strdup("doppel");
    const VncConfig config = {
        .console = console,
        .input = display->input,
        .keymap = display->keymap,
        .name = title,
        .share = option != NULL ? (VncShare)option->share : VNC_SHARE_ALLOW_EXCLUSIVE,
        .password = option != NULL && (option->password || option->secret != NULL),
        .connections = option != NULL ? option->connections : 0,
        .lock = display_lock,
        .unlock = display_unlock,
        .event = vnc_event,
        .opaque = display->machine,
    };

    return vnc_new(&config);
}

/* The screen that is shown: by its device's id, or the first one; a machine without an adapter has
 * an empty one, so that a viewer can connect. */
static Console *console_for(MachineDisplay *display, const char *device)
{
    Console *console = device != NULL ? display_find(display->screens, device)
                                      : display_console(display->screens, 0);

    return console != NULL || device != NULL ? console : display_add(display->screens, "none");
}

/* password-secret= */
static bool vnc_use_secret(MachineDisplay *display, Vnc *vnc, const VncOption *option,
                           GError **error)
{
    const Secret *secret = objects_find(display->machine->objects, "secret", option->secret);
    const char *password = secret != NULL ? secret_text(secret) : NULL;

    if (password == NULL) {
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "-vnc %s: %s '%s'", option->address,
                    secret != NULL ? "no text is in secret" : "No secret with id", option->secret);
        return false;
    }
    vnc_set_password(vnc, password);
    return true;
}

static bool vnc_open(MachineDisplay *display, const VncOption *option, GError **error)
{
    Console *console = console_for(display, option->device);
    Vnc *vnc;

    if (console == NULL) {
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "-vnc %s: display=%s has no screen",
                    option->address, option->device);
        return false;
    }
    if (option->audiodev != NULL &&
        !options_have_audiodev(display->machine->options, option->audiodev)) {
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "-vnc %s: Audiodev '%s' not found",
                    option->address, option->audiodev);
        return false;
    }
    vnc = vnc_make(display, console, option);
    g_ptr_array_add(display->vnc, vnc);
    if (option->secret != NULL && !vnc_use_secret(display, vnc, option, error)) {
        return false;
    }
    if (!vnc_listen(vnc, option->address, option->to, error)) {
        g_prefix_error(error, "-vnc ");
        return false;
    }
    return true;
}

static bool default_open(MachineDisplay *display, GError **error)
{
    const VncOption option = { .address = (char *)"localhost:0", .to = DEFAULT_TO };

    if (!vnc_open(display, &option, error)) {
        return false;
    }
    printf("VNC server running on %s\n", vnc_address(g_ptr_array_index(display->vnc, 0)));
    fflush(stdout);
    return true;
}

/* ---- Web ---- */

static void add_number(JsonBuilder *builder, const char *name, uint64_t value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_int_value(builder, (gint64)value);
}

static void add_states(JsonBuilder *builder, const EngineStats *stats)
{
    add_number(builder, "translated blocks", stats->blocks);
    add_number(builder, "translated code, bytes", stats->host_bytes);
    add_number(builder, "blocks through the window", stats->window_blocks);
}

static void add_counts(JsonBuilder *builder, const EngineStats *stats, const MmuStats *mmu)
{
    add_number(builder, "translations", stats->translations);
    add_number(builder, "instructions translated", stats->guest_insns);
    add_number(builder, "dispatches", stats->dispatches);
    add_number(builder, "callouts", stats->callouts);
    add_number(builder, "instructions interpreted", stats->interpreted);
    add_number(builder, "indirect branch misses", stats->ibtc_misses);
    add_number(builder, "invalidations", stats->invalidations);
    add_number(builder, "TLB walks", mmu->walks);
}

/* Counters that others write: what is a little old does no harm. */
static char *figures(void *opaque)
{
    const Machine *machine = opaque;
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(JsonNode) root = NULL;

    json_builder_begin_object(builder);
    add_number(builder, "ns", (uint64_t)g_get_monotonic_time() * NS_PER_US);
    json_builder_set_member_name(builder, "states");
    json_builder_begin_object(builder);
    if (machine->engine != NULL) {
        add_states(builder, engine_stats(machine->engine));
    }
    json_builder_end_object(builder);
    json_builder_set_member_name(builder, "counts");
    json_builder_begin_object(builder);
    if (machine->engine != NULL) {
        add_counts(builder, engine_stats(machine->engine),
                   mmu_stats(vcpu_cpu(machine->vcpu[0])->mmu));
    }
    json_builder_end_object(builder);
    json_builder_end_object(builder);
    root = json_builder_get_root(builder);
    return json_to_string(root, FALSE);
}

static bool web_open(MachineDisplay *display, GError **error)
{
    WebConfig config = { .address = display->machine->options->web,
                         .figures = figures,
                         .opaque = display->machine };

    display->web_vnc = vnc_make(display, console_for(display, NULL), NULL);
    config.vnc = display->web_vnc;
    display->web = web_new(&config, error);
    if (display->web == NULL) {
        g_prefix_error(error, "-display web: ");
        return false;
    }
    printf("Screen at %s\n", web_url(display->web));
    fflush(stdout);
    return true;
}

static bool curses_open(MachineDisplay *display, GError **error)
{
    const CursesConfig config = {
        .console = console_for(display, NULL),
        .input = display->input,
        .lock = display_lock,
        .unlock = display_unlock,
        .opaque = display->machine,
    };

    display->curses = curses_new(&config, error);
    return display->curses != NULL;
}

/* ---- All ---- */

bool machine_display_open(MachineDisplay *display, GError **error)
{
    const Options *options = display->machine->options;

    for (guint i = 0; i < options->vnc->len; i++) {
        if (!vnc_open(display, g_ptr_array_index(options->vnc, i), error)) {
            return false;
        }
    }
    switch (options->display) {
    case DISPLAY_DEFAULT:
        return default_open(display, error);
    case DISPLAY_WEB:
        return web_open(display, error);
    case DISPLAY_CURSES:
        return curses_open(display, error);
    default:
        return true;
    }
}

void machine_display_close(MachineDisplay *display)
{
    g_clear_pointer(&display->curses, curses_free);
    g_clear_pointer(&display->web, web_free);
    g_clear_pointer(&display->web_vnc, vnc_free);
    for (guint i = 0; i < display->vnc->len; i++) {
        vnc_free(g_ptr_array_index(display->vnc, i));
    }
    g_ptr_array_set_size(display->vnc, 0);
}

void machine_display_free(MachineDisplay *display)
{
    if (display != NULL) {
        machine_display_close(display);
        g_ptr_array_free(display->vnc, TRUE);
        keymap_free(display->keymap);
        input_free(display->input);
        display_free(display->screens);
        g_free(display);
    }
}

Display *machine_display_screens(MachineDisplay *display)
{
    return display->screens;
}

Input *machine_display_input(MachineDisplay *display)
{
    return display->input;
}

Vnc *machine_display_vnc(MachineDisplay *display)
{
    return display->vnc->len != 0 ? g_ptr_array_index(display->vnc, 0) : NULL;
}

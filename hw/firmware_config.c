/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/firmware_config.h"

#include <string.h>

static void file_free(gpointer data)
{
    FirmwareFile *file = data;

    g_free(file->name);
    g_bytes_unref(file->data);
    g_free(file);
}

static void onboard_free(gpointer data)
{
    SmbiosOnboard *device = data;

    g_free(device->designation);
    g_free(device);
}

FirmwareConfig *firmware_config_new(void)
{
    FirmwareConfig *config = g_new0(FirmwareConfig, 1);

    config->splash_time = config->reboot_timeout = -1;
    config->files = g_ptr_array_new_with_free_func(file_free);
    config->acpi = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    config->smbios.fields = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    config->smbios.oem = g_ptr_array_new_with_free_func(g_free);
    config->smbios.devices = g_ptr_array_new_with_free_func(onboard_free);
    config->smbios.binaries = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    return config;
}

void firmware_config_free(FirmwareConfig *config)
{
    g_free(config->boot_order);
    g_free(config->boot_once);
    g_ptr_array_unref(config->files);
    g_ptr_array_unref(config->acpi);
    g_hash_table_unref(config->smbios.fields);
    g_ptr_array_unref(config->smbios.oem);
    g_ptr_array_unref(config->smbios.devices);
    g_ptr_array_unref(config->smbios.binaries);
    g_free(config);
}

bool firmware_config_add_file(FirmwareConfig *config, const char *name, GBytes *data)
{
    FirmwareFile *file;

    for (guint i = 0; i < config->files->len; i++) {
        if (strcmp(((const FirmwareFile *)g_ptr_array_index(config->files, i))->name, name) == 0) {
            g_bytes_unref(data);
            return false;
        }
    }
    file = g_new0(FirmwareFile, 1);
    file->name = g_strdup(name);
    file->data = data;
    g_ptr_array_add(config->files, file);
    return true;
}

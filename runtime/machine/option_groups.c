/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/option_groups.h"

#include <string.h>

#include "runtime/machine/options.h"

const OptionGroup option_groups[] = {
    { "machine",
      "type:string accel:string acpi:string hpet:boolean graphics:boolean smm:string usb:boolean "
      "vmport:string kernel_irqchip:string kernel-irqchip:string pit:boolean i8042:boolean "
      "nvdimm:boolean pcspk-audiodev:string dump-guest-core:boolean mem-merge:boolean "
      "suppress-vmdesc:boolean memory-backend:string" },
    { "accel", "" },
    { "memory", "size:size slots:number maxmem:size" },
    { "smp-opts", "cpus:number maxcpus:number sockets:number dies:number clusters:number "
                  "cores:number threads:number" },
    { "boot-opts", "order:string once:string menu:boolean splash:string splash-time:number "
                   "reboot-timeout:number strict:boolean" },
    { "rtc", "base:string clock:string driftfix:string" },
    { "drive",
      "file:string format:string if:string index:number bus:number unit:number media:string "
      "snapshot:boolean readonly:boolean read-only:boolean cache:string aio:string "
      "discard:string detect-zeroes:string werror:string rerror:string copy-on-read:boolean" },
    { "chardev",
      "backend:string path:string host:string port:string fd:string to:number ipv4:boolean "
      "ipv6:boolean wait:boolean server:boolean delay:boolean nodelay:boolean reconnect:number "
      "telnet:boolean tn3270:boolean websocket:boolean width:number height:number cols:number "
      "rows:number mux:boolean signal:boolean size:size append:boolean logfile:string "
      "logappend:boolean localaddr:string localport:string" },
    { "mon", "mode:string chardev:string pretty:boolean" },
    { "vnc", "vnc:string password:boolean to:number share:string connections:number "
             "display:string head:number lossy:boolean non-adaptive:boolean "
             "lock-key-sync:boolean key-delay-ms:number ipv4:boolean ipv6:boolean "
             "power-control:boolean audiodev:string" },
    { "device", "" },
    { "global", "driver:string property:string value:string" },
    { "netdev", "" },
    { "nic", "" },
    { "net", "" },
    { "object", "" },
    { "numa", "" },
    { "fsdev", "" },
    { "fw_cfg", "name:string file:string string:string" },
    { "option-rom", "romfile:string bootindex:number" },
    { "acpi", "" },
    { "smbios", "" },
    { "name", "guest:string process:string debug-threads:boolean" },
    { "action", "shutdown:string reboot:string panic:string watchdog:string" },
    { "add-fd", "fd:number set:number opaque:string" },
    { "msg", "timestamp:boolean guest-name:boolean" },
    { "sandbox", "enable:boolean obsolete:string elevateprivileges:string spawn:string "
                 "resourcecontrol:string" },
    { "overcommit", "mem-lock:boolean cpu-pm:boolean" },
    { "icount", "shift:string align:boolean sleep:boolean rr:string rrfile:string "
                "rrsnapshot:string" },
    { NULL, NULL },
};

const OptionGroup *option_group_find(const char *name)
{
    for (const OptionGroup *group = option_groups; group->name != NULL; group++) {
        if (strcmp(group->name, name) == 0) {
            return group;
        }
    }
    return NULL;
}

static bool group_has(const OptionGroup *group, const char *key)
{
    size_t n = strlen(key);

    for (const char *at = group->parameters; at != NULL && *at != '\0'; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strncmp(at, key, n) == 0 && at[n] == ':') {
            return true;
        }
    }
    return false;
}

bool option_group_check(const char *name, const KeyValues *values, GError **error)
{
    const OptionGroup *group = option_group_find(name);

    g_assert(group != NULL);
    for (guint i = 0; i < values->list->len; i++) {
        const char *key = g_array_index(values->list, KeyValue, i).key;

        if (!group_has(group, key)) {
            g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "unknown parameter '%s'", key);
            return false;
        }
    }
    return true;
}

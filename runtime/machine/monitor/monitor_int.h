/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MONITOR_MONITOR_INT_H
#define RUNTIME_MACHINE_MONITOR_MONITOR_INT_H
/* monitor_int.h - one monitor, and what the two kinds of it are to the common part. */
#include "runtime/machine/monitor/json_stream.h"
#include "runtime/machine/monitor/monitor.h"
#include "runtime/machine/monitor/monitor_rows.h"

enum {
    MONITOR_QUEUE = 8,               /* commands that wait; input is held back then */
    MONITOR_OUTPUT = 256 * 1024,     /* bytes unread by the client: no command is executed then */
    MONITOR_EVENTS_OUTPUT = 1 << 20, /* and no event is told */
};

/* How a kind of monitor speaks. All on the main thread. */
typedef struct MonitorKind {
    void (*create)(Monitor *monitor);
    void (*destroy)(Monitor *monitor);
    void (*opened)(Monitor *monitor); /* somebody is there: greeting, prompt */
    void (*closed)(Monitor *monitor);
    void (*input)(Monitor *monitor, const uint8_t *data, size_t n); /* device lock held */
    bool (*pending)(const Monitor *monitor);                        /* there is something to do */
    size_t (*room)(const Monitor *monitor); /* bytes of input that it takes now */
    void (*work)(Monitor *monitor);         /* one command; without the device lock */
    void (*event)(Monitor *monitor, const char *text, const char *pretty);
} MonitorKind;
extern const MonitorKind monitor_kind_qmp, monitor_kind_hmp;

struct Monitors {
    Machine *machine;
    GPtrArray *list;         /* of Monitor */
    GAsyncQueue *told;       /* of JsonObject: events, until the main thread tells them */
    GHashTable *fds;         /* getfd: name to descriptor */
    unsigned cpu;            /* that `cpu` has chosen */
    const char *dump_status; /* of the last dump-guest-memory; NULL: there was none */
    int64_t dump_size;       /* bytes of memory that it was of */
};

struct Monitor {
    Monitors *monitors;
    Machine *machine;
    CharDev *chr;
    int slot; /* of the character device */
    const MonitorKind *kind;
    void *state; /* the kind's */
    bool pretty;
    bool working;
    guint source; /* will work, 0: none */
};

/* Any thread that holds the device lock, or the main thread. */
void monitor_write(Monitor *monitor, const char *text, size_t n);
/* Somebody should look whether there is work; device lock held or main thread. */
void monitor_kick(Monitor *monitor);

/* ---- Commands ---- */

/* Does the whole of a command whose arguments are there: checks, lock, handler. */
bool monitor_call(const MonitorRow *row, bool human, MonitorCall *call, GError **error);
void monitor_call_clear(MonitorCall *call);
/* One line of a person. Errors are in the text. */
void hmp_execute(Monitors *monitors, Monitor *monitor, const char *line, GString *text);

/* ---- Members' notation ---- */

typedef struct Member {
    bool optional, open; /* open: "..." */
    char name[64], type[64];
    char flag; /* 0: none */
} Member;
/* Reads the next; false at the end. *at is moved; may start as NULL. */
bool member_next(const char **at, Member *member);
/* Has the object what the notation asks for, and nothing else? */
bool members_check(const char *members, JsonObject *object, GError **error);
bool type_check(const char *type, const char *name, JsonNode *node, GError **error);

#endif

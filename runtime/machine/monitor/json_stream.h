/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MONITOR_JSON_STREAM_H
#define RUNTIME_MACHINE_MONITOR_JSON_STREAM_H
/* json_stream.h - JSON values out of a stream of bytes that comes in any pieces, and JSON as text
 * in the form that QEMU writes. Strings may stand between ' as well. A value is bounded in size and
 * depth; byte FFh, which is in no JSON, starts afresh. */
#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct JsonStream JsonStream;

/* One value, owned by the callee, or (node NULL) what was wrong, borrowed. */
typedef void JsonStreamValue(void *opaque, JsonNode *node, const char *problem);

JsonStream *json_stream_new(JsonStreamValue *value, void *opaque);
void json_stream_free(JsonStream *stream);
void json_stream_feed(JsonStream *stream, const uint8_t *data, size_t n);
void json_stream_reset(JsonStream *stream);

/* Only ASCII; `pretty`: over several lines, indented. No newline at the end. */
void json_text(GString *text, JsonNode *node, bool pretty);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/monitor/json_stream.h"

#include <string.h>

enum { JSON_SIZE_MAX = 4 << 20, JSON_DEPTH_MAX = 1024, RESTART = 0xff };

struct JsonStream {
    JsonStreamValue *value;
    void *opaque;
    GString *text; /* of the value that has begun */
    unsigned depth;
    uint8_t quote; /* the string that we are in ends with it, 0: in none */
    bool escaped;  /* the byte behind a backslash comes */
    bool skipping; /* behind a mistake, until the line ends */
};

JsonStream *json_stream_new(JsonStreamValue *value, void *opaque)
{
    JsonStream *stream = g_new0(JsonStream, 1);

    stream->value = value;
    stream->opaque = opaque;
    stream->text = g_string_new(NULL);
    return stream;
}

void json_stream_free(JsonStream *stream)
{
    g_string_free(stream->text, TRUE);
    g_free(stream);
}

void json_stream_reset(JsonStream *stream)
{
    g_string_set_size(stream->text, 0);
    if (stream->text->allocated_len > 64 * 1024) {
        g_string_free(stream->text, TRUE);
        stream->text = g_string_new(NULL);
    }
    stream->depth = 0;
    stream->quote = 0;
    stream->escaped = stream->skipping = false;
}

static void stream_problem(JsonStream *stream, const char *problem)
{
    json_stream_reset(stream);
    stream->skipping = true;
    stream->value(stream->opaque, NULL, problem);
}

/* The text of one value is there. */
static void stream_complete(JsonStream *stream)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) error = NULL;
    bool good = g_utf8_validate(stream->text->str, (gssize)stream->text->len, NULL) &&
                json_parser_load_from_data(parser, stream->text->str, (gssize)stream->text->len,
                                           &error);
    JsonNode *node = good ? json_parser_steal_root(parser) : NULL;

    if (node == NULL) {
        stream_problem(stream, good ? "JSON parse error, expecting value"
                                    : "JSON parse error, Invalid JSON syntax");
        stream->skipping = false;
        return;
    }
    json_stream_reset(stream);
    stream->value(stream->opaque, node, NULL);
}

/* Inside a string. One between ' becomes one between ". */
static void stream_string(JsonStream *stream, uint8_t byte)
{
    if (stream->escaped) {
        stream->escaped = false;
        if (byte == '\'') { /* no escape of JSON */
            stream->text->str[stream->text->len - 1] = '\'';
            return;
        }
    } else if (byte == '\\') {
        stream->escaped = true;
    } else if (byte == stream->quote) {
        stream->quote = 0;
        byte = '"';
    } else if (byte == '"') {
        g_string_append_c(stream->text, '\\');
    }
    g_string_append_c(stream->text, (char)byte);
    if (stream->quote == 0 && stream->depth == 0) {
        stream_complete(stream);
    }
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* A byte outside of strings and brackets: of a number or a word. At depth 0 it ends at a blank. */
static void stream_word(JsonStream *stream, uint8_t byte)
{
    if (byte < ' ' && !is_blank(byte)) {
        stream_problem(stream, "JSON parse error, stray control character");
    } else if (stream->depth == 0 && is_blank(byte)) {
        if (stream->text->len != 0) {
            stream_complete(stream);
        }
    } else {
        g_string_append_c(stream->text, (char)byte);
    }
}

static void stream_open(JsonStream *stream, uint8_t byte)
{
    if (stream->depth == 0 && stream->text->len != 0) { /* a word right in front of it */
        stream_complete(stream);
    }
    if (stream->depth == JSON_DEPTH_MAX) {
        stream_problem(stream, "JSON nesting depth limit exceeded");
        return;
    }
    stream->depth++;
    g_string_append_c(stream->text, (char)byte);
}

static void stream_close(JsonStream *stream, uint8_t byte)
{
    if (stream->depth == 0) {
        stream_problem(stream, "JSON parse error, expecting value");
        return;
    }
    stream->depth--;
    g_string_append_c(stream->text, (char)byte);
    if (stream->depth == 0) {
        stream_complete(stream);
    }
}

static void stream_byte(JsonStream *stream, uint8_t byte)
{
    if (byte == RESTART) {
        bool begun = stream->text->len != 0;

        json_stream_reset(stream);
        if (begun) {
            stream->value(stream->opaque, NULL, "JSON parse error, stray '\\xff'");
        }
    } else if (stream->skipping) {
        stream->skipping = byte != '\n';
    } else if (stream->text->len >= JSON_SIZE_MAX) {
        stream_problem(stream, "JSON token size limit exceeded");
    } else if (stream->quote != 0) {
        stream_string(stream, byte);
    } else if (byte == '"' || byte == '\'') {
        stream->quote = byte;
        g_string_append_c(stream->text, '"');
    } else if (byte == '{' || byte == '[') {
        stream_open(stream, byte);
    } else if (byte == '}' || byte == ']') {
        stream_close(stream, byte);
    } else {
        stream_word(stream, byte);
    }
}

void json_stream_feed(JsonStream *stream, const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        stream_byte(stream, data[i]);
    }
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/vector_file.h"
#include <json-glib/json-glib.h>
#include <string.h>
#include <zlib.h>
#include "check/check.h"

static const char *const reg_names[VECTOR_REGS] = { "ax", "cx", "dx", "bx",    "sp", "bp",
                                                    "si", "di", "ip", "flags", "es", "cs",
                                                    "ss", "ds", "fs", "gs" };

const char *vector_reg_name(VectorReg reg)
{
    return reg_names[reg];
}

/* ---- Members that may be missing, or of another type than expected ---- */

static int64_t member_int(JsonObject *object, const char *name, int64_t otherwise)
{
    JsonNode *node = json_object_get_member(object, name);

    return node != NULL && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_int(node) : otherwise;
}

static JsonObject *member_object(JsonObject *object, const char *name)
{
    JsonNode *node = object != NULL ? json_object_get_member(object, name) : NULL;

    return node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static JsonArray *member_array(JsonObject *object, const char *name)
{
    JsonNode *node = object != NULL ? json_object_get_member(object, name) : NULL;

    return node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

static char *member_text(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node != NULL && JSON_NODE_HOLDS_VALUE(node) ? g_strdup(json_node_get_string(node))
                                                       : NULL;
}

/* ---- One test ---- */

static void registers_read(JsonObject *regs, VectorState *state)
{
    for (unsigned i = 0; i < VECTOR_REGS; i++) {
        char wide[8];
        int64_t value;

        g_snprintf(wide, sizeof(wide), "e%s", reg_names[i]);
        value = member_int(regs, reg_names[i], member_int(regs, wide, -1));
        if (value >= 0) {
            state->reg[i] = (uint32_t)value;
            state->present |= 1u << i;
        }
    }
}

static void ram_read(JsonArray *ram, VectorState *state)
{
    unsigned n = ram != NULL ? json_array_get_length(ram) : 0;

    state->ram = g_new0(VectorByte, n + 1);
    for (unsigned i = 0; i < n; i++) {
        JsonNode *node = json_array_get_element(ram, i);
        JsonArray *pair = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;

        if (pair != NULL && json_array_get_length(pair) >= 2) {
            state->ram[state->n_ram++] = (VectorByte){
                (uint32_t)json_array_get_int_element(pair, 0),
                (uint8_t)json_array_get_int_element(pair, 1)
            };
        }
    }
}

static void state_read(JsonObject *object, VectorState *state)
{
    JsonObject *regs = member_object(object, "regs");

    if (regs != NULL) {
        registers_read(regs, state);
    }
    ram_read(member_array(object, "ram"), state);
}

static void test_read(JsonObject *object, VectorTest *test)
{
    JsonArray *bytes = member_array(object, "bytes");
    JsonObject *exception = member_object(object, "exception");
    unsigned n = bytes != NULL ? json_array_get_length(bytes) : 0;

    test->name = member_text(object, "name");
    test->hash = member_text(object, "hash");
    test->index = (unsigned)member_int(object, "idx", 0);
    test->n_bytes = MIN(n, sizeof(test->bytes));
    for (unsigned i = 0; i < test->n_bytes; i++) {
        test->bytes[i] = (uint8_t)json_array_get_int_element(bytes, i);
    }
    state_read(member_object(object, "initial"), &test->initial);
    state_read(member_object(object, "final"), &test->final);
    test->exception = -1;
    if (exception != NULL) {
        test->exception = (int)member_int(exception, "number", -1);
    }
}

/* ---- Files ---- */

static GString *gzip_read(const char *path, GError **error)
{
    gzFile file = gzopen(path, "rb"); /* reads plain files too */
    GString *text = g_string_new(NULL);
    char buffer[16384];
    int n = -1;

    if (file != NULL) {
        while ((n = gzread(file, buffer, sizeof(buffer))) > 0) {
            g_string_append_len(text, buffer, n);
        }
        gzclose(file);
    }
    if (n < 0) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_FILE, "%s: cannot be read", path);
        g_string_free(text, TRUE);
        return NULL;
    }
    return text;
}

static JsonParser *json_read(const char *path, GError **error)
{
    GString *text = gzip_read(path, error);
    JsonParser *parser;

    if (text == NULL) {
        return NULL;
    }
    parser = json_parser_new_immutable();
    if (!json_parser_load_from_data(parser, text->str, (gssize)text->len, error)) {
        g_prefix_error(error, "%s: ", path);
        g_clear_object(&parser);
    }
    g_string_free(text, TRUE);
    return parser;
}

/* "dir/80.3.json.gz" is form 80.3. */
static char *form_name(const char *path)
{
    char *name = g_path_get_basename(path), *suffix = strstr(name, ".json");

    if (suffix != NULL) {
        *suffix = '\0';
    }
    return name;
}

VectorFile *vector_file_read(const char *path, GError **error)
{
    g_autoptr(JsonParser) parser = json_read(path, error);
    JsonNode *root = parser != NULL ? json_parser_get_root(parser) : NULL;
    VectorFile *file;
    JsonArray *tests;

    if (parser == NULL) {
        return NULL;
    }
    if (root == NULL || !JSON_NODE_HOLDS_ARRAY(root)) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_FILE, "%s: not an array of tests", path);
        return NULL;
    }
    tests = json_node_get_array(root);
    file = g_new0(VectorFile, 1);
    file->form = form_name(path);
    file->test = g_new0(VectorTest, json_array_get_length(tests) + 1);
    for (unsigned i = 0; i < json_array_get_length(tests); i++) {
        JsonNode *node = json_array_get_element(tests, i);

        if (JSON_NODE_HOLDS_OBJECT(node)) {
            test_read(json_node_get_object(node), &file->test[file->n++]);
        }
    }
    return file;
}

void vector_file_free(VectorFile *file)
{
    for (unsigned i = 0; i < file->n; i++) {
        g_free(file->test[i].name);
        g_free(file->test[i].hash);
        g_free(file->test[i].initial.ram);
        g_free(file->test[i].final.ram);
    }
    g_free(file->test);
    g_free(file->form);
    g_free(file);
}

/* ---- Metadata ---- */

struct VectorMetadata {
    JsonParser *parser; /* NULL: there is none */
    char *revoked;      /* text of the list, or NULL */
};

VectorMetadata *vector_metadata_read(const char *directory, GError **error)
{
    g_autofree char *path = g_build_filename(directory, "metadata.json", NULL);
    g_autofree char *list = g_build_filename(directory, "revocation_list.txt", NULL);
    VectorMetadata *metadata = g_new0(VectorMetadata, 1);

    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        metadata->parser = json_read(path, error);
        if (metadata->parser == NULL) {
            g_free(metadata);
            return NULL;
        }
    }
    g_file_get_contents(list, &metadata->revoked, NULL, NULL);
    return metadata;
}

void vector_metadata_free(VectorMetadata *metadata)
{
    g_clear_object(&metadata->parser);
    g_free(metadata->revoked);
    g_free(metadata);
}

uint32_t vector_metadata_flags(const VectorMetadata *metadata, const char *form)
{
    JsonNode *root = metadata->parser != NULL ? json_parser_get_root(metadata->parser) : NULL;
    JsonObject *object = root != NULL && JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root)
                                                                      : NULL;
    g_auto(GStrv) part = g_strsplit(form, ".", 2);
    JsonObject *opcodes = member_object(object, "opcodes");
    JsonObject *entry;

    if (object == NULL) {
        return UINT32_MAX;
    }
    entry = member_object(opcodes != NULL ? opcodes : object, part[0]);
    if (entry != NULL && part[1] != NULL) {
        JsonObject *reg = member_object(member_object(entry, "reg"), part[1]);

        entry = reg != NULL ? reg : entry;
    }
    return entry != NULL ? (uint32_t)member_int(entry, "flags-mask", UINT32_MAX) : UINT32_MAX;
}

bool vector_metadata_revoked(const VectorMetadata *metadata, const VectorTest *test)
{
    return metadata->revoked != NULL && test->hash != NULL && *test->hash != '\0' &&
           strstr(metadata->revoked, test->hash) != NULL;
}

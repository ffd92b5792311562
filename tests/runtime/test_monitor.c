/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_monitor.c - the monitor's parts that need no machine: JSON in pieces, the notation of
 * members, rows that are whole, expressions, the line editor. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/machine/monitor/expression.h"
#include "runtime/machine/monitor/json_stream.h"
#include "runtime/machine/monitor/monitor_int.h"
#include "runtime/machine/monitor/readline.h"

/* ---- JSON ---- */

static void note_value(void *opaque, JsonNode *node, const char *problem)
{
    GString *text = opaque;

    if (node != NULL) {
        json_text(text, node, false);
        json_node_unref(node);
    } else {
        g_string_append_printf(text, "<%s>", problem);
    }
    g_string_append_c(text, ';');
}

typedef struct JsonRow {
    const char *name, *input, *values;
} JsonRow;

static const JsonRow json_rows[] = {
    { "one object", "{\"a\":1}", "{\"a\": 1};" },
    { "two objects on a line", "{\"a\":1}{\"b\":[2,3]}", "{\"a\": 1};{\"b\": [2, 3]};" },
    { "brackets in strings do not count", "{\"a\":\"}{\\\"\"}", "{\"a\": \"}{\\\"\"};" },
    { "single quotes are strings, too", "{'a':'it\\'s \"x\"'}", "{\"a\": \"it's \\\"x\\\"\"};" },
    { "words end with the line", "true\n12 ", "true;12;" },
    { "what is no word is said, and only that", "nonsense\n{\"a\":1}",
      "<JSON parse error, Invalid JSON syntax>;{\"a\": 1};" },
    { "a bracket too many", "}\n{}", "<JSON parse error, expecting value>;{};" },
    { "byte FF starts afresh", "{\"a\":\xff{\"b\":2}",
      "<JSON parse error, stray '\\xff'>;{\"b\": 2};" },
    { "other characters come out escaped", "[\"\xc3\xa9\xf0\x9f\x98\x80\\u00e9\"]",
      "[\"\\u00E9\\uD83D\\uDE00\\u00E9\"];" },
    { "no UTF-8 is refused", "[\"\xc3\"]\n1\n", "<JSON parse error, Invalid JSON syntax>;1;" },
    { "a control character is refused", "{\x01}\n1\n",
      "<JSON parse error, stray control character>;1;" },
};

START_TEST(json_comes_in_any_pieces)
{
    const JsonRow *row = &json_rows[_i];

    for (size_t piece = 1; piece <= 7; piece++) {
        g_autoptr(GString) text = g_string_new(NULL);
        JsonStream *stream = json_stream_new(note_value, text);
        size_t n = strlen(row->input);

        for (size_t at = 0; at < n; at += piece) {
            json_stream_feed(stream, (const uint8_t *)row->input + at, MIN(piece, n - at));
        }
        ck_assert_msg(strcmp(text->str, row->values) == 0, "%s: %s", row->name, text->str);
        json_stream_free(stream);
    }
}
END_TEST

START_TEST(json_that_has_no_end_is_refused)
{
    g_autoptr(GString) text = g_string_new(NULL);
    JsonStream *stream = json_stream_new(note_value, text);
    g_autofree char *deep = g_strnfill(2000, '[');
    g_autofree char *wide = g_strnfill(1 << 20, 'x');

    json_stream_feed(stream, (const uint8_t *)deep, 2000);
    ck_assert_str_eq(text->str, "<JSON nesting depth limit exceeded>;");
    json_stream_feed(stream, (const uint8_t *)"\n\"", 2);
    for (int i = 0; i < 5; i++) {
        json_stream_feed(stream, (const uint8_t *)wide, 1 << 20);
    }
    ck_assert_str_eq(text->str, "<JSON nesting depth limit exceeded>;"
                                "<JSON token size limit exceeded>;");
    json_stream_free(stream);
}
END_TEST

START_TEST(random_bytes_are_survived)
{
    g_autoptr(GString) text = g_string_new(NULL);
    JsonStream *stream = json_stream_new(note_value, text);
    GRand *random = g_rand_new_with_seed(20261128);
    static const char likely[] = "{}[]\"':,\\ \n09tfn-e.";

    for (int i = 0; i < 200000; i++) {
        uint8_t byte = g_rand_int_range(random, 0, 8) != 0
                           ? (uint8_t)likely[g_rand_int_range(random, 0, sizeof(likely) - 1)]
                           : (uint8_t)g_rand_int(random);

        json_stream_feed(stream, &byte, 1);
        if (text->len > 1 << 20) {
            g_string_set_size(text, 0);
        }
    }
    json_stream_reset(stream);
    g_string_set_size(text, 0);
    json_stream_feed(stream, (const uint8_t *)"{}", 2);
    ck_assert_str_eq(text->str, "{};");
    g_rand_free(random);
    json_stream_free(stream);
}
END_TEST

/* ---- Members ---- */

typedef struct MemberRow {
    const char *members, *object, *message; /* message NULL: it is good */
} MemberRow;

static const MemberRow member_rows[] = {
    { "a:str *b:int", "{\"a\":\"x\"}", NULL },
    { "a:str *b:int", "{\"a\":\"x\",\"b\":3}", NULL },
    { "a:str", "{}", "Parameter 'a' is missing" },
    { "a:str", "{\"a\":1}", "Invalid parameter type for 'a', expected: string" },
    { "a:bool", "{\"a\":\"on\"}", "Invalid parameter type for 'a', expected: boolean" },
    { "a:number", "{\"a\":1}", NULL },
    { "*a:str", "{\"b\":1}", "Parameter 'b' is unexpected" },
    { "*a:str ...", "{\"b\":1}", NULL },
    { "a:[str]", "{\"a\":[\"x\",\"y\"]}", NULL },
    { "a:[str]", "{\"a\":[\"x\",2]}", "Invalid parameter type for 'a', expected: string" },
    { "a:[str]", "{\"a\":\"x\"}", "Invalid parameter type for 'a', expected: array" },
    { "s:RunState", "{\"s\":\"running\"}", NULL },
    { "s:RunState", "{\"s\":\"flying\"}", "Parameter 's' does not accept value 'flying'" },
    { "a:str", "{\"a\":null}", "Invalid parameter type for 'a', expected: string" },
    { NULL, "{}", NULL },
    { NULL, "{\"a\":1}", "Parameter 'a' is unexpected" },
};

START_TEST(arguments_are_checked)
{
    const MemberRow *row = &member_rows[_i];
    g_autoptr(JsonNode) node = json_from_string(row->object, NULL);
    g_autoptr(GError) error = NULL;
    bool good = members_check(row->members, json_node_get_object(node), &error);

    ck_assert_msg(good == (row->message == NULL), "%s: %s", row->object,
                  error ? error->message : "no error");
    if (!good) {
        ck_assert_str_eq(error->message, row->message);
    }
}
END_TEST

/* ---- Rows ---- */

static void members_resolve(const char *where, const char *members)
{
    static const char *const builtin[] = { "str", "int",  "size",   "bool",    "number",
                                           "any", "rest", "format", "options", NULL };
    Member member;

    while (member_next(&members, &member)) {
        g_autofree char *type = g_strdup(member.type);

        if (member.open) {
            continue;
        }
        while (*type == '[') {
            memmove(type, type + 1, strlen(type));
            type[strlen(type) - 1] = '\0';
        }
        ck_assert_msg(g_strv_contains(builtin, type) || monitor_type_find(type) != NULL,
                      "%s: no type %s", where, type);
    }
}

static void row_check(const MonitorRow *row, void *opaque)
{
    GHashTable *seen = opaque;
    const char *name = row->name ? row->name : row->hmp;

    ck_assert_ptr_nonnull(name);
    ck_assert_msg(row->run != NULL, "%s has no handler", name);
    ck_assert_msg(row->name == NULL || g_hash_table_add(seen, g_strdup(row->name)), "%s twice",
                  name);
    if (row->hmp != NULL) {
        g_auto(GStrv) names = g_strsplit(row->hmp, "|", -1);

        for (char **one = names; *one != NULL; one++) {
            ck_assert_msg(g_hash_table_add(seen, g_strconcat("(qemu) ", *one, NULL)), "%s twice",
                          *one);
        }
    }
    members_resolve(name, row->args);
    members_resolve(name, row->hmp_args);
    if (row->result != NULL) {
        g_autofree char *as_member = g_strconcat("result:", row->result, NULL);

        members_resolve(name, as_member);
    }
}

START_TEST(every_row_is_whole_and_its_types_exist)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) types = g_hash_table_new(g_str_hash, g_str_equal);

    monitor_rows_each(row_check, seen);
    for (size_t t = 0; monitor_tables[t] != NULL; t++) {
        const MonitorType *type = monitor_tables[t]->types;
        const MonitorEvent *event = monitor_tables[t]->events;

        for (; type != NULL && type->name != NULL; type++) {
            ck_assert_msg(g_hash_table_add(types, (gpointer)type->name), "%s twice", type->name);
            members_resolve(type->name, type->members);
        }
        for (; event != NULL && event->name != NULL; event++) {
            ck_assert_msg(g_hash_table_add(types, (gpointer)event->name), "%s twice", event->name);
            members_resolve(event->name, event->members);
        }
    }
}
END_TEST

/* ---- Expressions ---- */

static bool seven(void *opaque, const char *name, uint64_t *value)
{
    (void)opaque;
    *value = 7;
    return strcmp(name, "seven") == 0;
}

typedef struct ExpressionRow {
    const char *text;
    bool good;
    int64_t value;
} ExpressionRow;

static const ExpressionRow expression_rows[] = {
    { "1", true, 1 },
    { "0x10+2*3", true, 22 },
    { "(1+2)*3", true, 9 },
    { "-1", true, -1 },
    { "~0 & 0xff", true, 255 },
    { "$seven % 4", true, 3 },
    { "'A' | 0x20", true, 'a' },
    { "7/2-1", true, 2 },
    { "1 ^ 3", true, 2 },
    { "010", true, 8 },
    { "1/0", false, 0 },
    { "$eight", false, 0 },
    { "", false, 0 },
    { "(1", false, 0 },
    { "99999999999999999999", false, 0 },
    { "'a", false, 0 },
};

START_TEST(expressions_are_counted_out)
{
    const ExpressionRow *row = &expression_rows[_i];
    const char *text = row->text;
    int64_t value = 0;
    bool good = expression_read(&text, seven, NULL, &value, NULL) && *text == '\0';

    ck_assert_msg(good == row->good && (!good || value == row->value), "%s: %lld", row->text,
                  (long long)value);
}
END_TEST

START_TEST(brackets_without_end_are_survived)
{
    g_autofree char *deep = g_strnfill(100000, '(');
    g_autofree char *minus = g_strnfill(100000, '-');
    const char *text = deep;
    int64_t value;

    ck_assert(!expression_read(&text, NULL, NULL, &value, NULL));
    text = minus;
    ck_assert(!expression_read(&text, NULL, NULL, &value, NULL));
}
END_TEST

/* ---- The line editor ---- */

typedef struct LineRow {
    const char *name, *keys, *line;
} LineRow;

static const LineRow line_rows[] = {
    { "letters", "info\r", "info" },
    { "a line feed ends it, too", "info\n", "info" },
    { "backspace",
      "inx\x7f"
      "fo\r",
      "info" },
    { "Ctrl-A and insert", "nfo\x01i\r", "info" },
    { "arrows", "ifo\033[D\033[Dn\r", "info" },
    { "Ctrl-U erases what is in front", "foo\x15info\r", "info" },
    { "Ctrl-K erases what is behind", "infofoo\002\002\002\013\r", "info" },
    { "Ctrl-W erases a word", "stop info foo\x17\r", "stop info " },
    { "Delete", "xinfo\033[1~\033[3~\r", "info" },
    { "Ctrl-T swaps", "inof\x14\r", "info" },
    { "history", "one\rtwo\r\033[A\033[A\r", "one" },
    { "history and back", "one\rtwo\r\033[A\033[A\033[B\r", "two" },
    { "completion of the only one", "sys\t\r", "system " },
    { "completion as far as it is common", "st\tx\r", "stax" },
    { "erasing at the ends does nothing", "\x7f\x04\x08info\r", "info" },
};

static void line_ignore(void *opaque, const char *text, size_t n)
{
    (void)opaque, (void)text, (void)n;
}

static void line_keep(void *opaque, const char *line)
{
    g_string_assign(opaque, line);
}

static GPtrArray *line_complete(void *opaque, const char *line)
{
    static const char *const words[] = { "start", "status", "system" };
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);

    (void)opaque;
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (g_str_has_prefix(words[i], line)) {
            g_ptr_array_add(list, g_strdup(words[i]));
        }
    }
    return list;
}

START_TEST(lines_are_edited)
{
    const LineRow *row = &line_rows[_i];
    g_autoptr(GString) line = g_string_new(NULL);
    const ReadlineOwner owner = { line_ignore, line_keep, line_complete, line };
    Readline *readline = readline_new("> ", &owner);

    for (const char *p = row->keys; *p != '\0'; p++) {
        readline_feed(readline, (uint8_t)*p);
    }
    ck_assert_msg(strcmp(line->str, row->line) == 0, "%s: '%s'", row->name, line->str);
    readline_free(readline);
}
END_TEST

START_TEST(random_keys_are_survived)
{
    g_autoptr(GString) line = g_string_new(NULL);
    const ReadlineOwner owner = { line_ignore, line_keep, line_complete, line };
    Readline *readline = readline_new("> ", &owner);
    GRand *random = g_rand_new_with_seed(7);

    for (int i = 0; i < 100000; i++) {
        readline_feed(readline, (uint8_t)g_rand_int_range(random, 0, i % 3 == 0 ? 256 : 40));
    }
    readline_feed(readline, '\r');
    readline_feed(readline, '\x15');
    readline_feed(readline, 'x');
    readline_feed(readline, '\r');
    ck_assert(g_str_has_suffix(line->str, "x"));
    g_rand_free(random);
    readline_free(readline);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("monitor");
    TCase *tc = tcase_create("monitor");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, json_comes_in_any_pieces, 0, G_N_ELEMENTS(json_rows));
    tcase_add_test(tc, json_that_has_no_end_is_refused);
    tcase_add_test(tc, random_bytes_are_survived);
    tcase_add_loop_test(tc, arguments_are_checked, 0, G_N_ELEMENTS(member_rows));
    tcase_add_test(tc, every_row_is_whole_and_its_types_exist);
    tcase_add_loop_test(tc, expressions_are_counted_out, 0, G_N_ELEMENTS(expression_rows));
    tcase_add_test(tc, brackets_without_end_are_survived);
    tcase_add_loop_test(tc, lines_are_edited, 0, G_N_ELEMENTS(line_rows));
    tcase_add_test(tc, random_keys_are_survived);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_option_groups.c - what query-command-line-options tells is what the command line takes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/machine/option_groups.h"
#include "runtime/machine/options.h"

/* Groups that are not called as their options. */
static const char *option_of(const char *group)
{
    static const char *const others[][2] = {
        { "memory", "m" }, { "smp-opts", "smp" }, { "boot-opts", "boot" }, { "acpi", "acpitable" }
    };

    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        if (strcmp(others[i][0], group) == 0) {
            return others[i][1];
        }
    }
    return group;
}

static void parse_one(const char *option, const char *value, GError **error)
{
    Options *options = options_new();
    g_autofree char *dashed = g_strconcat("-", option, NULL);
    char *argv[] = { "doppel", dashed, (char *)value, NULL };

    options_parse(options, 3, argv, error);
    options_free(options);
}

static void find_option(void *opaque, const char *name, const char *argument, const char *help)
{
    const char **sought = opaque;

    (void)help;
    if (*sought != NULL && strcmp(*sought, name) == 0 && argument != NULL) {
        *sought = NULL;
    }
}

START_TEST(every_group_is_an_option_with_a_value)
{
    for (const OptionGroup *group = option_groups; group->name != NULL; group++) {
        const char *sought = option_of(group->name);

        options_each(find_option, &sought);
        ck_assert_msg(sought == NULL, "there is no -%s", sought);
    }
}
END_TEST

START_TEST(every_parameter_is_known_to_its_option)
{
    for (const OptionGroup *group = option_groups; group->name != NULL; group++) {
        g_auto(GStrv) parameters = g_strsplit(group->parameters, " ", -1);

        for (char **parameter = parameters; *parameter != NULL; parameter++) {
            g_autofree char *name = g_strndup(*parameter, strcspn(*parameter, ":"));
            g_autofree char *plain = g_strconcat(name, "=1", NULL);
            g_autofree char *complaint = g_strdup_printf("unknown parameter '%s'", name);
            g_autoptr(GError) error = NULL;

            parse_one(option_of(group->name), plain, &error);
            ck_assert_msg(error == NULL || strstr(error->message, complaint) == NULL, "-%s %s: %s",
                          option_of(group->name), plain, error->message);
        }
    }
}
END_TEST

START_TEST(other_keys_are_named_in_the_refusal)
{
    g_autoptr(KeyValues) good = keyval_parse("timestamp=on,guest-name=off", NULL);
    g_autoptr(KeyValues) bad = keyval_parse("timestamp=on,guest=off", NULL);
    g_autoptr(KeyValues) part = keyval_parse("time=on", NULL);
    g_autoptr(GError) error = NULL;

    ck_assert(option_group_check("msg", good, &error));
    ck_assert(!option_group_check("msg", part, NULL));
    ck_assert(!option_group_check("msg", bad, &error));
    ck_assert_str_eq(error->message, "unknown parameter 'guest'");
    ck_assert_ptr_null(option_group_find("frob"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("option_groups");
    TCase *tc = tcase_create("groups");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, every_group_is_an_option_with_a_value);
    tcase_add_test(tc, every_parameter_is_known_to_its_option);
    tcase_add_test(tc, other_keys_are_named_in_the_refusal);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

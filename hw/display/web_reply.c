/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web_reply.c - pages: our own, noVNC's files, figures. */
#include <string.h>

#include "hw/display/web_int.h"

extern const char web_page_html[], web_page_html_end[], web_page_js[], web_page_js_end[];

enum { FILE_MAX = 4 << 20 };

static void send_reply(GOutputStream *out, unsigned status, const char *type, const void *body,
                       size_t size)
{
    g_autofree char *head = g_strdup_printf(
        "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
        "Cache-Control: no-store\r\nX-Frame-Options: DENY\r\nX-Content-Type-Options: nosniff\r\n"
        "Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n",
        status, status == 200 ? "OK" : "Error", type, size);

    if (g_output_stream_write_all(out, head, strlen(head), NULL, NULL, NULL)) {
        g_output_stream_write_all(out, body, size, NULL, NULL, NULL);
    }
}

void web_reply_status(GOutputStream *out, unsigned status, const char *words)
{
    g_autofree char *line = g_strdup_printf("%u: %s\n", status, words);

    send_reply(out, status, "text/plain", line, strlen(line));
}

static const char *type_of(const char *path)
{
    return g_str_has_suffix(path, ".js")     ? "text/javascript"
           : g_str_has_suffix(path, ".css")  ? "text/css"
           : g_str_has_suffix(path, ".html") ? "text/html"
           : g_str_has_suffix(path, ".svg")  ? "image/svg+xml"
           : g_str_has_suffix(path, ".png")  ? "image/png"
                                             : "application/octet-stream";
}

/* Names of noVNC's files have letters, digits, dots, dashes; nothing leads upwards. */
static bool path_is_plain(const char *path)
{
    for (const char *at = path; *at != '\0'; at++) {
        if (!g_ascii_isalnum(*at) && strchr("/._-", *at) == NULL) {
            return false;
        }
    }
    return strstr(path, "..") == NULL;
}

static void reply_file(Web *web, const char *path, GOutputStream *out)
{
    g_autofree char *full = g_build_filename(web->novnc, path, NULL);
    g_autofree char *text = NULL;
    gsize size;

    if (!path_is_plain(path) || !g_file_test(full, G_FILE_TEST_IS_REGULAR) ||
        !g_file_get_contents(full, &text, &size, NULL) || size > FILE_MAX) {
        web_reply_status(out, 404, "there is no such file");
    } else {
        send_reply(out, 200, type_of(path), text, size);
    }
}

static void reply_figures(Web *web, GOutputStream *out)
{
    g_autofree char *text = web->config.figures(web->config.opaque);

    send_reply(out, 200, "application/json", text, strlen(text));
}

void web_reply(Web *web, const WebRequest *request, GOutputStream *out)
{
    if (g_str_has_prefix(request->path, "/novnc/")) {
        reply_file(web, request->path + strlen("/novnc/"), out);
    } else if (strcmp(request->path, "/page.js") == 0) {
        send_reply(out, 200, "text/javascript", web_page_js,
                   (size_t)(web_page_js_end - web_page_js));
    } else if (strcmp(request->path, "/") != 0 && strcmp(request->path, "/figures") != 0) {
        web_reply_status(out, 404, "there is no such page");
    } else if (!web_request_token(request, web->token)) {
        web_reply_status(out, 403, "the token is missing or wrong; doppel has printed the URL");
    } else if (strcmp(request->path, "/") == 0) {
        send_reply(out, 200, "text/html; charset=utf-8", web_page_html,
                   (size_t)(web_page_html_end - web_page_html));
    } else {
        reply_figures(web, out);
    }
}

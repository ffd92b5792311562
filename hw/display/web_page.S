/* SPDX-License-Identifier: GPL-2.0-or-later */
/* web_page.S - the page and its script, as bytes of the program. */
    .section .rodata
    .global web_page_html, web_page_html_end, web_page_js, web_page_js_end
web_page_html:
    .incbin "hw/display/web/page.html"
web_page_html_end:
web_page_js:
    .incbin "hw/display/web/page.js"
web_page_js_end:
    .section .note.GNU-stack, "", @progbits

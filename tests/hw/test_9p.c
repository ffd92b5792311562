/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder of the host by 9P messages: what the guest sees, what the host sees, and that nothing
 * leads out. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdarg.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "hw/9p/p9.h"
#include "hw/9p/p9_int.h"
#include "hw/device_types.h"
#include "tests/hw/virtio_fixture.h"

enum { ROOT = 1, MESSAGE_MAX = 1 << 16, NOFID = -1 };

static struct {
    Bench bench;
    char *base, *folder; /* the share is base/share */
    Share *share;
    P9Server *server;
    uint8_t out[MESSAGE_MAX], in[MESSAGE_MAX];
    size_t at;     /* in `in`: the next field of the answer */
    unsigned done; /* calls that came back */
    uint32_t size; /* of the last answer */
} t;

static char *path_of(const char *name)
{
    return g_build_filename(t.folder, name, NULL);
}

static void host_write(const char *name, const char *text)
{
    g_autofree char *path = path_of(name);

    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

static void host_expect(const char *name, const char *text)
{
    g_autofree char *path = path_of(name), *found = NULL;

    ck_assert_msg(g_file_get_contents(path, &found, NULL, NULL), "%s is not there", path);
    ck_assert_str_eq(found, text);
}

static bool host_has(const char *name)
{
    g_autofree char *path = path_of(name);
    struct stat st;

    return lstat(path, &st) == 0;
}

/* ---- Messages: d, w, b, q: numbers of 4, 2, 1, 8 bytes; s: a string ---- */

static size_t pack(uint8_t type, uint16_t tag, const char *form, va_list args)
{
    size_t at = P9_HEADER;
    uint32_t size;

    for (; *form != '\0'; form++) {
        uint64_t value = 0;
        size_t width = 4;

        if (*form == 's') {
            const char *text = va_arg(args, const char *);
            const uint16_t length = (uint16_t)strlen(text);

            memcpy(t.out + at, &length, 2);
            memcpy(t.out + at + 2, text, length);
            at += 2u + length;
            continue;
        }
        value = *form == 'q' ? va_arg(args, uint64_t) : va_arg(args, uint32_t);
        width = *form == 'q' ? 8 : *form == 'd' ? 4 : *form == 'w' ? 2 : 1;
        memcpy(t.out + at, &value, width);
        at += width;
    }
    size = (uint32_t)at;
    memcpy(t.out, &size, 4);
    t.out[4] = type;
    memcpy(t.out + 5, &tag, 2);
    return at;
}

typedef struct TestCall {
    P9Call call;
    struct iovec out, in;
} TestCall;

static void call_done(P9Call *call, uint32_t written)
{
    t.done++;
    t.size = written;
    ck_assert_uint_le(written, call->in_size);
}

static void submit(TestCall *call, size_t size, size_t room)
{
    *call = (TestCall){ .out = { t.out, size }, .in = { t.in, room } };
    call->call = (P9Call){ &call->out, &call->in, 1, 1, size, room, call_done };
    p9_submit(t.server, &call->call);
}

static void wait_for(unsigned done)
{
    while (t.done < done) {
        g_main_context_iteration(NULL, TRUE);
    }
}

static uint64_t field(unsigned width)
{
    uint64_t value = 0;

    memcpy(&value, t.in + t.at, width);
    t.at += width;
    return value;
}

/* 0, or the errno of the answer; fields follow. */
static int answer(uint8_t type)
{
    t.at = 0;
    ck_assert_uint_eq(field(4), t.size);
    if (t.in[4] == P9_RLERROR) {
        t.at = P9_HEADER;
        return (int)field(4);
    }
    ck_assert_uint_eq(t.in[4], type + 1);
    t.at = P9_HEADER;
    return 0;
}

static int ask_raw(uint8_t type, size_t size)
{
    TestCall call;
    unsigned before = t.done;

    submit(&call, size, sizeof(t.in));
    wait_for(before + 1);
    return answer(type);
}

/* Any answer will do. */
static void ask_any(size_t size)
{
    TestCall call;
    unsigned before = t.done;

    submit(&call, size, sizeof(t.in));
    wait_for(before + 1);
}

static int ask(uint8_t type, const char *form, ...)
{
    va_list args;
    size_t size;

    va_start(args, form);
    size = pack(type, 7, form, args);
    va_end(args);
    return ask_raw(type, size);
}

static int walk(uint32_t fid, uint32_t to, const char *name)
{
    return ask(P9_TWALK, "ddws", fid, to, 1, name);
}

static int put(uint32_t fid, uint64_t offset, const char *text)
{
    const uint32_t count = (uint32_t)strlen(text);

    memset(t.out, 0, 32);
    memcpy(t.out + P9_HEADER, &fid, 4);
    memcpy(t.out + P9_HEADER + 4, &offset, 8);
    memcpy(t.out + P9_HEADER + 12, &count, 4);
    memcpy(t.out + P9_WRITE_HEADER, text, count);
    memcpy(t.out, &(uint32_t){ P9_WRITE_HEADER + count }, 4);
    t.out[4] = P9_TWRITE;
    return ask_raw(P9_TWRITE, P9_WRITE_HEADER + count);
}

static const char *get(uint32_t fid, uint32_t count)
{
    static char text[256];
    uint32_t size;

    ck_assert_int_eq(ask(P9_TREAD, "dqd", fid, UINT64_C(0), count), 0);
    size = (uint32_t)field(4);
    ck_assert_uint_lt(size, sizeof(text));
    memcpy(text, t.in + t.at, size);
    text[size] = '\0';
    return text;
}

typedef struct Attr {
    uint32_t mode, uid, gid;
    uint64_t links, size;
} Attr;

static Attr attr_of(uint32_t fid)
{
    Attr attr;

    ck_assert_int_eq(ask(P9_TGETATTR, "dq", fid, UINT64_C(0x7ff)), 0);
    t.at += 8 + 13;
    attr.mode = (uint32_t)field(4);
    attr.uid = (uint32_t)field(4);
    attr.gid = (uint32_t)field(4);
    attr.links = field(8);
    t.at += 8;
    attr.size = field(8);
    return attr;
}

static int set_attr(uint32_t fid, uint32_t valid, uint32_t mode, uint32_t uid, uint32_t gid,
                    uint64_t size)
{
    return ask(P9_TSETATTR,
               "ddddd"
               "qqqqq",
               fid, valid, mode, uid, gid, size, UINT64_C(1000000), UINT64_C(5), UINT64_C(2000000),
               UINT64_C(6));
}

/* ---- Fixture ---- */

static void attach(ShareOptions options)
{
    options.path = t.folder;
    t.share = share_new(&options, NULL);
    ck_assert_ptr_nonnull(t.share);
    t.server = p9_server_new(t.share, t.bench.map);
    ck_assert_int_eq(ask(P9_TVERSION, "ds", 32768, "9P2000.L"), 0);
    ck_assert_uint_eq(field(4), 32768);
    ck_assert_int_eq(ask(P9_TATTACH, "ddssd", ROOT, NOFID, "root", "", getuid()), 0);
    ck_assert_uint_eq(field(1), P9_QID_DIR);
}

static void setup(void)
{
    memset(&t, 0, sizeof(t));
    bench_open(&t.bench, 4 << 20);
    t.base = g_dir_make_tmp("doppel-9p-XXXXXX", NULL);
    t.folder = g_build_filename(t.base, "share", NULL);
    ck_assert_int_eq(g_mkdir(t.folder, 0755), 0);
    host_write("../secret", "secret");
    host_write("greeting", "hello");
}

static void detach(void)
{
    g_clear_pointer(&t.server, p9_server_free);
    g_clear_pointer(&t.share, share_free);
}

static void teardown(void)
{
    g_autofree char *command = g_strdup_printf("rm -rf '%s'", t.base);

    detach();
    ck_assert_int_eq(system(command), 0);
    bench_close(&t.bench);
    g_free(t.folder);
    g_free(t.base);
}

static const ShareOptions plain = { .security = SHARE_NONE };

/* ---- What the guest sees ---- */

START_TEST(a_file_is_read_and_written)
{
    attach(plain);
    ck_assert_int_eq(walk(ROOT, 2, "greeting"), 0);
    ck_assert_int_eq(ask(P9_TREAD, "dqd", 2, UINT64_C(0), 10), EBADF);
    ck_assert_int_eq(ask(P9_TLOPEN, "dd", 2, O_RDWR), 0);
    ck_assert_int_eq(ask(P9_TLOPEN, "dd", 2, O_RDWR), EINVAL);
    ck_assert_str_eq(get(2, 100), "hello");
    ck_assert_int_eq(put(2, 5, ", world"), 0);
    ck_assert_uint_eq(field(4), 7);
    host_expect("greeting", "hello, world");
    ck_assert_uint_eq(attr_of(2).size, 12);
    host_write("greeting", "other"); /* a new file: this one stays */
    ck_assert_int_eq(ask(P9_TFSYNC, "dd", 2, 0), 0);
    ck_assert_int_eq(ask(P9_TCLUNK, "d", 2), 0);
    ck_assert_int_eq(ask(P9_TCLUNK, "d", 2), EBADF);
}
END_TEST

/* More than is written at once: a thread does it. */
START_TEST(a_large_file_comes_back)
{
    g_autofree char *text = g_strnfill(30000, 'x');

    attach(plain);
    ck_assert_int_eq(walk(ROOT, 2, "greeting"), 0);
    ck_assert_int_eq(ask(P9_TLOPEN, "dd", 2, O_RDWR | O_TRUNC), 0);
    ck_assert_int_eq(put(2, 0, text), 0);
    ck_assert_int_eq(put(2, 30000, text), 0);
    ck_assert_uint_eq(field(4), 30000);
    ck_assert_uint_eq(attr_of(2).size, 60000);
    ck_assert_int_eq(ask(P9_TREAD, "dqd", 2, UINT64_C(59990), 4096), 0);
    ck_assert_uint_eq(field(4), 10);
    ck_assert_int_eq(ask(P9_TREAD, "dqd", 2, UINT64_C(70000), 4096), 0);
    ck_assert_uint_eq(field(4), 0);
    ck_assert_int_eq(ask(P9_TREAD, "dqd", 2, UINT64_C(0), 1 << 30), 0); /* cut to a message */
    ck_assert_uint_eq(field(4), 32768 - P9_DATA_AT);
    ck_assert_int_eq(ask(P9_TREAD, "dqd", 2, UINT64_MAX - 3, 4096), EINVAL);
    ck_assert_int_eq(put(2, UINT64_MAX - 3, "z"), EFBIG);
}
END_TEST

START_TEST(files_are_made_moved_and_removed)
{
    attach(plain);
    ck_assert_int_eq(ask(P9_TMKDIR, "dsdd", ROOT, "d", 0750, getgid()), 0);
    ck_assert_int_eq(ask(P9_TMKDIR, "dsdd", ROOT, "d", 0750, getgid()), EEXIST);
    ck_assert_int_eq(walk(ROOT, 2, "d"), 0);
    ck_assert_uint_eq(attr_of(2).mode, S_IFDIR | 0750);
    ck_assert_int_eq(ask(P9_TWALK, "ddw", 2, 3, 0), 0);
    ck_assert_int_eq(ask(P9_TLCREATE, "dsddd", 3, "f", O_WRONLY | O_CREAT, 0640, getgid()), 0);
    ck_assert_int_eq(put(3, 0, "text"), 0);
    host_expect("d/f", "text");
    ck_assert_uint_eq(attr_of(3).mode, S_IFREG | 0640);
    /* What is below a folder that moves moves with it. */
    ck_assert_int_eq(walk(2, 4, "f"), 0);
    ck_assert_int_eq(ask(P9_TRENAMEAT, "dsds", ROOT, "d", ROOT, "e"), 0);
    host_expect("e/f", "text");
    ck_assert_uint_eq(attr_of(4).size, 4);
    ck_assert_int_eq(ask(P9_TRENAME, "dds", 4, ROOT, "g"), 0);
    host_expect("g", "text");
    ck_assert_uint_eq(attr_of(4).size, 4);
    ck_assert_int_eq(ask(P9_TLINK, "dds", 2, 4, "again"), 0);
    ck_assert_uint_eq(attr_of(4).links, 2);
    ck_assert_int_eq(ask(P9_TUNLINKAT, "dsd", ROOT, "e", AT_REMOVEDIR), ENOTEMPTY);
    ck_assert_int_eq(ask(P9_TUNLINKAT, "dsd", 2, "again", 0), 0);
    ck_assert_int_eq(ask(P9_TUNLINKAT, "dsd", ROOT, "e", AT_REMOVEDIR), 0);
    ck_assert_int_eq(ask(P9_TREMOVE, "d", 4), 0);
    ck_assert(!host_has("g") && !host_has("e"));
    ck_assert_int_eq(ask(P9_TREMOVE, "d", ROOT), EBUSY);
}
END_TEST

START_TEST(a_removed_file_stays_as_long_as_it_is_used)
{
    attach(plain);
    ck_assert_int_eq(walk(ROOT, 2, "greeting"), 0);
    ck_assert_int_eq(walk(ROOT, 3, "greeting"), 0);
    ck_assert_int_eq(ask(P9_TLOPEN, "dd", 3, O_RDWR), 0);
    ck_assert_int_eq(ask(P9_TUNLINKAT, "dsd", ROOT, "greeting", 0), 0);
    ck_assert(!host_has("greeting"));
    ck_assert_uint_eq(attr_of(2).links, 0);
    ck_assert_uint_eq(attr_of(3).size, 5);
    ck_assert_int_eq(set_attr(2, 8, 0, 0, 0, 3), 0);
    ck_assert_str_eq(get(3, 100), "hel");
    host_write("greeting", "a new one");
    ck_assert_uint_eq(attr_of(2).size, 3);
    ck_assert_int_eq(walk(ROOT, 4, "greeting"), 0);
    ck_assert_uint_eq(attr_of(4).size, 9);
    /* The same by a rename over it. */
    host_write("over", "it");
    ck_assert_int_eq(ask(P9_TRENAMEAT, "dsds", ROOT, "over", ROOT, "greeting"), 0);
    ck_assert_uint_eq(attr_of(4).size, 9);
}
END_TEST

START_TEST(a_large_folder_is_listed_whole)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    uint64_t offset = 0;

    for (unsigned i = 0; i < 2000; i++) {
        g_autofree char *name = g_strdup_printf("file-%u", i);

        host_write(name, "");
    }
    attach(plain);
    ck_assert_int_eq(ask(P9_TWALK, "ddw", ROOT, 2, 0), 0);
    ck_assert_int_eq(ask(P9_TREADDIR, "dqd", 2, UINT64_C(0), 4096), EBADF);
    ck_assert_int_eq(ask(P9_TLOPEN, "dd", 2, O_RDONLY | O_DIRECTORY), 0);
    ck_assert_int_eq(ask(P9_TREADDIR, "dqd", 2, UINT64_C(0), 8), EINVAL);
    for (;;) {
        size_t end;

        ck_assert_int_eq(ask(P9_TREADDIR, "dqd", 2, offset, 5000), 0);
        end = (size_t)field(4);
        end += t.at;
        if (t.at == end) {
            break;
        }
        while (t.at < end) {
            char *name;
            uint16_t size;

            t.at += 13;
            offset = field(8);
            t.at++;
            size = (uint16_t)field(2);
            name = g_strndup((char *)t.in + t.at, size);
            t.at += size;
            ck_assert_msg(g_hash_table_add(seen, name), "%s came twice", name);
        }
        ck_assert_uint_eq(t.at, end);
    }
    ck_assert_uint_eq(g_hash_table_size(seen), 2000 + 3);
    ck_assert_int_eq(ask(P9_TREADDIR, "dqd", 2, UINT64_C(0), 5000), 0); /* from the beginning */
    ck_assert_uint_gt(field(4), 1000);
}
END_TEST

START_TEST(attributes_are_set)
{
    struct stat st;
    g_autofree char *path = path_of("greeting");

    attach(plain);
    ck_assert_int_eq(walk(ROOT, 2, "greeting"), 0);
    ck_assert_int_eq(set_attr(2, 1 | 8 | 0x10 | 0x20 | 0x80 | 0x100, 0604, 0, 0, 2), 0);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFREG | 0604);
    ck_assert_int_eq(st.st_size, 2);
    ck_assert_int_eq(st.st_atim.tv_sec, 1000000);
    ck_assert_int_eq(st.st_mtim.tv_nsec, 6);
    ck_assert_int_eq(ask(P9_TSTATFS, "d", ROOT), 0);
    field(4);
    ck_assert_uint_gt(field(4), 0);
    ck_assert_int_eq(ask(P9_TSYMLINK, "dssd", ROOT, "l", "../anything", getgid()), 0);
    ck_assert_uint_eq(field(1), P9_QID_SYMLINK);
    ck_assert_int_eq(walk(ROOT, 3, "l"), 0);
    ck_assert_int_eq(ask(P9_TREADLINK, "d", 3), 0);
    ck_assert_uint_eq(field(2), strlen("../anything"));
    ck_assert_int_eq(ask(P9_TREADLINK, "d", 2), EINVAL);
    ck_assert_int_eq(ask(P9_TLOPEN, "dd", 3, O_RDONLY), ELOOP);
}
END_TEST

START_TEST(locks_are_had)
{
    attach(plain);
    ck_assert_int_eq(walk(ROOT, 2, "greeting"), 0);
    ck_assert_int_eq(ask(P9_TLOCK, "dbdqqds", 2, 1, 0, UINT64_C(0), UINT64_C(10), 1, "me"), EBADF);
    ck_assert_int_eq(ask(P9_TLOPEN, "dd", 2, O_RDWR), 0);
    ck_assert_int_eq(ask(P9_TLOCK, "dbdqqds", 2, 1, 1, UINT64_C(0), UINT64_C(10), 1, "me"), 0);
    ck_assert_uint_eq(field(1), 0);
    ck_assert_int_eq(ask(P9_TLOCK, "dbdqqds", 2, 1, 8, UINT64_C(0), UINT64_C(10), 1, "me"), EINVAL);
    ck_assert_int_eq(ask(P9_TGETLOCK, "dbqqds", 2, 1, UINT64_C(4), UINT64_C(10), 9, "me"), 0);
    ck_assert_uint_eq(field(1), 2);
    ck_assert_uint_eq(field(8), 4);
}
END_TEST

/* ---- Extended attributes, and mapped shares ---- */

/* Does the host's file system have them? */
static bool have_xattr(void)
{
    g_autofree char *path = path_of("greeting");

    return setxattr(path, "user.doppel", "x", 1, 0) == 0 && removexattr(path, "user.doppel") == 0;
}

static int set_xattr(uint32_t fid, const char *name, const char *value, uint32_t flags)
{
    int error;

    ck_assert_int_eq(ask(P9_TWALK, "ddw", fid, 20, 0), 0);
    error = ask(P9_TXATTRCREATE, "dsqd", 20, name, (uint64_t)strlen(value), flags);
    if (error == 0 && *value != '\0') {
        ck_assert_int_eq(put(20, 0, value), 0);
    }
    return error != 0 ? error : ask(P9_TCLUNK, "d", 20);
}

START_TEST(extended_attributes_are_set_and_read)
{
    attach(plain);
    ck_assert_int_eq(walk(ROOT, 2, "greeting"), 0);
    if (have_xattr()) {
        ck_assert_int_eq(set_xattr(2, "user.colour", "green", 0), 0);
        ck_assert_int_eq(set_xattr(2, "user.colour", "red", 1), EEXIST);
        ck_assert_int_eq(ask(P9_TXATTRWALK, "dds", 2, 21, "user.colour"), 0);
        ck_assert_uint_eq(field(8), 5);
        ck_assert_str_eq(get(21, 100), "green");
        ck_assert_int_eq(put(21, 0, "x"), EINVAL);
        ck_assert_int_eq(ask(P9_TWALK, "ddw", 21, 22, 0), EINVAL);
        ck_assert_int_eq(ask(P9_TCLUNK, "d", 21), 0);
        ck_assert_int_eq(ask(P9_TXATTRWALK, "dds", 2, 21, ""), 0);
        ck_assert_str_eq(get(21, 100), "user.colour");
        ck_assert_int_eq(set_xattr(2, "user.colour", "", 0), 0);
        ck_assert_int_eq(ask(P9_TXATTRWALK, "dds", 2, 22, "user.colour"), ENODATA);
    }
    ck_assert_int_eq(ask(P9_TXATTRWALK, "dds", 2, 22, "security.selinux"), EOPNOTSUPP);
    ck_assert_int_eq(set_xattr(2, "trusted.x", "y", 0), EOPNOTSUPP);
    ck_assert_int_eq(ask(P9_TXATTRCREATE, "dsqd", 2, "user.big", UINT64_C(1) << 40, 0), E2BIG);
}
END_TEST

static void mapped_checks(void)
{
    struct stat st;
    g_autofree char *path = path_of("dev");

    ck_assert_int_eq(ask(P9_TMKNOD, "dsdddd", ROOT, "dev", S_IFCHR | 0620, 4, 64, 5), 0);
    ck_assert_int_eq(walk(ROOT, 2, "dev"), 0);
    ck_assert_uint_eq(attr_of(2).mode, S_IFCHR | 0620);
    ck_assert_uint_eq(attr_of(2).gid, 5);
    ck_assert_int_eq(lstat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
    ck_assert_int_eq(set_attr(2, 1 | 2 | 4, 04711, 1234, 5678, 0), 0);
    ck_assert_uint_eq(attr_of(2).mode, S_IFCHR | 04711);
    ck_assert_uint_eq(attr_of(2).uid, 1234);
    ck_assert_int_eq(ask(P9_TSYMLINK, "dssd", ROOT, "l", "target", 7), 0);
    ck_assert_uint_eq(field(1), P9_QID_SYMLINK);
    ck_assert_int_eq(walk(ROOT, 3, "l"), 0);
    ck_assert_int_eq(ask(P9_TREADLINK, "d", 3), 0);
    ck_assert_uint_eq(field(2), 6);
    host_expect("l", "target");
    /* What is known of a file follows it. */
    ck_assert_int_eq(ask(P9_TMKDIR, "dsdd", ROOT, "d", 0751, 9), 0);
    ck_assert_int_eq(walk(ROOT, 4, "d"), 0);
    ck_assert_int_eq(ask(P9_TRENAMEAT, "dsds", ROOT, "dev", 4, "moved"), 0);
    ck_assert_int_eq(walk(4, 5, "moved"), 0);
    ck_assert_uint_eq(attr_of(5).uid, 1234);
    ck_assert_int_eq(ask(P9_TUNLINKAT, "dsd", 4, "moved", 0), 0);
    ck_assert_int_eq(ask(P9_TUNLINKAT, "dsd", ROOT, "d", AT_REMOVEDIR), 0);
    ck_assert_int_eq(set_attr(ROOT, 2, 0, 77, 0, 0), 0);
    ck_assert_uint_eq(attr_of(ROOT).uid, 77);
}

START_TEST(owners_are_mapped_to_files)
{
    attach((ShareOptions){ .security = SHARE_MAPPED_FILE, .fmode = 0600, .dmode = 0700 });
    mapped_checks();
    ck_assert(host_has(".virtfs_metadata"));
    ck_assert_int_eq(walk(ROOT, 9, ".virtfs_metadata"), ENOENT);
    ck_assert_int_eq(ask(P9_TUNLINKAT, "dsd", ROOT, ".virtfs_metadata_root", 0), EINVAL);
}
END_TEST

START_TEST(owners_are_mapped_to_attributes)
{
    uint32_t uid = 0;
    g_autofree char *path = path_of("l");

    if (!have_xattr()) {
        return;
    }
    attach((ShareOptions){ .security = SHARE_MAPPED_XATTR, .fmode = 0600, .dmode = 0700 });
    mapped_checks();
    ck_assert_int_eq(getxattr(path, "user.virtfs.gid", &uid, 4), 4);
    ck_assert_uint_eq(GUINT32_FROM_LE(uid), 7);
    ck_assert_int_eq(ask(P9_TXATTRWALK, "dds", 3, 21, ""), 0);
    ck_assert_uint_eq(field(8), 0);
    ck_assert_int_eq(set_xattr(3, "user.virtfs.uid", "root", 0), EOPNOTSUPP);
}
END_TEST

/* ---- Nothing leads out ---- */

START_TEST(names_do_not_lead_out)
{
    static const char *const names[] = { "../secret", "/etc/passwd",    "",
                                         ".",         "d/../../secret", "greeting/" };
    g_autofree char *link = path_of("out"), *file_link = path_of("secret");

    ck_assert_int_eq(symlink("..", link), 0);
    ck_assert_int_eq(symlink("../secret", file_link), 0);
    attach(plain);
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        ck_assert_int_eq(walk(ROOT, 2, names[i]), ENOENT);
        ck_assert_int_ne(ask(P9_TMKDIR, "dsdd", ROOT, names[i], 0700, 0), 0);
        ck_assert_int_ne(ask(P9_TRENAMEAT, "dsds", ROOT, "greeting", ROOT, names[i]), 0);
        ck_assert_int_ne(ask(P9_TUNLINKAT, "dsd", ROOT, names[i], 0), 0);
        ck_assert_int_ne(ask(P9_TSYMLINK, "dssd", ROOT, names[i], "x", 0), 0);
    }
    /* ".." of the root is the root. */
    ck_assert_int_eq(ask(P9_TWALK, "ddwss", ROOT, 2, 2, "..", "greeting"), 0);
    /* Links are not followed. */
    ck_assert_int_eq(ask(P9_TWALK, "ddwss", ROOT, 3, 2, "out", "secret"), 0);
    ck_assert_uint_eq(field(2), 1);
    ck_assert_int_eq(walk(ROOT, 3, "secret"), 0);
    ck_assert_int_eq(ask(P9_TLOPEN, "dd", 3, O_RDWR), ELOOP);
    ck_assert_int_eq(set_attr(3, 8, 0, 0, 0, 0), EINVAL);
    ck_assert_int_eq(ask(P9_TWALK, "ddw", ROOT, 4, 0), 0);
    ck_assert_int_eq(ask(P9_TLCREATE, "dsddd", 4, "secret", O_RDWR | O_TRUNC, 0600, 0), ELOOP);
    host_expect("../secret", "secret");
}
END_TEST

START_TEST(a_folder_that_becomes_a_link_leads_nowhere)
{
    g_autofree char *folder = path_of("d"), *moved = path_of("moved");

    ck_assert_int_eq(g_mkdir(folder, 0700), 0);
    host_write("d/secret", "inside");
    attach(plain);
    ck_assert_int_eq(walk(ROOT, 2, "d"), 0);
    ck_assert_int_eq(walk(2, 3, "secret"), 0);
    ck_assert_int_eq(rename(folder, moved), 0);
    ck_assert_int_eq(symlink("..", folder), 0);
    ck_assert_int_ne(walk(2, 4, "secret"), 0);
    ck_assert_int_ne(ask(P9_TLOPEN, "dd", 3, O_RDWR), 0);
    ck_assert_int_ne(ask(P9_TMKDIR, "dsdd", 2, "x", 0700, 0), 0);
    ck_assert_int_ne(ask(P9_TUNLINKAT, "dsd", 2, "secret", 0), 0);
    ck_assert_int_ne(ask(P9_TREMOVE, "d", 3), 0);
    host_expect("../secret", "secret");
}
END_TEST

/* A pipe would stop us; a device would be the host's. */
START_TEST(special_files_are_not_opened)
{
    g_autofree char *pipe = path_of("pipe");

    ck_assert_int_eq(mkfifo(pipe, 0600), 0);
    attach(plain);
    ck_assert_int_eq(walk(ROOT, 2, "pipe"), 0);
    ck_assert_int_eq(ask(P9_TLOPEN, "dd", 2, O_RDONLY), ENXIO);
    ck_assert_int_eq(ask(P9_TWALK, "ddw", ROOT, 3, 0), 0);
    ck_assert_int_eq(ask(P9_TLCREATE, "dsddd", 3, "pipe", O_RDWR, 0600, 0), ENXIO);
}
END_TEST

START_TEST(a_share_that_is_read_stays_as_it_is)
{
    attach((ShareOptions){ .security = SHARE_NONE, .readonly = true });
    ck_assert_int_eq(walk(ROOT, 2, "greeting"), 0);
    ck_assert_int_eq(ask(P9_TLOPEN, "dd", 2, O_RDWR), EROFS);
    ck_assert_int_eq(ask(P9_TLOPEN, "dd", 2, O_RDONLY | O_TRUNC), EROFS);
    ck_assert_int_eq(ask(P9_TLOPEN, "dd", 2, O_RDONLY), 0);
    ck_assert_str_eq(get(2, 100), "hello");
    ck_assert_int_eq(put(2, 0, "x"), EROFS);
    ck_assert_int_eq(set_attr(2, 1, 0777, 0, 0, 0), EROFS);
    ck_assert_int_eq(ask(P9_TUNLINKAT, "dsd", ROOT, "greeting", 0), EROFS);
    ck_assert_int_eq(ask(P9_TXATTRCREATE, "dsqd", 2, "user.x", UINT64_C(1), 0), EROFS);
    host_expect("greeting", "hello");
}
END_TEST

/* ---- Rubbish ---- */

START_TEST(messages_that_are_none_get_an_error)
{
    TestCall call;

    attach(plain);
    ck_assert_int_eq(ask(200, ""), EOPNOTSUPP);
    ck_assert_int_eq(ask(P9_TAUTH, "dss", 5, "root", ""), EOPNOTSUPP);
    ck_assert_int_eq(ask(P9_TWALK, "d", ROOT), EINVAL);
    ck_assert_int_eq(ask(P9_TWALK, "ddw", ROOT, 9, 17), EINVAL);
    ck_assert_int_eq(ask(P9_TWALK, "ddw", ROOT, ROOT, 0), 0);
    ck_assert_int_eq(ask(P9_TWALK, "ddw", ROOT, NOFID, 0), EINVAL);
    ck_assert_int_eq(ask(P9_TFLUSH, "w", 77), 0);
    memset(t.out, 0xff, 64); /* longer than it is */
    ck_assert_int_eq(ask_raw(P9_TVERSION, 64), EMSGSIZE);
    memset(t.out, 0, 64); /* shorter than a header */
    ck_assert_int_eq(ask_raw(P9_TVERSION, 64), EMSGSIZE);
    /* No room for the answer. */
    ck_assert_int_eq(walk(ROOT, 2, "greeting"), 0);
    memset(t.out, 0, 19);
    t.out[0] = 19;
    t.out[4] = P9_TGETATTR;
    t.out[7] = 2;
    submit(&call, 19, 40);
    ck_assert_int_eq(answer(P9_TGETATTR), ENOBUFS);
    ck_assert_int_eq(ask(P9_TVERSION, "ds", 100, "9P2000.L"), EMSGSIZE);
    ck_assert_int_eq(walk(ROOT, 3, "greeting"), EINVAL);
    ck_assert_int_eq(ask(P9_TVERSION, "ds", 8192, "9P2000"), 0);
    field(4);
    ck_assert_uint_eq(field(2), strlen("unknown"));
    ck_assert_int_eq(ask(P9_TATTACH, "ddssd", ROOT, NOFID, "", "", 0), EINVAL);
}
END_TEST

START_TEST(a_flush_comes_behind_what_it_flushes)
{
    static TestCall call;
    unsigned before;

    attach(plain);
    ck_assert_int_eq(walk(ROOT, 2, "greeting"), 0);
    ck_assert_int_eq(ask(P9_TLOPEN, "dd", 2, O_RDWR), 0);
    before = t.done;
    memcpy(t.out, &(uint32_t){ 15 }, 4);
    t.out[4] = P9_TFSYNC;
    memcpy(t.out + 5, &(uint16_t){ 55 }, 2);
    memcpy(t.out + 7, &(uint64_t){ 2 }, 8);
    submit(&call, 15, sizeof(t.in));
    ck_assert_uint_eq(t.done, before);
    ck_assert_int_eq(ask(P9_TFLUSH, "w", 55), 0);
    ck_assert_uint_eq(t.done, before + 2);
    /* A version waits for what is under way, and a reset ends it. */
    t.out[4] = P9_TFSYNC;
    memcpy(t.out, &(uint32_t){ 15 }, 4);
    memcpy(t.out + 7, &(uint64_t){ 2 }, 8);
    submit(&call, 15, sizeof(t.in));
    p9_server_reset(t.server);
    ck_assert_uint_eq(t.done, before + 3);
    ck_assert_uint_eq(t.size, 0);
    ck_assert_int_eq(ask(P9_TVERSION, "ds", 8192, "9P2000.L"), 0);
}
END_TEST

START_TEST(open_files_are_bounded)
{
    unsigned opened = 0;
    int error = 0;

    attach(plain);
    t.server->opens_max = 10;
    for (uint32_t fid = 2; error == 0; fid++) {
        ck_assert_int_eq(walk(ROOT, fid, "greeting"), 0);
        error = ask(P9_TLOPEN, "dd", fid, O_RDONLY);
        opened += error == 0;
    }
    ck_assert_int_eq(error, EMFILE);
    ck_assert_uint_eq(opened, 10);
    ck_assert_int_eq(ask(P9_TCLUNK, "d", 2), 0);
    ck_assert_int_eq(ask(P9_TLOPEN, "dd", 12, O_RDONLY), 0);
}
END_TEST

/* One random message: of a known type mostly, with fields that are sometimes right. */
static size_t random_message(GRand *rand)
{
    static const uint8_t types[] = {
        P9_TSTATFS,   P9_TLOPEN,   P9_TLCREATE, P9_TSYMLINK,   P9_TMKNOD,       P9_TRENAME,
        P9_TREADLINK, P9_TGETATTR, P9_TSETATTR, P9_TXATTRWALK, P9_TXATTRCREATE, P9_TREADDIR,
        P9_TFSYNC,    P9_TLOCK,    P9_TGETLOCK, P9_TLINK,      P9_TMKDIR,       P9_TRENAMEAT,
        P9_TUNLINKAT, P9_TATTACH,  P9_TFLUSH,   P9_TWALK,      P9_TREAD,        P9_TWRITE,
        P9_TCLUNK,    P9_TREMOVE,
    };
    static const char *const names[] = { "a", "b", "c", "..", "greeting", "/", "user.x", "" };
    size_t size = P9_HEADER, want = P9_HEADER + (size_t)g_rand_int_range(rand, 0, 80);
    uint32_t told;

    while (size < want) {
        const char *name = names[g_rand_int_range(rand, 0, G_N_ELEMENTS(names))];
        uint32_t number = g_rand_int(rand) >> g_rand_int_range(rand, 0, 32);

        switch (g_rand_int_range(rand, 0, 5)) {
        case 0: /* a string */
            memcpy(t.out + size, &(uint16_t){ (uint16_t)strlen(name) }, 2);
            memcpy(t.out + size + 2, name, strlen(name));
            size += 2 + strlen(name);
            break;
        case 1:
            memcpy(t.out + size, &number, 4);
            size += 4;
            break;
        case 2:
            memcpy(t.out + size, &(uint16_t){ (uint16_t)g_rand_int_range(rand, 0, 4) }, 2);
            size += 2;
            break;
        default: /* a fid */
            memcpy(t.out + size, &(uint32_t){ (uint32_t)g_rand_int_range(rand, 0, 12) }, 4);
            size += 4;
            break;
        }
    }
    told = g_rand_int_range(rand, 0, 20) == 0 ? g_rand_int(rand) : (uint32_t)size;
    memcpy(t.out, &told, 4);
    t.out[4] = g_rand_int_range(rand, 0, 20) == 0
                   ? (uint8_t)g_rand_int(rand)
                   : types[g_rand_int_range(rand, 0, G_N_ELEMENTS(types))];
    return size;
}

START_TEST(random_messages_do_no_harm)
{
    static const ShareSecurity models[] = { SHARE_NONE, SHARE_MAPPED_FILE, SHARE_MAPPED_XATTR,
                                            SHARE_PASSTHROUGH };
    g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)_i);

    attach((ShareOptions){ .security = models[_i % 4],
                           .multidevs = SHARE_DEVICES_REMAP,
                           .fmode = 0600,
                           .dmode = 0700 });
    for (unsigned i = 0; i < 3000; i++) {
        ask_any(random_message(rand));
        if (i % 500 == 0) {
            ck_assert_int_eq(ask(P9_TVERSION, "ds", 16384, "9P2000.L"), 0);
            ck_assert_int_eq(ask(P9_TATTACH, "ddssd", ROOT, NOFID, "", "", 0), 0);
        }
    }
    host_expect("../secret", "secret");
}
END_TEST

/* ---- By the device ---- */

START_TEST(the_device_carries_messages)
{
    const ShareOptions options = { .path = t.folder, .security = SHARE_NONE };
    Share *share = share_new(&options, NULL);
    const DeviceSetting settings[] = { { "fsdev", NULL, share },
                                       { "mount_tag", "host", NULL },
                                       { 0 } };
    static const uint8_t version[] = { 21, 0, 0,   0,   100, 0xff, 0xff, 0,   0x10, 0,  0,
                                       8,  0, '9', 'P', '2', '0',  '0',  '0', '.',  'L' };

    v_open();
    v_plug(&virtio_9p_pci_type, settings);
    v_start(1, 1);
    ck_assert_uint_eq(v_config(0, 2), 4);
    ck_assert_uint_eq(v_config(2, 4), 0x74736f68);
    phys_map_write(v.bench.map, V_BUFFERS, version, sizeof(version));
    ck_assert_uint_eq(v_request(0,
                                (Buf[]){ { V_BUFFERS, 10, false },
                                         { V_BUFFERS + 10, 11, false },
                                         { V_BUFFERS + 0x1000, 5, true },
                                         { V_BUFFERS + 0x1005, 100, true } },
                                4),
                      21);
    ck_assert_uint_eq(g_get(V_BUFFERS + 0x1004, 1), 101);
    ck_assert_uint_eq(g_get(V_BUFFERS + 0x1007, 4), 4096);
    /* No room for an answer: not a message. */
    v_add(0, (Buf[]){ { V_BUFFERS, 21, false }, { V_BUFFERS + 0x1000, 10, true } }, 2);
    v_notify(0);
    ck_assert_uint_ne(v_status() & VIRTIO_STATUS_NEEDS_RESET, 0);
    v_fuzz(9, 6000, 1, 1);
    v_close();
    share_free(share);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("9p");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_file_is_read_and_written);
    tcase_add_test(tc, a_large_file_comes_back);
    tcase_add_test(tc, files_are_made_moved_and_removed);
    tcase_add_test(tc, a_removed_file_stays_as_long_as_it_is_used);
    tcase_add_test(tc, a_large_folder_is_listed_whole);
    tcase_add_test(tc, attributes_are_set);
    tcase_add_test(tc, locks_are_had);
    tcase_add_test(tc, extended_attributes_are_set_and_read);
    tcase_add_test(tc, owners_are_mapped_to_files);
    tcase_add_test(tc, owners_are_mapped_to_attributes);
    tcase_add_test(tc, names_do_not_lead_out);
    tcase_add_test(tc, a_folder_that_becomes_a_link_leads_nowhere);
    tcase_add_test(tc, special_files_are_not_opened);
    tcase_add_test(tc, a_share_that_is_read_stays_as_it_is);
    tcase_add_test(tc, messages_that_are_none_get_an_error);
    tcase_add_test(tc, a_flush_comes_behind_what_it_flushes);
    tcase_add_test(tc, open_files_are_bounded);
    tcase_add_loop_test(tc, random_messages_do_no_harm, 0, 8);
    tcase_add_test(tc, the_device_carries_messages);
    return suite_run(tc, "9p");
}

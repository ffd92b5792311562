/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_codec.c - compressing by zlib or zstd, decompressing by libdeflate or zstd.
 *
 * libdeflate decompresses at more than twice zlib's speed, but cannot keep to a window when it
 * compresses, and takes no stream that is longer than the cluster: zlib has the last word there. */
#include "hw/block/qcow2_codec.h"

#include <libdeflate.h>
#include <zlib.h>
#include <zstd.h>

enum { WINDOW_BITS = -12, MEMORY_LEVEL = 9 };

typedef struct Codec {
    struct libdeflate_decompressor *inflater;
    z_stream deflater;
    bool deflater_ready;
    ZSTD_DCtx *zstd_inflater;
    ZSTD_CCtx *zstd_deflater;
} Codec;

struct Qcow2Codecs {
    bool zstd;
    GMutex lock;
    GPtrArray *idle; /* of Codec */
};

Qcow2Codecs *qcow2_codecs_new(bool zstd)
{
    Qcow2Codecs *codecs = g_new0(Qcow2Codecs, 1);

    codecs->zstd = zstd;
    codecs->idle = g_ptr_array_new();
    g_mutex_init(&codecs->lock);
    return codecs;
}

static void codec_free(Codec *codec)
{
    libdeflate_free_decompressor(codec->inflater);
    if (codec->deflater_ready) {
        deflateEnd(&codec->deflater);
    }
    ZSTD_freeDCtx(codec->zstd_inflater);
    ZSTD_freeCCtx(codec->zstd_deflater);
    g_free(codec);
}

void qcow2_codecs_free(Qcow2Codecs *codecs)
{
    for (guint i = 0; i < codecs->idle->len; i++) {
        codec_free(g_ptr_array_index(codecs->idle, i));
    }
    g_ptr_array_free(codecs->idle, TRUE);
    g_mutex_clear(&codecs->lock);
    g_free(codecs);
}

static Codec *codec_take(Qcow2Codecs *codecs)
{
    Codec *codec = NULL;

    g_mutex_lock(&codecs->lock);
    if (codecs->idle->len > 0) {
        codec = g_ptr_array_steal_index_fast(codecs->idle, codecs->idle->len - 1);
    }
    g_mutex_unlock(&codecs->lock);
    return codec != NULL ? codec : g_new0(Codec, 1);
}

static void codec_give(Qcow2Codecs *codecs, Codec *codec)
{
    g_mutex_lock(&codecs->lock);
    g_ptr_array_add(codecs->idle, codec);
    g_mutex_unlock(&codecs->lock);
}

/* ---- deflate ---- */

static bool zlib_inflate(uint8_t *out, size_t size, const uint8_t *in, size_t in_size)
{
    z_stream stream = { .next_in = (uint8_t *)in,
                        .avail_in = (uInt)in_size,
                        .next_out = out,
                        .avail_out = (uInt)size };
    int result;

    if (inflateInit2(&stream, WINDOW_BITS) != Z_OK) {
        return false;
    }
    result = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    return stream.avail_out == 0 && (result == Z_STREAM_END || result == Z_BUF_ERROR);
}

static bool fast_inflate(Codec *codec, uint8_t *out, size_t size, const uint8_t *in, size_t in_size)
{
    size_t taken, made;

    if (codec->inflater == NULL) {
        codec->inflater = libdeflate_alloc_decompressor();
    }
    return (codec->inflater != NULL &&
            libdeflate_deflate_decompress_ex(codec->inflater, in, in_size, out, size, &taken,
                                             &made) == LIBDEFLATE_SUCCESS &&
            made == size) ||
           zlib_inflate(out, size, in, in_size);
}

static size_t zlib_deflate(Codec *codec, uint8_t *out, size_t room, const uint8_t *in,
                           size_t in_size)
{
    z_stream *stream = &codec->deflater;

    if (!codec->deflater_ready &&
        deflateInit2(stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        return 0;
    }
    codec->deflater_ready = true;
    stream->next_in = (uint8_t *)in;
    stream->avail_in = (uInt)in_size;
    stream->next_out = out;
    stream->avail_out = (uInt)room;
    room = deflate(stream, Z_FINISH) == Z_STREAM_END ? room - stream->avail_out : 0;
    deflateReset(stream);
    return room;
}

/* ---- zstd ---- */

static bool zstd_inflate(Codec *codec, uint8_t *out, size_t size, const uint8_t *in, size_t in_size)
{
    ZSTD_outBuffer output = { out, size, 0 };
    ZSTD_inBuffer input = { in, in_size, 0 };
    size_t result;

    if (codec->zstd_inflater == NULL) {
        codec->zstd_inflater = ZSTD_createDCtx();
    }
    if (codec->zstd_inflater == NULL ||
        ZSTD_isError(ZSTD_DCtx_reset(codec->zstd_inflater, ZSTD_reset_session_only))) {
        return false;
    }
    do {
        size_t in_before = input.pos, out_before = output.pos;

        result = ZSTD_decompressStream(codec->zstd_inflater, &output, &input);
        if (input.pos == in_before && output.pos == out_before) {
            break; /* it does not get any further */
        }
    } while (result != 0 && !ZSTD_isError(result) && output.pos < output.size);
    return output.pos == output.size;
}

static size_t zstd_deflate(Codec *codec, uint8_t *out, size_t room, const uint8_t *in,
                           size_t in_size)
{
    size_t size;

    if (codec->zstd_deflater == NULL) {
        codec->zstd_deflater = ZSTD_createCCtx();
    }
    if (codec->zstd_deflater == NULL) {
        return 0;
    }
    size = ZSTD_compressCCtx(codec->zstd_deflater, out, room, in, in_size, ZSTD_CLEVEL_DEFAULT);
    return ZSTD_isError(size) ? 0 : size;
}

/* ---- Either ---- */

bool qcow2_inflate(Qcow2Codecs *codecs, uint8_t *out, size_t size, const uint8_t *in,
                   size_t in_size)
{
    Codec *codec = codec_take(codecs);
    bool good = codecs->zstd ? zstd_inflate(codec, out, size, in, in_size)
                             : fast_inflate(codec, out, size, in, in_size);

    codec_give(codecs, codec);
    return good;
}

size_t qcow2_deflate(Qcow2Codecs *codecs, uint8_t *out, size_t room, const uint8_t *in,
                     size_t in_size)
{
    Codec *codec = codec_take(codecs);
    size_t size = codecs->zstd ? zstd_deflate(codec, out, room, in, in_size)
                               : zlib_deflate(codec, out, room, in, in_size);

    codec_give(codecs, codec);
    return size;
}

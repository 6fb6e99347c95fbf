// SPDX-License-Identifier: MIT
#include "media/picture/signature.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/text.h"
#include "media/picture/codec_formats.h"

// A new format is a row here and its decoder. The first row that fits tells.
static const struct signature signatures[] = {
    {"PNG", "\x89PNG\r\n\x1a\n", 0, 4, 8, codec_png_decode, codec_png_probe, ".png.", NULL},
    {"TIFF", "II*\0", 0, 4, 4, codec_tiff_decode, codec_tiff_probe, ".tif.tiff.", NULL},
    {"TIFF", "MM\0*", 0, 4, 4, codec_tiff_decode, codec_tiff_probe, "", NULL},
    {"TIFF", "II+\0", 0, 4, 4, codec_tiff_decode, codec_tiff_probe, "", NULL}, // BigTIFF
    {"TIFF", "MM\0+", 0, 4, 4, codec_tiff_decode, codec_tiff_probe, "", NULL},
    {"JPEG", "\xff\xd8\xff", 0, 3, 3, codec_jpeg_decode, codec_jpeg_probe, ".jpg.jpeg.jpe.jfif.", NULL},
    {"BMP", "BM????\0\0\0\0????????????????", 0, 2, 26, codec_bmp_decode, codec_bmp_probe, ".bmp.", NULL},
    {"Netpbm", "P1\n", 0, 2, 3, codec_pnm_decode, codec_pnm_probe, ".pbm.pgm.ppm.pnm.pam.", NULL},
    {"Netpbm", "P2\n", 0, 2, 3, codec_pnm_decode, codec_pnm_probe, "", NULL},
    {"Netpbm", "P3\n", 0, 2, 3, codec_pnm_decode, codec_pnm_probe, "", NULL},
    {"Netpbm", "P4\n", 0, 2, 3, codec_pnm_decode, codec_pnm_probe, "", NULL},
    {"Netpbm", "P5\n", 0, 2, 3, codec_pnm_decode, codec_pnm_probe, "", NULL},
    {"Netpbm", "P6\n", 0, 2, 3, codec_pnm_decode, codec_pnm_probe, "", NULL},
    {"Netpbm", "P7\n", 0, 2, 3, codec_pnm_decode, codec_pnm_probe, "", NULL},
    {"WebP", "WEBPVP8?", 8, 4, 8, codec_vips_decode, codec_vips_probe, ".webp.", "webpload"}, // behind "RIFF" and a size
    {"GIF", "GIF87a", 0, 6, 6, codec_vips_decode, codec_vips_probe, ".gif.", "gifload"},
    {"GIF", "GIF89a", 0, 6, 6, codec_vips_decode, codec_vips_probe, "", "gifload"},
    {"AVIF", "ftypavi?", 4, 8, 8, codec_vips_decode, codec_vips_probe, ".avif.", "heifload"},
    {"HEIC", "ftyphe??", 4, 6, 8, codec_vips_decode, codec_vips_probe, ".heic.heif.", "heifload"},
    {"HEIC", "ftypmif1", 4, 8, 8, codec_vips_decode, codec_vips_probe, "", "heifload"},
    {"HEIC", "ftypmsf1", 4, 8, 8, codec_vips_decode, codec_vips_probe, "", "heifload"},
    {"JPEG XL", "JXL \r\n\x87\n", 4, 8, 8, codec_vips_decode, codec_vips_probe, ".jxl.", "jxlload"},
    {"JPEG XL", "\xff\x0a", 0, 2, 0, codec_vips_decode, codec_vips_probe, "", "jxlload"},
    {"JPEG 2000", "jP  \r\n\x87\n", 4, 4, 8, codec_vips_decode, codec_vips_probe, ".jp2.j2k.j2c.jpc.jpf.jpx.", "jp2kload"},
    {"JPEG 2000", "\xff\x4f\xff\x51", 0, 4, 4, codec_vips_decode, codec_vips_probe, "", "jp2kload"},
    {"PFM", "PF\n", 0, 3, 3, codec_vips_decode, codec_vips_probe, ".pfm.", "ppmload"},
    {"PFM", "Pf\n", 0, 3, 3, codec_vips_decode, codec_vips_probe, "", "ppmload"},
    {"FITS", "SIMPLE  =                    T", 0, 9, 30, codec_vips_decode, codec_vips_probe, ".fits.fts.", "fitsload"},
    {"OpenEXR", "\x76\x2f\x31\x01", 0, 4, 4, codec_vips_decode, codec_vips_probe, ".exr.", "openexrload"},
    {"Radiance HDR", "#?RADIANCE\n", 0, 10, 11, codec_vips_decode, codec_vips_probe, "", "radload"},
    {"Radiance HDR", "#?RGBE\n", 0, 6, 7, codec_vips_decode, codec_vips_probe, "", "radload"},
    {"a video", "ftyp", 4, 4, 0, NULL, NULL, "", NULL},
    {"a video", "\x1a\x45\xdf\xa3", 0, 4, 0, NULL, NULL, "", NULL},
    {"a Photoshop document", "8BPS", 0, 4, 0, NULL, NULL, "", NULL},
    {"an icon", "\0\0\x01\0", 0, 4, 0, NULL, NULL, "", NULL},
    {"HDF5", "\x89HDF", 0, 4, 0, NULL, NULL, "", NULL},
    {"a NumPy array", "\x93NUMPY", 0, 6, 0, NULL, NULL, "", NULL},
    {"PDF", "%PDF-", 0, 5, 0, NULL, NULL, "", NULL},
    {"a ZIP archive", "PK\x03\x04", 0, 4, 0, NULL, NULL, "", NULL},
    {"gzip", "\x1f\x8b", 0, 2, 0, NULL, NULL, "", NULL},
    {"TGA", NULL, 0, 0, 0, codec_tga_decode, codec_tga_probe, ".tga.", NULL},
    {"a Git LFS pointer: fetch the file itself", "version https://git-lf", 0, 22, 0, NULL, NULL, "", NULL},
};
enum { SIGNATURES = sizeof signatures / sizeof signatures[0] };

// There is nothing that they all begin with, but not every header can be one.
static bool is_tga(const uint8_t *b, size_t size)
{
    enum { HEAD = 18, PALETTE = 1, GREY = 3, PACKED = 8 };
    if (size < HEAD || (b[12] | b[13]) == 0 || (b[14] | b[15]) == 0 || b[17] > 63)
        return false;
    const int kind = b[2] & ~PACKED, depth = b[16], entry = b[7];
    if (kind == PALETTE)
        return b[1] == 1 && depth == 8 && (entry == 15 || entry == 16 || entry == 24 || entry == 32);
    const bool deep = kind == GREY ? depth == 8 || depth == 16 : depth == 15 || depth == 16 || depth == 24 || depth == 32;
    return kind > PALETTE && kind <= GREY && deep && b[1] == 0 && codec_number(b + 3, 5, false) == 0;
}

static bool fits(const struct signature *s, const uint8_t *bytes, size_t size, int length)
{
    if (!s->pattern)
        return is_tga(bytes, size);
    bool same = size >= (size_t)(s->offset + length);
    for (int i = 0; i < length && same; i++)
        same = s->pattern[i] == '?' || (uint8_t)s->pattern[i] == bytes[s->offset + i];
    return same;
}

const struct signature *signature_find(const uint8_t *bytes, size_t size)
{
    for (const struct signature *s = signatures; s < signatures + SIGNATURES; s++)
        if (fits(s, bytes, size, s->enough))
            return s;
    return NULL;
}

void signature_list(char *text, size_t size)
{
#ifdef ONEIROS_VIPS
    const bool has_vips = true;
#else
    const bool has_vips = false;
#endif
    text[0] = '\0';
    for (const struct signature *s = signatures; s < signatures + SIGNATURES; s++)
        if (s->decode && (s == signatures || strcmp(s->name, s[-1].name) != 0) && (has_vips || !s->loader))
            text_append(text, size, "%s%s", text[0] ? ", " : "", s->name);
}

bool picture_has_name(const char *path)
{
    char wanted[16] = "";
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    if (dot)
        snprintf(wanted, sizeof wanted, "%s.", dot);
    for (const struct signature *s = signatures; dot && s < signatures + SIGNATURES; s++)
        if (strcasestr(s->extensions, wanted))
            return true;
    return false;
}

bool picture_has_content(const char *path)
{
    uint8_t start[SIGNATURE_BYTES_MAX] = {0};
    struct stat info;
    // O_NONBLOCK: should it have become a pipe, nobody waits for its other end.
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return false;
    const ssize_t got = fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode) ? read(descriptor, start, sizeof start) : 0;
    close(descriptor);
    for (const struct signature *s = signatures; got > 0 && s < signatures + SIGNATURES; s++) {
        assert(s->offset + s->length <= SIGNATURE_BYTES_MAX);
        if (s->length && fits(s, start, (size_t)got, s->length))
            return true;
    }
    return false;
}

// SPDX-License-Identifier: MIT
// An FFmpeg without any encoder: to be loaded before it.
#include <libavcodec/avcodec.h>

const AVCodec *avcodec_find_encoder_by_name(const char *name)
{
    (void)name;
    return NULL;
}

int av_codec_is_encoder(const AVCodec *codec)
{
    (void)codec;
    return 0;
}

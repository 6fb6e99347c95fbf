// SPDX-License-Identifier: MIT
#include "media/video/video_probe.h"

#include <libavformat/avformat.h>
#include <stdlib.h>
#include <string.h>

#include "media/video/video_source.h"

bool video_has_name(const char *path)
{
    return av_match_ext(path,
                        "mp4,m4v,mov,mkv,webm,avi,mpg,mpeg,ts,m2ts,mts,mjpg,mjpeg,ogv,flv,wmv,asf,3gp,3g2,mxf,dv,y4m,nut,vob,h264,h265,"
                        "hevc,ivf,obu");
}

bool video_has_content(const uint8_t *start, size_t size)
{
    const size_t used = size < VIDEO_PROBE_BYTES ? size : VIDEO_PROBE_BYTES;
    uint8_t *copy = calloc(1, used + AVPROBE_PADDING_SIZE);
    int score = 0;
    if (!copy)
        return false;
    memcpy(copy, start, used);
    const AVProbeData data = {.filename = "", .buf = copy, .buf_size = (int)used};
    const AVInputFormat *format = av_probe_input_format3(&data, 1, &score);
    const bool found = format && score > AVPROBE_SCORE_RETRY && video_source_takes(format->name);
    free(copy);
    return found;
}

// SPDX-License-Identifier: MIT
#include "common/config/config_schema.h"

#include <stdio.h>
#include <string.h>

#include "common/config/nearest.h"
#include "common/system/text.h"

#define AT(field) .offset = offsetof(struct config, field), .size = sizeof(((struct config *)NULL)->field)
#define WORDS(...) ((const struct config_word[]){__VA_ARGS__, {NULL, 0}})

#define DREAM "What the dream raises"
#define OCTAVES "Octaves: the scales of a picture"
#define ASCENT "The ascent"
#define GUIDANCE "Guidance: what steers the ascent besides the gradient"
#define WHY "Why it dreams: maps, importance, metrics"
#define FRAMES "Frames and videos"
#define TILES "Tiles and teams: large pictures over many ranks"
#define MACHINE "The machine"
#define PICTURES "Pictures in and out"

// clang-format off
const struct config_key config_keys[] = {
    {DREAM, "targets", CONFIG_TYPE_TARGETS, AT(targets), "mixed3:1,mixed5:1",
        .help = "Layers whose activation the dream raises, e.g. mixed4:1 or mixed4#12+45:0.5 for channels 12 and 45 only."},
    {DREAM, "objective", CONFIG_TYPE_WORD, AT(objective), "mean_square",
        .words = WORDS({"mean_square", OBJECTIVE_MEAN_SQUARE}, {"mean", OBJECTIVE_MEAN}, {"guide", OBJECTIVE_GUIDE},
            {"class", OBJECTIVE_CLASS}),
        .help = "What is raised: mean squared or mean activation of the targets, their likeness to a guide picture, or the logit of a class."},
    {DREAM, "guide", CONFIG_TYPE_TEXT, AT(guide), "none", .takes = "a picture",
        .help = "Picture (file or URL) whose features the dream takes up. objective: guide needs it."},
    {DREAM, "class", CONFIG_TYPE_INT, AT(class), "0", .least = 0, .most = 65535,
        .help = "Number of the class that objective: class raises, 0..999 for ImageNet. It needs a model file with the top."},
    {DREAM, "gradient", CONFIG_TYPE_WORD, AT(gradient), "guided",
        .words = WORDS({"guided", GRADIENT_GUIDED}, {"plain", GRADIENT_PLAIN}, {"deconv", GRADIENT_DECONV}),
        .help = "What passes backwards through a ReLU: positive gradients of active units, all of active units, or all positive ones."},
    {DREAM, "gradient_above", CONFIG_TYPE_TEXT, AT(gradient_above), "mixed2", .takes = "a layer",
        .help = "The rule of `gradient` holds in the layers behind this one, and plain gradients up to it. input: the rule holds everywhere."},

    {OCTAVES, "octaves.count", CONFIG_TYPE_INT, AT(octaves.count), "4", .least = 1, .most = 32,
        .help = "Number of scales; the dream starts on the smallest."},
    {OCTAVES, "octaves.scale", CONFIG_TYPE_REAL, AT(octaves.scale), "1.4", .low = 1.01, .high = 8,
        .help = "Size of an octave divided by the size of the one before."},
    {OCTAVES, "octaves.detail", CONFIG_TYPE_BOOL, AT(octaves.detail), "true",
        .help = "Start an octave from the sharp original plus the detail dreamed so far, not from the enlarged dream alone."},

    {ASCENT, "steps", CONFIG_TYPE_INT, AT(steps), "20", .least = 1, .most = 100000,
        .help = "Updates of each octave."},
    {ASCENT, "step_size", CONFIG_TYPE_REAL, AT(step_size), "0.01", .low = 1e-6, .high = 1e9,
        .help = "How far one update goes: this times the normalised gradient, in pictures of -1..1."},
    {ASCENT, "step_decay", CONFIG_TYPE_REAL, AT(step_decay), "1", .low = 0.01, .high = 1,
        .help = "Update k of an octave goes step_size * step_decay^k far."},
    {ASCENT, "jitter", CONFIG_TYPE_INT, AT(jitter), "32", .least = 0, .most = 4096,
        .help = "Largest random shift of the picture before an update, in pixels; it hides the network's grid."},
    {ASCENT, "normalize", CONFIG_TYPE_WORD, AT(normalize), "std",
        .words = WORDS({"std", NORMALIZE_STD}, {"rms", NORMALIZE_RMS}, {"mean_abs", NORMALIZE_MEAN_ABS}, {"l2", NORMALIZE_L2},
            {"none", NORMALIZE_NONE}),
        .help = "What the gradient is divided by, taken over the whole octave."},
    {ASCENT, "total_variation", CONFIG_TYPE_REAL, AT(total_variation), "0", .low = 0, .high = 1e6,
        .help = "Weight of the term that holds neighbouring pixels together; 0 leaves it out."},
    {ASCENT, "smooth", CONFIG_TYPE_REAL, AT(smooth), "0.5", .low = 0, .high = 64,
        .help = "Blur of the gradient before it is normalised: sigma of a Gaussian in pixels; 0 leaves it out."},
    {ASCENT, "seed", CONFIG_TYPE_UINT64, AT(seed), "0", .least = 0, .most = UINT64_MAX,
        .help = "Start of all random numbers. The same seed gives the same pictures, on any number of ranks."},
    {ASCENT, "network_input", CONFIG_TYPE_WORD, AT(network_input), "signed",
        .words = WORDS({"signed", NETWORK_INPUT_SIGNED}, {"unit", NETWORK_INPUT_UNIT}),
        .help = "What a picture is to the network: -1..1, as it was trained, or 0..1."},

    {GUIDANCE, "guidance.every", CONFIG_TYPE_INT, AT(guidance.every), "1", .least = 1, .most = 100000,
        .help = "Steps from one look at saliency, CAM and importance to the next."},
    {GUIDANCE, "guidance.saliency", CONFIG_TYPE_REAL, AT(guidance.saliency), "0", .low = 0, .high = 1,
        .help = "Strength of the saliency as a mask on the gradient: it dreams where the picture matters. 0: none, 1: only there."},
    {GUIDANCE, "guidance.cam", CONFIG_TYPE_REAL, AT(guidance.cam), "0", .low = 0, .high = 1,
        .help = "Strength of the class activation map as a mask on the gradient."},
    {GUIDANCE, "guidance.importance", CONFIG_TYPE_REAL, AT(guidance.importance), "0", .low = 0, .high = 1,
        .help = "How far the weights of channels in the objective follow their activation times gradient. It costs a pass at each look."},
    {GUIDANCE, "guidance.add_magnitude", CONFIG_TYPE_REAL, AT(guidance.add_magnitude), "0", .low = 0, .high = 1000,
        .help = "Weight of the gradient's magnitude as a term added to the gradient; both have unit l2 norm first."},
    {GUIDANCE, "guidance.add_saliency", CONFIG_TYPE_REAL, AT(guidance.add_saliency), "0", .low = 0, .high = 1000,
        .help = "Weight of the saliency as an added term."},
    {GUIDANCE, "guidance.add_cam", CONFIG_TYPE_REAL, AT(guidance.add_cam), "0", .low = 0, .high = 1000,
        .help = "Weight of the gradient times the class activation map as an added term."},

    {WHY, "cam.method", CONFIG_TYPE_WORD, AT(cam.method), "gradcam",
        .words = WORDS({"gradcam", CAM_GRAD}, {"gradcam++", CAM_GRAD_PLUS_PLUS}, {"layercam", CAM_LAYER}, {"class", CAM_CLASS}),
        .help = "Class activation map of frames and guidance. class: CAM proper, which needs objective: class."},
    {WHY, "cam.layer", CONFIG_TYPE_TEXT, AT(cam.layer), "auto", .takes = "a target",
        .help = "Target whose map it is. auto: the deepest."},
    {WHY, "importance.method", CONFIG_TYPE_WORD, AT(importance.method), "gradient_activation",
        .words = WORDS({"gradient_activation", IMPORTANCE_GRADIENT_ACTIVATION}, {"expected_gradients", IMPORTANCE_EXPECTED_GRADIENTS}),
        .help = "Importance of channels in run.h5: activation times gradient, or the gradient averaged on the way from baselines."},
    {WHY, "importance.samples", CONFIG_TYPE_INT, AT(importance.samples), "50", .least = 0, .most = 100000,
        .help = "Points on the way from the baselines to the picture that expected gradients are averaged over; 0: none."},
    {WHY, "importance.baselines", CONFIG_TYPE_TEXT, AT(importance.baselines), "black,blurred", .takes = "words with commas",
        .help = "Baselines of expected gradients: black, blurred, and images, other pictures of the run."},
    {WHY, "saliency.samples", CONFIG_TYPE_INT, AT(saliency.samples), "25", .least = 0, .most = 100000,
        .help = "Noisy copies of the picture whose saliency SmoothGrad averages, in `oneiros explain`; 0: none."},
    {WHY, "saliency.noise", CONFIG_TYPE_REAL, AT(saliency.noise), "0.3", .low = 0, .high = 2,
        .help = "Sigma of that noise, in pictures of -1..1."},
    {WHY, "metrics.threshold", CONFIG_TYPE_REAL, AT(metrics.threshold), "0.1", .low = 0, .high = 1e6,
        .help = "Activations above it count as active in the sparsity."},

    {FRAMES, "frames.every", CONFIG_TYPE_INT, AT(frames.every), "2", .least = 1, .most = 100000,
        .help = "Steps from one frame of the videos to the next."},
    {FRAMES, "frames.cam", CONFIG_TYPE_BOOL, AT(frames.cam), "true",
        .help = "Make cam.mp4, how the class activation map evolves, and cam.png."},
    {FRAMES, "frames.dream", CONFIG_TYPE_BOOL, AT(frames.dream), "true",
        .help = "Make dream.mp4, how the dream grows."},
    {FRAMES, "frames.png", CONFIG_TYPE_BOOL, AT(frames.png), "false",
        .help = "Keep the frames as PNG, too: cam/0000.png, dream/0000.png."},
    {FRAMES, "video.rate", CONFIG_TYPE_REAL, AT(video.rate), "12", .low = 0.1, .high = 240,
        .help = "Frames a second."},
    {FRAMES, "video.hold", CONFIG_TYPE_REAL, AT(video.hold), "1.5", .low = 0, .high = 60,
        .help = "Seconds that the last frame stays."},
    {FRAMES, "video.max_side", CONFIG_TYPE_INT, AT(video.max_side), "1920", .least = 64, .most = 8192,
        .help = "Longest side of a video, in pixels; larger pictures are shown smaller."},
    {FRAMES, "video.quality", CONFIG_TYPE_INT, AT(video.quality), "20", .least = 1, .most = 51,
        .help = "Quality of H.264, its CRF: at 18 one sees no loss, 51 is the smallest."},
    {FRAMES, "video.encoder", CONFIG_TYPE_TEXT, AT(video.encoder), "auto", .takes = "an encoder of FFmpeg",
        .help = "H.264 encoder. auto: the best that the FFmpeg library offers."},
    {FRAMES, "video.colormap", CONFIG_TYPE_WORD, AT(video.colormap), "turbo",
        .words = WORDS({"turbo", COLORMAP_TURBO}, {"viridis", COLORMAP_VIRIDIS}, {"jet", COLORMAP_JET}),
        .help = "Colours of class activation maps."},
    {FRAMES, "video.steadiness", CONFIG_TYPE_REAL, AT(video.steadiness), "0.7", .low = 0, .high = 0.99,
        .help = "How much of the map shown before stays in the next frame of cam.mp4, so that jitter does not make it flicker. 0: nothing."},
    {FRAMES, "video.opacity", CONFIG_TYPE_REAL, AT(video.opacity), "0.7", .low = 0, .high = 1,
        .help = "How much of the picture a class activation map covers at most."},

    {TILES, "tile.size", CONFIG_TYPE_INT, AT(tile.size), "auto", .least = 75, .most = 65536, .words = WORDS({"auto", 0}),
        .help = "Longest side of what the network sees at once, in pixels; larger octaves are cut into tiles. auto: 2048 or what memory allows."},
    {TILES, "tile.halo", CONFIG_TYPE_INT, AT(tile.halo), "auto", .least = 0, .most = 4096,
        .words = WORDS({"auto", TILE_HALO_AUTO}, {"exact", TILE_HALO_EXACT}),
        .help = "Pixels around a tile that the network reads so that the tile's gradient is right. exact: all that its targets see."},
    {TILES, "tile.blend", CONFIG_TYPE_INT, AT(tile.blend), "32", .least = 0, .most = 1024,
        .help = "How far neighbouring tiles' gradients cross-fade, in pixels to both sides of their border."},
    {TILES, "team.size", CONFIG_TYPE_INT, AT(team.size), "auto", .least = 1, .most = 1000000, .words = WORDS({"auto", 0}),
        .neutral = true, .help = "Ranks that share one picture. auto: so many that the whole set is done soonest. The dreams are the same for any number."},

    {MACHINE, "io", CONFIG_TYPE_WORD, AT(io), "auto",
        .words = WORDS({"auto", IO_AUTO}, {"coordinator", IO_COORDINATOR}, {"workers", IO_WORKERS}), .neutral = true,
        .help = "Who reads pictures and writes dreams: rank 0, or each worker its own. auto: the workers where they are many and pictures more."},
    {MACHINE, "threads", CONFIG_TYPE_INT, AT(threads), "auto", .least = 1, .most = 1024, .words = WORDS({"auto", 0}),
        .neutral = true, .help = "Threads of each worker rank. auto: what the job gives a rank."},
    {MACHINE, "precision", CONFIG_TYPE_WORD, AT(precision), "auto",
        .words = WORDS({"auto", PRECISION_AUTO}, {"f32", PRECISION_F32}, {"bf16", PRECISION_BF16}),
        .neutral = true, .help = "Of activations and gradients; sums and the picture are float32 always. auto: bf16 where the processor multiplies it natively."},
    {MACHINE, "plan", CONFIG_TYPE_TEXT, AT(plan), "auto", .takes = "auto, off or a file",
        .neutral = true, .help = "How convolutions run. auto: what is fastest here, timed once and kept in the cache; off: a fixed choice; or an earlier plan."},
    {MACHINE, "checkpoint.seconds", CONFIG_TYPE_REAL, AT(checkpoint.seconds), "300", .low = 0, .high = 1e6,
        .neutral = true, .help = "How often the state of a dream is saved, so that a run that was killed can go on. 0: only when the run is stopped."},
    {MACHINE, "watchdog.seconds", CONFIG_TYPE_REAL, AT(watchdog.seconds), "60", .low = 0, .high = 1e6,
        .neutral = true, .help = "A rank whose process or machine gives no sign of life for so long ends the job, by name. 0: wait for ever."},
    {MACHINE, "memory.limit", CONFIG_TYPE_BYTES, AT(memory.limit), "auto", .least = UINT64_C(64) << 20, .most = UINT64_C(1) << 50,
        .words = WORDS({"auto", 0}),
        .neutral = true, .help = "Memory that a rank may use for one picture, such as 1500M or 2GiB. auto: its share of the node."},
    {MACHINE, "model.path", CONFIG_TYPE_TEXT, AT(model.path), "auto", .takes = "a path",
        .neutral = true, .help = "File with the trained weights (Keras HDF5). auto: the one that `oneiros model fetch` keeps in the user's cache."},

    {PICTURES, "output.format", CONFIG_TYPE_WORD, AT(output.format), "auto",
        .words = WORDS({"auto", OUTPUT_AUTO}, {"png", OUTPUT_PNG}, {"tiff", OUTPUT_TIFF}, {"jpeg", OUTPUT_JPEG}),
        .help = "Format of the dreams. auto: TIFF where the input is TIFF, otherwise PNG. jpeg has 8 bits and no alpha."},
    {PICTURES, "output.quality", CONFIG_TYPE_INT, AT(output.quality), "95", .least = 1, .most = 100,
        .help = "Quality of dreams in JPEG: 100 is the best and the largest."},
    {PICTURES, "input.resize", CONFIG_TYPE_INT, AT(input.resize), "none", .least = 75, .most = 65535, .words = WORDS({"none", 0}),
        .help = "Shorter side, in pixels, that inputs are brought to before anything else. none: they stay as they are."},
    {PICTURES, "input.max_side", CONFIG_TYPE_INT, AT(input.max_side), "65535", .least = 1, .most = 1000000,
        .neutral = true, .help = "Pixels along one side; larger pictures are refused before they are decoded."},
    {PICTURES, "input.max_pixels", CONFIG_TYPE_COUNT, AT(input.max_pixels), "400M", .least = 1, .most = UINT64_C(1000000000000),
        .neutral = true, .help = "Width times height; larger pictures are refused before they are decoded."},
    {PICTURES, "input.max_bytes", CONFIG_TYPE_BYTES, AT(input.max_bytes), "4GiB", .least = 1, .most = UINT64_C(1) << 40,
        .neutral = true, .help = "Size of a file or a download; larger ones are refused."},
    {PICTURES, "fetch.parallel", CONFIG_TYPE_INT, AT(fetch.parallel), "8", .least = 1, .most = 256,
        .neutral = true, .help = "Downloads at once. One whose server is silent for two seconds does not count, until there are four times as many in all."},
    {PICTURES, "fetch.connect_seconds", CONFIG_TYPE_REAL, AT(fetch.connect_seconds), "10", .low = 0.1, .high = 3600,
        .neutral = true, .help = "Time to find a server and connect to it."},
    {PICTURES, "fetch.stall_seconds", CONFIG_TYPE_REAL, AT(fetch.stall_seconds), "30", .low = 1, .high = 3600,
        .neutral = true, .help = "A download that stays below 1000 bytes a second for so long is given up, or tried again."},
    {PICTURES, "fetch.total_seconds", CONFIG_TYPE_REAL, AT(fetch.total_seconds), "3600", .low = 1, .high = 1e6,
        .neutral = true, .help = "Time that one attempt at a download may take in all."},
    {PICTURES, "fetch.attempts", CONFIG_TYPE_INT, AT(fetch.attempts), "4", .least = 1, .most = 100,
        .neutral = true, .help = "How often a download is tried when the server is busy, breaks off or stalls, with growing pauses in between."},
};
// clang-format on

const int config_key_count = sizeof config_keys / sizeof config_keys[0];
_Static_assert(sizeof config_keys / sizeof config_keys[0] <= CONFIG_KEYS_MAX, "raise CONFIG_KEYS_MAX");

const struct config_key *config_find(const char *name)
{
    for (int i = 0; i < config_key_count; i++)
        if (strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    return NULL;
}

static bool is_in_group(const struct config_key *key, const char *group)
{
    const size_t length = strlen(group);
    return strncmp(key->name, group, length) == 0 && key->name[length] == '.';
}

const struct config_key *config_find_group(const char *name)
{
    for (int i = 0; i < config_key_count; i++)
        if (is_in_group(&config_keys[i], name))
            return &config_keys[i];
    return NULL;
}

// "octaves: name one of its keys: octaves.count, ..."
static enum status fail_group(const char *name)
{
    char list[512] = "";
    for (int i = 0; i < config_key_count; i++)
        if (is_in_group(&config_keys[i], name))
            text_append(list, sizeof list, "%s%s", list[0] ? ", " : "", config_keys[i].name);
    return fail(STATUS_USAGE, "%s holds several keys and has no value of its own: name one of %s", name, list);
}

enum status config_unknown_key(const char *name)
{
    if (config_find_group(name))
        return fail_group(name);
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (int i = 0; i < config_key_count; i++) {
        const char *key = config_keys[i].name;
        nearest_offer(&nearest, key);
        // What is typed may also be meant for the group alone (a heading in a file), or for the last part alone.
        for (const char *dot = strchr(key, '.'); dot; dot = strchr(dot + 1, '.')) {
            char group[CONFIG_KEY_MAX];
            snprintf(group, sizeof group, "%.*s", (int)(dot - key), key);
            nearest_offer(&nearest, group);
        }
        const char *last = strrchr(key, '.');
        if (last)
            nearest_offer_as(&nearest, last + 1, key);
    }
    char shown[TEXT_EXCERPT_MAX], hint[NEAREST_HINT_MAX];
    return fail(STATUS_USAGE, "unknown key %s%s", text_excerpt(name, shown),
                nearest_hint(&nearest, "; `oneiros dream --help` lists the keys", hint));
}

// SPDX-License-Identifier: MIT
#include "common/config/config_schema.h"

#include <stdio.h>
#include <string.h>

#include "common/config/nearest.h"
#include "common/system/text.h"

// Rows: the field, which names the key; how its default is typed; of numbers the least and the most; the help; what else there is.
#define KEY(section, field, type, initial, text, ...)                                                                                      \
    {                                                                                                                                      \
        section, #field, CONFIG_TYPE_##type, offsetof(struct config, field), sizeof(((struct config *)NULL)->field), initial,              \
            .help = text, ##__VA_ARGS__                                                                                                    \
    }
#define INT(section, field, initial, from, to, text, ...) KEY(section, field, INT, initial, text, .least = from, .most = to, ##__VA_ARGS__)
#define REAL(section, field, initial, from, to, text, ...) KEY(section, field, REAL, initial, text, .low = from, .high = to, ##__VA_ARGS__)
#define WORDS(...) ((const struct config_word[]){__VA_ARGS__, {NULL, 0}})

enum { ASCENT_USES = CONFIG_DREAM | CONFIG_ATLAS };

#define DREAM "What the dream raises"
#define OCTAVES "Octaves: the scales of a picture"
#define ASCENT "The ascent"
#define GUIDANCE "Guidance: what steers the ascent besides the gradient"
#define WHY "Why it dreams: maps, importance, metrics"
#define FRAMES "Frames and videos"
#define MOTION "Videos as inputs, and zooms"
#define TILES "Tiles and teams: large pictures over many ranks"
#define MACHINE "The machine"
#define PICTURES "Pictures in and out"

// clang-format off
const struct config_key config_keys[] = {
    KEY(DREAM, targets, TARGETS, "mixed3:0.5,mixed6:1",
        "Layers to raise. mixed4#12-45: 12 raised, 45 lowered; #auto8: 8 that suit; mixed6%0..0.5,mixed3%0.5..1: each octave needs one.",
        .takes = "LAYER[#[-]CHANNEL[+|-CHANNEL]...|#auto[N]][@X/Y][%FROM..TO][:WEIGHT],..."),
    KEY(DREAM, objective, WORD, "mean_square",
        "What is raised: mean squared or mean activation of the targets, their likeness to a guide picture, or the logit of a class.",
        .words = WORDS({"mean_square", OBJECTIVE_MEAN_SQUARE}, {"mean", OBJECTIVE_MEAN}, {"guide", OBJECTIVE_GUIDE},
            {"class", OBJECTIVE_CLASS})),
    REAL(DREAM, balance, "auto", 0, 1,
        "How far channels that answer to any picture are held back; 1: all count alike. auto: 0.4 in dreams, where that was measured.",
        .words = WORDS({"auto", BALANCE_AUTO})),
    REAL(DREAM, saturation, "1", 0.001, 1000,
        "Activation from which on a feature pulls no harder, so that weaker ones come up too: the smaller, the more. For mean_square.",
        .only = ASCENT_USES, .words = WORDS({"none", SATURATION_NONE})),
    KEY(DREAM, guide, TEXT, "none",
        "Picture (file or URL) whose features the dream takes up. objective: guide needs it.", .takes = "a picture"),
    KEY(DREAM, class, TEXT, "0",
        "Class that objective: class raises: its number, or a name that the model file knows. It needs a model file with the top.",
        .takes = "a number or name"),
    KEY(DREAM, mask, TEXT, "none",
        "Picture (file or URL) that says where to dream: white all, black nothing, grey less. It is stretched to every picture.",
        .takes = "a picture", .only = CONFIG_DREAM),
    REAL(DREAM, mask_feather, "0.05", 0, 1,
        "Over how much of its shorter side the mask fades in next to its black, which stays black; 0: as it is drawn.", .only = CONFIG_DREAM),
    KEY(DREAM, gradient, WORD, "guided",
        "What passes backwards through a ReLU: positive gradients of active units, all of active units, or all positive ones.",
        .words = WORDS({"guided", GRADIENT_GUIDED}, {"plain", GRADIENT_PLAIN}, {"deconv", GRADIENT_DECONV})),
    KEY(DREAM, gradient_above, TEXT, "mixed2",
        "The rule of `gradient` holds in the layers behind this one, and plain gradients up to it. input: the rule holds everywhere.",
        .takes = "a layer"),
    REAL(DREAM, gradient_strength, "0.05", 0, 1, "How strongly the rule guided holds: 1 as published, 0 is plain. The more, the more alike are dreams of different targets.", .only = ASCENT_USES),

    INT(OCTAVES, octaves.count, "auto", 1, 32,
        "Number of scales; the dream starts on the smallest. auto: as many as octaves.smallest allows, more for larger pictures.",
        .words = WORDS({"auto", GEOMETRY_OCTAVES_AUTO}), .only = ASCENT_USES),
    INT(OCTAVES, octaves.smallest, "128", GEOMETRY_MIN_SIDE, 65535,
        "Least shorter side of the smallest octave, in pixels, where octaves.count is auto: motifs then span up to a third of a picture.",
        .only = ASCENT_USES),
    REAL(OCTAVES, octaves.scale, "1.4", 1.01, 8, "Size of an octave divided by the size of the one before.", .only = ASCENT_USES),
    KEY(OCTAVES, octaves.detail, BOOL, "true",
        "Start an octave from the sharp original plus the detail dreamed so far, not from the enlarged dream alone.", .only = ASCENT_USES),

    INT(ASCENT, steps, "20", 1, 100000, "Updates of each octave.", .only = ASCENT_USES),
    REAL(ASCENT, step_size, "0.008", 1e-6, 1e9, "How far one update goes: this times the normalised gradient, in pictures of -1..1.", .only = ASCENT_USES),
    REAL(ASCENT, step_decay, "1", 0.01, 1, "Update k of an octave goes step_size * step_decay^k far.", .only = ASCENT_USES),
    INT(ASCENT, jitter, "32", 0, 4096, "Largest random shift of the picture before an update, in pixels; it hides the network's grid.", .only = ASCENT_USES),
    KEY(ASCENT, normalize, WORD, "std", "What the gradient is divided by, taken over the whole octave.",
        .words = WORDS({"std", NORMALIZE_STD}, {"rms", NORMALIZE_RMS}, {"mean_abs", NORMALIZE_MEAN_ABS}, {"l2", NORMALIZE_L2},
            {"none", NORMALIZE_NONE}), .only = ASCENT_USES),
    REAL(ASCENT, total_variation, "0", 0, 1e6, "Weight of the term that holds neighbouring pixels together; 0 leaves it out.", .only = ASCENT_USES),
    REAL(ASCENT, smooth, "0.8", 0, 64, "Blur of the gradient before it is normalised: sigma of a Gaussian in pixels; 0 leaves it out.", .only = ASCENT_USES),
    INT(ASCENT, shape.pyramid, "4", 0, 5,
        "Bands of spatial frequency of the gradient that are brought to one strength (Laplacian pyramid); 0 and 1 leave it as it is.",
        .only = ASCENT_USES),
    REAL(ASCENT, shape.coarse, "-0.5", -2, 2, "Strength of each band is 2^coarse times that of the next finer one.", .only = ASCENT_USES),
    REAL(ASCENT, shape.colour, "0.7", 0, 1,
        "How far the gradient's colours follow those of natural pictures, which differ mostly in lightness.", .only = ASCENT_USES),
    KEY(ASCENT, colours, WORD, "dream", "Whose colours the picture has: the dream's, or the photograph's, of which the dream changes the lightness alone.",
        .words = WORDS({"dream", COLOURS_DREAM}, {"original", COLOURS_ORIGINAL}), .only = ASCENT_USES),
    KEY(ASCENT, clip, WORD, "colour",
        "What becomes of values beyond black and white: the colour is made paler until it fits, or each channel is cut by itself.",
        .words = WORDS({"colour", CLIP_COLOUR}, {"channels", CLIP_CHANNELS}), .only = ASCENT_USES),
    KEY(ASCENT, seed, UINT64, "0",
        "Start of all random numbers. The same seed gives the same pictures, on any number of ranks.", .most = UINT64_MAX),
    KEY(ASCENT, network_input, WORD, "signed", "What a picture is to the network: -1..1, as it was trained, or 0..1.",
        .words = WORDS({"signed", NETWORK_INPUT_SIGNED}, {"unit", NETWORK_INPUT_UNIT})),

    INT(GUIDANCE, guidance.every, "1", 1, 100000, "Steps from one look at saliency, CAM and importance to the next.", .only = CONFIG_DREAM),
    REAL(GUIDANCE, guidance.saliency, "0", 0, 1,
        "Strength of the saliency as a mask on the gradient: it dreams where the picture matters. 0: none, 1: only there.", .only = CONFIG_DREAM),
    REAL(GUIDANCE, guidance.cam, "0", 0, 1, "Strength of the class activation map as a mask on the gradient.", .only = CONFIG_DREAM),
    REAL(GUIDANCE, guidance.importance, "0", 0, 1,
        "How far the weights of channels in the objective follow their activation times gradient. It costs a pass at each look.", .only = CONFIG_DREAM),
    REAL(GUIDANCE, guidance.add_magnitude, "0", 0, 1000,
        "Weight of the gradient's magnitude as a term added to the gradient; both have unit l2 norm first.", .only = CONFIG_DREAM),
    REAL(GUIDANCE, guidance.add_saliency, "0", 0, 1000, "Weight of the saliency as an added term.", .only = CONFIG_DREAM),
    REAL(GUIDANCE, guidance.add_cam, "0", 0, 1000, "Weight of the gradient times the class activation map as an added term.", .only = CONFIG_DREAM),

    KEY(WHY, cam.method, WORD, "gradcam", "Class activation map of frames and guidance, and over a set. class: CAM proper, which needs objective: class.",
        .words = WORDS({"gradcam", CAM_GRAD}, {"gradcam++", CAM_GRAD_PLUS_PLUS}, {"layercam", CAM_LAYER}, {"hirescam", CAM_HIRES}, {"class", CAM_CLASS})),
    KEY(WHY, cam.layer, TEXT, "auto", "Target whose map it is. auto: the deepest.", .takes = "a target"),
    KEY(WHY, importance.method, WORD, "gradient_activation",
        "Importance of channels in run.h5: activation times gradient, or the gradient averaged on the way from baselines.",
        .words = WORDS({"gradient_activation", IMPORTANCE_GRADIENT_ACTIVATION}, {"expected_gradients", IMPORTANCE_EXPECTED_GRADIENTS}), .only = CONFIG_DREAM),
    INT(WHY, importance.samples, "50", 0, 100000,
        "Points on the way from the baselines to the picture that expected gradients are averaged over; 0: none."),
    KEY(WHY, importance.baselines, TEXT, "black,blurred",
        "Baselines of expected gradients: black, blurred, and images, other pictures of the run.", .takes = "words with commas"),
    INT(WHY, saliency.samples, "25", 0, 100000,
        "Noisy copies of the picture whose saliency SmoothGrad averages, in `oneiros explain`; 0: none.", .only = CONFIG_EXPLAIN),
    REAL(WHY, saliency.noise, "0.3", 0, 2, "Sigma of that noise, in pictures of -1..1.", .only = CONFIG_EXPLAIN),
    INT(WHY, faithfulness.steps, "0", 0, 1000,
        "Steps in which each map's cells are taken from the picture, to see whether it can be believed; 16 is usual, 0: none.", .only = CONFIG_EXPLAIN),
    REAL(WHY, metrics.threshold, "0.1", 0, 1e6, "Activations above it count as active in the sparsity."),

    INT(WHY, atlas.size, "256", 75, 4096, "Pixels, each way, of the dream of one channel: channel:mixed4#12.", .only = ASCENT_USES),
    INT(WHY, atlas.exemplars, "9", 0, 100, "Places of the pictures that excite each channel most, in `oneiros atlas`.", .only = CONFIG_ATLAS),

    INT(FRAMES, frames.every, "2", 1, 100000, "Steps from one frame of the videos to the next.", .only = CONFIG_DREAM),
    KEY(FRAMES, frames.cam, BOOL, "true", "Make cam.mp4, how the class activation map evolves, and cam.png.", .only = CONFIG_DREAM),
    KEY(FRAMES, frames.dream, BOOL, "true", "Make dream.mp4, how the dream grows.", .only = CONFIG_DREAM),
    KEY(FRAMES, frames.png, BOOL, "false", "Keep the frames as PNG, too: cam/0000.png, dream/0000.png.", .only = CONFIG_DREAM),
    REAL(FRAMES, video.rate, "12", 0.1, 240, "Frames a second.", .only = CONFIG_DREAM),
    REAL(FRAMES, video.hold, "1.5", 0, 60, "Seconds that the last frame stays.", .only = CONFIG_DREAM),
    INT(FRAMES, video.max_side, "1920", 64, 8192, "Longest side of a video, in pixels; larger pictures are shown smaller.", .only = CONFIG_DREAM),
    INT(FRAMES, video.quality, "20", 1, 51, "Quality of H.264, its CRF: at 18 one sees no loss, 51 is the smallest.", .only = CONFIG_DREAM),
    KEY(FRAMES, video.encoder, TEXT, "auto",
        "H.264 encoder. auto: the best that the FFmpeg library offers.", .takes = "an encoder of FFmpeg", .only = CONFIG_DREAM, .neutral = true),
    KEY(FRAMES, video.colormap, WORD, "turbo", "Colours of class activation maps.",
        .words = WORDS({"turbo", COLORMAP_TURBO}, {"viridis", COLORMAP_VIRIDIS}, {"jet", COLORMAP_JET})),
    REAL(FRAMES, video.steadiness, "0.7", 0, 0.99,
        "How much of the map shown before stays in the next frame of cam.mp4, so that jitter does not make it flicker. 0: nothing.", .only = CONFIG_DREAM),
    REAL(FRAMES, video.opacity, "0.7", 0, 1, "How much of the picture a class activation map covers at most."),

    INT(MOTION, motion.steps, "1", 1, 100000, "Updates of each octave of a video's frame that goes on from the one before; others have `steps`.", .only = CONFIG_DREAM),
    REAL(MOTION, motion.keep, "1", 0, 1, "How much of what was dreamed before stays in the next frame, moved with what it is on.", .only = CONFIG_DREAM),
    REAL(MOTION, motion.haste, "4", 1, 100, "How much stronger the dream is where something has just come into sight.", .only = CONFIG_DREAM),
    INT(MOTION, motion.segment, "240", 1, 1000000, "Frames of a video that are dreamed in a row, about; segments are dreamed side by side.", .only = CONFIG_DREAM),
    INT(MOTION, motion.lead, "56", 0, 100000, "Frames before its own that a segment begins with, so that its dream is ripe.", .only = CONFIG_DREAM),
    INT(MOTION, motion.fade, "48", 0, 100000, "Last frames of these, in which the segment before goes over into it.", .only = CONFIG_DREAM),

    INT(MOTION, zoom.frames, "0", 0, 1000000, "Frames of a zoom into each picture's dream, zoom.mp4; 0: none is made.", .only = CONFIG_DREAM),
    REAL(MOTION, zoom.scale, "1.02", 0.5, 2, "How much larger the next frame is.", .only = CONFIG_DREAM),
    REAL(MOTION, zoom.rotate, "0", -180, 180, "Degrees that the next frame is turned by, counterclockwise.", .only = CONFIG_DREAM),
    KEY(MOTION, zoom.centre, TEXT, "0.5/0.5", "What it goes into: parts of the width and the height.", .takes = "X/Y", .only = CONFIG_DREAM),
    INT(MOTION, zoom.steps, "4", 1, 100000, "Updates of each octave of its frames behind the first.", .only = CONFIG_DREAM),

    INT(TILES, tile.size, "auto", 75, 65536,
        "Longest side of what the network sees at once, in pixels; larger octaves are cut into tiles. auto: 2048 or what memory allows.",
        .words = WORDS({"auto", 0})),
    INT(TILES, tile.halo, "auto", 0, 4096,
        "Pixels around a tile that the network reads so that the tile's gradient is right. exact: all that its targets see.",
        .words = WORDS({"auto", TILE_HALO_AUTO}, {"exact", TILE_HALO_EXACT})),
    INT(TILES, tile.blend, "32", 0, 1024, "How far neighbouring tiles' gradients cross-fade, in pixels to both sides of their border."),
    INT(TILES, team.size, "auto", 1, 1000000,
        "Ranks that share one picture. auto: so many that the whole set is done soonest. The dreams are the same for any number.",
        .words = WORDS({"auto", 0}), .neutral = true),

    KEY(MACHINE, io, WORD, "auto",
        "Who reads pictures and writes dreams: rank 0, or each worker its own. auto: the workers where they are many and pictures more.",
        .words = WORDS({"auto", IO_AUTO}, {"coordinator", IO_COORDINATOR}, {"workers", IO_WORKERS}), .neutral = true),
    INT(MACHINE, threads, "auto", 1, 8192,
        "Threads of each worker rank. auto: one for each core that the launcher binds it to.", .words = WORDS({"auto", 0}), .neutral = true),
    KEY(MACHINE, precision, WORD, "auto",
        "Of activations and gradients; sums and the picture are float32 always. auto: bf16 where the processor multiplies it natively.",
        .words = WORDS({"auto", PRECISION_AUTO}, {"f32", PRECISION_F32}, {"bf16", PRECISION_BF16}), .neutral = true),
    KEY(MACHINE, plan, TEXT, "auto",
        "How convolutions run. auto: the fastest here, timed once and kept; off: all direct; onednn: all by oneDNN; or an earlier plan.",
        .takes = "auto, off, onednn or a file", .neutral = true),
    REAL(MACHINE, checkpoint.seconds, "300", 0, 1e6,
        "How often the state of a dream is saved, so that a run that was killed can go on. 0: only when the run is stopped.",
        .neutral = true, .only = CONFIG_DREAM),
    REAL(MACHINE, watchdog.seconds, "60", 0, 1e6,
        "A rank whose process or machine gives no sign of life for so long ends the job, by name. 0: wait for ever.", .neutral = true),
    KEY(MACHINE, memory.limit, BYTES, "auto",
        "Memory that a rank may use for one picture, such as 1500M or 2GiB. auto: its share of the node.",
        .least = UINT64_C(64) << 20, .most = UINT64_C(1) << 50, .words = WORDS({"auto", 0}), .neutral = true),
    KEY(MACHINE, model.path, TEXT, "auto",
        "File with the trained weights (Keras HDF5). auto: the one that `oneiros model fetch` keeps in the user's cache.",
        .takes = "a path", .neutral = true),

    KEY(PICTURES, output.format, WORD, "auto",
        "Format of the dreams. auto: TIFF where the input is TIFF, otherwise PNG. jpeg has 8 bits and no alpha.",
        .words = WORDS({"auto", OUTPUT_AUTO}, {"png", OUTPUT_PNG}, {"tiff", OUTPUT_TIFF}, {"jpeg", OUTPUT_JPEG}), .only = CONFIG_DREAM),
    INT(PICTURES, output.quality, "95", 1, 100, "Quality of dreams in JPEG: 100 is the best and the largest.", .only = CONFIG_DREAM),
    KEY(PICTURES, output.folders, WORD, "auto",
        "Folders of pictures: in a tree as that of the input, flat, or grouped in 256. auto: grouped from 10,000 pictures at the start on.",
        .words = WORDS({"auto", FOLDERS_AUTO}, {"tree", FOLDERS_TREE}, {"flat", FOLDERS_FLAT}, {"grouped", FOLDERS_GROUPED}),
        .neutral = true),
    KEY(PICTURES, input.bands, TEXT, "auto",
        "Bands of a TIFF, FITS or JPEG 2000 that are red, green and blue. auto: those that it says, or the first three.",
        .takes = "auto, or three numbers from 1 with commas"),
    KEY(PICTURES, input.range, TEXT, "auto",
        "Values of a raster that are black and white; p: percentiles. auto: its type's, or p2,p98 where that says little.",
        .takes = "auto, type, LO,HI or pLO,pHI"),
    KEY(PICTURES, input.damaged, WORD, "refuse",
        "What becomes of a picture that is damaged. accept: what is missing is grey, or as its decoder guesses.",
        .words = WORDS({"refuse", DAMAGED_REFUSE}, {"accept", DAMAGED_ACCEPT})),
    KEY(PICTURES, input.equal, WORD, "once", "Inputs of equal bytes are dreamed once, and the others get links to it; or each by itself.",
        .words = WORDS({"once", EQUAL_ONCE}, {"each", EQUAL_EACH}), .neutral = true),
    INT(PICTURES, input.resize, "none", 75, 65535,
        "Shorter side, in pixels, that inputs are brought to before anything else. none: they stay as they are.",
        .words = WORDS({"none", 0})),
    INT(PICTURES, input.max_side, "65535", 1, 1000000,
        "Pixels along one side; larger pictures are refused before they are decoded.", .neutral = true),
    KEY(PICTURES, input.max_pixels, COUNT, "400M", "Width times height; larger pictures are refused before they are decoded.",
        .least = 1, .most = UINT64_C(1000000000000), .neutral = true),
    KEY(PICTURES, input.max_bytes, BYTES, "4GiB",
        "Size of a file or a download; larger ones are refused.", .least = 1, .most = UINT64_C(1) << 40, .neutral = true),
    INT(PICTURES, fetch.parallel, "8", 1, 256,
        "Downloads at once. One whose server is silent for two seconds does not count, until there are four times as many in all.",
        .neutral = true),
    REAL(PICTURES, fetch.connect_seconds, "10", 0.1, 3600, "Time to find a server and connect to it.", .neutral = true),
    REAL(PICTURES, fetch.stall_seconds, "30", 1, 3600,
        "A download that stays below 1000 bytes a second for so long is given up, or tried again.", .neutral = true),
    REAL(PICTURES, fetch.total_seconds, "3600", 1, 1e6, "Time that one attempt at a download may take in all.", .neutral = true),
    INT(PICTURES, fetch.attempts, "4", 1, 100,
        "How often a download is tried when the server is busy, breaks off or stalls, with growing pauses in between.", .neutral = true),
    KEY(PICTURES, fetch.user_agent, TEXT, "auto",
        "What servers are told that asks them. auto: oneiros and its version.", .takes = "auto or a text", .neutral = true),
    KEY(PICTURES, fetch.header, TEXT, "none",
        "A header of requests for inputs, such as a token. From -c FILE or ONEIROS_FETCH_HEADER alone; it is never shown or recorded.",
        .takes = "Name: value", .secret = true, .neutral = true),
    KEY(PICTURES, fetch.header_host, TEXT, "any",
        "Host, or host:port, that alone gets fetch.header. any: all that inputs name; never one that they are redirected to.",
        .takes = "any, a host or host:port", .neutral = true),
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

const char *config_use_name(enum config_use use)
{
    return use == CONFIG_EXPLAIN ? "explain" : use == CONFIG_ATLAS ? "atlas" : "dream";
}

enum config_use config_use_named(const char *name)
{
    return strcmp(name, "explain") == 0 ? CONFIG_EXPLAIN : strcmp(name, "atlas") == 0 ? CONFIG_ATLAS : CONFIG_DREAM;
}

bool config_key_matters(const struct config_key *key, enum config_use use)
{
    return !key->only || (key->only & use);
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

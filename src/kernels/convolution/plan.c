// SPDX-License-Identifier: MIT
#include "kernels/convolution/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/system/processor.h"
#include "kernels/simd/simd.h"

static const char title[] = "oneiros plan ";
const int plan_sides[PLAN_SIZES] = {128, 256, 512};

int plan_size(int width, int height)
{
    const double area = (double)width * height;
    int size = 0;
    // the nearest by the ratio of areas: the border between two is their geometric mean
    while (size + 1 < PLAN_SIZES && area > (double)plan_sides[size] * plan_sides[size + 1])
        size++;
    return size;
}

const struct plan_entry *plan_find(const struct plan *plan, const struct conv_spec *spec, int size)
{
    const struct plan_entry *entry = &plan->entries[size][spec->backward][spec->parts[0]];
    bool same = entry->known && entry->part_count == spec->part_count;
    for (int p = 0; same && p < spec->part_count; p++)
        same = entry->parts[p] == spec->parts[p];
    return same ? entry : NULL;
}

void plan_set(struct plan *plan, const struct conv_spec *spec, int size, enum conv_method method, double seconds)
{
    struct plan_entry *entry = &plan->entries[size][spec->backward][spec->parts[0]];
    *entry =
        (struct plan_entry){.known = true, .method = (uint8_t)method, .part_count = (uint8_t)spec->part_count, .seconds = (float)seconds};
    for (int p = 0; p < spec->part_count; p++)
        entry->parts[p] = (uint8_t)spec->parts[p];
}

enum conv_method plan_method(const struct plan *plan, const struct conv_spec *spec, int width, int height)
{
    const struct plan_entry *entry = plan_find(plan, spec, plan_size(width, height));
    return entry ? (enum conv_method)entry->method : CONV_DIRECT;
}

void plan_origin_here(struct plan_origin *origin, int threads)
{
    *origin = (struct plan_origin){.threads = threads};
    processor_name("/proc/cpuinfo", origin->cpu);
    snprintf(origin->simd, sizeof origin->simd, "%s", simd_here()->name);
    snprintf(origin->onednn, sizeof origin->onednn, "%s", onednn_version());
}

enum status plan_to_text(const struct plan *plan, const struct network *network, const struct plan_origin *origin, char **text)
{
    size_t size;
    FILE *stream = open_memstream(text, &size);
    if (!stream)
        return fail(STATUS_LIMIT, "no memory for the text of a plan");
    fprintf(stream, "%s%d\ncpu: %s\nsimd: %s\nonednn: %s\nprecision: %s\nthreads: %d\n", title, PLAN_VERSION, origin->cpu, origin->simd,
            origin->onednn, plan->bf16 ? "bf16" : "f32", origin->threads);
    for (int s = 0; s < PLAN_SIZES; s++)
        for (int backward = 0; backward < 2; backward++)
            for (int conv = 0; conv < network->conv_count; conv++) {
                const struct plan_entry *entry = &plan->entries[s][backward][conv];
                if (!entry->known)
                    continue;
                fprintf(stream, "%d %s ", plan_sides[s], backward ? "backward" : "forward");
                for (int p = 0; p < entry->part_count; p++)
                    fprintf(stream, "%s%s", p ? "+" : "", network_conv(network, entry->parts[p])->name);
                fprintf(stream, " %s", conv_method_name((enum conv_method)entry->method));
                fprintf(stream, entry->seconds > 0 ? " %.4f ms\n" : "\n", entry->seconds * 1e3);
            }
    if (fclose(stream) != 0) {
        free(*text);
        *text = NULL;
        return fail(STATUS_LIMIT, "no memory for the text of a plan");
    }
    return STATUS_OK;
}

// "conv2d_13+conv2d_14": convolutions with the same source.
static bool parse_parts(struct conv_spec *spec, const struct network *network, char *names)
{
    char *rest = names;
    for (char *name = strtok_r(rest, "+", &rest); name; name = strtok_r(rest, "+", &rest)) {
        const int row = network_find(network, name);
        if (row < 0 || network->layers[row].conv < 0 || spec->part_count == CONV_PARTS_MAX)
            return false;
        spec->parts[spec->part_count++] = network->layers[row].conv;
    }
    return spec->part_count > 0;
}

static bool parse_entry(struct plan *plan, const struct network *network, const char *line)
{
    struct conv_spec spec = {0};
    enum conv_method method;
    char direction[16], names[160], method_name[32];
    double milliseconds = 0;
    int side, size = 0;
    if (sscanf(line, "%d %15s %159s %31s %lf", &side, direction, names, method_name, &milliseconds) < 4)
        return false;
    while (size < PLAN_SIZES && plan_sides[size] != side)
        size++;
    spec.backward = strcmp(direction, "backward") == 0;
    if (size == PLAN_SIZES || (!spec.backward && strcmp(direction, "forward") != 0) || !parse_parts(&spec, network, names) ||
        !conv_method_find(method_name, &method) || !(milliseconds >= 0 && milliseconds < 1e9))
        return false;
    plan_set(plan, &spec, size, method, milliseconds / 1e3);
    return true;
}

static bool parse_line(struct plan *plan, const struct network *network, struct plan_origin *origin, const char *line)
{
    char precision[8];
    if (line[0] == '#' || line[0] == '\0')
        return true;
    if (sscanf(line, "precision: %7s", precision) == 1) {
        plan->bf16 = strcmp(precision, "bf16") == 0;
        return plan->bf16 || strcmp(precision, "f32") == 0;
    }
    return sscanf(line, "cpu: %63[^\n]", origin->cpu) == 1 || sscanf(line, "simd: %31s", origin->simd) == 1 ||
           sscanf(line, "onednn: %31s", origin->onednn) == 1 || sscanf(line, "threads: %d", &origin->threads) == 1 ||
           parse_entry(plan, network, line);
}

static enum status check_title(const char *line, const char *name)
{
    int version;
    if (strncmp(line, title, strlen(title)) != 0 || sscanf(line + strlen(title), "%d", &version) != 1)
        return fail(STATUS_FORMAT, "%s is no plan: its first line is not \"%s%d\"", name, title, PLAN_VERSION);
    if (version != PLAN_VERSION)
        return fail(STATUS_FORMAT, "%s is a plan of another Oneiros, of version %d; this one makes and reads version %d", name, version,
                    PLAN_VERSION);
    return STATUS_OK;
}

enum status plan_from_text(struct plan *plan, const struct network *network, struct plan_origin *origin, const char *text, const char *name)
{
    char line[512];
    int number = 0;
    memset(plan, 0, sizeof *plan);
    memset(origin, 0, sizeof *origin);
    while (*text) {
        const size_t length = strcspn(text, "\n");
        number++;
        if (length >= sizeof line)
            return fail(STATUS_FORMAT, "%s, line %d: too long for a plan", name, number);
        memcpy(line, text, length);
        line[length] = '\0';
        text += length + (text[length] == '\n');
        if (number == 1)
            TRY(check_title(line, name));
        if (number > 1 && !parse_line(plan, network, origin, line))
            return fail(STATUS_FORMAT, "%s, line %d: '%.80s' is not a line of a plan", name, number, line);
    }
    return number > 0 ? STATUS_OK : fail(STATUS_FORMAT, "%s is empty", name);
}

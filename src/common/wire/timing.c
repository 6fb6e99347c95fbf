// SPDX-License-Identifier: MIT
#include "common/wire/timing.h"

#include "common/system/clock.h"

const char *phase_name(enum phase phase)
{
#define PHASE_NAME(phase, name) name,
    static const char *const names[PHASE_COUNT] = {PHASES(PHASE_NAME)};
    return names[phase];
}

double timing_add(struct timing *timing, enum phase phase, double start, int64_t bytes)
{
    const double end = now();
    timing->phases[phase].seconds += end - start;
    timing->phases[phase].count++;
    timing->phases[phase].bytes += bytes;
    return end;
}

void timing_merge(struct timing *to, const struct timing *from)
{
    for (int phase = 0; phase < PHASE_COUNT; phase++) {
        to->phases[phase].seconds += from->phases[phase].seconds;
        to->phases[phase].count += from->phases[phase].count;
        to->phases[phase].bytes += from->phases[phase].bytes;
    }
}

void timing_part_add(struct timing_part *part, const struct timing *timing)
{
    for (int phase = 0; phase < PHASE_COUNT; phase++) {
        const double seconds = timing->phases[phase].seconds;
        if (part->ranks == 0 || seconds < part->min[phase])
            part->min[phase] = seconds;
        if (part->ranks == 0 || seconds > part->max[phase])
            part->max[phase] = seconds;
        part->sum[phase] += seconds;
    }
    part->ranks++;
}

double timing_part_imbalance(const struct timing_part *part, enum phase phase)
{
    return part->sum[phase] > 0 ? part->max[phase] * part->ranks / part->sum[phase] - 1 : 0;
}

bool timing_phase_is_beside(enum phase phase)
{
    return phase == PHASE_FETCH || phase == PHASE_DECODE || phase == PHASE_ENCODE;
}

// `seconds`: of all ranks together.
static double share(const struct timing_part *part, double seconds, double elapsed)
{
    return elapsed > 0 ? 100 * seconds / (part->ranks * elapsed) : 0;
}

static void print_row(const struct timing_part *part, enum phase phase, double elapsed, FILE *stream)
{
    const double sum = part->sum[phase];
    fprintf(stream, "  %-16s", phase_name(phase));
    if (part->ranks > 1)
        fprintf(stream, "%10.3f%10.3f%10.3f%11.0f%%", part->min[phase], sum / part->ranks, part->max[phase],
                100 * timing_part_imbalance(part, phase));
    else
        fprintf(stream, "%10.3f", sum);
    fprintf(stream, "%7.1f%%%s\n", share(part, sum, elapsed), timing_phase_is_beside(phase) ? " *" : "");
}

void timing_part_print(const struct timing_part *part, const char *title, double elapsed, FILE *stream)
{
    double rest = part->ranks * elapsed;
    bool beside = false;
    if (part->ranks == 0)
        return;
    if (part->ranks > 1)
        fprintf(stream, "%-18s%10s%10s%10s%12s%8s\n", title, "min s", "avg s", "max s", "imbalance", "share");
    else
        fprintf(stream, "%-18s%10s%8s\n", title, "s", "share");
    for (enum phase phase = 0; phase < PHASE_COUNT; phase++) {
        if (part->sum[phase] <= 0)
            continue;
        if (timing_phase_is_beside(phase))
            beside = true;
        else
            rest -= part->sum[phase];
        print_row(part, phase, elapsed, stream);
    }
    if (rest > 0)
        fprintf(stream, "  %-16s%*.3f%*.1f%%\n", "other", part->ranks > 1 ? 20 : 10, rest / part->ranks, part->ranks > 1 ? 29 : 7,
                share(part, rest, elapsed));
    if (beside)
        fprintf(stream, "  * in threads beside the rest\n");
}

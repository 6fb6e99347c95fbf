// SPDX-License-Identifier: MIT
// Class activation maps: where in an octave a target's activation A, with the gradient G = d loss / d A, speaks for the loss.
//
//     Grad-CAM     ReLU(sum over channels of w_c A_c), w_c = mean of G_c over positions; Selvaraju et al. 2017, arXiv:1610.02391
//     Grad-CAM++   the same with w_c = sum of a ReLU(G_c), a = G^2 / (2 G^2 + G^3 * sum of A_c); Chattopadhay et al. 2018, arXiv:1710.11063
//     LayerCAM     ReLU(sum over channels of ReLU(G_c) A_c); Jiang et al. 2021, doi:10.1109/TIP.2021.3089943
//     HiResCAM     ReLU(sum over channels of G_c A_c); Draelos and Carin 2020, arXiv:2011.08891
//     CAM proper   Grad-CAM with the classifier's weights of a class for w_c; Zhou et al. 2016, arXiv:1512.04150
//
#pragma once

#include "common/picture/heat.h"
#include "worker/network/features.h"

// Collective. The map of the whole octave, on every member, scaled to [0, 1]; *scale is its largest value before (0: the map is all 0). The
// features hold the target's gradient, but for CAM_CLASS, which takes the objective's weights. The octave was rolled by (dy, dx).
enum status cam_make(const struct features *features, int target, enum config_cam method, int dy, int dx, struct heat *heat,
                     double *scale) MUST_CHECK;

// config->cam.layer as a number of a target; where no target of any weight is there or behind it, so that it has no gradient, the deepest
// that has a weight.
int cam_target(const struct objective *objective);

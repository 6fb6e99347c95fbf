// SPDX-License-Identifier: MIT
// InceptionV3's tensors by the names that torchvision and timm give them, in Keras's layout.
//
// The network is the same but for three things. Batch normalisation has a gamma (weight), which goes into the kernel and the mean. Average
// pools count their padding: keras_model.count_padding. And a state dict does not say what its network was shown: those of torchvision
// (transform_input undoes the normalisation there) and of timm (mean and deviation 0.5) saw pictures of -1..1, as Keras's; of others
// keras_model_normalise() makes such. AuxLogits, of use in training only, is left out; `fc` is the classifier.
//
// Source: torchvision/models/inception.py; timm/models/inception_v3.py.
#pragma once

#include "weights/formats/stored_tensors.h"
#include "weights/keras_layout.h"

// Needs a zeroed model; to be freed also after a failure. A file of another network is refused by the tensor that does not fit. Of 1001
// classes the first, which slim calls background, is left out.
enum status torch_layout_model(const struct stored_tensors *tensors, const struct network *network, struct keras_model *model) MUST_CHECK;

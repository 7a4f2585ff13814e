// Codes refined for the images they are of: the network stays as it is, and the code moves to where
// it costs less and gives more back (Yang, Bamler and Mandt 2020, "Improving Inference for Neural
// Image Compression", section 3.2: stochastic Gumbel annealing).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "imgcomp/model.h"
#include "imgcomp/trainer.h"

namespace imgcomp {

// images: uint8 (N, C, H, W). steps: float32 (N, …), what the encoder makes of them times the gain,
// so that the code is made of whole numbers. level: of all images, 0 … levels − 1. Returns steps of
// that shape, nearly whole numbers. Each image's are moved by themselves, with the same draws; but
// rounding differs with how many go through the network together. UsageError where the network has
// no entropy_model and levels, or something does not fit.
// objective, judge: see make_objective. rounds: updates of the code.
at::Tensor refine_steps(const Model& model, const at::Tensor& images, const at::Tensor& steps,
                        double level, const std::string& objective,
                        std::shared_ptr<const Model> judge, int64_t rounds,
                        const AfterBatch& after_batch);

// What an objective says of images that came back, bits apart: of each one, float32 (N).
// images, outputs: uint8 (N, C, H, W). The others as above.
at::Tensor distortions(const Model& model, const at::Tensor& images, const at::Tensor& outputs,
                       double level, const std::string& objective,
                       std::shared_ptr<const Model> judge, const AfterBatch& after_batch);

}  // namespace imgcomp

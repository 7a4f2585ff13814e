// The objective of classifiers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "imgcomp/objective.h"

namespace imgcomp {

// "cross_entropy"; see make_objective.
std::unique_ptr<Objective> make_cross_entropy(const std::vector<std::string>& metrics);

}  // namespace imgcomp

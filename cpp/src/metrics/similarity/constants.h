// Constants of Wang et al. (2004).
#pragma once

namespace imgcomp::similarity {

inline constexpr double kSigma = 1.5;
inline constexpr double kK1 = 0.01;
inline constexpr double kK2 = 0.03;

constexpr double squared(double value) {
  return value * value;
}

}  // namespace imgcomp::similarity

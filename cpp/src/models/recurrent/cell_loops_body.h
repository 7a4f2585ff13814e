// The loops of cell_loops.h for one instruction set; included by one file for each. No standard
// headers with code in them: the linker could pick this file's copy of a function for processors
// that lack the instructions.
#pragma once

#include "models/recurrent/cell_loops.h"

namespace imgcomp::recurrent {
namespace {

// In this file's own namespace, so that every instruction set has loops of its own.
struct Run {
  template <class Step>
  static void loop(int64_t begin, int64_t end, int64_t channels, const Step& step) {
    const Step own = step;
    for (int64_t pixel = begin; pixel < end; ++pixel) {
      // No step reads what another one writes.
#pragma GCC ivdep
      for (int64_t c = 0; c < channels; ++c) {
        own(channels, pixel, c);
      }
    }
  }
};

constexpr CellLoops kCellLoops = CellLoops::by<Run>();

}  // namespace
}  // namespace imgcomp::recurrent

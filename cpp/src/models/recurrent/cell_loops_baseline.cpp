#include "models/recurrent/cell_loops_body.h"

namespace imgcomp::recurrent {

const CellLoops& baseline_cell_loops() {
  return kCellLoops;
}

}  // namespace imgcomp::recurrent

#include "models/recurrent/cell_loops_body.h"

namespace imgcomp::recurrent {

const CellLoops& avx2_cell_loops() {
  return kCellLoops;
}

}  // namespace imgcomp::recurrent

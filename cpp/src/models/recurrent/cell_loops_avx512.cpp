#include "models/recurrent/cell_loops_body.h"

namespace imgcomp::recurrent {

const CellLoops& avx512_cell_loops() {
  return kCellLoops;
}

}  // namespace imgcomp::recurrent

#include "imgcomp/gradients.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mm.h>

#include <utility>

namespace imgcomp {

at::Tensor Gradient::dense() const {
  at::Tensor sum = value;
  for (const Product& product : products) {
    const at::Tensor matrix = at::mm(product.left.t(), product.right);
    sum = sum.defined() ? sum + matrix : matrix;
  }
  return sum;
}

void accumulate(std::vector<Gradient>& sums, std::vector<Gradient> more) {
  if (sums.empty()) {
    sums = std::move(more);
    return;
  }
  for (size_t i = 0; i < sums.size(); ++i) {
    const at::Tensor& value = more[i].value;
    if (value.defined()) {
      // Not in place: autograd may use a gradient's memory elsewhere.
      sums[i].value = sums[i].value.defined() ? sums[i].value + value : value;
    }
    for (Product& product : more[i].products) {
      sums[i].products.push_back(std::move(product));
    }
  }
}

void FactoredGradients::add(const at::Tensor& weight, Product product) {
  products_[weight.unsafeGetTensorImpl()].push_back(std::move(product));
}

std::vector<Product> FactoredGradients::take(const at::Tensor& weight) {
  const auto found = products_.find(weight.unsafeGetTensorImpl());
  return found == products_.end() ? std::vector<Product>{} : std::exchange(found->second, {});
}

}  // namespace imgcomp

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

void FactoredGradients::add(const at::Tensor& weight, Product product) {
  products_[weight.unsafeGetTensorImpl()].push_back(std::move(product));
}

std::vector<Product> FactoredGradients::take(const at::Tensor& weight) {
  const auto found = products_.find(weight.unsafeGetTensorImpl());
  return found == products_.end() ? std::vector<Product>{} : std::exchange(found->second, {});
}

}  // namespace imgcomp

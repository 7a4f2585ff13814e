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

void OwnGradients::add(const at::Tensor& weight, Product product) {
  own_[weight.unsafeGetTensorImpl()].products.push_back(std::move(product));
}

void OwnGradients::add(const at::Tensor& weight, c10::intrusive_ptr<GradientSum> sum) {
  own_[weight.unsafeGetTensorImpl()].sum = std::move(sum);
}

Gradient OwnGradients::take(const at::Tensor& weight, at::Tensor value) {
  const auto found = own_.find(weight.unsafeGetTensorImpl());
  if (found == own_.end()) {
    return {std::move(value), {}};
  }
  Own own = std::exchange(found->second, {});
  if (own.sum) {
    const at::Tensor sum = own.sum->value();
    value = value.defined() && sum.defined() ? value + sum : value.defined() ? value : sum;
  }
  return {std::move(value), std::move(own.products)};
}

}  // namespace imgcomp

// Gradients of dense weights, kept as the two factors whose product they are. Plain SGD can then
// subtract the product from the weight in one pass over it, without a gradient in memory.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <unordered_map>
#include <vector>

namespace imgcomp {

// The matrix leftᵀ · right. left: (batch, rows), right: (batch, columns).
struct Product {
  at::Tensor left, right;
};

// The gradient of one parameter: the sum of a tensor, where defined, and of products.
struct Gradient {
  at::Tensor value;
  std::vector<Product> products;

  bool defined() const { return value.defined() || !products.empty(); }

  // The whole as one tensor.
  at::Tensor dense() const;
};

// Adds gradients of the same parameters, in the same order; `sums` may be empty before the first.
void accumulate(std::vector<Gradient>& sums, std::vector<Gradient> more);

// Where the layers of one backward pass leave their factors. Shared with the autograd graph.
class FactoredGradients : public torch::CustomClassHolder {
 public:
  void add(const at::Tensor& weight, Product product);

  // The products of a weight; they are forgotten here.
  std::vector<Product> take(const at::Tensor& weight);

 private:
  std::unordered_map<const c10::TensorImpl*, std::vector<Product>> products_;
};

}  // namespace imgcomp

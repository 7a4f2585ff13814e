// Gradients in forms of their own. Those of dense weights are kept as the two factors whose product
// they are: plain SGD can then subtract the product from the weight in one pass over it, without a
// gradient in memory. Those of weights that serve in every iteration of a pass may be summed up
// before they are made tensors.
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

// What a layer sums up in a form of its own during a backward pass.
class GradientSum : public torch::CustomClassHolder {
 public:
  // The whole as one tensor; undefined where nothing was added.
  virtual at::Tensor value() const = 0;
};

// Where the layers of one backward pass leave what autograd is not told of. Shared with its graph.
class OwnGradients : public torch::CustomClassHolder {
 public:
  void add(const at::Tensor& weight, Product product);

  // To be asked for its value when the pass is over. One for each weight.
  void add(const at::Tensor& weight, c10::intrusive_ptr<GradientSum> sum);

  // Everything of a weight, and `value` besides; it is forgotten here.
  Gradient take(const at::Tensor& weight, at::Tensor value = {});

 private:
  struct Own {
    std::vector<Product> products;
    c10::intrusive_ptr<GradientSum> sum;
  };
  std::unordered_map<const c10::TensorImpl*, Own> own_;
};

}  // namespace imgcomp

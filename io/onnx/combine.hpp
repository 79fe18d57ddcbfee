// What the importer makes of operations on two tensors, and on a tensor and a constant: a node of the engine acts on
// the nodes below the views, which have to agree on what each digit of an axis is.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "engine/graph/graph.hpp"
#include "io/onnx/importer.hpp"

namespace riffle::onnx {

/// Makes channel digits count on from one another, in the axes' order.
void renumber(View& view);

/// The view with its channels in the order in which its axes name them, in a node of their own where they are in
/// another one. All of them are read, each once.
View in_axis_order(Importer& importer, View view);

/// a op b, broadcast in numpy's way. Throws Error where what they have on an axis is not the same.
View combined(Importer& importer, const std::string& name, graph::BinaryKind kind, View a, View b);

/// The same with numbers of the model as the second operand, or as the first one where `constant_first`. What is one
/// value a channel is a batch norm, which the engine folds into a layer beside it; one that would be a bound is one.
View combined(Importer& importer, const std::string& name, graph::BinaryKind kind, View view, const Floats& constant,
              bool constant_first = false);
/// With one number.
View combined(Importer& importer, const std::string& name, graph::BinaryKind kind, View view, float constant);

/// A tensor, or numbers of the model.
using Operand = std::variant<View, Floats>;
Operand operand(Call& call, std::size_t i);
Operand combined(Importer& importer, const std::string& name, graph::BinaryKind kind, const Operand& a,
                 const Operand& b);

/// The constant as one value a channel of a view whose channels are settled, if it is that, or one value for all.
std::optional<std::vector<float>> values_by_channel(Importer& importer, const View& view, const Floats& constant);

/// Function of each number, without slopes.
View activated(Importer& importer, const std::string& name, const graph::Activation& activation, View view);
Floats activated(Importer& importer, const Floats& constant, const graph::Activation& activation);
Operand activated(Importer& importer, const std::string& name, const graph::Activation& activation,
                  const Operand& operand);

/// Element by element, broadcast in numpy's way.
Floats combined(Importer& importer, const Floats& a, const Floats& b, const std::function<double(double, double)>& f);
Floats combined(Importer& importer, graph::BinaryKind kind, const Floats& a, const Floats& b);

/// So many values where an axis is one long: channels that are names of one or, of (N, C, H, W), rows and columns of
/// the model's own size. 1 leaves an axis as it is.
View expanded(Importer& importer, const std::string& name, View view, std::span<const std::int64_t> extents);

/// One behind the other along an axis: channels, where all of them have nothing else there and the same on every other
/// axis; else rows or columns.
bool differ_in_channels(std::span<const View> parts, std::size_t axis);
View concatenated(Importer& importer, const std::string& name, std::vector<View> parts, std::size_t axis);

/// The channels on the axes that are `reduced`, which hold nothing else, become one.
View reduced_channels(Importer& importer, const std::string& name, graph::ReduceKind kind, View view,
                      const std::vector<bool>& reduced);

/// A softmax over the channels on the axes that are `normalised`, which hold nothing else, for each of the others.
View softmax_of_channels(Importer& importer, const std::string& name, View view, const std::vector<bool>& normalised);

/// Whole rows, columns and channels; the axes that are reduced become one long.
View reduced(Importer& importer, const std::string& name, graph::ReduceKind kind, View view,
             const std::vector<bool>& axes);

/// Numbers of the model that have what the tensor has on every axis but this one: a literal. Of numbers that are the
/// same for all rows and columns, where `as_pixel`, it is of one pixel, whatever the view says.
View literal_beside(Importer& importer, const std::string& name, View like, std::size_t axis, Floats constant,
                    bool as_pixel);

/// Numbers of the model as a tensor (1, C, H, W) of one value a channel, or of as many pixels as it has.
/// A constant as a tensor of its own that every image has, its first dimension of one being the batch's.
View literal(Importer& importer, const std::string& name, const Floats& constant, Batch batch);
graph::NodeId add_literal(Importer& importer, const std::string& name, const graph::Shape& shape,
                          std::vector<float> values);

}  // namespace riffle::onnx

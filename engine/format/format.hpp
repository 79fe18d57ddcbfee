// The .riffle file: a graph and its weights as a FlatBuffer (riffle.fbs), verified before use.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "engine/graph/graph.hpp"

namespace riffle::format {

/// Reads a model from memory. The weights are not copied: the graph's constants point into `bytes`, which `owner`
/// keeps alive (null: the caller keeps them alive as long as any graph made from them). `bytes` must be 16-byte
/// aligned. Throws Error for anything that is not a complete, well-formed, supported model; the graph has passed
/// infer_shapes().
graph::Graph load(std::span<const std::byte> bytes, std::shared_ptr<const void> owner);

/// Maps a file and loads it. The mapping lives as long as the graph's constants.
graph::Graph load_file(const std::string& path);

/// What both do, phase by phase: the bytes are a complete FlatBuffer of this format, then they are a graph's. Both
/// throw Error; read() expects bytes that verify() has passed.
void verify(std::span<const std::byte> bytes);
graph::Graph read(const std::shared_ptr<const memory::MappedFile>& file);

/// As write_file (base/files.hpp). Throws Error naming the path, or what is wrong with the graph.
void save_file(const graph::Graph& graph, const std::string& path);

/// The bytes that save_file writes.
std::vector<std::byte> save(const graph::Graph& graph);

}  // namespace riffle::format

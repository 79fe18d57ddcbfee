// Ranks that decide together: they go on together, or all of them end, with the same words.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "engine/graph/graph.hpp"
#include "trainer/ranks/alone.hpp"
#include "trainer/setting.hpp"

namespace riffle::trainer {

/// Is it so on any rank?
bool any(Ranks& ranks, bool here);

/// The lowest rank on which it is so, or their number.
int first_rank(Ranks& ranks, bool here);

/// The text of rank `root`.
std::string broadcast(Ranks& ranks, std::string text, int root);

/// The words of all ranks, those of rank 0 first. No word holds a zero byte.
std::vector<std::string> gather(Ranks& ranks, const std::vector<std::string>& words);

/// The bytes of all ranks, those of rank 0 first.
std::vector<std::byte> gather(Ranks& ranks, std::span<const std::byte> own);

/// What is wrong with the run: all ranks throw it, with the same words, so that it is enough if one tells them.
class SharedError : public Error {
 public:
  using Error::Error;
};

/// Calls f on every rank; in f ranks do not talk to one another. Where it throws on one of them, all throw a
/// SharedError with the message of the first of them, and the rank in front unless f throws on all. Of one rank
/// whatever f throws passes.
void together(Ranks& ranks, const std::function<void()>& f);

/// Throws SharedError on all ranks, naming the first rank whose settings are not those of rank 0, and the setting.
void expect_same(Ranks& ranks, std::span<const Setting> settings);

}  // namespace riffle::trainer

#include "trainer/ranks/agree.hpp"

#include <algorithm>
#include <new>

namespace riffle::trainer {
namespace {

/// A zero byte behind each.
std::string to_text(std::span<const std::string> words) {
  std::string text;
  for (const std::string& word : words) (text += word) += '\0';
  return text;
}

void add_words(const std::string& text, std::vector<std::string>& words) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\0', begin);
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
}

/// Throws Error where `own` are not the settings of rank 0.
void expect_equal(std::span<const Setting> own, std::span<const Setting> of_rank_0) {
  const auto text = [](std::span<const Setting> settings, std::size_t i) {
    return i < settings.size() ? settings[i].name + " " + settings[i].value : "nothing of the kind";
  };
  for (std::size_t i = 0; i < std::max(own.size(), of_rank_0.size()); ++i) {
    const std::string here = text(own, i), there = text(of_rank_0, i);
    if (here != there) {
      throw Error("it has " + here + ", and rank 0 has " + there +
                  "; all ranks of a run have the same options, the same data and the same version of riffle");
    }
  }
}

}  // namespace

bool any(Ranks& ranks, bool here) {
  double count = here ? 1 : 0;
  ranks.sum({&count, 1});
  return count > 0;
}

int first_rank(Ranks& ranks, bool here) {
  std::vector<double> flags(static_cast<std::size_t>(ranks.size()));
  flags[static_cast<std::size_t>(ranks.rank())] = here ? 1 : 0;
  ranks.sum(flags);
  return static_cast<int>(std::find_if(flags.begin(), flags.end(), [](double flag) { return flag > 0; }) -
                          flags.begin());
}

std::string broadcast(Ranks& ranks, std::string text, int root) {
  std::size_t size = text.size();
  ranks.broadcast(std::as_writable_bytes(std::span(&size, 1)), root);
  text.resize(size);
  ranks.broadcast(std::as_writable_bytes(std::span(text)), root);
  return text;
}

std::vector<std::string> gather(Ranks& ranks, const std::vector<std::string>& words) {
  std::vector<std::string> all;
  for (int rank = 0; rank < ranks.size(); ++rank) add_words(broadcast(ranks, to_text(words), rank), all);
  return all;
}

std::vector<std::byte> gather(Ranks& ranks, std::span<const std::byte> own) {
  std::vector<std::byte> all;
  for (int rank = 0; rank < ranks.size(); ++rank) {
    std::size_t size = own.size();
    ranks.broadcast(std::as_writable_bytes(std::span(&size, 1)), rank);
    all.resize(all.size() + size);
    const std::span<std::byte> its = std::span(all).last(size);
    if (rank == ranks.rank()) std::ranges::copy(own, its.begin());
    ranks.broadcast(its, rank);
  }
  return all;
}

void together(Ranks& ranks, const std::function<void()>& f) {
  if (ranks.size() == 1) {
    f();
    return;
  }
  bool failed = true;
  std::string fault;
  try {
    f();
    failed = false;
  } catch (const std::bad_alloc&) {
    fault = "not enough memory";
  } catch (const std::exception& error) {
    fault = error.what();
  }
  const int first = first_rank(ranks, failed);
  if (first == ranks.size()) return;
  const bool all = !any(ranks, !failed);
  const std::string told = broadcast(ranks, fault, first);
  throw SharedError(all ? told : "rank " + std::to_string(first) + ": " + told);
}

void expect_same(Ranks& ranks, std::span<const Setting> settings) {
  std::vector<std::string> own, words;
  for (const Setting& setting : settings) own.insert(own.end(), {setting.name, setting.value});
  add_words(broadcast(ranks, to_text(own), 0), words);
  std::vector<Setting> of_rank_0;
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) of_rank_0.push_back({words[i], words[i + 1]});
  together(ranks, [&] { expect_equal(settings, of_rank_0); });
}

}  // namespace riffle::trainer

#include "engine/memory/pages.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/error.hpp"
#include "base/files.hpp"

namespace riffle::memory {
namespace {

std::uintptr_t round_down(std::uintptr_t address, std::uintptr_t unit) { return address / unit * unit; }
std::uintptr_t round_up(std::uintptr_t address, std::uintptr_t unit) { return round_down(address + unit - 1, unit); }

std::uintptr_t page_size() { return static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE)); }

std::uintptr_t address_of(const void* at) { return reinterpret_cast<std::uintptr_t>(at); }

void advise(std::uintptr_t begin, std::uintptr_t end, int advice) {
  if (begin < end) (void)::madvise(reinterpret_cast<void*>(begin), end - begin, advice);
}

}  // namespace

void prefer_huge_pages([[maybe_unused]] std::span<std::byte> memory) noexcept {
#ifdef MADV_HUGEPAGE
  const std::uintptr_t begin = address_of(memory.data()), end = begin + memory.size();
  advise(round_up(begin, huge_page), round_down(end, huge_page), MADV_HUGEPAGE);
#endif
}

void make_present([[maybe_unused]] std::span<std::byte> memory) noexcept {
#ifdef MADV_POPULATE_WRITE
  const std::uintptr_t begin = address_of(memory.data()), end = begin + memory.size();
  advise(round_down(begin, page_size()), round_up(end, page_size()), MADV_POPULATE_WRITE);
#endif
}

MappedFile::MappedFile(const std::string& path) {
  const InputFile file(path);
  if (file.bytes() == 0) throw Error({path, ": is empty"});
  const auto size = static_cast<std::size_t>(file.bytes());
  if (static_cast<std::int64_t>(size) != file.bytes()) throw Error({path, ": is larger than this system can map"});
  void* const address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.descriptor().number(), 0);
  if (address == MAP_FAILED) throw Error({path, ": cannot be mapped: ", std::strerror(errno)});
  bytes_ = {static_cast<const std::byte*>(address), size};
}

MappedFile::~MappedFile() { ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size()); }

void MappedFile::evict() const noexcept {
  advise(address_of(bytes_.data()), address_of(bytes_.data()) + bytes_.size(), MADV_DONTNEED);
}

Pieces MappedFile::pieces(std::span<const std::byte> part) const noexcept {
  const auto begin = static_cast<std::size_t>(part.data() - bytes_.data());
  return {begin / huge_page, (begin + std::max(part.size(), std::size_t{1}) - 1) / huge_page};
}

}  // namespace riffle::memory

#include "engine/memory/pages.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "engine/graph/graph.hpp"

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
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw Error("cannot open '" + path + "': " + std::strerror(errno));
  struct stat status {};
  const bool regular = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode);
  const std::size_t size = regular ? static_cast<std::size_t>(status.st_size) : 0;
  void* const address = size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0) : nullptr;
  const int error = errno;
  ::close(file);
  if (!regular) throw Error("'" + path + "' is not a file");
  if (size == 0) throw Error("'" + path + "' is empty");
  if (address == MAP_FAILED) throw Error("cannot map '" + path + "': " + std::strerror(error));
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
